"""The run table: which columns it shows, how it writes values, deltas and groups; on real stores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.model.run import Life, MetricSummary, RunRecord, Status, Value
from labtop.query.catalog import Aggregate, Catalog, SortKey, TableQuery
from labtop.settings import Settings
from labtop.store.layout import create_store
from labtop.views.glyphs import ASCII, UNICODE
from labtop.views.table import TableSpec, TableView, build_table
from labtop.views.table_cells import WRITERS
from labtop.views.table_groups import AggregateWriter, build_groups
from labtop.views.table_shape import Cell, Table
from tests.stores import write_run

START = datetime(2026, 1, 1, tzinfo=UTC)
Opened = Callable[..., Catalog]


def run(number: int, params: dict[str, Value], loss: float, **life: object) -> RunRecord:
    """A finished run with one metric to minimise."""
    spark = (1.0, 0.5, loss)
    metric = MetricSummary(
        goal="min",
        count=3,
        nan_count=int(math.isnan(loss)),
        first=1.0,
        last=loss,
        min=loss,
        max=1.0,
        mean=0.5,
        spark=spark,
    )
    record = RunRecord(
        id="run" + "".join("abcdefghij"[int(digit)] for digit in f"{number:07d}"),
        name=f"run {number}",
        project="p",
        status=Status.FINISHED,
        started_at=START + timedelta(minutes=number),
        ended_at=START + timedelta(minutes=number, seconds=90 + number),
        params=params,
        metrics={"val/loss": metric},
    )
    return replace(record, **life)  # type: ignore[arg-type]  # fields of the record by name


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Writes runs into a store and opens its catalog."""
    catalogs: list[Catalog] = []

    def write(*records: RunRecord) -> Catalog:
        create_store(tmp_path)
        for record in records:
            write_run(tmp_path, record)
        catalogs.append(Catalog(tmp_path, Settings()))
        catalogs[0].refresh()
        return catalogs[0]

    yield write
    for catalog in catalogs:
        catalog.close()


def sweep() -> list[RunRecord]:
    """Two learning rates with two seeds each; the model is the same everywhere."""
    losses = {(0.001, 0): 0.41, (0.001, 1): 0.43, (1e-05, 0): 0.52, (1e-05, 1): 0.55}
    return [
        run(number, {"lr": lr, "seed": seed, "model": "mlp"}, loss)
        for number, ((lr, seed), loss) in enumerate(losses.items())
    ]


def column(table: Table, key: str) -> list[str]:
    """The texts of a column, notes included, from the first row on."""
    at = [each.key for each in table.columns].index(key)
    cells = [table.cells(row)[at] for row in table.fetch(0, table.row_count)]
    return [f"{cell.text} {cell.note}".rstrip() for cell in cells]


def keys(view: TableView) -> list[str]:
    """The keys of the columns."""
    return [each.key for each in view.columns]


def test_columns_come_in_order_and_constant_ones_are_counted(opened: Opened) -> None:
    """status, name, curve, metric, params that vary, age; what all runs share is given with its value."""
    view = build_table(opened(*sweep()), TableSpec())
    assert keys(view)[:6] == [
        "status",
        "name",
        "spark.val/loss",
        "metrics.val/loss",
        "params.lr",
        "params.seed",
    ]
    assert keys(view)[-2:] == ["duration_s", "started_at"]
    assert {each.column.key: each.value for each in view.hidden}["params.model"] == "mlp"
    assert [each.title for each in view.columns[:4]] == ["", "name", "val/loss", "val/loss↓"]
    assert [each.is_frozen for each in view.columns[:3]] == [True, True, False]


def test_newest_runs_come_first_and_numbers_line_up(opened: Opened) -> None:
    """Values of one column are equally wide; learning rates keep their own form."""
    view = build_table(opened(*sweep()), TableSpec())
    assert column(view, "name") == ["run 3", "run 2", "run 1", "run 0"]
    assert column(view, "metrics.val/loss") == ["0.550", "0.520", "0.430", "0.410"]
    assert column(view, "params.lr") == ["1e-05", "1e-05", "0.001", "0.001"]
    assert column(view, "spark.val/loss")[0].startswith("█")
    assert column(view, "status") == ["✓"] * 4
    assert column(view, "duration_s") == ["1m33s", "1m32s", "1m31s", "1m30s"]


