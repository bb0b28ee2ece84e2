"""The Compare screen: what differs, in how many things, and what its keys do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labtop.model.run import Code, MetricSummary, RunRecord, Status
from labtop.tui.screens.compare import CompareScreen
from labtop.tui.screens.difference import DifferenceScreen
from labtop.tui.widgets.grid import Grid
from tests.tui.compare_app import make_store, opened, press, settle, shown

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PROMPT = "You are a helpful assistant.\nAnswer in one line.\nBe {}.\nNever guess."


def run(number: int, **changes: object) -> RunRecord:
    """A finished run."""
    base = RunRecord(
        id="abcdefghij"[number % 10] * 9 + "abcdefg"[number // 10],
        name=f"run-{number}",
        project="digits",
        status=Status.FINISHED,
        started_at=START + timedelta(minutes=number),
        ended_at=START + timedelta(minutes=number + 1),
        params={
            "lr": 0.1 / (number + 1),
            "aug": {"mixup": 0.2, "flip": True},
            "epochs": 5,
            "prompt": PROMPT.format("kind" if number == 0 else "terse"),
        },
        metrics={
            "val/loss": MetricSummary(
                goal="min", count=5, first=2.0, last=0.5 - number / 100, last_step=4, min=0.4, max=2.0
            )
        },
        code=Code(commit="ab"[number % 2] * 40, dirty=False),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of a record, each typed at its place


IDS = tuple(run(number).id for number in range(3))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three runs."""
    return make_store(tmp_path / "store", [run(number) for number in range(3)])


async def test_only_what_differs_is_shown_under_the_headline(store: Path) -> None:
    """The causes are counted, rows that are equal are left out and counted, a metric has its delta."""
    async with opened(store, "compare", IDS) as (app, _):
        text = shown(app)
    assert "differs in 3 things: lr, prompt, code" in text
    assert "run-0" in text
    assert "epochs" not in text
    assert "3 equal" in text
    assert re.search(r"0\.490 +-0\.010", text)
    assert "…Be kind." in text  # where the long values part


async def test_a_shows_everything_and_again_only_what_differs(store: Path) -> None:
    """The key toggles."""
    async with opened(store, "compare", IDS, (80, 40)) as (app, pilot):
        await press(app, pilot, "a")
        assert "epochs" in shown(app)
        assert "aug" in shown(app)
        await press(app, pilot, "a")
        assert "epochs" not in shown(app)


async def test_the_filter_is_live_and_escape_drops_it(store: Path) -> None:
    """Facts that hold the words stay; Enter keeps the filter, Esc on the screen drops it."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "slash", *"terse")
        assert "1 fit" in shown(app)
        assert " lr " not in shown(app)
        await press(app, pilot, "enter")
        assert "filter: terse" in shown(app)
        await press(app, pilot, "escape")
        assert " lr " in shown(app)


async def test_escape_while_typing_brings_the_last_filter_back(store: Path) -> None:
    """What was half typed is dropped."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "slash", *"lr", "enter", "slash", *"xyz", "escape")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen.needle == "lr"


async def test_transposed_a_row_is_a_run(store: Path) -> None:
    """The same facts, the other way round."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "x")
        lines = shown(app).splitlines()
    assert any("lr" in line and "prompt" in line for line in lines)
    assert sum("run-" in line and "absent" not in line for line in lines) >= 3


async def test_sections_fold(store: Path) -> None:
    """The facts of a folded section are gone, its line stays."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "j", "space")
        text = shown(app)
        assert "params" in text
        assert "prompt  " not in text
        await press(app, pilot, "space")
        assert " lr " in shown(app)


