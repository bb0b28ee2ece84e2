"""A large store is read with the help of other processes: the same rows, whatever becomes of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from labtop.model.run import Environment, Status
from labtop.query import reader_pool, reading
from labtop.query.catalog import Catalog, TableQuery
from tests.query.runs import column, living, opened, run, store_of
from tests.query.test_index import HOSTILE
from tests.stores import write_run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Params whose types differ from run to run, names that are odd, NaN, and environments."""
    records = [
        run(
            {
                "n": n,
                "mixed": n if n % 3 else str(n),
                "x": "NaN" if n == 7 else n / 2,
                "deep": {f"k{n % 4}": [n]},
            }
            | (dict.fromkeys(HOSTILE[::4], n) if n == 20 else {}),
            {"m": float("nan") if n == 9 else float(n), f"m{n % 2}": 1.0, "a\nb": 0.5},
            name=f"run {n}",
            minute=n,
            environment=Environment(python="3.11", packages={"torch": f"2.{n % 3}.0"}),
        )
        for n in range(40)
    ]
    return store_of(tmp_path / "s", *records)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small stores are read as large ones are."""
    monkeypatch.setattr(reading, "FIRST_CHUNK", 2)
    monkeypatch.setattr(reading, "CHUNK", 5)
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 4)


def table(catalog: Catalog) -> dict[str, dict[str, object]]:
    """Every run's values by the key of their column; NaN as text, for it is not equal to itself."""
    keys = [each.key for each in catalog.columns()]
    keys += ["spark" + key.removeprefix("metrics") for key in keys if key.startswith("metrics.")]
    keys += ["_twins", "_environment"]
    rows = catalog.cells(catalog.select(TableQuery()).rows, keys)
    return {
        str(row[0]): {key: "NaN" if value != value else value for key, value in zip(keys, row, strict=True)}
        for row in rows
    }


def test_the_rows_are_those_of_one_process(
    store: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Column by column, types that widen from chunk to chunk and hostile names too."""
    alone = opened(store)
    request.getfixturevalue("shared")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    catalog = opened(store)
    assert table(catalog) == table(alone)
    assert catalog.problems == alone.problems == ()
    assert len(catalog.environments()) == len(alone.environments())


@pytest.mark.usefixtures("shared")
def test_what_is_odd_is_read_by_the_catalog_itself(store: Path) -> None:
    """Damaged, live and copied runs among thousands are what they are among few."""
    (store / "digits" / ("d" * 10)).mkdir()
    (store / "digits" / ("d" * 10) / "run.parquet").write_bytes(b"PAR1" + b"x" * 500 + b"PAR1")
    write_run(store, run(name="live", id="e" * 10, status=Status.RUNNING, ended_at=None, life=living()))
    copied = next(each for each in (store / "digits").iterdir() if each.name not in ("d" * 10, "e" * 10))
    shutil.copytree(copied, store / "copies" / copied.name)
    seen: list[tuple[int, int]] = []
    catalog = Catalog(store)
    catalog.refresh(lambda done, total: seen.append((done, total)))
    assert len(column(catalog, "id")) == 41
    assert column(catalog, "status")["live"] == "running"
    reasons = sorted(each.reason.split(":")[0] for each in catalog.problems)
    assert (reasons[0], reasons[1][:12]) == ("damaged", "the same run")
    assert seen[-1] == (43, 43)
    assert seen == sorted(seen)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit",
        "import sys; sys.stdin.readline(); sys.stdin.readline()",
        "import sys; sys.stdin.readline(); sys.stdin.readline(); print('nonsense')",
        "from labtop.query import reader_process as r\nr.RowReader.write = lambda *a: 1 / 0\nr.main()",
    ],
    ids=["at once", "asked", "nonsense", "writing"],
)
def test_processes_that_die_leave_their_runs_to_the_catalog(
    store: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """It takes longer, and nothing is missing."""
    start = reader_pool._START.replace("from labtop.query.reader_process import main\nmain()", code)
    assert start != reader_pool._START
    monkeypatch.setattr(reader_pool, "_START", start)
    catalog = opened(store)
    assert column(catalog, "params.n") == {f"run {n}": n for n in range(40)}
    assert catalog.problems == ()


@pytest.mark.usefixtures("shared")
def test_where_no_process_can_be_started_none_is_needed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without an executable, inside of another program, reads by itself."""
    monkeypatch.setattr(sys, "executable", "")
    assert len(column(opened(store), "id")) == 40
