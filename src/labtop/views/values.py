"""Rich values as lines for a terminal: tables, bars, shaded matrices, curves, texts, and pictures in half blocks.

Nothing of a picture but colours that were computed from its pixels ever reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labtop.model.run import Artifact
from labtop.model.values.base import RichValue
from labtop.model.values.confusion import ConfusionMatrix
from labtop.model.values.curve import Curve
from labtop.model.values.histogram import Histogram
from labtop.model.values.image import Image
from labtop.model.values.table import Table
from labtop.model.values.text import Text
from labtop.views.export import Sheet
from labtop.views.facts import shown
from labtop.views.glyphs import Glyphs
from labtop.views.numbers import format_numbers, shortest, size
from labtop.views.text import cell_width, clean
from labtop.views.value_canvas import Canvas, Line, Span
from labtop.views.value_counts import draw_confusion, draw_histogram

_MOST_ROWS = 10_000
_MOST_LINES = 10_000
_WIDEST_CELL = 40


def value_lines(value: RichValue, canvas: Canvas) -> list[Line]:
    """A value drawn; texts are clean, no line is wider than the canvas but those of tables."""
    return _DRAWERS[value.kind](value, canvas)


def value_sheet(value: RichValue, artifact: Artifact) -> Sheet:
    """A value as rows for programs."""
    if isinstance(value, Table):
        return Sheet(tuple(value.columns), [tuple(row) for row in value.data], "value")
    if isinstance(value, Histogram):
        rows = zip(value.edges[:-1].tolist(), value.edges[1:].tolist(), value.counts.tolist(), strict=True)
        return Sheet(("low", "high", "count"), list(rows), "value")
    if isinstance(value, ConfusionMatrix):
        named = zip(value.labels, value.matrix.tolist(), strict=True)
        return Sheet(("actual", *value.labels), [(label, *row) for label, row in named], "value")
    if isinstance(value, Curve):
        points = [
            (line.name, *point)
            for line in value.lines
            for point in zip(line.x.tolist(), line.y.tolist(), _thresholds(line), strict=True)
        ]
        return Sheet(("line", value.x_name, value.y_name, "threshold"), points, "value")
    if isinstance(value, Text):
        return Sheet(("text",), [(value.text,)], "value")
    facts = {"path": artifact.path, "bytes": artifact.bytes, "sha256": artifact.sha256, **artifact.about}
    return Sheet(tuple(facts), [tuple(facts.values())], "value")


def heading(artifact: Artifact) -> str:
    """Name, kind, step and file of a value on a line."""
    step = f"step {shortest(artifact.step)}" if artifact.step is not None else ""
    rank = f"rank {artifact.rank}" if artifact.rank is not None else ""
    amount = size(artifact.bytes) if artifact.bytes is not None else ""
    caption = clean(str(artifact.about.get("caption", "")), 200)
    note = clean(str(artifact.about.get("note", "")), 200)
    parts = (clean(artifact.name, 200), artifact.kind.replace("_", " "), step, rank, amount, caption, note)
    return "  ".join(filter(None, parts))


def _thresholds(line: Any) -> list[float | None]:
    return [None] * len(line.x) if line.threshold is None else line.threshold.tolist()


# -- texts and tables ------------------------------------------------------------------------------------------------


def _text(text: Text, canvas: Canvas) -> list[Line]:
    lines = text.text.replace("\r\n", "\n").split("\n")
    return [(Span(clean(line.expandtabs(4), 10_000)),) for line in lines[:_MOST_LINES]]


def _table(table: Table, canvas: Canvas) -> list[Line]:
    """Aligned columns; numbers to the right with common decimals."""
    arrow = table.to_arrow().slice(0, _MOST_ROWS)
    columns = []
    first = min(canvas.first_column, max(arrow.num_columns - 1, 0))
    for name, column in zip(arrow.column_names[first:], arrow.columns[first:], strict=True):
        values = column.to_pylist()
        is_number = all(
            each is None or (isinstance(each, int | float) and not isinstance(each, bool)) for each in values
        )
        form = format_numbers(values) if is_number else None
        cells = [_cell(each, None if form is None else form.digits) for each in values]
        columns.append(_column(clean(name, _WIDEST_CELL), cells, is_number, canvas.glyphs))
    lines: list[Line] = [(Span("  ".join(column[0] for column in columns), quiet=True),)]
    lines += [
        (Span("  ".join(cells).rstrip()),) for cells in zip(*(column[1:] for column in columns), strict=True)
    ]
    if table.to_arrow().num_rows > _MOST_ROWS:
        lines.append((Span(f"… {table.to_arrow().num_rows} rows in all", quiet=True),))
    return lines


def _cell(value: Any, digits: Callable[[float], str] | None) -> str:
    if value is None:
        return ""
    if digits is not None:
        return digits(value)
    if isinstance(value, bytes):
        return size(len(value))
    return clean(value if isinstance(value, str) else shown(value, _WIDEST_CELL), _WIDEST_CELL)


def _column(name: str, cells: list[str], is_number: bool, glyphs: Glyphs) -> list[str]:
    width = max(map(cell_width, (name, *cells)))

    def padded(text: str) -> str:
        room = " " * (width - cell_width(text))
        return room + text if is_number else text + room

    return [padded(each) for each in (name, *cells)]


# -- curves and pictures, with numpy -------------------------------------------------------------------------------


def _curve(curve: Curve, canvas: Canvas) -> list[Line]:
    """Lines in a chart, and a legend with their areas."""
    from labtop.views.value_chart import draw_curve

    return draw_curve(curve, canvas)


def _image(image: Image, canvas: Canvas) -> list[Line]:
    from labtop.views.value_image import draw_image

    return draw_image(image, canvas)


_DRAWERS: dict[str, Callable[[Any, Canvas], list[Line]]] = {
    "text": _text,
    "table": _table,
    "histogram": draw_histogram,
    "confusion_matrix": draw_confusion,
    "curve": _curve,
    "image": _image,
}
