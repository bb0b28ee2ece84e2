"""The SQL views: the same names, columns and rows over the catalog and in a bare duckdb shell."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labtop.errors import QueryError
from labtop.model.columns import FIELDS
from labtop.model.run import Environment, Status
from labtop.query.catalog import Catalog
from labtop.query.engine import new_connection, quote_name
from labtop.query.sandbox import Sandbox
from labtop.query.sql_fill import CatalogViews
from labtop.query.sql_source import store_files, view_source
from labtop.query.sql_text import views_text
from labtop.query.sql_views import VIEWS, run_columns
from labtop.store import ledger
from labtop.store.layout import create_store
from labtop.store.wal import WalWriter, encode_points
from tests.query.filter_table import metric, param
from tests.query.sql_store import LOSSES, ONE, TWO, record
from tests.stores import build_store, summarise, write_run


class Pair:
    """The views of one store in both flavours: in the sandbox, and in a bare DuckDB given the printed statements."""

    def __init__(self, store: Path, cache: Path) -> None:
        self.catalog = Catalog(store, cache_root=cache)
        self.catalog.refresh()
        self.sandbox = Sandbox(CatalogViews(view_source(self.catalog)), threads=1)
        self.text = views_text(store_files(self.catalog))
        self.bare = new_connection(threads=1)
        self.bare.execute(self.text)

    def ask(self, query: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The answers of both."""
        return self.sandbox.run(query).rows, self.bare.execute(query).fetchall()

    def close(self) -> None:
        """Free both."""
        self.bare.close()
        self.catalog.close()


Open = Callable[[Path], Pair]


@pytest.fixture
def open_pair(tmp_path: Path) -> Iterator[Open]:
    pairs: list[Pair] = []

    def open_one(store: Path) -> Pair:
        pairs.append(Pair(store, tmp_path / "cache"))
        return pairs[-1]

    yield open_one
    for pair in pairs:
        pair.close()


def make_store(store: Path) -> Path:
    create_store(store)
    write_run(store, record(ONE, metrics=summarise(LOSSES, {"val/loss": "min"})), LOSSES)
    write_run(
        store, record(TWO, status=Status.FAILED, params={"lr": "high", "Lr": 1}, environment=Environment())
    )
    ledger.append(store, "tag", ONE, {"add": ["paper"]})
    ledger.append(store, "rename", ONE, {"name": "it's"})
    return store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return make_store(tmp_path / "a [store]*?")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("views")
    pair = Pair(make_store(folder / "a [store]*?"), folder / "cache")
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("synthetic")
    pair = Pair(build_store(folder / "runs", runs=25, points=3), folder / "cache")
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("empty")
    create_store(folder / "runs")
    pair = Pair(folder / "runs", folder / "cache")
    yield pair
    pair.close()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT id, name, status, tags, lr FROM runs ORDER BY id",
         [(ONE, "it's", "finished", ["paper"], "0.1"), (TWO, "run b", "failed", [], '"high"')]),
        ('SELECT "val/loss", "model.depth" FROM runs ORDER BY id', [(0.2, 3), (None, None)]),
        (f"SELECT key, value, number, text FROM params WHERE run_id = '{ONE}' AND key <> 'nan' ORDER BY key",
         [("amp", "true", None, "true"), ("lr", "0.1", 0.1, "0.1"), ("model.depth", "3", 3.0, "3"),
          ("norm", '[1,"a"]', None, '[1,"a"]'), ("opt", '"adam"', None, "adam")]),
        ("SELECT value, isnan(number), text FROM params WHERE key = 'nan' ORDER BY run_id", [('"NaN"', True, "NaN")]),
        ("SELECT * EXCLUDE (time) FROM metrics ORDER BY step LIMIT 2",
         [(ONE, "val/loss", 0.0, 1.0), (ONE, "val/loss", 1.0, 0.5)]),
        ("SELECT epoch_us(time) FROM metrics ORDER BY time LIMIT 1", [(1_700_000_000_000_000,)]),
        ("SELECT run_id, name, goal, count, first, last, min, max FROM summary",
         [(ONE, "val/loss", "min", 5, 1.0, 0.2, 0.2, 1.0)]),
        ("SELECT * FROM packages ORDER BY name", [(ONE, "numpy", "2.1"), (ONE, "torch", "2.5.0")]),
        ("SELECT * FROM data ORDER BY run_id LIMIT 1",
         [(ONE, "train", "train.csv", "file", "ab", "sha256", 10, None, None, None, None, "input", None)]),
        ("SELECT * FROM artifacts ORDER BY run_id LIMIT 1",
         [(ONE, "model", "artifacts/model.pt", None, "file", 2.0, 3, None, None)]),
        ("SELECT n, kind, run_id, json_extract_string(payload, '$.name') FROM events WHERE kind = 'rename'",
         [(2, "rename", ONE, "it's")]),
        ("SELECT count(*) FROM events WHERE time > TIMESTAMP '2020-01-01' AND actor <> ''", [(2,)]),
    ],
)  # fmt: skip
def test_views_say_the_same(query: str, rows: list[tuple[Any, ...]], pair: Pair) -> None:
    """Both flavours answer, and alike."""
    assert pair.ask(query) == (rows, rows)


