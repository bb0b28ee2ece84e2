"""The Curves screen, by its keys, on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from labtop.model.run import Status, Writer
from labtop.store.reader import read_record
from labtop.store.writer import RunWriter
from labtop.tui.screens.curves.metrics import grid_shape, matching, page_of, part_of
from labtop.tui.screens.curves.screen import CurvesScreen
from labtop.tui.widgets.chart import ChartView
from labtop.tui.widgets.chart_legend import CurveLegend
from labtop.tui.widgets.key_line import KeyLine
from labtop.views.chart_curves import Curve
from tests.terminal import Terminal
from tests.tui.curves_app import IDS, CurvesApp, build_curves, write_curves
from tests.tui.stillness import wait_until_loaded


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs with four metrics."""
    return build_curves(tmp_path_factory.mktemp("curves") / "runs")


async def settle(app: CurvesApp, pilot: Pilot[int]) -> None:
    """Wait until everything asked for is on the screen."""
    await wait_until_loaded(app)


@asynccontextmanager
async def opened(
    path: Path, size: tuple[int, int] = (120, 40), runs: int = 6
) -> AsyncIterator[tuple[CurvesApp, Pilot[int]]]:
    """The screen with all its charts."""
    app = CurvesApp(path, IDS[:runs])
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        for _ in range(30):  # the store, the screen, its runs and their curves come one after the other
            if isinstance(app.front, CurvesScreen) and app.front.charts:
                break
            await settle(app, pilot)
        await settle(app, pilot)
        yield app, pilot


async def press(app: CurvesApp, pilot: Pilot[int], *keys: str) -> None:
    """Press keys one by one."""
    for key in keys:
        await pilot.press(key)
        await settle(app, pilot)


def shown(app: CurvesApp) -> list[ChartView]:
    """The charts on the screen."""
    return [each for each in app.curves.query(ChartView) if each.display]


def title(app: CurvesApp) -> str:
    """The title line."""
    return str(app.curves.query_one("TitleLine").render())


async def test_all_metrics_of_the_marked_runs_are_charts_with_goals_first(store: Path) -> None:
    async with opened(store) as (app, _):
        titles = [each.chart.title for each in shown(app) if each.chart]
        assert set(titles[:2]) == {"val/loss", "val/acc"}
        assert set(titles) == {"val/loss", "val/acc", "train/loss", "grad norm"}
        assert all(len(each.chart.curves) == 6 for each in shown(app) if each.chart)
        assert "6 runs" in title(app)
        legend = app.curves.query_one(CurveLegend).lines[0]
        assert "digits-0" in legend


async def test_the_cursor_is_the_same_in_all_charts(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "right")
        assert {each.cursor_x for each in shown(app)} == {0.0}
        await press(app, pilot, "right", "l")
        x = app.curves.cursor_x
        assert x is not None
        assert x > 0
        assert f"step {x:.0f}" in title(app)
        assert {each.cursor_x for each in shown(app)} == {x}
        await press(app, pilot, "end")
        assert app.curves.cursor_x == 1990.0
        await press(app, pilot, "shift+left")
        assert 1500 < (app.curves.cursor_x or 0) < 1990
        await press(app, pilot, "escape")
        assert app.curves.cursor_x is None


async def test_z_shows_one_chart_with_its_legend_beside(store: Path) -> None:
    async with opened(store, (80, 24)) as (app, pilot):
        await press(app, pilot, "n", "z")
        (view,) = shown(app)
        assert app.curves.has_class("-beside")
        lines = app.curves.query_one(CurveLegend).lines
        assert sum("digits-" in line for line in lines) == 6
        assert any("NaN" in line for line in lines)
        assert view.size.height == 22
        assert "metric 2 of 4" in title(app)
        await press(app, pilot, "n")
        assert "metric 3 of 4" in title(app)
        await press(app, pilot, "enter")
        assert len(shown(app)) == 4


async def test_deltas_are_against_the_baseline_that_b_pins(store: Path) -> None:
    async with opened(store, (120, 30)) as (app, pilot):
        await press(app, pilot, "n", "z", "b")
        assert "choose a curve first" in app.curves.query_one(KeyLine).message
        await press(app, pilot, "j", "b")
        assert app.session.baseline_run_id == app.curves.focus_key
        lines = app.curves.query_one(CurveLegend).lines
        assert sum("+" in line for line in lines) >= 4
        assert any("⌂" in line for line in lines if "digits-" in line)


async def test_smoothing_keeps_the_values_that_were_logged(store: Path) -> None:
    async with opened(store) as (app, pilot):
        before = shown(app)[0].lines[0]
        await press(app, pilot, "]", "]", "]")
        assert "EMA 0.8" in title(app)
        chart = app.curves.chart
        assert chart is not None
        assert all(each.is_smoothed for each in chart.curves)
        assert shown(app)[0].lines[0] == before
        await press(app, pilot, "w")
        assert "window 25" in title(app)
        await app.run_command("smooth 0.95")
        await settle(app, pilot)
        assert "EMA 0.95" in title(app)
        await press(app, pilot, *["["] * 5)
        assert "EMA" not in title(app)