def test_sorting_is_marked_in_the_header(opened: Opened) -> None:
    """The sorted column says so."""
    query = TableQuery(sort=(SortKey("metrics.val/loss"), SortKey("params.lr", True)))
    view = build_table(opened(*sweep()), TableSpec(query=query))
    assert {each.key: each.sorted for each in view.columns if each.sorted} == {
        "metrics.val/loss": "ascending",
        "params.lr": "descending",
    }
    assert column(view, "name")[0] == "run 0"


def test_deltas_are_shown_against_the_baseline(opened: Opened) -> None:
    """Metrics carry their distance, better or worse by the goal; params that differ stand out."""
    catalog = opened(*sweep())
    (baseline,) = (row for row in catalog.select(TableQuery(where="name = 'run 1'")).rows)
    view = build_table(catalog, TableSpec(baseline=baseline))
    assert column(view, "metrics.val/loss") == ["0.550 +0.120", "0.520 +0.090", "0.430", "0.410 -0.020"]
    at, lr = keys(view).index("metrics.val/loss"), keys(view).index("params.lr")
    cells = [view.cells(row) for row in view.first_rows]
    assert [each[at].note_style for each in cells] == ["bad", "bad", "", "good"]
    assert [each[lr].style for each in cells] == ["differs", "differs", "", ""]


def test_nan_and_nothing_are_shown(opened: Opened) -> None:
    """A diverged metric reads NaN in a style of its own; a missing value is a quiet mark, not a blank."""
    bare = replace(run(2, {}, 0.5), metrics={})
    view = build_table(opened(run(0, {"lr": 1.0}, math.nan), run(1, {"lr": 2.0}, 0.25), bare), TableSpec())
    assert [text.strip() for text in column(view, "metrics.val/loss")] == ["–", "0.250", "NaN"]
    at = keys(view).index("metrics.val/loss")
    assert [view.cells(row)[at].style for row in view.first_rows] == ["quiet", "", "nan"]
    assert column(view, "spark.val/loss")[-1].endswith("✕")


def test_chosen_hidden_and_constant_columns(opened: Opened) -> None:
    """A person's choice of columns goes before labtop's."""
    catalog = opened(*sweep())
    chosen = build_table(catalog, TableSpec(columns=("params.model", "metrics.val/loss.min", "name")))
    assert keys(chosen) == ["status", "name", "params.model", "metrics.val/loss.min"]
    assert chosen.columns[3].title == "min(val/loss)↓"
    assert "params.lr" not in keys(build_table(catalog, TableSpec(hidden=("params.lr",))))
    assert "params.model" in keys(build_table(catalog, TableSpec(show_constant=True)))
    wide = build_table(catalog, TableSpec(widths={"name": 40}))
    assert wide.columns[1].width == 40


def test_of_a_single_run_everything_it_has_is_shown(opened: Opened) -> None:
    """Nothing can vary there, so nothing is hidden for that."""
    view = build_table(opened(sweep()[0]), TableSpec())
    assert "params.model" in keys(view)


def test_an_earlier_view_keeps_the_columns(opened: Opened) -> None:
    """While a filter is typed no column comes or goes, though fewer vary."""
    catalog = opened(*sweep())
    view = build_table(catalog, TableSpec())
    narrowed = TableSpec(query=TableQuery(where="lr > 0.0001"))
    assert keys(build_table(catalog, narrowed, like=view)) == keys(view)
    assert "params.lr" not in keys(build_table(catalog, narrowed))
    assert build_table(catalog, narrowed, like=view).row_count == 2
    assert build_table(catalog, narrowed, like=view).total == 4


def test_rows_around_a_place_are_at_hand(opened: Opened) -> None:
    """A table opened at a place brings the rows around it."""
    catalog = opened(*(run(number, {"lr": number / 7}, number / 3) for number in range(300)))
    view = build_table(catalog, TableSpec(), around=200)
    assert view.first_start <= 200 < view.first_start + len(view.first_rows)
    assert view.first_rows[0].number == view.selection.rows[view.first_start]
    assert view.run_ids(0, 2) == catalog.ids(view.selection.rows[:2])
    version = view.version
    rows = view.fetch(0, 300)
    assert view.version > version
    at = keys(view).index("metrics.val/loss")
    assert len({len(view.cells(row)[at].text) for row in rows}) == 1


