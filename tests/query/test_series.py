"""Points of runs as arrays: each once, in order, from parts and logs, also when some are damaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.errors import InputError
from labtop.model.run import Status
from labtop.query.catalog import Catalog
from labtop.query.frames import points_frame
from labtop.query.series import Series, load_points, load_series
from labtop.query.smoothing import smooth_ema, smooth_window
from labtop.store.format import point_schema, sorted_points_parquet
from labtop.store.wal import WalWriter, encode_points
from labtop.store.writer import RunWriter
from tests.query.runs import opened, run, store_of
from tests.stores import write_run

US = 1_767_225_600_000_000
RUN = "a" * 10


def series_of(catalog: Catalog, name: str = "loss") -> Series:
    (series,) = load_series(catalog, [RUN], [name])
    return series


def test_points_come_sorted_by_step_and_keep_every_value(tmp_path: Path) -> None:
    """Half steps, NaN, infinities, negative zero and a step that came twice: all there, the last logged last."""
    logged = [(2.0, 1.0), (0.5, math.nan), (1.0, math.inf), (2.0, -0.0), (0.0, -math.inf)]
    store = store_of(tmp_path / "s")
    write_run(store, run(id=RUN), [("loss", step, US + at, value) for at, (step, value) in enumerate(logged)])
    series = series_of(opened(store))
    assert series.steps.tolist() == [0.0, 0.5, 1.0, 2.0, 2.0]
    assert [repr(value) for value in series.values.tolist()] == ["-inf", "nan", "inf", "1.0", "-0.0"]
    assert series.times_us.tolist() == [US + 4, US + 1, US + 2, US, US + 3]
    assert series.times_us.dtype == np.int64


def test_a_point_in_a_log_and_in_a_part_counts_once(tmp_path: Path) -> None:
    """Killed between sealing and removing the log: nothing is doubled; a resume counts from its first step on."""
    store = store_of(tmp_path / "s")
    folder = write_run(
        store, run(id=RUN), [("loss", float(n), US, float(n)) for n in range(4)], writer="w" * 10
    )
    for writer, first in (("w" * 10, 2), ("v" * 10, 2)):
        log = WalWriter(folder / "metrics" / f"{writer}-00002.wal", RUN, writer)
        for seq in range(first, 6):
            log.append(encode_points(seq, US, float(seq), {"loss": float(seq)}))
        log.close()
    series = series_of(opened(store))
    assert series.values.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("twice", [False, True], ids=["rising", "a step twice"])
@pytest.mark.parametrize("log", [False, True], ids=["sealed", "with a log"])
def test_parts_come_in_any_order_and_every_point_is_there(tmp_path: Path, twice: bool, log: bool) -> None:
    """Whether the quick way or the careful one is taken: the points of one writer, by step, once each."""
    store = store_of(tmp_path / "s")
    folder = write_run(store, run(id=RUN), [], writer="w" * 10)
    spans = [(40.0, 60), (0.0, 20), (20.0, 40)] + ([(19.0, 21)] if twice else [])
    expected, seq = [], 0
    for number, (first, end) in enumerate(spans, 1):
        points = [(step, US + seq + at, -step) for at, step in enumerate(np.arange(first, end).tolist())]
        content = part_content(points, seq)
        (folder / "metrics" / f"{'w' * 10}-{number:05}.parquet").write_bytes(content)
        expected += [(step, seq + at, time_us, value) for at, (step, time_us, value) in enumerate(points)]
        seq += len(points)
    if log:
        writer = WalWriter(folder / "metrics" / f"{'w' * 10}-00009.wal", RUN, "w" * 10)
        writer.append(encode_points(seq, US, -0.5, {"loss": 7.0}))
        writer.append(encode_points(expected[0][1], expected[0][2], expected[0][0], {"loss": expected[0][3]}))
        writer.close()
        expected.append((-0.5, seq, US, 7.0))
    series = series_of(opened(store))
    expected.sort()
    assert series.steps.tolist() == [each[0] for each in expected]
    assert series.times_us.tolist() == [each[2] for each in expected]
    assert series.values.tolist() == [each[3] for each in expected]


def part_content(points: Sequence[tuple[float, int, float]], seq: int) -> bytes:
    """The bytes of a sealed part."""
    rows = [
        {
            "run_id": RUN,
            "name": "loss",
            "step": step,
            "time": time_us,
            "value": value,
            "writer": "w" * 10,
            "seq": at,
        }
        for at, (step, time_us, value) in enumerate(points, seq)
    ]
    table = pyarrow.Table.from_pylist(rows, schema=point_schema())
    return sorted_points_parquet(table.sort_by([("step", "ascending"), ("seq", "ascending")]))


def test_a_run_that_is_being_written_is_read_to_its_end(tmp_path: Path) -> None:
    """Points are there as soon as they were logged."""
    store = store_of(tmp_path / "s")
    writer = RunWriter(store / "digits" / RUN, run(id=RUN, status=Status.RUNNING, ended_at=None))
    for n in range(10):
        writer.append(float(n), US + n, {"loss": n / 2, "acc": 1.0})
    catalog = opened(store)
    try:
        assert series_of(catalog).values.tolist() == [n / 2 for n in range(10)]
        assert [series.name for series in load_series(catalog, [RUN, RUN], ["acc", "loss", "none"])] == [
            "acc",
            "loss",
        ]
    finally:
        writer.close()
    assert series_of(catalog).values.tolist() == [n / 2 for n in range(10)]


def test_a_damaged_part_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    """An empty part, a folder in its place and one with a broken footer cost their own points."""
    store = store_of(tmp_path / "s")
    folder = write_run(store, run(id=RUN), [("loss", 1.0, US, 1.0)])
    good = (folder / "metrics" / f"{'w' * 10}-00001.parquet").read_bytes()
    broken = bytearray(good)
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    broken[footer : footer + 40] = b"\xff" * 40
    (folder / "metrics" / "x-00002.parquet").write_bytes(b"")
    (folder / "metrics" / "x-00003.parquet").mkdir()
    (folder / "metrics" / "x-00004.parquet").write_bytes(broken)
    series = series_of(opened(store))
    assert series.values.tolist() == [1.0]
    assert [Path(each.path).name for each in series.problems] == [
        "x-00002.parquet", "x-00003.parquet", "x-00004.parquet",
    ]  # fmt: skip


def test_points_are_listed_by_run_name_and_step(tmp_path: Path) -> None:
    """Globs pick names; without one all are given."""
    store = store_of(tmp_path / "s")
    for run_id in ("a" * 10, "b" * 10):
        write_run(
            store,
            run(id=run_id),
            [("val/loss", 1.0, US, 1.0), ("acc", 0.0, US, 2.0), ("val/acc", 0.0, US, 3.0)],
        )
    catalog = opened(store)
    points = load_points(catalog, ["b" * 10, "a" * 10], ["val/*"])
    assert [(point.run_id[0], point.name, point.value) for point in points] == [
        ("b", "val/acc", 3.0), ("b", "val/loss", 1.0), ("a", "val/acc", 3.0), ("a", "val/loss", 1.0),
    ]  # fmt: skip
    assert len(load_points(catalog, ["a" * 10])) == 3
    assert load_points(catalog, ["a" * 10], ["none"]) == []
    assert load_points(catalog, ["nobody"]) == []
    frame = points_frame(catalog, ["a" * 10], ["acc"])
    assert frame.rows() == [("a" * 10, "acc", 0.0, datetime.fromtimestamp(US / 1e6, UTC), 2.0)]
    assert points_frame(catalog, ["nobody"]).columns == frame.columns


values_lists = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=60)


@settings(max_examples=60, deadline=None)
@given(values_lists, st.floats(0.001, 1.0))
def test_the_moving_average_agrees_with_its_definition(values: list[float], alpha: float) -> None:
    """Weights fall by 1 - alpha and add up to one from the start; NaN stays where it is and out of the rest."""
    smooth = smooth_ema(np.array(values), alpha)
    seen: list[float] = []
    for value, found in zip(values, smooth.tolist(), strict=True):
        if value != value:
            assert found != found
            continue
        seen.append(value)
        weights = [(1 - alpha) ** back for back in range(len(seen))]
        expected = math.fsum(w * v for w, v in zip(weights, reversed(seen), strict=True)) / math.fsum(weights)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_the_moving_average_of_a_million_values_is_exact_and_quick() -> None:
    """No power of the decay runs out of range."""
    import time

    values = np.sin(np.arange(1_000_000) / 1000)
    started = time.process_time()
    smooth = smooth_ema(values, 0.5)
    assert time.process_time() - started < 5
    assert np.isfinite(smooth).all()
    assert smooth[-1] == pytest.approx(float(np.dot(0.5 ** np.arange(1, 60), values[-1:-60:-1])), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(values_lists, st.integers(1, 9))
def test_the_window_agrees_with_its_definition(values: list[float], n: int) -> None:
    """The mean of the known values among n around each."""
    smooth = smooth_window(np.array(values), n)
    for at, (value, found) in enumerate(zip(values, smooth.tolist(), strict=True)):
        around = [each for each in values[max(at - (n - 1) // 2, 0) : at + n // 2 + 1] if each == each]
        if value != value:
            assert found != found
        else:
            assert found == pytest.approx(math.fsum(around) / len(around), rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(("smooth", "amount"), [(smooth_ema, 0.0), (smooth_ema, 1.5), (smooth_window, 0)])
def test_smoothing_that_makes_no_sense_is_refused(smooth: object, amount: float) -> None:
    """The error says what would make sense."""
    with pytest.raises(InputError):
        smooth(np.ones(3), amount)  # type: ignore[operator]
