"""Draws logged curves (ROC, precision and recall, …) with the glyphs of the charts."""

from __future__ import annotations

import numpy as np

from labtop.model.values.curve import Curve, CurveLine
from labtop.views.chart import ASCII_PEN, BRAILLE_PEN, Chart, Pen
from labtop.views.chart_curves import Curve as ChartCurve
from labtop.views.chart_curves import XAxis
from labtop.views.chart_drawing import draw
from labtop.views.glyphs import marker
from labtop.views.text import clean
from labtop.views.value_canvas import Canvas, Line, Rgb, Span

MOST_LINES = 12
_COLOURS: tuple[Rgb, ...] = (
    (255, 135, 0), (95, 175, 215), (0, 175, 135), (215, 135, 175), (215, 175, 0), (95, 135, 215), (215, 95, 95),
    (148, 148, 148),
)  # fmt: skip


def draw_curve(curve: Curve, canvas: Canvas) -> list[Line]:
    """The first lines of a curve over their x, then what each is called and its area."""
    lines = curve.lines[:MOST_LINES]
    curves = tuple(_chart_curve(at, line, canvas) for at, line in enumerate(lines) if len(line.x))
    is_ascii = canvas.glyphs.is_ascii
    pen: Pen = ASCII_PEN if is_ascii else BRAILLE_PEN
    if not canvas.has_colours:
        pen = Pen(pen.dots, is_ascii=is_ascii, is_plain=len(curves) > 1)
    height = max(6, min(canvas.height - len(lines) - 3, canvas.width // 2))
    picture = draw(Chart("", curves, XAxis("step", curve.x_name)), canvas.width, height, pen)
    drawn: list[Line] = [(Span(clean(curve.y_name, 60), quiet=True),)]
    for row in picture.lines:
        spans = []
        for piece in row:
            colour = _COLOURS[piece.ink.curve % len(_COLOURS)] if piece.ink.curve >= 0 else None
            spans.append(
                Span(piece.text, colour if canvas.has_colours else None, quiet=piece.ink.role == "label")
            )
        drawn.append(tuple(spans))
    drawn.append((Span(clean(curve.x_name, 60).rjust(canvas.width), quiet=True),))
    for at, line in enumerate(lines):
        shape, _ = marker(at, is_ascii)
        colour = _COLOURS[at % len(_COLOURS)] if canvas.has_colours else None
        area = f"  area {line.area:.4f}" if line.area is not None else ""
        name = clean(line.name, 60) or clean(curve.form, 20)
        drawn.append((Span(f"{shape} ", colour), Span(name), Span(area), Span(_thinned(line), quiet=True)))
    notes = [f"{len(curve.lines) - MOST_LINES} more lines"] if len(curve.lines) > MOST_LINES else []
    if len(curve.lines) > 1 and curve.area is not None:
        notes.append(f"mean area {curve.area:.4f}")
    notes += [f"{curve.skipped} rows without a score"] if curve.skipped else []
    return [*drawn, (Span(", ".join(notes), quiet=True),)] if notes else drawn


def _thinned(line: CurveLine) -> str:
    return f"  {len(line.x)} of {line.of_points} points" if line.of_points > len(line.x) else ""


def _chart_curve(at: int, line: CurveLine, canvas: Canvas) -> ChartCurve:
    order = np.argsort(line.x, kind="stable")
    x, y = line.x[order], line.y[order]
    shape, colour = marker(at, canvas.glyphs.is_ascii)
    return ChartCurve(f"{at}", clean(line.name, 20), shape, colour, x, y, y, x)