def test_groups_say_mean_spread_and_n(opened: Opened) -> None:
    """Runs that are the same but for the seed become one line."""
    groups = build_groups(opened(*sweep()), TableSpec(group=("seed",)))
    assert [each.key for each in groups.columns] == ["runs", "params.lr", "metrics.val/loss"]
    assert column(groups, "runs") == ["2", "2"]
    assert column(groups, "params.lr") == ["1e-05", "0.001"]
    assert column(groups, "metrics.val/loss") == ["0.535 ± 0.021", "0.420 ± 0.014"]
    assert [group.n for group in groups.groups] == [2, 2]


def test_groups_can_be_sorted_and_count_nan(opened: Opened) -> None:
    """Groups sort by their means; NaN is counted beside the mean of the others."""
    records = [*sweep(), run(9, {"lr": 0.001, "seed": 2, "model": "mlp"}, math.nan)]
    spec = TableSpec(group=("params.lr",), query=TableQuery(sort=(SortKey("metrics.val/loss"),)))
    groups = build_groups(opened(*records), spec)
    assert column(groups, "params.lr") == ["0.001", "1e-05"]
    assert column(groups, "metrics.val/loss") == ["0.420 ± 0.014 1 NaN", "0.535 ± 0.021"]
    by_status = TableSpec(group=("status",), query=TableQuery(sort=(SortKey("runs", True),)))
    assert column(build_groups(opened(), by_status), "status") == ["finished"]


def test_hostile_text_is_clean_in_every_cell(opened: Opened) -> None:
    """Names, params, tags and titles come out without anything a terminal obeys, in ASCII where asked."""
    bad = "\x1b]0;x\x07[/b]\n\u202e中"
    records = [
        replace(
            run(number, {bad: f"{bad}{number}", "list": [bad, number]}, 0.5),
            name=f"{bad}{number}",
            life=Life(tags=(bad, str(number))),
            metrics={bad: MetricSummary(count=1, last=number / 3)},
        )
        for number in range(3)
    ]
    catalog = opened(*records)
    for glyphs in (UNICODE, ASCII):
        view = build_table(catalog, TableSpec(show_constant=True), glyphs)
        texts = [each.title for each in view.columns]
        texts += [cell.text for row in view.first_rows for cell in view.cells(row)]
        assert all(text.isprintable() for text in texts)
        assert glyphs is UNICODE or all(text.isascii() for text in texts)
        assert any("[/b]" in text for text in texts)


@pytest.mark.parametrize("type_name", COLUMN_TYPES)
def test_every_column_type_has_a_writer(type_name: str) -> None:
    """Each type of column writes nothing quietly and learns from no rows."""
    writer = WRITERS[type_name](Column("x", "x", "param", COLUMN_TYPES[type_name]), UNICODE)
    writer.learn([])
    writer.learn([None])
    assert writer.write(None).style == "quiet"
    assert writer.write(None).text.strip() == "–"
    assert writer.width >= 1


@pytest.mark.parametrize(
    ("type_name", "value", "text"),
    [
        ("mixed", '"adam"', "adam"),
        ("mixed", "[1, 2]", "[1, 2]"),
        ("mixed", '"', '"'),
        ("tags", ["paper", "two words"], "paper two_words"),
        ("boolean", True, "true"),
        ("score", "++~-+", "++~-+"),
        ("time", datetime.now(UTC) - timedelta(days=3, hours=1), "3d"),
        ("time", (datetime.now(UTC) - timedelta(hours=5)).replace(tzinfo=None), "5h"),
        ("duration", 3720.0, "1h02m"),
        ("status", "lost", "?"),
        ("status", "from another world", "?"),
        ("spark", "07\x1b9n", "▁█  ✕"),
        ("integer", 10**17, "100000000000000000"),
    ],
)
def test_values_as_people_read_them(type_name: str, value: object, text: str) -> None:
    """One line for each type of value."""
    writer = WRITERS[type_name](Column("x", "x", "param", COLUMN_TYPES[type_name]), UNICODE)
    writer.learn([value])
    assert writer.write(value).text == text


def test_an_aggregate_of_nothing_is_quiet() -> None:
    """A group without the metric shows the mark for nothing; a single run has no spread."""
    writer = AggregateWriter(Column("m", "m", "metric", COLUMN_TYPES["number"]), UNICODE)
    one = Aggregate(n=1, mean=0.5, std=None, missing=2)
    writer.learn([one, None])
    assert writer.write(None) == Cell("–".rjust(writer.width), "quiet")
    assert writer.write(one).text.strip() == "0.500"
    assert writer.write(one).note == "n=1"