async def test_enter_opens_a_long_value_as_a_text_diff(store: Path) -> None:
    """The line that changed is there twice, what is equal once; Esc leads back."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "j", "j", "enter")
        assert isinstance(app.screen, DifferenceScreen)
        text = shown(app)
        assert "- Be kind." in text
        assert "+ Be terse." in text
        assert "  Never guess." in text
        await press(app, pilot, "escape")
        assert isinstance(app.screen, CompareScreen)


async def test_the_code_diff_says_what_is_missing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither commit is anywhere here."""
    monkeypatch.chdir(tmp_path)
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "d")
        assert "is neither in a clone here nor in a bundle" in shown(app).replace("\n  ", " ")


async def test_b_compares_with_the_run_under_the_cursor(store: Path) -> None:
    """It becomes the first column, here and on the other screens."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "l", "l", "l", "b")
        assert app.session.baseline_run_id == IDS[2]
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen.comparison is not None
        assert screen.comparison.run_ids == (IDS[2], IDS[0], IDS[1])


async def test_one_run_says_what_to_do(store: Path) -> None:
    """Nothing to compare is no error."""
    async with opened(store, "compare", IDS[:1]) as (app, _):
        assert "nothing to compare" in shown(app)


async def test_fifty_runs_scroll_beside_the_keys(tmp_path: Path) -> None:
    """The last of fifty columns is reached, and the keys stay."""
    records = [run(number) for number in range(50)]
    store = make_store(tmp_path / "store", records)
    async with opened(store, "compare", [record.id for record in records]) as (app, pilot):
        await press(app, pilot, "dollar_sign")
        text = shown(app)
        assert "run-49" in text
        assert " lr" in text
        assert "run-1 " not in text


@pytest.mark.parametrize("size", [(20, 5), (30, 6), (200, 50)])
async def test_any_size_of_terminal(store: Path, size: tuple[int, int]) -> None:
    """Small ones say that it does not fit, and it comes back."""
    async with opened(store, "compare", IDS, size) as (app, pilot):
        await pilot.resize_terminal(20, 5)
        await settle(app, pilot)
        assert "needs 30x6" in shown(app)
        await pilot.resize_terminal(100, 30)
        await settle(app, pilot)
        assert "differs in 3 things" in shown(app)


HOSTILE = (
    "\x1b]52;c;VEFDVEU=\x07",
    "[/b] plan",
    "[@click=app.quit]x[/]",
    "\u202egnp.exe",
    "a\nb\rc\x9b31m",
    "名" * 300,
    "e" + "\u0301" * 50,
    "\ud800",
    "",
)


async def test_hostile_text_is_drawn_clean_everywhere(tmp_path: Path) -> None:
    """Names, keys, values and diffs: no control character, no crash, markup as it is."""
    records = [
        run(
            number,
            name=text,
            params={
                text or "empty": text,
                "p": {text + "k": [text, number]},
                "long": f"{text}\n{number}\n" * 5,
            },
            code=Code(commit="a" * 40, branch=text, remote=text),
        )
        for number, text in enumerate(HOSTILE[:-2] + HOSTILE[-1:])
    ]
    store = make_store(tmp_path / "store", records)
    async with opened(store, "compare", [record.id for record in records], (120, 60)) as (app, pilot):
        texts = [shown(app)]
        grid = app.screen.query_one(Grid)
        for key in ("a", "x", "x", "G", "enter", "escape", "g", "g", "j", "enter", "escape", "d"):
            await press(app, pilot, key)
            texts.append(shown(app))
        assert grid.row_count
    for text in texts:
        assert all(character == "\n" or character.isprintable() for character in text), text
    assert "[/b] plan" in texts[0]


async def test_the_cursor_run_is_brought_back_with_r(store: Path) -> None:
    """The plan is of the run under the cursor."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "l", "l", "r")
        assert app.front is not None
        assert app.front.NAME == "reproduce"
        assert app.front.run_ids == (IDS[1],)


async def test_the_comparison_can_be_copied(store: Path) -> None:
    """As a headline, and how it was copied is said."""
    async with opened(store, "compare", IDS) as (app, pilot):
        await press(app, pilot, "y", "h")
        assert "clipboard" in shown(app)
