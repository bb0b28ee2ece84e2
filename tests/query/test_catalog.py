"""Answers of a catalog: filter, order, cells, profiles, words that name runs."""

from __future__ import annotations

import math
import threading
import time
from array import array
from pathlib import Path
from typing import Any

import pytest

from labtop.errors import AmbiguousRunError, FilterError, NoRunError, NoStoreError
from labtop.model.run import Environment, MetricSummary
from labtop.query.catalog import Catalog, ColumnProfile, SortKey, TableQuery
from labtop.query.engine import InterruptedQueryError
from labtop.store.layout import create_store
from labtop.store.ledger import append
from tests.query.runs import names, opened, run, store_of

NAN = math.nan


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Five runs, one minute apart, with every kind of number."""
    losses = {"a": 0.5, "b": NAN, "c": -1.0, "d": None, "e": math.inf}
    records = [
        run(
            {"lr": 10.0**-at, "opt": "adam"},
            {} if loss is None else {"loss": loss},
            name=name,
            minute=at,
            id=name * 10,
        )
        for at, (name, loss) in enumerate(losses.items())
    ]
    return opened(store_of(tmp_path / "s", *records))


def test_newest_first_by_default(catalog: Catalog) -> None:
    """Without a sort, the newest run is on top."""
    assert names(catalog) == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("descending", "expected"), [(False, ["c", "a", "e", "b", "d"]), (True, ["e", "a", "c", "b", "d"])]
)
def test_nan_and_missing_come_last_in_both_directions(
    catalog: Catalog, descending: bool, expected: list[str]
) -> None:
    """Numbers, then NaN, then nothing, whichever way numbers go."""
    assert names(catalog, sort=(SortKey("metrics.loss", descending),)) == expected


def test_the_second_sort_key_decides_ties(catalog: Catalog) -> None:
    """Equal values keep the order of the next key, and then of time."""
    assert names(catalog, sort=(SortKey("params.opt"), SortKey("params.lr"))) == ["e", "d", "c", "b", "a"]
    assert names(catalog, sort=(SortKey("params.opt"), SortKey("no such column"))) == [
        "e",
        "d",
        "c",
        "b",
        "a",
    ]


def test_mixed_columns_sort_numbers_by_size(tmp_path: Path) -> None:
    """10 comes after 9, and text after both."""
    store = store_of(tmp_path / "s", *(run({"x": x}, name=str(x)) for x in (10, 9, "b", "a", None)))
    assert names(opened(store), sort=(SortKey("params.x"),)) == ["9", "10", "a", "b", "None"]


def test_a_filter_gives_the_rows_and_how_many_there_were(catalog: Catalog) -> None:
    """A selection knows what was left out."""
    selection = catalog.select(TableQuery("loss < 1"))
    assert isinstance(selection.rows, array)
    assert (len(selection), selection.total) == (2, 5)
    assert names(catalog, "loss < 1") == ["c", "a"]


def test_a_wrong_filter_points_at_its_character(catalog: Catalog) -> None:
    """The error of the filter language comes through as it is."""
    with pytest.raises(FilterError) as caught:
        catalog.select(TableQuery("loss < "))
    assert caught.value.text == "loss < "


def test_a_filter_reads_the_environment(tmp_path: Path) -> None:
    """`env.` looks into what is not a column."""
    store = store_of(
        tmp_path / "s",
        run(name="a", environment=Environment(python="3.11", packages={"torch": "2.4.0"})),
        run(name="b", environment=Environment(python="3.12", packages={"torch": "2.5.0"})),
    )
    for catalog in (opened(store), opened(store)):
        assert names(catalog, "env.packages.torch = '2.5.0'") == ["b"]
        catalog.close()


def test_summaries_of_metrics_can_be_filtered_and_sorted(tmp_path: Path) -> None:
    """min, max and count are columns, also straight from the cache."""
    records = [
        run({}, {"acc": MetricSummary(count=n, last=0.0, max=n / 10, min=-n / 10)}, name=str(n))
        for n in range(1, 5)
    ]
    store = store_of(tmp_path / "s", *records)
    for _ in range(2):
        catalog = opened(store)
        assert names(catalog, "max(acc) > 0.25 and min(acc) > -0.35") == ["3"]
        assert names(catalog, sort=(SortKey("metrics.acc.count", True),)) == ["4", "3", "2", "1"]
        catalog.close()


def test_cells_come_in_the_order_of_rows(catalog: Catalog) -> None:
    """Rows that are not there, and keys that nothing has, are None."""
    rows = catalog.select(TableQuery()).rows
    assert [row[0] for row in catalog.cells([rows[3], rows[0], 77], ["name", "no such"])] == ["b", "e", None]
    assert catalog.cells(rows[:1], ["no such", "name"]) == [(None, "e")]
    assert catalog.cells([], ["name"]) == []


def test_row_and_id_find_each_other(catalog: Catalog) -> None:
    """row_of and ids are inverse."""
    rows = catalog.select(TableQuery()).rows
    assert [catalog.row_of(run_id) for run_id in catalog.ids(rows)] == list(rows)
    assert catalog.row_of("nobody") is None


def test_a_profile_says_what_varies(catalog: Catalog) -> None:
    """Constant, varying, missing; NaN is a value of its own and no bound."""
    selection = catalog.select(TableQuery())
    profile = catalog.profile(selection, ["params.opt", "metrics.loss", "signal", "params.lr", "nothing"])
    assert profile == {
        "params.opt": ColumnProfile(1, 0, "adam", "adam"),
        "metrics.loss": ColumnProfile(2, 1, -1.0, math.inf),
        "signal": ColumnProfile(0, 5, None, None),
        "params.lr": ColumnProfile(2, 0, 1e-4, 1.0),
    }
    only_nan = catalog.select(TableQuery("name = b"))
    assert catalog.profile(only_nan, ["metrics.loss"]) == {"metrics.loss": ColumnProfile(1, 0, None, None)}
    nobody = catalog.select(TableQuery("name = nobody"))
    assert catalog.profile(nobody, ["params.lr"]) == {"params.lr": ColumnProfile(0, 0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aaaaaaaaaa", "a"), ("b", "b"), ("cc", "c"), ("CC", "c"), ("@last", "e"), ("@last~0", "e"), ("@last~4", "a"),
        ("best:loss", "e"), ("best:-loss", "c"), (" a ", "a"),
    ],
)  # fmt: skip
def test_a_word_names_a_run(catalog: Catalog, text: str, expected: str) -> None:
    """Ids, prefixes, names, @last and best: all lead to one run."""
    assert catalog.resolve(text) == expected * 10


def test_best_is_the_best_ever_reached(tmp_path: Path) -> None:
    """best: looks at the highest value of a run, not at its last; a value set by hand counts too."""
    store = store_of(
        tmp_path / "s",
        run({}, {"acc": MetricSummary(count=9, last=0.1, max=0.9, min=0.05)}, name="peak"),
        run({}, {"acc": MetricSummary(count=9, last=0.8, max=0.8, min=0.2)}, name="last"),
        run({}, {"acc": MetricSummary(last=0.01)}, name="by hand"),
    )
    catalog = opened(store)
    assert catalog.record(catalog.resolve("best:acc")).name == "peak"
    assert catalog.record(catalog.resolve("best:-acc")).name == "by hand"


@pytest.mark.parametrize("text", ["nobody", "@last~5", "best:los", "best:-nothing", "", "\x1b[31m", "'; --"])
def test_an_unknown_run_is_said_with_the_nearest(catalog: Catalog, text: str) -> None:
    """The error says what was asked for and what to do."""
    with pytest.raises(NoRunError) as caught:
        catalog.resolve(text)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)


def test_an_ambiguous_run_lists_those_that_fit(tmp_path: Path) -> None:
    """A name of two runs is no answer."""
    catalog = opened(store_of(tmp_path / "s", run(name="twin"), run(name="twin"), run(name="other")))
    with pytest.raises(AmbiguousRunError, match=r"fits 2 runs: '.{10}' .'twin'.") as caught:
        catalog.resolve("twin")
    assert "id" in caught.value.hint


def test_near_names_are_listed(tmp_path: Path) -> None:
    """A typing error is met with the name that was meant."""
    catalog = opened(store_of(tmp_path / "s", run(name="baseline-adam"), run(name="sgd")))
    with pytest.raises(NoRunError, match=r"nearest: '.{10}' .'baseline-adam'."):
        catalog.resolve("baselin-adam")


def test_an_empty_store_answers_everything_with_nothing(tmp_path: Path) -> None:
    """No run yet is no error."""
    create_store(tmp_path / "s")
    catalog = opened(tmp_path / "s")
    selection = catalog.select(TableQuery(sort=(SortKey("name"),)))
    assert (len(selection), selection.total, catalog.problems, catalog.cut) == (0, 0, (), "")
    assert catalog.group(selection, "seed", ["duration_s"]) == ()
    with pytest.raises(NoRunError, match="no runs yet"):
        catalog.resolve("x")


def test_no_store_is_said(tmp_path: Path) -> None:
    """What is not there has no runs."""
    with pytest.raises(NoStoreError):
        Catalog(tmp_path / "missing")


def test_edits_of_the_ledger_lie_over_the_records(tmp_path: Path) -> None:
    """Names, tags, notes and archiving come from the ledger, in the table and in the record; also from the cache."""
    store = store_of(tmp_path / "s", run(name="a", id="a" * 10), run(name="b", id="b" * 10))
    catalog = opened(store)
    append(store, "rename", "a" * 10, {"name": "baseline"})
    append(store, "tag", "a" * 10, {"add": ["paper", "x"], "remove": []})
    append(store, "tag", "a" * 10, {"add": [], "remove": ["x"]})
    append(store, "note", "a" * 10, {"text": "look"})
    append(store, "archive", "b" * 10, {"archived": True})
    append(store, "future kind", "a" * 10, {})
    append(store, "rename", "unknown run", {"name": "z"})
    assert catalog.refresh()
    for _ in range(2):
        assert names(catalog) == ["baseline"]
        assert sorted(names(catalog, archived=True)) == ["b", "baseline"]
        assert names(catalog, "tags has 'paper'") == ["baseline"]
        row = catalog.row_of("a" * 10)
        assert row is not None
        assert catalog.cells([row], ["tags", "notes"]) == [(["paper"], "look")]
        record = catalog.record("a" * 10)
        assert (record.name, record.life.tags, record.life.notes) == ("baseline", ("paper",), "look")
        catalog.close()
        catalog = opened(store)
    append(store, "archive", "b" * 10, {"archived": False})
    append(store, "note", "a" * 10, {"text": ""})
    assert catalog.refresh()
    assert sorted(names(catalog)) == ["b", "baseline"]
    assert not catalog.refresh()


def test_what_a_check_found_is_a_problem_of_the_run(tmp_path: Path) -> None:
    """In the table's count and in the record, from the cache too, until a later check takes it back."""
    store = store_of(tmp_path / "s", run(name="a", id="a" * 10), run(name="b", id="b" * 10))
    catalog = opened(store)
    append(store, "check", "a" * 10, {"problems": ["metrics/x.parquet: damaged", "artifacts/m: changed"]})
    append(store, "check", "b" * 10, {"problems": "nonsense"})
    assert catalog.refresh()
    for _ in range(2):
        assert names(catalog, "problems > 0") == ["a"]
        assert catalog.record("a" * 10).source.problems[0] == "metrics/x.parquet: damaged"
        catalog.close()
        catalog = opened(store)
    append(store, "check", "a" * 10, {"problems": []})
    assert catalog.refresh()
    assert names(catalog, "problems > 0") == []
    assert catalog.record("a" * 10).source.problems == ()
    assert not catalog.refresh()


