"""Odd numbers, odd steps and values that change their type: kept as they are, from `log` to the answer."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import polars
import pyarrow
import pyarrow.parquet

import labtop
from labtop.store.layout import METRICS, run_folder
from labtop.store.reader import read_points, read_record
from tests.store.runs import new_record, new_writer, seal_now

LARGEST = 2**63 - 1
VALUES = [1.0, math.nan, math.inf, -math.inf, -0.0, float(LARGEST), 5e-324, 1.7976931348623157e308]


def test_odd_numbers_survive_log_and_seal(tmp_path: Path) -> None:
    """From the open log, from the sealed part, and through the query engine; NaN stays NaN, −0 keeps its sign."""
    record = replace(new_record(), params={"n": LARGEST, "beyond": 2**70, "nan": math.nan})
    writer = new_writer(tmp_path, record)
    for step, value in enumerate(VALUES):
        writer.append(float(step), step, {"a": value})
    folder = run_folder(tmp_path, "p", record.id)
    assert [repr(each.value) for each in read_points(folder)[0]] == list(map(repr, VALUES))
    writer.close()
    assert [repr(each.value) for each in read_points(folder)[0]] == list(map(repr, VALUES))
    with labtop.open(tmp_path) as store:
        assert [repr(each) for each in store.metrics([record.id])["value"]] == list(map(repr, VALUES))
        params = store.record(record.id).params
    assert (params["n"], params["beyond"]) == (LARGEST, 2**70)
    summary = read_record(folder).metrics["a"]
    assert (summary.count, summary.nan_count, summary.min, summary.max) == (8, 1, -math.inf, math.inf)


def test_steps_out_of_order_and_repeated_are_all_kept(tmp_path: Path) -> None:
    """Points come sorted by step, equal steps in logged order; the summary's last is the last that was logged."""
    record = new_record()
    writer = new_writer(tmp_path, record)
    steps = [3.0, 1.0, 2.0, 1.0, 0.5, 1.0]
    for at, step in enumerate(steps):
        writer.append(step, at, {"a": float(at)})
        if at == 2:
            seal_now(writer)
    writer.close()
    with labtop.open(tmp_path) as store:
        points = store.metrics([record.id])
        last = store.runs()["a"].to_list()
    assert points["step"].to_list() == [0.5, 1.0, 1.0, 1.0, 2.0, 3.0]
    assert points["value"].to_list() == [4.0, 1.0, 3.0, 5.0, 2.0, 0.0]
    assert last == [5.0]
    assert read_record(run_folder(tmp_path, "p", record.id)).metrics["a"].last_step == 1.0


def test_a_parameter_that_changes_its_type_stays_what_it_is(tmp_path: Path) -> None:
    """Numbers stay numbers where another run has a text: they are compared by size, and no run's value is changed."""
    values: dict[str, float | int | str] = {"a": 0.5, "b": 1e-3, "c": "auto", "d": 10}
    for name, value in values.items():
        writer = new_writer(tmp_path, replace(new_record(), name=name, params={"lr": value, "n": 3}))
        writer.close()
    with labtop.open(tmp_path) as store:
        assert set(store.runs(where="lr > 0.01")["name"]) == {"a", "d"}
        assert set(store.runs(where="lr = 'auto'")["name"]) == {"c"}
        assert {store.record(name).params["lr"] for name in values} == {*values.values()}
        frame = store.runs()
    assert frame.schema["n"].is_numeric()
    assert frame.schema["lr"] == polars.String
    assert {json.loads(each) for each in frame["lr"]} == {*values.values()}


def test_a_column_that_a_later_labtop_adds_harms_nothing(tmp_path: Path) -> None:
    """In a part and in a record: it is passed over, with files of both kinds in one run."""
    record = new_record()
    writer = new_writer(tmp_path, record)
    writer.append(0.0, 0, {"a": 1.0})
    seal_now(writer)
    writer.append(1.0, 1, {"a": 2.0})
    writer.close()
    folder = run_folder(tmp_path, "p", record.id)
    for path in (sorted((folder / METRICS).glob("*.parquet"))[1], folder / "run.parquet"):
        table = pyarrow.parquet.read_table(path)
        table = table.append_column("later", pyarrow.array(["x"] * table.num_rows))
        pyarrow.parquet.write_table(table, path, write_page_checksum=True, store_schema=False)
    assert [each.value for each in read_points(folder)[0]] == [1.0, 2.0]
    assert labtop.fsck(tmp_path).is_whole
    with labtop.open(tmp_path) as store:
        assert store.metrics([record.id])["value"].to_list() == [1.0, 2.0]
        assert len(store.runs()) == 1
        assert store.problems == ()
