"""How the values of one column of a table are written: one writer a column type, registered at the end.

A writer learns from the values it will write together (digits, width) and then writes each of them. It only ever
grows wider and finer, so that a column does not jump while a person scrolls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from labtop.model.columns import Column
from labtop.views.glyphs import Glyphs
from labtop.views.numbers import NumberFormat, age, duration, format_numbers, is_finite, special, widened
from labtop.views.spark import draw_spark
from labtop.views.table_shape import Cell, Cut
from labtop.views.text import cell_width, clean

TEXT_LIMIT = 300
SPARK_WIDTH = 10
_WIDEST = {"name": 32}
_WIDEST_TEXT = 24
_CUT_TO = 23  # characters of a text that are seen where it is cut


class CellWriter:
    """Writes one column as text. Also the base of the other writers."""

    align: Literal["left", "right"] = "left"

    def __init__(
        self, column: Column, glyphs: Glyphs, baseline: Any = None, has_baseline: bool = False
    ) -> None:
        self.column = column
        self.glyphs = glyphs
        self.baseline = baseline
        self.has_baseline = has_baseline
        self.width = 1
        self.note_width = 0
        self.cut: Cut = "end"

    def learn(self, values: Iterable[Any]) -> bool:
        """Look at values that will be written; True when what was written before would now look different."""
        widest = _WIDEST.get(self.column.key, _WIDEST_TEXT)
        texts = {self.text(value) for value in values if value is not None}
        width = min(max(map(cell_width, texts), default=1), widest)
        changed = width > self.width
        self.width = max(width, self.width)
        if self.cut == "end" and _begin_alike(texts):
            self.cut = "middle"
            changed = True
        return changed

    def write(self, value: Any) -> Cell:
        """One value."""
        if value is None:
            return Cell(self.glyphs.nothing, "quiet")
        differs = self.has_baseline and self.column.kind == "param" and value != self.baseline
        return Cell(self.text(value), "differs" if differs else self.style(value))

    def text(self, value: Any) -> str:
        """The text of a value that is there."""
        return clean(str(value), TEXT_LIMIT, ascii=self.glyphs.is_ascii)

    def style(self, value: Any) -> str:
        """The name of a value's style."""
        return ""


def _begin_alike(texts: Collection[str]) -> bool:
    """Whether texts that are too long for a narrow column look the same when their ends are cut, and not otherwise."""
    if all(len(text) <= _CUT_TO for text in texts):
        return False
    half = _CUT_TO // 2
    ends_cut = {text[:_CUT_TO] for text in texts}
    middle_cut = {text if len(text) <= _CUT_TO else (text[: _CUT_TO - half], text[-half:]) for text in texts}
    return len(middle_cut) > len(ends_cut)


class MixedWriter(CellWriter):
    """Values of several types, as JSON text: a string loses its quotes."""

    def text(self, value: Any) -> str:
        """A value as a person would write it."""
        shown = str(value)
        if shown.startswith('"'):
            try:
                shown = str(json.loads(shown))
            except ValueError:
                pass
        return super().text(shown)


class TagsWriter(CellWriter):
    """A list of words."""

    def text(self, value: Any) -> str:
        """The words with blanks between them."""
        words = [value] if isinstance(value, str) else value
        return super().text(" ".join(str(word).replace(" ", "_") for word in words))


class BooleanWriter(CellWriter):
    """true and false."""

    def text(self, value: Any) -> str:
        """As in JSON and in filters."""
        return special(bool(value))


class StatusWriter(CellWriter):
    """A glyph of one cell; the style carries the word."""

    def text(self, value: Any) -> str:
        """The glyph."""
        return self.glyphs.status.get(str(value), "?")

    def style(self, value: Any) -> str:
        """One style a status."""
        return f"status-{value}" if str(value) in self.glyphs.status else "status-unknown"


class SparkWriter(CellWriter):
    """A curve in a few cells."""

    def learn(self, values: Iterable[Any]) -> bool:
        """All curves are equally wide."""
        self.width = SPARK_WIDTH
        return False

    def text(self, value: Any) -> str:
        """The curve; its levels are checked, since a store is not to be trusted."""
        levels = str(value)
        return draw_spark(
            "".join(each if each in "01234567n" else " " for each in levels[:256]), self.width, self.glyphs
        )

    def style(self, value: Any) -> str:
        """Curves in a colour of their own."""
        return "spark"


