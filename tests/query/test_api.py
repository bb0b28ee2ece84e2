"""labtop as a library: the same answers as the screen, as frames."""

from __future__ import annotations

from pathlib import Path

import pytest

import labtop
from labtop.api import find_store
from labtop.errors import FilterError, NoRunError, NoStoreError, QueryError, UsageError
from labtop.settings import Settings
from labtop.store.layout import create_store
from tests.query.runs import START, run, store_of
from tests.stores import write_run

US = 1_767_225_600_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = store_of(
        tmp_path / "runs",
        run({"lr": 0.1, "LR": 1}, {"val/acc": 0.5}, name="a", minute=0, id="a" * 10),
        run({"lr": 0.2}, {"val/acc": 0.9}, name="b", minute=1, id="b" * 10),
    )
    write_run(
        store,
        run({"lr": 0.3}, {}, name="c", minute=2, id="c" * 10),
        [("loss", 1.0, US, 2.0), ("acc", 1.0, US, 3.0)],
    )
    return store


def test_runs_come_as_a_frame(path: Path) -> None:
    """Filtered, sorted, with the columns that were asked for, typed."""
    with labtop.open(path) as store:
        frame = store.runs(
            "lr > 0.1", sort=["-val/acc", "name"], columns=["name", "lr", "metrics.val/acc.max", "started_at"]
        )
        assert frame.columns == ["name", "lr", "metrics.val/acc.max", "started_at"]
        assert frame.rows()[0][:3] == ("b", 0.2, 0.9)
        assert frame["started_at"][1] == START.replace(minute=2)
        assert store.runs().shape == (3, len(store.catalog.columns()))
        assert store.runs("name = nobody").shape[0] == 0


def test_a_wrong_question_is_said(path: Path) -> None:
    """Columns, filters, runs and SQL that are wrong raise what the command line says."""
    with labtop.open(path) as store:
        with pytest.raises(UsageError, match=r"no column 'val/ac' — nearest: val/acc"):
            store.runs(columns=["val/ac"])
        with pytest.raises(FilterError):
            store.runs("lr <")
        with pytest.raises(NoRunError):
            store.record("nobody")
        with pytest.raises(QueryError):
            store.sql("DROP TABLE runs")


def test_points_records_and_sql(path: Path) -> None:
    """Each in the form a script wants."""
    with labtop.open(path) as store:
        assert store.metrics(["@last"], name="l*").select("name", "step", "value").rows() == [
            ("loss", 1.0, 2.0)
        ]
        assert store.metrics("c").shape == (2, 5)
        assert store.record("b").params == {"lr": 0.2}
        assert store.folder("b") == path / "digits" / ("b" * 10)
        assert store.sql("SELECT name, lr FROM runs ORDER BY lr DESC LIMIT 2").rows() == [
            ("c", 0.3),
            ("b", 0.2),
        ]
        assert store.sql("SELECT 1 AS x, 2 AS x").columns == ["x", "x_2"]
        assert store.sql("SELECT name FROM runs WHERE false").shape == (0, 1)


def test_a_connection_has_the_views(path: Path) -> None:
    """It works after the store was closed again, and is the caller's own."""
    connection = labtop.connect(path)
    assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(3,)]
    assert connection.execute("SELECT name, value FROM metrics ORDER BY name").fetchall() == [
        ("acc", 3.0),
        ("loss", 2.0),
    ]
    connection.execute("CREATE TABLE mine AS SELECT * FROM params")


def test_views_can_be_pasted_into_duckdb(path: Path) -> None:
    """The text alone is enough for the bare shell."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(labtop.views(path))
    assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(3,)]


def test_diff_and_reproduce(path: Path) -> None:
    """The functions of the API hand over to those of the screens."""
    assert "lr" in labtop.diff("a", "b", store=path).headline
    assert labtop.reproduce("a", store=path).script().startswith("#!")


# Where the runs are


def test_a_store_is_found_from_within_and_from_above(path: Path, tmp_path: Path) -> None:
    """A run's folder, a file in it, and a folder around the store all lead to it."""
    assert find_store(path) == path
    assert find_store(path / "digits" / ("a" * 10)) == path
    assert find_store(path / "digits" / ("a" * 10) / "run.parquet") == path
    deep = tmp_path / "lab" / "x" / "runs"
    deep.parent.mkdir(parents=True)
    path.rename(deep)
    assert find_store(tmp_path) == deep


def test_without_a_path_settings_then_runs_then_around(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--store, $LABTOP_STORE and the file come first, ./runs next, then what is around or below."""
    other = tmp_path / "elsewhere"
    create_store(other)
    monkeypatch.chdir(tmp_path)
    assert find_store(None).resolve() == path.resolve()
    assert find_store(None, Settings(store=str(other))) == other
    monkeypatch.setenv("LABTOP_STORE", str(other))
    assert find_store(None) == other
    monkeypatch.delenv("LABTOP_STORE")
    monkeypatch.chdir(path / "digits")
    assert find_store(None).resolve() == path.resolve()
    assert len(labtop.open().runs()) == 3


def test_no_store_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, empty, several: each has its message."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoStoreError, match="does not exist"):
        find_store("missing")
    with pytest.raises(NoStoreError, match="no store in"):
        find_store(None)
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(NoStoreError, match="no runs in"):
        find_store("file.txt")
    create_store(tmp_path / "one")
    create_store(tmp_path / "two")
    with pytest.raises(NoStoreError, match="several stores below"):
        find_store(None)
    assert labtop.open("one").runs().shape[0] == 0
