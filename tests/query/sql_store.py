"""A small store with a neighbour folder that is out of bounds, and the views over it, for tests of SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from labtop.model.run import Artifact, DataInput, Environment, RunRecord, Status
from labtop.query.engine import Engine, quote_name
from labtop.query.sql_fill import ViewSource
from labtop.store.layout import create_store
from tests.query.filter_table import COLUMNS, metric, param, table
from tests.stores import Point, summarise, write_run

ONE, TWO = "a" * 10, "b" * 10
LOSSES: tuple[Point, ...] = tuple(
    ("val/loss", float(step), 1_700_000_000_000_000 + step, 1 / (step + 1)) for step in range(5)
)


def make_store(folder: Path) -> Path:
    """A store of two runs in `folder`/store, beside `folder`/neighbour, which nothing may read."""
    store = folder / "store"
    create_store(store)
    write_run(store, record(ONE, metrics=summarise(LOSSES)), LOSSES)
    write_run(store, record(TWO, status=Status.FAILED))
    neighbour = folder / "neighbour"
    neighbour.mkdir()
    (neighbour / "secret.txt").write_text("hunter2")
    (neighbour / "secret.csv").write_text("password\nhunter2\n")
    write_run(neighbour, record("c" * 10), LOSSES)
    (store / "link").symlink_to(neighbour, target_is_directory=True)
    return store


def record(run_id: str, **facts: object) -> RunRecord:
    """A record with something of everything that a view shows."""
    known: dict[str, object] = {
        "status": Status.FINISHED,
        "started_at": datetime(2026, 6, 1, 12, tzinfo=UTC),
        "ended_at": datetime(2026, 6, 1, 13, tzinfo=UTC),
        "params": {
            "lr": 0.1,
            "model": {"depth": 3},
            "norm": [1, "a"],
            "nan": float("nan"),
            "amp": True,
            "opt": "adam",
        },
        "environment": Environment(python="3.11", packages={"torch": "2.5.0", "numpy": "2.1"}),
        "data": (
            DataInput(name="train", uri="train.csv", kind="file", digest="ab", algorithm="sha256", bytes=10),
        ),
        "artifacts": (Artifact(name="model", path="artifacts/model.pt", bytes=3, step=2.0),),
        **facts,
    }
    return RunRecord(id=run_id, name=f"run {run_id[0]}", project="digits", **known)  # type: ignore[arg-type]  # checked by the dataclass


def source_of(store: Path) -> ViewSource:
    """The views' source with the table of the filter tests for an index, and the store's files for the rest."""
    engine: Engine = table()

    def relation(keys: object) -> str:
        assert isinstance(keys, list)
        return f"(SELECT {', '.join(quote_name(key) for key in keys)} FROM run_index)"

    return ViewSource(
        ledgers=(store,),
        engine=engine,
        columns=COLUMNS,
        relation=relation,
        environments="(SELECT r.id AS run_id, d.environment FROM run_index r JOIN documents d USING (row))",
        run_folders=lambda: [(run_id, store / "digits" / run_id) for run_id in (ONE, TWO)],
        folders_of=lambda run_ids: [store / "digits" / run_id for run_id in run_ids],
    )


__all__ = ["LOSSES", "ONE", "TWO", "make_store", "metric", "param", "record", "source_of"]
