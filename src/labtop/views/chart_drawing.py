"""Draws a chart: finds the axes, folds the curves, fills the raster and writes ticks and labels around it.

There are no axis lines: a tick and its label say where things are, and the room belongs to the curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from labtop.views.chart import BRAILLE_PEN, LABEL, Chart, Pen, Picture, Piece
from labtop.views.chart_binning import Binned, Spans, bin_columns, spans
from labtop.views.chart_cells import Cells, Lost, mark_ends, mark_lost, strew
from labtop.views.chart_extent import x_scale, y_scale
from labtop.views.chart_raster import NOBODY, Raster
from labtop.views.chart_scale import Floats, Scale
from labtop.views.chart_ticks import AxisKind, Tick, ticks


@dataclass(frozen=True, slots=True)
class _Layer:
    """A line or band of a curve, folded into columns."""

    curve: int
    role: Literal["line", "back", "band"]
    binned: Binned
    upper: Binned | None = None


def draw(chart: Chart, width: int, height: int, pen: Pen = BRAILLE_PEN) -> Picture:
    """Draw a chart into `width` × `height` cells; what does not fit is left out, labels first."""
    width, height = max(width, 1), max(height, 1)
    x = chart.x or x_scale(chart.curves, chart.log_x)
    y = y_scale(chart.curves, x, chart.log_y, chart.with_logged, chart.robust)
    has_x_labels = height >= 4
    plot_height = height - has_x_labels
    y_ticks = ticks(y, max(2, plot_height // 3)) if plot_height >= 2 else ()
    left = max((len(tick.label) for tick in y_ticks), default=-1) + 1
    if width < left + 12:
        left, y_ticks = 0, ()
    gutter = min(3, len(chart.curves), max(0, (width - left) // 12))
    plot_width = width - left - gutter

    columns = plot_width * pen.dots.across
    order = sorted(range(len(chart.curves)), key=lambda at: chart.curves[at].key == chart.focus)
    layers = [layer for at in order for layer in _layers(chart, at, x, y, columns)]
    lost = _lost(layers, y, columns)
    above, below = bool(lost.above.any()), bool(lost.below.any() or lost.nan.any())
    top = 1 if above and plot_height >= 4 else 0
    plot_height -= top
    bottom = 1 if below and plot_height >= 4 else 0
    plot_height -= bottom

    raster = Raster(plot_width, plot_height, pen.dots)
    for layer in layers:
        _draw_layer(raster, layer, y)
    cells = Cells(raster, gutter, top, bottom)
    if pen.is_plain:
        strew(cells, chart, raster)
    mark_ends(cells, chart, order, x, y, raster)
    mark_lost(cells, lost, pen, top, bottom)
    cut_above, cut_below, not_positive = _count_cut(chart, x, y) if above or below else (0, 0, 0)
    lines = [
        *_with_labels(cells, _y_labels(y_ticks, y, raster, top), left, pen),
        *([_x_line(x, chart, width, left, plot_width, pen)] if has_x_labels else []),
    ]
    return Picture(
        width, height, tuple(lines), left, top, plot_width, plot_height, x, y, pen.dots,
        raster.front | raster.back > 0, cut_above, cut_below, not_positive,
    )  # fmt: skip


def _layers(chart: Chart, at: int, x: Scale, y: Scale, columns: int) -> list[_Layer]:
    """What is drawn of a curve, from back to front."""
    curve = chart.curves[at]

    def folded(values: Floats) -> Binned:
        return bin_columns(curve.x, values, x, columns, y.log)

    layers = []
    if curve.low is not None and curve.high is not None:
        layers.append(_Layer(at, "band", folded(curve.low), folded(curve.high)))
    elif chart.with_logged and curve.is_smoothed:
        layers.append(_Layer(at, "back", folded(curve.logged)))
    return [*layers, _Layer(at, "line", folded(curve.drawn))]


def _draw_layer(raster: Raster, layer: _Layer, y: Scale) -> None:
    def rows(binned: Binned) -> Spans:
        return spans(binned, y, raster.columns, raster.rows)

    if layer.upper is not None:
        raster.draw_band(rows(layer.upper), rows(layer.binned), layer.curve)
    else:
        raster.draw_line(rows(layer.binned), layer.curve, back=layer.role == "back")


def _lost(layers: list[_Layer], y: Scale, columns: int) -> Lost:
    nan, above, below = (np.zeros(columns, dtype=np.bool_) for _ in range(3))
    owner = np.full(columns, NOBODY, dtype=np.int16)
    for layer in layers:
        if layer.role == "band":
            continue
        over, under = layer.binned.outside(y)
        nan |= layer.binned.nan
        above |= over
        below |= under
        owner[layer.binned.nan | over | under] = layer.curve
    return Lost(nan, above, below, owner)


def _count_cut(chart: Chart, x: Scale, y: Scale) -> tuple[int, int, int]:
    """Logged points beyond the y axis: above, below, and not positive on a logarithmic one."""
    above = below = not_positive = 0
    for curve in chart.curves:
        start, stop = curve.within(x)
        shown = (curve.logged if chart.with_logged else curve.drawn)[start:stop]
        finite = shown[np.isfinite(shown)]
        above += int(np.count_nonzero(finite > y.high))
        if y.log:
            not_positive += int(np.count_nonzero(finite <= 0))
            finite = finite[finite > 0]
        below += int(np.count_nonzero(finite < y.low))
    return above, below, not_positive


def _y_labels(y_ticks: tuple[Tick, ...], y: Scale, raster: Raster, top: int) -> dict[int, str]:
    labels: dict[int, str] = {}
    for tick in y_ticks:
        row = int((1 - y.fraction(tick.value)) * (raster.rows - 1) + 0.5) // raster.dot_set.down
        labels.setdefault(top + min(max(row, 0), raster.height - 1), tick.label)
    return labels


def _with_labels(cells: Cells, labels: dict[int, str], left: int, pen: Pen) -> list[tuple[Piece, ...]]:
    lines = []
    for line in range(cells.codes.shape[0]):
        label = f"{labels[line]:>{left - 1}}{pen.symbols.y_tick}" if line in labels and left else " " * left
        lines.append((Piece(label, LABEL), *cells.pieces(line)) if left else tuple(cells.pieces(line)))
    return lines


def _x_line(x: Scale, chart: Chart, width: int, left: int, plot_width: int, pen: Pen) -> tuple[Piece, ...]:
    """Ticks and their labels, and the axis' name at the right where there is room."""
    text = [" "] * width
    columns = plot_width * pen.dots.across
    free_from = 0
    kind: AxisKind = "number" if chart.axis.metric else chart.axis.kind
    for tick in ticks(x, max(2, plot_width // 8), kind):
        cell = left + int(min(max(x.fraction(tick.value), 0), 1) * (columns - 1) + 0.5) // pen.dots.across
        written = pen.symbols.x_tick + tick.label
        if cell < free_from or cell + len(written) > width:
            continue
        text[cell : cell + len(written)] = written
        free_from = cell + len(written) + 1
    return (Piece("".join(text), LABEL),)