def test_suggestions_start_with_what_was_typed(catalog: Catalog) -> None:
    """Names that start so come before names that contain it."""
    assert catalog.suggest("l")[:2] == ["lr", "loss"]
    assert "loss" in catalog.suggest("oss")


def test_interrupting_stops_a_select(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer question ends an older one at once."""
    caught: list[BaseException] = []

    def ask_much() -> None:
        try:
            catalog.engine.query("SELECT count(*) FROM range(10_000_000_000) a WHERE hash(range) = 1")
        except InterruptedQueryError as error:
            caught.append(error)

    thread = threading.Thread(target=ask_much)
    thread.start()
    deadline = time.monotonic() + 10
    while thread.is_alive() and time.monotonic() < deadline:
        catalog.interrupt()
        thread.join(0.01)
    assert caught


def test_an_interrupted_record_is_not_called_damaged(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer question is no fault of the file: who asks again gets its record."""

    def interrupted(*_: object) -> list[dict[str, object]]:
        raise InterruptedQueryError("the query was interrupted")

    run_ids = catalog.ids([0])
    with monkeypatch.context() as late:
        late.setattr(catalog.engine, "dictionaries", interrupted)
        with pytest.raises(InterruptedQueryError):
            catalog.record(run_ids[0])
        with pytest.raises(InterruptedQueryError):
            list(catalog.records(run_ids))
    assert catalog.record(run_ids[0]).id == run_ids[0]


def test_interrupting_does_not_stop_a_refresh(tmp_path: Path) -> None:
    """Typing in the filter bar while runs are read loses none of them."""
    store = store_of(tmp_path / "s", *(run({"n": n}, {"m": float(n)}, name=str(n)) for n in range(60)))
    catalog = Catalog(store)
    stop = threading.Event()

    def type_fast() -> None:
        while not stop.is_set():
            catalog.interrupt()

    thread = threading.Thread(target=type_fast)
    thread.start()
    try:
        catalog.refresh()
    finally:
        stop.set()
        thread.join()
    assert len(names(catalog)) == 60


def test_a_refresh_that_fails_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was listed and not read is listed again."""
    from labtop.query.reading import Reading

    store = store_of(tmp_path / "s", run(name="a"))
    catalog = opened(store)
    store_of(store, run(name="b"))
    with monkeypatch.context() as broken:
        broken.setattr(Reading, "_take", lambda self, records: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            catalog.refresh()
    assert catalog.refresh()
    assert sorted(names(catalog)) == ["a", "b"]


def test_many_threads_ask_at_once_while_runs_come(tmp_path: Path) -> None:
    """Selections, cells and refreshes of several threads give whole answers."""
    store = store_of(
        tmp_path / "s", *(run({"n": n}, {"m": float(n)}, name=str(n), minute=n) for n in range(20))
    )
    catalog = opened(store)
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                selection = catalog.select(TableQuery("n >= 0", (SortKey("metrics.m", True),)))
                cells = catalog.cells(selection.rows, ["params.n", "metrics.m", "spark.m"])
                values = [row[1] for row in cells]
                assert values == sorted(values, reverse=True)
                assert len(values) >= 20
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(20, 26):
        store_of(store, run({"n": n, f"new {n}": 1}, {"m": float(n), f"new {n}": 1.0}, name=str(n), minute=n))
        catalog.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(catalog.select(TableQuery())) == 26


def test_browsing_imports_neither_arrow_nor_polars_nor_numpy(tmp_path: Path) -> None:
    """The memory budget of the terminal UI has no room for them."""
    import subprocess
    import sys

    store = store_of(tmp_path / "s", run({"lr": 1.0}, {"loss": 2.0}, name="a"))
    code = """
import sys
from pathlib import Path
from labtop.query.catalog import Catalog, TableQuery, SortKey
catalog = Catalog(Path(sys.argv[1]))
catalog.refresh()
selection = catalog.select(TableQuery("lr > 0", (SortKey("metrics.loss"),)))
catalog.cells(selection.rows, ["name", "spark.loss"])
catalog.profile(selection, ["params.lr"])
catalog.group(selection, "seed", ["metrics.loss"])
catalog.record(catalog.resolve("@last"))
catalog.close()
print([name for name in ("numpy", "pyarrow", "polars", "textual") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_values_of_cells_are_plain(catalog: Catalog) -> None:
    """Views get what Python has: no type of the engine's own."""
    from datetime import datetime

    kinds: dict[str, Any] = {
        "started_at": datetime,
        "duration_s": float,
        "tags": list,
        "archived": bool,
        "points": int,
    }
    row = catalog.cells([0], list(kinds))[0]
    assert [type(value) for value in row] == list(kinds.values())