@pytest.mark.parametrize("name", VIEWS)
def test_both_flavours_agree(name: str, synthetic: Pair) -> None:
    """Columns, types and rows are the same over many synthetic runs."""
    described, printed = synthetic.ask(f"DESCRIBE {name}")
    assert described == printed
    columns = ", ".join(quote_name(row[0]) for row in described)
    one, other = (sorted(map(repr, rows)) for rows in synthetic.ask(f"SELECT {columns} FROM {name}"))
    assert one == other


@pytest.mark.parametrize("name", VIEWS)
def test_an_empty_store_has_all_views(name: str, empty: Pair) -> None:
    """Nothing recorded yet is no error."""
    described, printed = empty.ask(f"DESCRIBE {name}")
    assert described == printed
    assert empty.ask(f"SELECT * FROM {name}") == ([], [])


def test_runs_has_the_fixed_columns_first(pair: Pair) -> None:
    """`runs` has every field under its own name, then params, then metrics."""
    rows, _ = pair.ask("DESCRIBE runs")
    assert [row[0] for row in rows][: len(FIELDS)] == [each.key for each in FIELDS]


def test_names_in_runs_are_unique() -> None:
    """A name that is taken, in any case, gives way to the key."""
    columns = (
        *FIELDS,
        param("lr", "number"),
        param("LR", "number"),
        param("status", "text"),
        metric("lr"),
        metric(""),
    )
    assert list(run_columns(columns))[len(FIELDS) :] == [
        "lr",
        "params.LR",
        "params.status",
        "metrics.lr",
        "metrics.",
    ]


def test_doubles_are_dropped(store: Path, open_pair: Open) -> None:
    """A point that lies in two parts of its writer is there once."""
    folder = store / "digits" / ONE / "metrics"
    shutil.copy(folder / "wwwwwwwwww-00001.parquet", folder / "wwwwwwwwww-00002.parquet")
    for rows in open_pair(store).ask("SELECT count(*), count(DISTINCT step) FROM metrics"):
        assert rows == [(5, 5)]


def test_logs_count_where_labtop_asks(store: Path, open_pair: Open) -> None:
    """Points of a write-ahead log are in `metrics`, less those that a sealed part has."""
    log = WalWriter(store / "digits" / ONE / "metrics" / "wwwwwwwwww-00002.wal", ONE, "wwwwwwwwww")
    log.append(encode_points(4, 1_700_000_000_000_004, 4.0, {"val/loss": 0.2}))
    log.append(encode_points(5, 1_700_000_000_000_005, 5.0, {"val/loss": math.inf, "acc": 0.5}))
    log.close()
    rows, _ = open_pair(store).ask("SELECT name, step, value FROM metrics WHERE step >= 4 ORDER BY ALL")
    assert rows == [("acc", 5.0, 0.5), ("val/loss", 4.0, 0.2), ("val/loss", 5.0, math.inf)]


