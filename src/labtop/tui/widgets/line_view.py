"""Lines of text to scroll through, with a cursor that can choose one: the body of every list but the run table.

Drawn line by line, so a hundred thousand lines cost what is on the screen, and a cursor key repaints two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `key` is what choosing it means; headings and rules are not chosen."""

    text: Text
    key: str = ""
    is_heading: bool = False
    search: str = field(default="", compare=False)  # what a search looks at; the text, if empty

    @property
    def searched(self) -> str:
        """What a search looks at."""
        return self.search or self.text.plain


class LineView(ScrollView, can_focus=True):
    """A list of lines. Without `has_cursor` the keys scroll."""

    COMPONENT_CLASSES = {"line-view--cursor", "line-view--match"}  # noqa: RUF012  # as Textual declares it

    DEFAULT_CSS = """
    LineView {
        height: 1fr; width: 1fr; background: $background; color: $foreground; overflow-x: hidden; scrollbar-size: 1 1;
    }
    LineView > .line-view--cursor { text-style: reverse; }
    LineView > .line-view--match { text-style: bold underline; }
    """

    @dataclass
    class Highlighted(Message):
        """The cursor moved to a line."""

        view: LineView
        line: Line

    @dataclass
    class Chosen(Message):
        """A line was chosen with Enter or a second click."""

        view: LineView
        line: Line

    def __init__(self, has_cursor: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self.has_cursor = has_cursor
        self.lines: Sequence[Line] = ()
        self.cursor = 0
        self.needle = ""
        self._strips: dict[int, Strip] = {}

    def show(self, lines: Sequence[Line], keep_place: bool = True) -> None:
        """Draw other lines; the cursor stays at its line number, or goes to the first.

        Of lines in sight only what looks different is painted again, from the first cell that changed.
        """
        old = {y: self._draw_row(y) for y in range(self.size.height)}
        self.lines = lines
        self._strips.clear()
        self.virtual_size = Size(self.size.width, len(lines))
        self.cursor = self._settle(min(self.cursor, len(lines) - 1) if keep_place else 0, 1)
        if not keep_place:
            self.scroll_to(y=0, animate=False)
        for y, strip in old.items():
            new = self._draw_row(y)
            if new != strip:
                x = _first_difference(strip, new)
                self.refresh(Region(x, y, self.size.width - x, 1))

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.lines[self.cursor] if 0 <= self.cursor < len(self.lines) else None

    def move(self, by: int) -> None:
        """Move the cursor, or scroll."""
        if not self.has_cursor:
            self.scroll_to(y=self.scroll_target_y + by, animate=False)
        elif self.lines:
            self.move_to(max(0, min(len(self.lines) - 1, self.cursor + by)), 1 if by > 0 else -1)

    def move_to(self, row: int, direction: int = 1) -> None:
        """Put the cursor on a line, or the next one in a direction that can be chosen."""
        if not self.has_cursor:
            self.scroll_to(y=row, animate=False)
            return
        old, self.cursor = self.cursor, self._settle(row, direction)
        if old == self.cursor:
            self._scroll_into_sight()
            return
        self._refresh_line(old)
        self._refresh_line(self.cursor)
        self._scroll_into_sight()
        if self.line is not None:
            self.post_message(self.Highlighted(self, self.line))

    def page(self, pages: float) -> None:
        """Turn whole or half pages; the cursor keeps its line on the screen, and goes to the end on the last page."""
        lines = round(pages * max(1, self.size.height - 1))
        top = round(self.scroll_target_y)
        last_top = max(0, len(self.lines) - self.size.height)
        self.scroll_to(y=max(0, min(top + lines, last_top)), animate=False)
        if self.has_cursor:
            self.move(lines)

    def begin_with(self, row: int) -> None:
        """Put the cursor on a line, with the heading above it on top of the screen as far as there are lines below."""
        self.move_to(row)
        self.scroll_to(y=max(0, row - 1), animate=False)

    def choose(self) -> None:
        """Choose the line under the cursor."""
        if self.line is not None and self.line.key:
            self.post_message(self.Chosen(self, self.line))

    def find(self, needle: str, step: int = 0) -> tuple[int, int]:
        """Go to a line that holds `needle`: from here (0), the next (1) or the one before (-1).

        Gives the number of the match, from 1, and how many there are; (0, 0) for none.
        """
        if needle != self.needle:
            self.needle = needle
            self._strips.clear()
            self.refresh()
        wanted = needle.casefold()
        matches = [at for at, line in enumerate(self.lines) if wanted and wanted in line.searched.casefold()]
        if not matches:
            return 0, 0
        here = self.cursor if self.has_cursor else round(self.scroll_target_y)
        if step < 0:
            found = next((at for at in reversed(matches) if at < here), matches[-1])
        else:
            found = next((at for at in matches if at >= here + step), matches[0])
        if self.has_cursor:
            self.move_to(found)
        else:
            self.scroll_to(y=max(0, found - self.size.height // 3), animate=False)
        return matches.index(found) + 1, len(matches)

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        return self._draw_row(y)

    def _draw_row(self, y: int) -> Strip:
        row = y + round(self.scroll_offset.y)
        width = self.size.width
        base = self.rich_style
        if row >= len(self.lines):
            return Strip.blank(width, base)
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._draw(self.lines[row].text, width, base)
        if self.has_cursor and row == self.cursor and self.has_focus_within_dialog:
            strip = strip.apply_style(self.get_component_rich_style("line-view--cursor", partial=True))
        return strip

    @property
    def has_focus_within_dialog(self) -> bool:
        """Whether the cursor is shown: a list that a text field next to it steers shows it too."""
        return self.has_focus or not self.can_focus

    def on_resize(self, event: events.Resize) -> None:
        """Lines are cut to the width."""
        self._strips.clear()
        self.virtual_size = Size(event.size.width, len(self.lines))
        self._scroll_into_sight()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor; a second one chooses."""
        row = event.y + round(self.scroll_offset.y)
        if self.has_cursor and row < len(self.lines) and not self.lines[row].is_heading:
            chosen = row == self.cursor
            self.move_to(row)
            if chosen:
                self.choose()

    def on_focus(self) -> None:
        """The cursor is shown."""
        self._refresh_line(self.cursor)

    def on_blur(self) -> None:
        """The cursor is hidden."""
        self._refresh_line(self.cursor)

    def _draw(self, text: Text, width: int, base: Style) -> Strip:
        if self.needle:
            text = text.copy()
            text.highlight_words([self.needle], Style(bold=True, underline=True), case_sensitive=False)
        segments = [
            Segment(segment.text, segment.style)
            for segment in text.render(self.app.console)
            if "\n" not in segment.text
        ]
        style = base + self.app.console.get_style(
            text.style, default=""
        )  # render() leaves out the text's own
        return Strip(Segment.adjust_line_length(segments, width)).apply_style(style)

    def _settle(self, row: int, direction: int) -> int:
        """The nearest line that can be chosen, first in a direction, then in the other."""
        if not self.has_cursor or not self.lines:
            return max(0, row)
        row = max(0, min(row, len(self.lines) - 1))
        ahead = range(row, len(self.lines)) if direction > 0 else range(row, -1, -1)
        back = range(row, -1, -1) if direction > 0 else range(row, len(self.lines))
        return next((at for at in chain(ahead, back) if not self.lines[at].is_heading), row)

    def _refresh_line(self, row: int) -> None:
        y = row - round(self.scroll_offset.y)
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _scroll_into_sight(self) -> None:
        if not self.has_cursor or not self.size.height:
            return
        top = round(self.scroll_target_y)
        if self.cursor < top:
            above = self.cursor  # headings just above come into sight with it
            while above > 0 and self.lines[above - 1].is_heading and self.cursor - above < 2:
                above -= 1
            self.scroll_to(y=above, animate=False)
        elif self.cursor >= top + self.size.height:
            self.scroll_to(y=self.cursor - self.size.height + 1, animate=False)


def _first_difference(old: Strip, new: Strip) -> int:
    """The first cell in which two lines differ."""
    x = 0
    for before, after in zip(old, new, strict=False):
        if before == after:
            x += cell_len(before.text)
            continue
        if before.style == after.style:
            for one, other in zip(before.text, after.text, strict=False):
                if one != other:
                    break
                x += cell_len(one)
        break
    return x
