"""Rich values as lines for a terminal: tables, bars, shaded matrices, curves, texts, and pictures in half blocks.

Nothing of a picture but colours that were computed from its pixels ever reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

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

Rgb: TypeAlias = tuple[int, int, int]

_MOST_ROWS = 10_000
_MOST_LINES = 10_000
_WIDEST_CELL = 40


class Span(NamedTuple):
    """Text with the colours in front and behind, if it has any; `quiet` text stands back."""

    text: str
    front: Rgb | None = None
    behind: Rgb | None = None
    quiet: bool = False


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is drawn on: cells, and whether colours and more than ASCII may be used."""

    width: int
    height: int
    glyphs: Glyphs
    has_colours: bool
    first_column: int = 0  # of a table: those before are out of sight


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


# -- histograms, matrices, curves ------------------------------------------------------------------------------------


def _histogram(histogram: Histogram, canvas: Canvas) -> list[Line]:
    """A bar a bin, lying; of many bins neighbours stand together."""
    counts, edges = histogram.counts.tolist(), histogram.edges.tolist()
    most = max(4, canvas.height - 2)
    together = -(-len(counts) // most) if counts else 1
    sums = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    lows = edges[:-1:together]
    form = format_numbers(edges)
    labels = [form.text(low) for low in lows]
    numbers = [shortest(float(f"{each:.6g}")) for each in sums]
    left, right = max(map(len, labels), default=0), max(map(len, numbers), default=0)
    room = max(4, canvas.width - left - right - 4)
    highest = max(sums, default=0.0)
    lines: list[Line] = []
    for label, count, number in zip(labels, sums, numbers, strict=True):
        bar = _bar(count / highest if highest > 0 else 0.0, room, canvas.glyphs)
        lines.append(
            (Span(f"{label:>{left}} ", quiet=True), Span(bar.ljust(room)), Span(f" {number:>{right}}"))
        )
    notes = [f"to {form.digits(edges[-1])}"] if edges else []
    notes += [f"{together} bins a line"] if together > 1 else []
    notes += [f"{histogram.nan_count} NaN"] if histogram.nan_count else []
    notes += [f"{histogram.infinite_count} infinite"] if histogram.infinite_count else []
    return [*lines, (Span(", ".join(notes), quiet=True),)]


def _bar(share: float, room: int, glyphs: Glyphs) -> str:
    """A bar in eighths of a cell; in ASCII whole cells, and something wherever there is anything."""
    if share <= 0:
        return ""
    if glyphs.is_ascii:
        return "#" * max(1, round(share * room))
    eighths = max(1, round(share * room * 8))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _confusion(confusion: ConfusionMatrix, canvas: Canvas) -> list[Line]:
    """Rows are actual classes, shaded by their share of the row; the diagonal is right."""
    matrix, labels = confusion.matrix, [clean(each, 20) for each in confusion.labels]
    numbers = [[shortest(float(f"{each:.6g}")) for each in row] for row in matrix.tolist()]
    cell = max([1, *(len(each) for row in numbers for each in row)])
    titles = [label if cell_width(label) <= max(cell, 4) else f"{at}" for at, label in enumerate(labels)]
    if titles != labels:
        labels = [f"{at} {label}" for at, label in enumerate(labels)]
    left = max([len("actual"), *map(cell_width, labels)])
    cell = max([cell, *map(cell_width, titles)]) + 1
    fitting = max(1, (canvas.width - left - 10) // cell)
    lines: list[Line] = [
        (
            Span(
                " " * (left + 1) + "".join(f"{each:>{cell}}" for each in titles[:fitting]) + "   right",
                quiet=True,
            ),
        )
    ]
    for at, row in enumerate(numbers):
        total = float(matrix[at].sum())
        spans = [Span(labels[at] + " " * (left + 1 - cell_width(labels[at])), quiet=True)]
        for column, number in enumerate(row[:fitting]):
            share = float(matrix[at, column]) / total if total else 0.0
            spans.append(_shaded(f"{number:>{cell}}", share, at == column, canvas))
        right = f"{matrix[at, at] / total:8.1%}" if total else "       –"
        lines.append((*spans, Span(right, quiet=True)))
    if fitting < len(labels):
        lines.append((Span(f"{len(labels) - fitting} columns do not fit", quiet=True),))
    accuracy = confusion.accuracy
    said = (
        f"rows are actual, columns predicted; accuracy {accuracy:.4g}"
        if accuracy is not None
        else "nothing was counted"
    )
    return [*lines, (Span(said, quiet=True),)]


def _shaded(text: str, share: float, is_right: bool, canvas: Canvas) -> Span:
    """A cell whose background grows with its share: blue where right, orange where wrong."""
    if not canvas.has_colours or share <= 0:
        return Span(text)
    full: Rgb = (30, 110, 190) if is_right else (200, 105, 20)
    strength = 0.25 + 0.75 * share
    red, green, blue = (round(each * strength) for each in full)
    return Span(text, (255, 255, 255), (red, green, blue))


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
    "histogram": _histogram,
    "confusion_matrix": _confusion,
    "curve": _curve,
    "image": _image,
}
