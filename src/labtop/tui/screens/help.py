"""Help: every key and command, from the table of actions, with the user's own keys."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult

from labtop.tui.actions import EVERYWHERE, Action
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView

WIDE = 140  # cells from which commands and screens have columns of their own
MANY = 5  # screens; an action of more is one of all lists
KEYS, DESCRIPTION, COMMAND = 18, 58, 42  # widths of columns

NOTES = (
    ("Filters", "lr < 1e-3 and val/loss < 0.42"),
    ("", "optimizer = 'adam' or tags has 'paper'"),
    ("", "max(val/acc) > 0.9     status = failed"),
    ("", "started_at > '2 days ago'"),
    ("", "a word that is no column searches name, tags, notes, id"),
    ("Marks", "a marked run keeps its shape and colour on every screen;"),
    ("", "c compares, 3 draws the marked runs"),
    ("Copying text", "m turns the mouse off, then the terminal selects;"),
    ("", "or hold shift (option on a Mac) while you drag"),
)


class HelpScreen(ListScreen):
    """What there is to press and to type."""

    NAME = "help"
    HEADING = "Help"

    has_cursor: ClassVar[bool] = False

    def compose_body(self) -> ComposeResult:
        """The lines."""
        yield LineView(has_cursor=False)

    def on_mount(self) -> None:
        """Say what this is."""
        self.set_title("keys and commands", "/ searches here")

    def on_resize(self, event: events.Resize) -> None:  # Textual calls the one of LabScreen too
        """Write the lines, as wide as there is room for."""
        self.query_one(LineView).show(self._lines(event.size.width - 3))

    def _lines(self, width: int) -> list[Line]:
        groups: dict[str, list[Action]] = {}
        for action in self.session.keymap.actions:
            groups.setdefault(action.group, []).append(action)
        lines: list[Line] = []
        for group, actions in groups.items():
            lines += [Line(Text(), is_heading=True)] if lines else []
            lines.append(Line(Text(group, "bold"), is_heading=True))
            lines += [line for action in actions for line in self._action(action, width)]
        lines += [Line(Text(), is_heading=True), Line(Text("Good to know", "bold"), is_heading=True)]
        lines += [Line(Text.assemble("  ", (title.ljust(KEYS), "bold"), text)) for title, text in NOTES]
        return lines

    def _action(self, action: Action, width: int) -> list[Line]:
        """Keys, what they do, the command and where it counts; where that is too long, below each other."""
        keys = "  ".join(self.session.keymap.keys(action.name))
        command = f":{action.title} {action.argument}".strip()
        screens = action.screens
        where = "" if EVERYWHERE in screens else "lists" if len(screens) > MANY else ", ".join(screens)
        if width >= WIDE:
            told = Text.assemble(action.description.ljust(DESCRIPTION), (command.ljust(COMMAND), "dim"))
        else:
            told = Text.assemble(action.description, "  ", (command.replace(" ", "\u00a0"), "dim"))
        told.append(f"  {where}", "dim")
        parts = told.wrap(self.app.console, max(20, width - KEYS - 2))
        search = f"{keys} {action.description} {command} {where}"
        lines = []
        for number, part in enumerate(parts):
            part.rstrip()
            head = Text.assemble("  ", ((keys if number == 0 else "").ljust(KEYS), "bold"), no_wrap=True)
            lines.append(Line(head.append_text(part), search="\n" if number else search))
        return lines
