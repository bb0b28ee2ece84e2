"""A store of every released format stays here and is read as it was meant.

`fixtures/format_1` was written by labtop 0.1: a run that ended, a run that died with points its record did not cover
yet, and two edits. Never write it anew; a new format gets a fixture of its own.
"""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from labtop.model.run import Status
from labtop.store.layout import RECORD, read_store_info, run_folders
from labtop.store.ledger import check_chain, read_events
from labtop.store.live import read_record_live
from labtop.store.reader import is_newer_format, read_points, read_record
from tests.store.runs import new_record
from tests.stores import write_run

STORE = Path(__file__).parent / "fixtures" / "format_1"


@pytest.fixture
def folders() -> dict[str, Path]:
    """The runs by id."""
    return {each.name: each for each in run_folders(STORE)}


def test_a_store_of_format_1_is_read(folders: dict[str, Path]) -> None:
    """Its identity and its runs."""
    assert read_store_info(STORE).format == 1
    assert sorted(folders) == ["crashed222", "finished22"]


def test_a_run_that_ended_is_read(folders: dict[str, Path]) -> None:
    """Record, summaries and points."""
    record = read_record(folders["finished22"])
    assert (record.name, record.project, record.status) == ("ended", "p/q", Status.FINISHED)
    assert record.params == {
        "lr": 0.001,
        "n": 2**63 - 1,
        "net": {"width": 64, "act": "relu"},
        "nothing": None,
    }
    loss = record.metrics["loss"]
    assert (loss.count, loss.nan_count, loss.min, loss.max, loss.last_step) == (20, 5, 1 / 15, 1.0, 9.5)
    assert loss.last is not None
    assert math.isnan(loss.last)
    assert record.randomness.flags == {"deterministic": True}
    points, problems = read_points(folders["finished22"])
    assert problems == ()
    assert len(points) == 60
    assert {repr(each.value) for each in points if each.name == "neg zero"} == {"-0.0"}


def test_a_run_that_died_is_read(folders: dict[str, Path]) -> None:
    """Its log is folded on from where its record stands."""
    assert read_record(folders["crashed222"]).metrics["loss"].count == 5
    live = read_record_live(folders["crashed222"])
    assert live.metrics["loss"].count == 9
    assert live.metrics["loss"].min == 1 / 9


def test_edits_are_read() -> None:
    """In order, with the chain whole."""
    assert [(each.kind, each.payload) for each in read_events(STORE).events] == [
        ("tag", {"add": ["best"], "remove": []}),
        ("rename", {"name": "better"}),
    ]
    assert check_chain(STORE) == ()


def test_a_record_of_a_later_format_is_shown(tmp_path: Path) -> None:
    """With what is known of it; nobody writes to it."""
    folder = write_run(tmp_path, new_record())
    table = pyarrow.parquet.read_table(folder / RECORD)
    later = table.set_column(
        table.column_names.index("format"), "format", pyarrow.array([2], pyarrow.int32())
    ).append_column("mood", pyarrow.array([{"good": True}]))
    pyarrow.parquet.write_table(later, folder / RECORD)
    record = read_record(folder)
    assert is_newer_format(record)
    assert record.name == "run"
