"""Help: every key and command, from the table of actions, with the user's own keys."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult

from labtop.tui.actions import EVERYWHERE, Action
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView

NOTES = (
    (
        "Filters",
        "lr < 1e-3 and val/loss < 0.42     optimizer = 'adam' or tags has 'paper'     max(val/acc) > 0.9",
    ),
    (
        "",
        "status = failed     started_at > '2 days ago'     a word that is no column searches name, tags, notes, id",
    ),
    ("Marks", "a marked run keeps its shape and colour on every screen; c compares, 3 draws the marked runs"),
    (
        "Copying text",
        "m turns the mouse off, then the terminal selects; or hold shift (option on a Mac) while you drag",
    ),
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
        """Write them."""
        super().on_mount()
        self.set_title("keys and commands", "/ searches here")
        self.query_one(LineView).show(self._lines())

    def _lines(self) -> list[Line]:
        keymap = self.session.keymap
        groups: dict[str, list[Action]] = {}
        for action in keymap.actions:
            groups.setdefault(action.group, []).append(action)
        lines: list[Line] = []
        for group, actions in groups.items():
            lines += [Line(Text(), is_heading=True)] if lines else []
            lines.append(Line(Text(group, "bold"), is_heading=True))
            lines += [self._line(action) for action in actions]
        lines += [Line(Text(), is_heading=True), Line(Text("Good to know", "bold"), is_heading=True)]
        lines += [Line(Text.assemble("  ", (f"{title:<16}", "bold"), text)) for title, text in NOTES]
        return lines

    def _line(self, action: Action) -> Line:
        keys = "  ".join(self.session.keymap.keys(action.name)) or ""
        text = Text("  ", no_wrap=True)
        text.append(f"{keys:<16}", "bold")
        text.append(f":{action.title} {action.argument}".ljust(36)[:36] + " ", "dim")
        text.append(action.description)
        if EVERYWHERE not in action.screens:
            text.append(f"  ({', '.join(action.screens)})", "dim")
        return Line(text)
