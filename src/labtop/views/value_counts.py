"""Counts as lines for a terminal: histograms as bars, confusion matrices as shaded cells."""

from __future__ import annotations

from labtop.model.values.confusion import ConfusionMatrix
from labtop.model.values.histogram import Histogram
from labtop.views.glyphs import Glyphs
from labtop.views.numbers import format_numbers, shortest
from labtop.views.text import cell_width, clean
from labtop.views.value_canvas import Canvas, Line, Rgb, Span


def draw_histogram(histogram: Histogram, canvas: Canvas) -> list[Line]:
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


def draw_confusion(confusion: ConfusionMatrix, canvas: Canvas) -> list[Line]:
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
