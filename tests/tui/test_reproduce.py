"""The Reproduce screen: what was found today, and a script that is copied and written as it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labtop.tui.screens.reproduce import ReproduceScreen
from tests.reproduce.recorded import RecordedRun, make_dirty, make_repository, record_run
from tests.stores import write_run
from tests.tui.compare_app import opened, press, settle, shown


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedRun:
    """A run recorded in a repository with uncommitted changes; the working directory is that repository."""
    make_repository(tmp_path / "repo")
    make_dirty(tmp_path / "repo")
    found = record_run(tmp_path / "repo", tmp_path / "store")
    write_run(tmp_path / "store", found.record)
    monkeypatch.chdir(tmp_path / "repo")
    return found


def front(app: object) -> ReproduceScreen:
    """The screen in front."""
    screen = getattr(app, "screen", None)
    assert isinstance(screen, ReproduceScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_pillars_stand_above_or_beside_the_script(
    recorded: RecordedRun, tmp_path: Path, size: tuple[int, int]
) -> None:
    """What was recorded, what was found today, and the script from its first line."""
    async with opened(tmp_path / "store", "reproduce", [recorded.record.id], size) as (app, _):
        text = shown(app)
    assert "code  recorded: complete" in text
    assert "+ the patch applies" in text
    assert "#!/bin/sh" in text
    side_by_side = any("code  recorded" in line and "#!/bin/sh" in line for line in text.splitlines())
    assert side_by_side == (size[0] > 100)


async def test_the_script_is_written_to_a_new_file_only(recorded: RecordedRun, tmp_path: Path) -> None:
    """As shown, executable for its owner alone; a file that is there stays."""
    path = tmp_path / "again.sh"
    async with opened(tmp_path / "store", "reproduce", [recorded.record.id], (200, 24)) as (app, pilot):
        screen = front(app)
        screen.action_write_script(str(path))
        await settle(app, pilot)
        assert "written to" in shown(app)
        assert screen.plan is not None
        assert path.read_text() == screen.plan.script()
        assert path.stat().st_mode & 0o777 == 0o700
        path.write_text("mine")
        screen.action_write_script(str(path))
        await settle(app, pilot)
        assert "is there already" in shown(app)
        await press(app, pilot, "w", "enter")
    assert path.read_text() == "mine"
    assert (tmp_path / "repo" / "reproduce-k7f2aaaaaa.sh").is_file()


async def test_copying_says_how_it_was_done(recorded: RecordedRun, tmp_path: Path) -> None:
    """The script with `y y`, a line with `Y`."""
    async with opened(tmp_path / "store", "reproduce", [recorded.record.id]) as (app, pilot):
        await press(app, pilot, "y", "y")
        assert "the script: " in shown(app)
        await press(app, pilot, "Y")
        assert "the line: " in shown(app)


async def test_what_is_copied_is_what_is_shown(recorded: RecordedRun, tmp_path: Path) -> None:
    """Cleaning for a paste changes nothing in a script."""
    from labtop.tui.clipboard import clean_for_paste

    async with opened(tmp_path / "store", "reproduce", [recorded.record.id]) as (app, _):
        script = "\n".join(front(app).script)
    assert clean_for_paste(script) == script


async def test_another_environment_can_be_chosen(recorded: RecordedRun, tmp_path: Path) -> None:
    """E and a letter."""
    async with opened(tmp_path / "store", "reproduce", [recorded.record.id]) as (app, pilot):
        await press(app, pilot, "E", "d")
        plan = front(app).plan
        assert plan is not None
        assert plan.environment == "docker"
        assert any("no digest of a container image" in each.text for each in plan.found)
        await press(app, pilot, "E", "n")
        plan = front(app).plan
        assert plan is not None
        assert plan.environment == "current"


async def test_looking_at_a_plan_runs_nothing(recorded: RecordedRun, tmp_path: Path) -> None:
    """No file appears in the repository, and none beside the store."""
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    async with opened(tmp_path / "store", "reproduce", [recorded.record.id]) as (app, pilot):
        await press(app, pilot, "R", "tab", "j", "G")
        assert front(app).plan is not None
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


async def test_hostile_facts_are_drawn_clean(recorded: RecordedRun, tmp_path: Path) -> None:
    """Escapes in names, arguments and remotes reach neither the screen nor the script."""
    record = recorded.record
    nasty = "\x1b]52;c;x\x07\u202e[/b]\x9b31m"
    hostile = replace(
        record,
        id="hostileaaa",
        name=nasty,
        command=replace(record.command, argv=("python", nasty)),
        code=replace(record.code, remote=nasty, branch=nasty, commit="a" * 40, bundle=None),
    )
    write_run(tmp_path / "store", hostile)
    async with opened(tmp_path / "store", "reproduce", [hostile.id], (120, 60)) as (app, pilot):
        texts = [shown(app)]
        await press(app, pilot, "G")
        texts.append(shown(app))
        script = front(app).script
    for text in (*texts, *script):
        assert all(each == "\n" or each.isprintable() for each in text), text


async def test_no_run_at_all_is_said(tmp_path: Path) -> None:
    """An empty store."""
    from labtop.store.layout import create_store

    create_store(tmp_path / "store")
    async with opened(tmp_path / "store", "reproduce", []) as (app, _):
        assert "There is no run to bring back" in shown(app)
