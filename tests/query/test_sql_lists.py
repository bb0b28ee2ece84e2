"""The views `data` and `artifacts`: from what the catalog remembers, and from records where lists are long."""

from __future__ import annotations

from pathlib import Path

import labtop
from labtop.model.run import Artifact, DataInput
from tests.query.runs import opened, run, store_of

INPUTS = (DataInput(name="d", uri="d.csv", kind="file", digest="1"),)


def some(count: int) -> tuple[Artifact, ...]:
    return tuple(Artifact(name=f"model {n}", path=f"artifacts/{n}", sha256="0" * 64) for n in range(count))


def test_lists_short_and_long_are_whole(tmp_path: Path) -> None:
    """A thousand artifacts of one run and one of another; a run without any has no row."""
    store = store_of(
        tmp_path / "s",
        run(name="long", id="a" * 10, artifacts=some(1000), data=INPUTS),
        run(name="short", id="b" * 10, artifacts=some(1)),
        run(name="none", id="c" * 10, data=INPUTS),
    )
    for _ in range(2):  # read, then remembered
        opened_store = labtop.open(store)
        counted = opened_store.sql("SELECT run_id, count(*) FROM artifacts GROUP BY ALL ORDER BY ALL")
        assert counted.rows() == [("a" * 10, 1000), ("b" * 10, 1)]
        assert opened_store.sql("SELECT run_id FROM data ORDER BY ALL").rows() == [("a" * 10,), ("c" * 10,)]
        opened_store.close()


def test_remembered_lists_need_no_record(tmp_path: Path) -> None:
    """The second time nothing is opened but the cache."""
    store = store_of(tmp_path / "s", run(id="b" * 10, artifacts=some(2), data=INPUTS))
    opened(store).close()
    next(store.glob("*/*/run.parquet")).write_bytes(b"poison")
    again = labtop.open(store)
    assert again.sql("SELECT name FROM artifacts ORDER BY ALL").rows() == [("model 0",), ("model 1",)]
    assert again.sql("SELECT digest FROM data").rows() == [("1",)]