class ScoreWriter(CellWriter):
    """Five marks of what can be had again."""

    def text(self, value: Any) -> str:
        """The marks as they are stored."""
        return clean(str(value), 5, ascii=self.glyphs.is_ascii)


class TimeWriter(CellWriter):
    """How long ago something was."""

    align: Literal["left", "right"] = "right"

    def text(self, value: Any) -> str:
        """An age: 3d."""
        if not isinstance(value, datetime):
            return super().text(value)
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return age((datetime.now(UTC) - moment).total_seconds())


class DurationWriter(CellWriter):
    """A length of time."""

    align: Literal["left", "right"] = "right"

    def text(self, value: Any) -> str:
        """Two units at most: 1h02m."""
        return duration(float(value), self.glyphs.nothing)


class NumberWriter(CellWriter):
    """Numbers with their decimal points below each other, and how far they are from the baseline's."""

    align: Literal["left", "right"] = "right"

    def __init__(
        self, column: Column, glyphs: Glyphs, baseline: Any = None, has_baseline: bool = False
    ) -> None:
        super().__init__(column, glyphs, baseline, has_baseline)
        self._format: NumberFormat | None = None
        self._is_compared = has_baseline and column.kind == "metric" and _is_number(baseline)

    def learn(self, values: Iterable[Any]) -> bool:
        """Choose digits that tell these values apart; never fewer than before."""
        known = [value for value in values if _is_number(value)]
        is_param = self.column.kind != "metric"
        found = format_numbers([*known, self.baseline] if self._is_compared else known, exact=is_param)
        chosen = found if self._format is None else widened(self._format, found)
        changed = chosen != self._format
        self._format = chosen
        self.width = max(self.width, chosen.width)
        if self._is_compared:
            notes = max((len(self._note(value)[0]) for value in known), default=0)
            changed |= notes > self.note_width
            self.note_width = max(self.note_width, notes)
        return changed

    def write(self, value: Any) -> Cell:
        """A number at its place, and its distance from the baseline."""
        if value is None or not _is_number(value):
            return Cell(
                (self.glyphs.nothing if value is None else self.text(value)).rjust(self.width) + self._gap(),
                "quiet",
            )
        style = "nan" if not is_finite(value) else self.style(value)
        text = (self._format or NumberFormat()).text(value).rjust(self.width)
        if not self._is_compared:
            return Cell(text, style)
        note, note_style = self._note(value)
        return (
            Cell(text, style, note.rjust(self.note_width), note_style)
            if self.note_width
            else Cell(text, style)
        )

    def style(self, value: Any) -> str:
        """A param that is not the baseline's stands out, and so does a rank that died."""
        if self.column.key == "dead_ranks":
            return "bad"
        return (
            "differs" if self.has_baseline and self.column.kind == "param" and value != self.baseline else ""
        )

    def _gap(self) -> str:
        return " " * (self.note_width + 1) if self.note_width else ""

    def _note(self, value: float) -> tuple[str, str]:
        """The difference and whether it is for the better; nothing where there is none."""
        if value == self.baseline or (value != value and self.baseline != self.baseline):
            return "", ""
        note = (self._format or NumberFormat()).difference(value, self.baseline)
        if self.column.goal is None or value != value:
            return note, "quiet"
        better = value < self.baseline if self.column.goal == "min" else value > self.baseline
        return note, "good" if better else "bad"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


WRITERS: Mapping[str, Callable[..., CellWriter]] = {
    "text": CellWriter,
    "status": StatusWriter,
    "tags": TagsWriter,
    "boolean": BooleanWriter,
    "integer": NumberWriter,
    "number": NumberWriter,
    "time": TimeWriter,
    "duration": DurationWriter,
    "spark": SparkWriter,
    "score": ScoreWriter,
    "mixed": MixedWriter,
}
"""One writer a column type."""
