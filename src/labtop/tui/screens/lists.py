"""What screens made of lines have in common: moving, and searching with `/`, `n` and `N`."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from labtop.tui.screens.base import LabScreen
from labtop.tui.widgets.line_view import LineView


class ListScreen(LabScreen):
    """A screen whose body is one or more LineViews; keys act on the one with the focus."""

    DEFAULT_CSS = "ListScreen LineView { padding: 0 1; }"
    AUTO_FOCUS: ClassVar[str | None] = "LineView"

    def compose_body(self) -> ComposeResult:
        """One list."""
        yield LineView()

    @property
    def list_view(self) -> LineView:
        """The list that keys act on."""
        return self.focused if isinstance(self.focused, LineView) else self.query(LineView).first()

    def action_down(self) -> None:
        """One line down."""
        self.list_view.move(1)

    def action_up(self) -> None:
        """One line up."""
        self.list_view.move(-1)

    def action_half_page_down(self) -> None:
        """Half a page down."""
        self.list_view.page(0.5)

    def action_half_page_up(self) -> None:
        """Half a page up."""
        self.list_view.page(-0.5)

    def action_page_down(self) -> None:
        """A page down."""
        self.list_view.page(1)

    def action_page_up(self) -> None:
        """A page up."""
        self.list_view.page(-1)

    def action_top(self) -> None:
        """To the first line."""
        self.list_view.move_to(0)

    def action_bottom(self) -> None:
        """To the last line."""
        self.list_view.move_to(len(self.list_view.lines) - 1, -1)

    def action_search(self, needle: str = "") -> None:
        """Search as it is typed."""
        if needle:
            self._tell(needle, *self.list_view.find(needle))
            return
        before = self.list_view.needle

        def explain(typed: str) -> str:
            number, count = self.list_view.find(typed)
            return f"{number} of {count}   n next   N previous" if count else "not found" if typed else ""

        def done(typed: str | None) -> None:
            if typed is None:
                self.list_view.find(before)

        self.ask("", "", done, prompt="/", explain=explain)

    def action_next_match(self) -> None:
        """To the next match."""
        self._tell(self.list_view.needle, *self.list_view.find(self.list_view.needle, 1))

    def action_previous_match(self) -> None:
        """To the match before."""
        self._tell(self.list_view.needle, *self.list_view.find(self.list_view.needle, -1))

    def action_close(self) -> None:
        """Take back the marks of a search, or else go back."""
        if self.list_view.needle:
            self.list_view.find("")
        else:
            self.call_later(self.lab.action_back)

    def _tell(self, needle: str, number: int, count: int) -> None:
        if not needle:
            self.say("nothing is searched for; / begins", "warning")
        else:
            self.say(f"{needle}: {number} of {count}" if count else f"{needle}: not found")