def damage(store: Path, how: str) -> Path:
    """Put a damaged file beside good ones."""
    folder = store / "digits" / ONE / "metrics"
    good = (folder / "wwwwwwwwww-00001.parquet").read_bytes()
    path = folder / "vvvvvvvvvv-00001.parquet"
    if how == "folder":
        path.mkdir()
    elif how == "shape":
        path.write_bytes((store / "digits" / ONE / "run.parquet").read_bytes())
    else:
        path.write_bytes({
            "empty": b"",
            "cut": good[:-5],
            "text": b"hello" * 100,
            "footer": good[: -8 - int.from_bytes(good[-8:-4], "little")] + bytes(200) + good[-8:],
            "page": good[:4] + bytes(400) + good[404:],
        }[how])  # fmt: skip
    return path


@pytest.mark.parametrize("how", ["empty", "cut", "text", "folder", "footer", "shape", "page"])
def test_damaged_parts_break_nothing(how: str, store: Path, open_pair: Open) -> None:
    """A damaged part is named with its reason; the points of all others are there."""
    path = damage(store, how)
    sandbox = open_pair(store).sandbox
    answer = sandbox.run("SELECT count(*), sum(value) > 0, max(name), max(step) FROM metrics")
    assert answer.rows == [(5, True, "val/loss", 4.0)]
    assert [problem.path for problem in answer.problems] == [str(path)]


@pytest.mark.parametrize("how", ["empty", "cut", "text", "folder", "footer", "shape"])
def test_printed_views_leave_damaged_parts_out(how: str, store: Path, open_pair: Open) -> None:
    """The printed statements name only files that can be read."""
    path = damage(store, how)
    pair = open_pair(store)
    assert path.name not in pair.text
    assert pair.bare.execute("SELECT count(*) FROM metrics").fetchall() == [(5,)]


def test_damaged_records_break_nothing(store: Path, open_pair: Open) -> None:
    """A damaged record leaves the other runs' data and artifacts."""
    (store / "digits" / TWO / "run.parquet").write_bytes(b"PAR1" + bytes(40))
    assert open_pair(store).ask("SELECT DISTINCT run_id FROM data") == ([(ONE,)], [(ONE,)])


def test_a_document_that_is_no_json_is_empty(store: Path, open_pair: Open) -> None:
    """Broken JSON in one run's record is nothing, not an error."""
    import pyarrow
    import pyarrow.parquet

    path = store / "digits" / TWO / "run.parquet"
    rows = pyarrow.parquet.ParquetFile(path.open("rb")).read().to_pylist()
    broken = dict.fromkeys(
        ("params", "metrics", "environment", "data", "artifacts", "life", "source"), "{nonsense"
    )
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{**rows[0], **broken}]), path.open("wb"))
    pair = open_pair(store)
    for name in VIEWS:
        assert all(found[0][0] > 0 for found in pair.ask(f"SELECT count(*) FROM {name}"))


def test_hostile_names_are_names(tmp_path: Path, open_pair: Open) -> None:
    """Names of params, metrics and runs that hold quotes, newlines and statements are only names."""
    names = (
        "it's",
        'a"b',
        "x; DROP VIEW runs; --",
        "new\nline",
        "{0}",
        "$.a",
        "a/b~c",
        "\x1b[31m",
        "ünï",
        "[0]",
    )
    run = record(
        ONE, params=dict.fromkeys(names, 1), metrics=summarise([(name, 0.0, 0, 1.0) for name in names])
    )
    run = dataclasses.replace(run, name="'); DROP VIEW runs; --")
    create_store(tmp_path / "runs")
    write_run(tmp_path / "runs", run, [(name, 0.0, 0, 1.0) for name in names])
    pair = open_pair(tmp_path / "runs")
    for found in pair.ask("SELECT key FROM params INTERSECT SELECT name FROM metrics"):
        assert {row[0] for row in found} == set(names)
    assert pair.ask("SELECT name FROM runs") == ([(run.name,)], [(run.name,)])


def test_private_tables_are_out_of_reach(pair: Pair) -> None:
    """What the views are made of is not named to users."""
    with pytest.raises(QueryError, match="no table"):
        pair.ask("SELECT * FROM _records")