async def test_x_goes_through_step_and_times_and_takes_any_metric(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "x")
        assert "time since start" in title(app)
        await press(app, pilot, "x")
        assert "x time" in title(app)
        await app.run_command("x-axis train/loss")
        await settle(app, pilot)
        assert "x train/loss" in title(app)
        await press(app, pilot, "x")
        assert "x step" in title(app)
        await app.run_command("x-axis nothing-like-it")
        assert "no metric 'nothing-like-it'" in app.curves.query_one(KeyLine).message


async def test_log_axes_say_what_they_leave_out(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "Y", "X")
        assert "log y" in title(app)
        assert "log step" in title(app)
        assert all("6 at x not above 0" in each.lines[0] for each in shown(app)[:1])


async def test_zooming_in_goes_on_past_the_border_and_out_to_all(store: Path) -> None:
    async with opened(store, (80, 24)) as (app, pilot):
        await press(app, pilot, "z", "right", "+", "+")
        chart = app.curves.chart
        assert chart is not None
        assert chart.x is not None
        assert (chart.x.low, chart.x.high) == (0.0, 1990 / 4)
        assert "zoomed" in title(app)
        await press(app, pilot, "end", "right", "right")
        moved = app.curves.chart
        assert moved is not None
        assert moved.x is not None
        assert moved.x.low > 0
        await press(app, pilot, "-", "-")
        assert "zoomed" not in title(app)
        await press(app, pilot, "+", "Z")
        assert "zoomed" not in title(app)


async def test_s_averages_runs_that_differ_in_their_seed_only(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "s")
        chart = app.curves.chart
        assert chart is not None
        assert sorted(each.label for each in chart.curves) == ["lr=0.003", "lr=0.01"]
        assert {each.runs for each in chart.curves} == {3}
        assert "mean ± std over seeds" in title(app)
        await press(app, pilot, "z")
        assert any("n=3" in line for line in app.curves.query_one(CurveLegend).lines)
        await press(app, pilot, "B")
        assert "min-max" in title(app)
        await press(app, pilot, "s")
        assert "over seeds" not in title(app)


async def test_f_keeps_metrics_that_fit_and_says_when_none_does(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "f", "v", "a", "l", "enter")
        assert {each.chart.title for each in shown(app) if each.chart} == {"val/loss", "val/acc"}
        await app.run_command("filter-metrics nothing*")
        await settle(app, pilot)
        assert "no metric fits" in title(app)
        assert shown(app) == []


async def test_j_and_k_bring_one_curve_to_the_front(store: Path) -> None:
    async with opened(store) as (app, pilot):
        await press(app, pilot, "j", "j", "k")
        assert app.curves.focus_key in IDS
        assert {each.chart.focus for each in shown(app) if each.chart} == {app.curves.focus_key}
        await press(app, pilot, "escape")
        assert app.curves.focus_key is None


async def test_a_running_run_grows_and_nothing_else_is_read_again(tmp_path: Path) -> None:
    path = build_curves(tmp_path / "runs", runs=2)
    write_curves(path, 2, 50, Status.RUNNING)
    async with opened(path, runs=3) as (app, pilot):
        before = [curve.x.size for curve in _curves(app)]
        assert before == [200, 200, 50]
        first = _curves(app)[0]
        write_curves(path, 2, 80, Status.RUNNING)
        app.refresh_catalog()
        await settle(app, pilot)
        assert [curve.x.size for curve in _curves(app)] == [200, 200, 80]
        assert _curves(app)[0] is first


def _curves(app: CurvesApp) -> tuple[Curve, ...]:
    chart = app.curves.chart
    assert chart is not None
    return chart.curves


async def test_without_runs_of_its_own_it_draws_those_of_the_table(store: Path) -> None:
    async with opened(store, runs=1) as (app, pilot):
        assert "1 run " in title(app) + " "
        await press(app, pilot, "a")
        assert "6 runs" in title(app)


async def test_e_writes_the_points_of_what_is_shown(store: Path, tmp_path: Path) -> None:
    async with opened(store) as (app, pilot):
        await app.run_command("filter-metrics val/loss")
        await settle(app, pilot)
        target = tmp_path / "curves.csv"
        await app.run_command(f"export {target}")
        await settle(app, pilot)
        rows = target.read_text().splitlines()
        assert rows[0] == "run_id,name,step,time,value"
        assert len(rows) == 1 + 5 * 200 + 100
        assert {row.split(",")[1] for row in rows[1:]} == {"val/loss"}


async def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    path = build_curves(tmp_path / "runs", runs=0)
    for number, name in enumerate(["[/b]\x1b[31m", "a\nb\u202ec", "早" * 300]):
        write_curves(path, number, 20, name=name)
    async with opened(path, runs=3) as (app, pilot):
        await press(app, pilot, "z", "right", "s", "j")
        text = "\n".join(line for each in app.curves.query("StripView").results() for line in _lines(each))
        assert not set(text) & set("\x1b\u202e")


