"""A comparison as it is drawn: the tree of keys, and what its cells say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from labtop.analysis.compare import Comparison, compare
from labtop.model.run import Code, Command, MetricSummary, RunRecord
from labtop.views.comparison import entries_of, run_titles
from labtop.views.comparison_table import ComparisonTable, TransposedTable
from labtop.views.table_shape import Cell


def records(*params: Mapping[str, Any], **fields: Sequence[Any]) -> list[RunRecord]:
    """Runs that differ in their params, and in one value a run of other fields."""
    return [
        RunRecord(
            id=f"run{at}",
            name=f"name{at}",
            project="p",
            params=each,
            **{name: values[at] for name, values in fields.items()},
        )
        for at, each in enumerate(params)
    ]


def cell(comparison: Comparison, key: str, run: int, goals: Mapping[str, str] | None = None) -> Cell:
    """The cell of a fact and a run."""
    table = ComparisonTable(comparison, run_titles(comparison), goals)
    line = next(at for at, each in enumerate(table.entries) if each.row is not None and each.row.key == key)
    return table.cells(table.fetch(line, line + 1)[0])[run + 1]


def labels(comparison: Comparison, **options: Any) -> list[str]:
    """The lines of the tree with their depth as dots."""
    return [f"{'.' * each.depth}{each.kind[0]} {each.label}" for each in entries_of(comparison, **options)]


def test_nested_keys_are_a_tree_and_a_lonely_one_is_one_line() -> None:
    """A branch with several facts has a line of its own."""
    first = {"aug": {"mixup": 1, "flip": 1}, "opt": {"adam": {"lr": 1}}, "z": 1}
    second = {"aug": {"mixup": 2, "flip": 2}, "opt": {"adam": {"lr": 2}}, "z": 2}
    found = labels(compare(records(first, second)))
    assert found == ["s params", "b aug", ".f mixup", ".f flip", "f opt.adam.lr", "f z"]


def test_what_is_folded_is_left_out_unless_it_is_looked_for() -> None:
    """Branches and sections fold; a filter looks into them."""
    comparison = compare(records({"aug": {"a": 1, "b": 1}}, {"aug": {"a": 2, "b": 2}}))
    assert labels(comparison, folded={("params", "aug")}) == ["s params", "b aug"]
    assert labels(comparison, folded={("params",)}) == ["s params"]
    assert labels(comparison, folded={("params",)}, needle="aug b") == ["s params", "f aug.b"]
    assert labels(comparison, needle="nothing like it") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("null", '"null"'),
        ("true", '"true"'),
        (True, "true"),
        ("", '""'),
        (" a", '" a"'),
        ("a" * 64, "a" * 12),
        (1e-5, "1e-05"),
        ([1, "a"], '[1, "a"]'),
        ("one\ntwo", "(2 lines) one⏎two"),
        ("a\x1b[31m", "a␛[31m"),
        (math.inf, "Infinity"),
    ],
)
def test_values_read_as_what_they_are(value: Any, text: str) -> None:
    """Text that looks like something else is quoted, hashes are short, control characters are seen."""
    assert cell(compare(records({}, {"k": value})), "k", 1).text == text


def test_long_floats_are_as_short_as_tells_them_apart() -> None:
    """A number is never cut in its digits."""
    found = compare(records({"a": 0.1 + 0.2, "b": 0.1 + 0.2}, {"a": 1.5, "b": 0.3}))
    assert cell(found, "a", 0).text == "0.3"
    assert cell(found, "b", 0).text == "0.30000000000000004"


def test_a_key_that_is_missing_is_absent_and_a_type_is_seen() -> None:
    """absent is not null; "1" and 1 are told apart."""
    comparison = compare(records({"a": None, "t": 1}, {"t": "1"}))
    assert cell(comparison, "a", 0).text == "null"
    assert cell(comparison, "a", 1) == Cell("absent", "quiet")
    assert cell(comparison, "t", 1).text == '"1"'


def test_long_values_show_where_they_part() -> None:
    """Not the same first twelve characters in every column."""
    argv = [
        Command(argv=("python", "train.py", "--data", "x y", "--lr", lr), cwd=".") for lr in ("0.1", "0.2")
    ]
    comparison = compare(
        records(
            {"p": "You are a helpful\nand kind one"}, {"p": "You are a helpful\nand terse one"}, command=argv
        )
    )
    assert cell(comparison, "p", 0).text == "…and kind one"
    assert cell(comparison, "command.argv", 1).text == "…--lr 0.2"


def test_a_delta_is_good_or_bad_by_the_goal() -> None:
    """Lower loss is good, lower accuracy bad; without a goal it is neither; NaN stands out."""
    metrics = [
        {"loss": MetricSummary(last=last), "acc": MetricSummary(last=last), "nan": MetricSummary(last=nan)}
        for last, nan in ((0.5, 1.0), (0.25, math.nan))
    ]
    comparison = compare(records({}, {}, metrics=metrics))
    goals = {"loss": "min", "acc": "max"}
    loss = cell(comparison, "loss.last", 1, goals)
    assert (loss.text, loss.style, loss.note, loss.note_style) == ("0.250", "differs", "-0.250", "good")
    assert cell(comparison, "acc.last", 1, goals).note_style == "bad"
    assert cell(comparison, "acc.last", 1).note_style == "quiet"
    assert cell(comparison, "nan.last", 1).style == "nan"
    assert cell(comparison, "loss.last", 0, goals).note == ""


def test_runs_of_one_name_are_told_apart() -> None:
    """By their id; a name without characters too."""
    same = [RunRecord(id=f"id{n}", name=name, project="p") for n, name in enumerate(("a", "a", ""))]
    assert [each.title for each in run_titles(compare(same))] == ["a id0", "a id1", "id2"]


def test_both_ways_round_say_the_same() -> None:
    """Transposed, a fact is a column and a run a row."""
    comparison = compare(records({"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4}}, {"a": 5}))
    table = TransposedTable(comparison, run_titles(comparison))
    assert [column.title for column in table.columns] == ["", "a", "b.c"]
    drawn = [[each.text for each in table.cells(row)] for row in table.fetch(0, 9)]
    assert drawn == [["name0", "1", "2"], ["name1", "3", "4"], ["name2", "5", "absent"]]


def test_many_runs_share_the_width_and_few_use_it() -> None:
    """Twelve cells at least where there are many, no more than is needed where there are few."""
    many = compare(
        [
            RunRecord(id=str(n), name=f"a rather long name {n}", project="p", params={"k": n})
            for n in range(50)
        ]
    )
    table = ComparisonTable(many, run_titles(many), width=80)
    assert {column.width for column in table.columns[1:]} == {12}
    few = compare(
        records({"k": "short"}, {"k": "words"}, code=[Code(commit="a" * 40), Code(commit="b" * 40)])
    )
    assert all(column.width == 12 for column in ComparisonTable(few, run_titles(few), width=200).columns[1:])


def test_a_dotted_key_and_a_nested_one_do_not_read_alike() -> None:
    """`a.b` beside `b` in `a`: the name that has the dot itself is in quotes, in both tables."""
    comparison = compare(records({"a.b": 1, "a": {"b": 1}, "c.d": 1}, {"a.b": 2, "a": {"b": 3}, "c.d": 2}))
    found = labels(comparison)
    assert [each for each in found if each.startswith("f")] == ['f "a.b"', "f a.b", "f c.d"]
    transposed = TransposedTable(comparison, run_titles(comparison))
    assert [each.title for each in transposed.columns][1:] == ['"a.b"', "a.b", "c.d"]
