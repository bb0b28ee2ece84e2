"""Value: one image, table, histogram, confusion matrix, curve or text of a run, through its steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult

from labtop.errors import InputError
from labtop.model.run import Artifact
from labtop.model.values.base import RichValue
from labtop.model.values.table import Table
from labtop.query.values import values_of
from labtop.tui.record_lines import wrapped
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views import value_canvas
from labtop.views import values as drawing
from labtop.views.glyphs import glyphs
from labtop.views.text import clean


class ValueScreen(ListScreen):
    """A rich value drawn as large as the screen; its file is read, and the picture computed, in a thread."""

    NAME = "value"
    HEADING = "Value"
    AUTO_FOCUS: ClassVar[str | None] = "LineView"

    def __init__(self, run_ids: tuple[str, ...], name: str) -> None:
        super().__init__(run_ids[:1])
        self.value_name = name
        self.place: int | None = None  # among the steps; None is the last
        self._first_column = 0
        self._count = 0
        self._read: tuple[Artifact, RichValue] | None = None

    def compose_body(self) -> ComposeResult:
        """The drawing."""
        yield LineView(has_cursor=False)

    def on_mount(self) -> None:
        """Draw the last step."""
        self.set_title(clean(self.value_name, 80))

    def catalog_changed(self) -> None:
        """There may be another step."""
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw for another size."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def action_next_step(self) -> None:
        """A step on."""
        self._go(1)

    def action_previous_step(self) -> None:
        """A step back."""
        self._go(-1)

    def action_right(self) -> None:
        """The columns of a table, one on."""
        if self._read is not None and isinstance(self._read[1], Table):
            self._first_column = min(self._first_column + 1, max(len(self._read[1].columns) - 1, 0))
            self._draw()

    def action_left(self) -> None:
        """One back."""
        self._first_column = max(0, self._first_column - 1)
        self._draw()

    def _go(self, by: int) -> None:
        last = self._count - 1
        at = (last if self.place is None else self.place) + by
        if not 0 <= at <= last:
            self.say("the last step" if by > 0 else "the first step")
            return
        self.place = None if at == last else at  # at the last one it follows a run that goes on
        self._draw()

    def _draw(self) -> None:
        """Read the value, unless it is at hand, and draw it."""
        view = self.query_one(LineView)
        if not view.size.width:
            return
        catalog, run_id, known, place = self.session.catalog, self.run_ids[0], self._read, self.place
        canvas = value_canvas.Canvas(
            max(view.size.width - 2, 1),
            max(view.size.height - 1, 1),
            glyphs(self.session.is_ascii),
            not os.environ.get("NO_COLOR"),
            self._first_column,
        )

        def compute() -> tuple[int, int, Artifact, RichValue, list[value_canvas.Line]]:
            from labtop.store.values.decoding import read_value

            found: Sequence[Artifact] = values_of(catalog.record(run_id)).get(self.value_name, ())
            folder = catalog.run_folder(run_id)
            if not found or folder is None:
                raise InputError(f"there is no {self.value_name!r} any more")
            at = len(found) - 1 if place is None else min(place, len(found) - 1)
            artifact = found[at]
            value = known[1] if known is not None and known[0] == artifact else read_value(folder, artifact)
            return at, len(found), artifact, value, drawing.value_lines(value, canvas)

        self.request("value", compute, self._drawn, self._failed)

    def _drawn(self, answer: tuple[int, int, Artifact, RichValue, list[value_canvas.Line]]) -> None:
        at, count, artifact, value, lines = answer
        self._count = count
        self._read = (artifact, value)
        self.set_title(drawing.heading(artifact), *([f"{at + 1} of {count}"] if count > 1 else []))
        self.query_one(LineView).show([Line(line_text(line)) for line in lines])

    def _failed(self, error: Exception) -> None:
        message = getattr(error, "message", str(error))
        self._read = None
        view = self.query_one(LineView)
        pieces = wrapped(clean(message, 400), max(view.size.width - 4, 10))
        view.show([Line(Text(f"  {piece}", "dim")) for piece in pieces])


def line_text(line: value_canvas.Line) -> Text:
    """A drawn line with its styles; what is in it was cleaned where it was drawn."""
    text = Text(" ", no_wrap=True, end="")
    for span in line:
        style = Style(
            color=None if span.front is None else Color.from_rgb(*span.front),
            bgcolor=None if span.behind is None else Color.from_rgb(*span.behind),
            dim=span.quiet or None,
        )
        text.append(span.text, style)
    return text
