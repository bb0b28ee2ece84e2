"""The palette and the command line, two more ways to every action of the table; and copying, which all screens do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labtop.errors import UsageError
from labtop.tui.actions import BY_NAME, Action, parse_command
from labtop.tui.screens.dialogs import Choice, Menu, Picker, Prompt
from labtop.tui.session import Session

if TYPE_CHECKING:
    from labtop.tui.app import LabtopApp

TAKES_COLUMNS = ("sort", "add_sort", "columns", "hide_column", "group")


def open_palette(app: LabtopApp) -> None:
    """Find an action of the screen in front by typing, and do it."""
    front = app.front
    if front is None:
        return
    keymap = app.session.keymap
    choices = [
        Choice(
            action.name,
            f"{action.title} {action.argument}".strip(),
            f"{action.description}   {'  '.join(keymap.keys(action.name))}".rstrip(),
        )
        for action in keymap.on_screen(front.NAME)
        if action.group != "Moving" and action.name not in ("palette", "close")
    ]

    async def done(name: str | None) -> None:
        if name is not None:
            await front.perform(BY_NAME[name])

    app.push_screen(Picker("what to do", choices), done)


def open_command_line(app: LabtopApp) -> None:
    """Type a command."""
    front, state = app.front, app.session.state
    if front is None:
        return
    screen = front.NAME

    async def done(line: str | None) -> None:
        if line and line.strip():
            state.remember_command(line.strip())
            await app.run_command(line)

    app.push_screen(
        Prompt(
            "",
            prompt=":",
            history=state.commands,
            complete=lambda line: complete(line, screen, app.session),
            explain=lambda line: explain(line, screen),
        ),
        done,
    )


def copy_text(app: LabtopApp, text: str, what: str) -> None:
    """Copy a text and say how it was done; many lines are asked about first, since a paste may run each."""
    from labtop.tui import clipboard

    def do(text: str, what: str) -> None:
        app.session.gateway.request(
            "copy", lambda: clipboard.copy(text, app.write_to_terminal), lambda how: app.say(f"{what}: {how}")
        )

    text = text.rstrip("\n")
    count = text.count("\n") + 1
    if not text:
        app.say(f"there is no {what} to copy", "warning")
        return
    if count == 1:
        do(text, what)
        return

    def done(answer: str | None) -> None:
        if answer == "all":
            do(text, f"{count} lines of {what}")
        elif answer == "one":
            do(" ".join(text.split("\n")), what)

    choices = [Choice("all", f"all {count} lines", letter="y"), Choice("one", "as one line", letter="o")]
    app.push_screen(Menu(f"{what}: {count} lines; pasted into a shell, each would run", choices), done)


def explain(line: str, screen: str) -> str:
    """What a command line would do, as it is typed."""
    if not line.strip():
        return "a command, such as sort -val/acc   Tab completes   Enter does it   Esc closes"
    try:
        action, _ = parse_command(line, screen)
    except UsageError as error:
        return str(error)
    return f"{action.title} {action.argument}".rstrip() + f"   {action.description}"


def complete(line: str, screen: str, session: Session) -> Sequence[str]:
    """Lines that Tab may turn this one into: names of actions, then what the action takes."""
    word, space, rest = line.partition(" ")
    if not space:
        start = word.replace("_", "-")
        return sorted(
            action.title + (" " if action.argument else "")
            for action in session.keymap.on_screen(screen)
            if action.title.startswith(start) and action.group != "Moving"
        )
    try:
        action, _ = parse_command(word, screen)
    except UsageError:
        return ()
    head, last = _split_last(rest)
    return [f"{word} {head}{each}" for each in _arguments(action, last, session)]


def _arguments(action: Action, start: str, session: Session) -> Sequence[str]:
    if action.name in TAKES_COLUMNS and session.is_open:
        minus = "-" if start.startswith("-") else ""
        return [minus + each for each in session.catalog.suggest(start.removeprefix("-"))]
    if action.name in ("views", "save_view", "delete_view"):
        from labtop.tui.state import saved_views

        return [each for each in saved_views() if each.startswith(start)]
    if "|" in action.argument:
        return [each for each in action.argument.split("|") if each.startswith(start)]
    return ()


def _split_last(text: str) -> tuple[str, str]:
    """The last word of a list with commas or spaces, and what stands before it."""
    at = max(text.rfind(","), text.rfind(" ")) + 1
    return text[:at], text[at:]
