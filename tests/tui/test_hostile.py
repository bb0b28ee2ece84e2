"""Nothing of a run reaches the terminal but visible text: the program on a real pty, on every screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtop.tui.run_edits import shell_line
from tests.terminal import Terminal
from tests.tui import hostile
from tests.tui.shell_app import labtop

WALK = (
    b"j", b"j", b" ", b"j", b" ", b"b", b"l", b"l", b"\r", b"\x04", b"G", b"q", b"y", b"\x1b", b"o", b"los", b"\x1b",
    b"C", b"\x1b", b"S", b"\x1b", b"=", b"/", b"\x1b[A", b"\x1b", b"u", b"\x10", b"ex", b"\x1b", b"t", b"\x1b", b"c",
    b"j", b"j", b"\r", b"q", b"q", b"3", b"l", b"q", b"r", b"q", b"s", b"\r", b"q", b"s", b"P", b"q", b"?", b"q",
    b":rename \x1b", b"e", b"\x1b",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile store."""
    return hostile.build(tmp_path_factory.mktemp("hostile") / "runs")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_no_payload_reaches_the_terminal(store: Path, size: tuple[int, int]) -> None:
    """A walk through all screens, menus and dialogs."""
    terminal = Terminal("-m", "labtop", str(store), columns=size[0], rows=size[1])
    try:
        written = terminal.start(b"16 runs")[1]
        for key in WALK:
            written += terminal.key(key).data
        assert not terminal.has_ended
        for payload in hostile.PAYLOADS:
            assert payload not in written, (payload, written[max(0, written.index(payload) - 80) :][:160])
        written.decode("utf-8")
        code, written = terminal.end(b"\x11")
        assert code == 0
        assert b"Traceback" not in written
        assert b"\x1b[?1049l" in written
    finally:
        terminal.close()


async def test_names_are_shown_literally_on_the_screens(store: Path) -> None:
    """Markup is text, escapes are pictures; the table, the run and Compare stay alive."""
    async with labtop(store, size=(160, 50)) as driver:
        await driver.command("all-columns")
        assert "[/b]␛]52" in driver.screen
        assert "[@click=app.quit]x" in driver.screen
        for _ in hostile.TEXTS[:4]:
            await driver.press("enter")
            assert "Can it be reproduced?" in driver.screen
            await driver.press("q", "j")
        await driver.press("*", "c", "q")
        assert driver.app.is_running


async def test_filtering_by_every_hostile_cell_finds_its_run(store: Path) -> None:
    """`=` writes a filter that the language reads back."""
    async with labtop(store, size=(100, 40)) as driver:
        driver.runs.grid.move_to_column(1)
        for place in range(len(hostile.TEXTS)):
            driver.runs.grid.move_to(place)
            name = driver.runs.grid.cell
            await driver.press("=")
            found = [
                row.values[1] for index in driver.runs.grid.seen if (row := driver.runs.grid.row_at(index))
            ]
            assert found == [name], driver.message
            await driver.press("u")
            assert driver.runs.grid.row_count == len(hostile.TEXTS)


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_a_copied_command_is_one_printable_line(text: str) -> None:
    """Whatever an argument holds."""
    line = shell_line(["echo", text])
    assert "\n" not in line
    assert "\x1b" not in line
