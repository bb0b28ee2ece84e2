"""Difference: a text diff to read, of a long value, a prompt, or the code of two runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.text import Text
from textual import events
from textual.app import ComposeResult

from labtop.analysis.text_diff import DiffLine, Kind
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.text import clean

Compute = Callable[[], Sequence[DiffLine]]

SIGNS: dict[Kind, str] = {"same": "  ", "removed": "- ", "added": "+ ", "skipped": "  ", "header": "  "}
STYLES: dict[Kind, str] = {"same": "", "removed": "red", "added": "green", "skipped": "dim", "header": "bold"}


class DifferenceScreen(ListScreen):
    """Lines of a diff; what left has a minus, what came a plus, and changed words are underlined."""

    NAME = "difference"
    HEADING = "Difference"
    AUTO_FOCUS: ClassVar[str | None] = "LineView"

    def __init__(self, run_ids: tuple[str, ...], title: str, compute: Compute) -> None:
        super().__init__(run_ids)
        self.subject = clean(title, 200)
        self.compute = compute
        self.lines: Sequence[DiffLine] = ()

    def compose_body(self) -> ComposeResult:
        """The lines."""
        yield LineView(has_cursor=False)

    def on_mount(self) -> None:
        """Compute the diff in a thread."""
        self.set_title(self.subject)
        self.request("lines", self.compute, self._computed)

    def on_resize(self, event: events.Resize) -> None:
        """Break long lines anew."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def _computed(self, lines: Sequence[DiffLine]) -> None:
        self.lines = lines
        added = sum(line.kind == "added" for line in lines)
        removed = sum(line.kind == "removed" for line in lines)
        self.set_title(self.subject, f"+{added} -{removed}")
        self._draw()

    def _draw(self) -> None:
        view = self.query_one(LineView)
        width = max(10, view.size.width - 3)
        drawn = [line for each in self.lines for line in draw_diff_line(each, width)]
        view.show(drawn or [Line(Text("  No difference.", "dim"), is_heading=True)])


def draw_diff_line(line: DiffLine, width: int) -> Iterator[Line]:
    """One line of a diff in as many lines of the screen as it takes."""
    text = Text(no_wrap=True, end="")
    for piece, changed in line.spans:
        is_marked = changed and any(not other for _, other in line.spans)
        text.append(clean(piece, 100_000, newline=" "), "bold underline" if is_marked else "")
    if line.kind == "skipped" and not text.plain.startswith("@@"):
        text = Text(f"··· {text.plain} ···")
    for at, part in enumerate(wrapped(text, width)):
        drawn = Text(SIGNS[line.kind] if at == 0 else "  ", STYLES[line.kind], no_wrap=True, end="")
        part.stylize_before(STYLES[line.kind])
        drawn.append_text(part)
        yield Line(drawn)


def wrapped(text: Text, width: int) -> Sequence[Text]:
    """Text cut into pieces of at most `width` cells."""
    if cell_len(text.plain) <= width:
        return [text]
    offsets: list[int] = []
    for piece in chop_cells(text.plain, width):
        offsets.append((offsets[-1] if offsets else 0) + len(piece))
    return list(text.divide(offsets[:-1]))