def _lines(view: object) -> list[str]:
    from labtop.tui.widgets.chart_strips import StripView

    return view.lines if isinstance(view, StripView) else []


@pytest.mark.parametrize("size", [(20, 5), (30, 7), (80, 24), (200, 50)])
async def test_every_size_works_and_back(store: Path, size: tuple[int, int]) -> None:
    async with opened(store, (80, 24)) as (app, pilot):
        for width, height in (size, (10, 3), (80, 24)):
            await pilot.resize_terminal(width, height)
            await settle(app, pilot)
            if (width, height) == size:
                assert shown(app)
                assert all(each.picture for each in shown(app))
        assert len(shown(app)) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["Loss", "acc", "a[1]"]),
        ("los", ["Loss"]),
        ("a*", ["acc", "a[1]"]),
        ("[1]", ["a[1]"]),
        ("LOSS, acc", ["Loss", "acc"]),
    ],
)
def test_metrics_are_found_by_words_and_patterns(text: str, expected: list[str]) -> None:
    assert list(matching(["Loss", "acc", "a[1]"], text)) == expected


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (1, (80, 21), (1, 1)),
        (4, (80, 21), (2, 2)),
        (9, (80, 21), (2, 2)),
        (2, (80, 21), (1, 2)),
        (3, (20, 4), (1, 1)),
    ],
)
def test_charts_are_laid_out_as_a_grid_that_suits(
    count: int, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert grid_shape(count, *size) == expected


def test_pages_hold_the_current_metric() -> None:
    assert page_of(5, 10, 4) == range(4, 8)
    assert page_of(9, 10, 4) == range(8, 10)


def test_single_points_share_no_page_with_curves() -> None:
    """Ten recalls logged once take no room from the losses."""
    assert part_of(1, [True, True, False]) == (0, 2)
    assert part_of(2, [True, True, False]) == (2, 1)
    assert part_of(0, [False]) == (0, 1)


def test_a_cursor_key_costs_few_bytes_and_rest_costs_none(store: Path) -> None:
    """At 80×24, in four charts and in one."""
    terminal = Terminal(
        "-m", "tests.tui.curves_app", str(store), env={"LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    )
    try:
        terminal.start(b"digits-0")
        terminal.settle(1.0)
        sizes = [len(terminal.key(b"\x1b[D").data) for _ in range(5)]
        terminal.key(b"z")
        terminal.settle(0.5)
        sizes += [len(terminal.key(b"\x1b[D").data) for _ in range(5)]
        assert max(sizes) <= 1_500
        assert terminal.read(quiet=1.0, limit=1.5).data == b""
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("env", "is_ascii", "is_coloured"),
    [({"LANG": "C", "LC_ALL": ""}, True, True), ({"NO_COLOR": "1", "LANG": "C.UTF-8"}, False, False)],
)
def test_no_color_and_the_c_locale_are_honoured(
    store: Path, env: dict[str, str], is_ascii: bool, is_coloured: bool
) -> None:
    import re

    terminal = Terminal("-m", "tests.tui.curves_app", str(store), env=env)
    try:
        sent = terminal.start(b"digits-0")[1] + terminal.key(b"\x1b[D").data + terminal.key(b"z").data
        sent += terminal.settle(0.5).data
        assert (max(sent) < 128) is is_ascii
        codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", sent) for code in found.split(b";")}
        assert bool(codes - {b"", b"0", b"1", b"2", b"4", b"7"}) is is_coloured
    finally:
        terminal.close()


async def test_of_several_processes_one_rank_or_an_aggregate_is_drawn(tmp_path: Path) -> None:
    """And the title says which."""
    path = build_curves(tmp_path / "runs")
    (folder,) = path.glob(f"*/{IDS[0]}")
    record = read_record(folder)
    for number in (1, 2):
        who = Writer(rank=number, launch="one", wants_record=True, ends_run=True)
        writer = RunWriter(folder, record, who=who)
        for step in range(10):
            writer.append(step, 1_700_000_000_000_000, {"val/loss": 1000.0 * number})
        writer.close()
    async with opened(path, runs=1) as (app, pilot):

        def highest() -> float:
            (chart,) = [each for each in app.curves.charts if each.title == "val/loss"]
            return max(float(value) for curve in chart.curves for value in curve.logged)

        assert "rank 0 of 3" in title(app)
        assert highest() < 1000
        await press(app, pilot, "A", "A", "A")
        assert "max of 3 ranks" in title(app)
        assert highest() == 2000
        await press(app, pilot, "A")
        assert "all 3 ranks" in title(app)
        (chart,) = [each for each in app.curves.charts if each.title == "val/loss"]
        assert [curve.label for curve in chart.curves] == ["rank 0", "rank 1", "rank 2"]
        assert len({(curve.glyph, curve.colour) for curve in chart.curves}) == 3
        app.curves.action_ranks("1")
        await settle(app, pilot)
        assert "rank 1 of 3" in title(app)
        assert highest() == 1000
