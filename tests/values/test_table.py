"""Tables from what people have; types stay."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars
import pyarrow
import pytest

from labtop import Table
from tests.values.roundtrip import back, encoded


def test_columns_and_rows() -> None:
    """As wandb spells it, with rows added later."""
    table = Table(columns=["id", "label", "score"], data=[[1, "cat", 0.5]])
    table.add_data(2, "dog", None)
    read = back(table)
    assert read.columns == ["id", "label", "score"]
    assert read.data == [[1, "cat", 0.5], [2, "dog", None]]
    assert [str(each) for each in read.to_arrow().schema.types] == ["int64", "string", "double"]
    assert encoded(table).about == {"rows": 2, "columns": 3}


def test_a_mapping_and_rows_of_mappings() -> None:
    """Columns by name, or rows that name their cells."""
    assert back(Table({"a": np.arange(3), "b": ["x", "y", "z"]})).data == [[0, "x"], [1, "y"], [2, "z"]]
    assert back(Table(data=[{"a": 1}, {"a": 2, "b": True}])).data == [[1, None], [2, True]]
    assert back(Table(data=np.eye(2))).columns == ["0", "1"]
    assert back(Table(columns=["a"])).data == []
    assert back(Table()).data == []


def test_frames_of_polars_and_arrow() -> None:
    """With their types; categories are texts."""
    frame = polars.DataFrame(
        {
            "when": [datetime.datetime(2026, 1, 1), None],
            "kind": polars.Series(["a", "b"], dtype=polars.Categorical),
            "n": polars.Series([1, 2], dtype=polars.UInt8),
            "parts": [[1, 2], []],
            "took": [datetime.timedelta(seconds=1.5), None],
        }
    )
    for given in (frame, frame.to_arrow()):
        read = back(Table(given)).to_arrow()
        assert [str(each) for each in read.schema.types] == [
            "timestamp[us]", "string", "uint8", "list<element: int64>", "double",
        ]  # fmt: skip
        assert read.column("took").to_pylist() == [1.5, None]
        assert read.column("parts").to_pylist() == [[1, 2], []]


def test_a_frame_of_pandas() -> None:
    """With an index that has a name, and objects of several types as texts."""
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame(
        {"a": [1, 2], "b": ["x", None], "m": [1, "y"]}, index=pandas.Index([5, 6], name="i")
    )
    taken = Table(dataframe=frame).snapshot()
    frame.loc[5, "a"] = 100
    assert back(taken).to_arrow().to_pydict() == {"i": [5, 6], "a": [1, 2], "b": ["x", None], "m": ["1", "y"]}


def test_mixtures() -> None:
    """Whole and broken numbers are numbers; else texts; objects as they say themselves."""
    read = back(
        Table(
            {
                "number": [1, 2.5, None],
                "mixed": [1, "x", None],
                "huge": [2**70, 1, None],
                "numpy": [np.float32(1), np.int64(2), None],
                "object": [{1, 2}, object, 3j],
                "decimal": [Decimal("1.50"), None, Decimal("2")],
                "nested": [{"a": 1}, {"b": "x"}, None],
                "surrogate": ["\udcff", "a\0b", "c"],
            }
        )
    )
    assert read.get_column("number") == [1.0, 2.5, None]
    assert read.get_column("mixed") == ["1", "x", None]
    assert read.get_column("huge") == [2.0**70, 1.0, None]
    assert read.get_column("numpy") == [1.0, 2.0, None]
    assert read.get_column("object")[2] == "3j"
    assert read.get_column("decimal") == [Decimal("1.50"), None, Decimal("2.00")]
    assert read.get_column("nested")[0] == {"a": 1, "b": None}
    assert read.get_column("surrogate") == ["\\udcff", "a\0b", "c"]


def test_names_that_collide() -> None:
    """Get a number, also where only the case differs: SQL could not tell them apart."""
    assert back(Table(columns=["a", "a", "A"], data=[[1, 2, 3]])).columns == ["a", "a_2", "A_3"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Table(columns=["a"], data=[[1, 2]]),
        lambda: Table({"a": [1], "b": [1, 2]}),
        lambda: Table(columns=["a"], data=["text"]),
        lambda: Table({str(at): [1] for at in range(1001)}),
    ],
)
def test_what_does_not_fit(make: Any) -> None:
    """An error in words."""
    with pytest.raises(ValueError, match=r"row|length|columns"):
        make().snapshot().finished()


def test_a_long_table_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are kept."""
    monkeypatch.setattr("labtop.model.values.table.MOST_ROWS", 5)
    for given in ({"a": list(range(9))}, pyarrow.table({"a": range(9)}), polars.DataFrame({"a": range(9)})):
        table = Table(given)
        assert encoded(table).about["note"] == "the first 5 of 9 rows"
        assert back(table).get_column("a") == [0, 1, 2, 3, 4]


def test_columns_that_are_lists_are_cut_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copying a list takes five times as long as copying an array: the loop would wait for it."""
    monkeypatch.setattr("labtop.model.values.table.MOST_LISTED_CELLS", 6)
    table = Table({"a": list(range(5)), "b": list("vwxyz"), "c": np.arange(5)})
    kept = encoded(table)
    assert kept.about == {"rows": 3, "columns": 3, "note": "the first 3 of 5 rows"}
    assert len(encoded(Table({"c": np.arange(50)})).about) == 2


@pytest.mark.parametrize(
    "values",
    [
        [0.5] * 7,
        [1, 2, 3, 4, 5, 6, 0.5],
        [None] * 5 + [1, 2],
        [1, 2, 3, "x", 5, 6, 7],
        ["a", "b", "a", None, "c"],
    ],
)
def test_a_long_list_is_the_column_that_a_short_one_is(
    monkeypatch: pytest.MonkeyPatch, values: list[Any]
) -> None:
    """Taken piece by piece, so that other threads get their turn, a list has the type and cells it has as one."""
    whole = back(Table({"a": values}))
    monkeypatch.setattr("labtop.model.values.table_columns._PIECE", 2)
    pieces = back(Table({"a": values}))
    assert pieces.data == whole.data
    assert pieces.to_arrow().schema == whole.to_arrow().schema


def test_a_column_is_added() -> None:
    """To rows, to columns, and to what was read."""
    table = Table(columns=["a"], data=[[1], [2]])
    table.add_column("b", ["x", "y"])
    table.add_data(3, "z")
    read = back(table)
    read.add_column("c", [True, False, True])
    assert read.data == [[1, "x", True], [2, "y", False], [3, "z", True]]
    with pytest.raises(ValueError, match="values"):
        read.add_column("d", [1])
