"""Folds a series with a million points into the columns of a raster so that nothing that stands out is lost.

Each column of dots keeps the lowest, highest, first and last finite value of its points, and whether NaN or an
infinity lies in it. The points must be sorted by x: the columns are then found by bisection and folded in one
pass each of `minimum.reduceat` and `maximum.reduceat`, 0.2 ms for a million points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labtop.views.chart_scale import Floats, Scale

Integers = NDArray[np.intp]
Flags = NDArray[np.bool_]

NOWHERE = 1_000_000.0  # rows further out than this are as good as infinitely far


@dataclass(frozen=True, slots=True)
class Binned:
    """A series by dot column: one entry per column that has a finite value, in order.

    `joined[i]` tells whether a line leads from entry i to entry i + 1. `positions` are columns as floats: the
    first and last may lie outside of the raster, for the lines that lead in and out. `nan`, `above` and `below`
    are flags over all columns for values that cannot be drawn: NaN, +inf, -inf (or not positive on a logarithm).
    """

    positions: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    joined: Flags
    nan: Flags
    above: Flags
    below: Flags

    @property
    def on_raster(self) -> slice:
        """The entries that are columns, without neighbours outside."""
        last = self.nan.size - 1
        start = int(self.positions.size > 0 and self.positions[0] < 0)
        return slice(
            start, self.positions.size - int(self.positions.size > start and self.positions[-1] > last)
        )

    def outside(self, scale: Scale) -> tuple[Flags, Flags]:
        """By column: whether something lies above the axis, and below it."""
        here = self.on_raster
        columns = self.positions[here].astype(np.intp)
        above, below = self.above.copy(), self.below.copy()
        above[columns] |= self.high[here] > scale.high
        below[columns] |= self.low[here] < scale.low
        return above, below


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows from `top` to `bottom` that a series covers in each dot column; top > bottom where there is nothing.

    `above` and `below` tell the columns where something lies outside of the raster.
    """

    top: NDArray[np.int32]
    bottom: NDArray[np.int32]
    above: Flags
    below: Flags


def column_of(x: float, scale: Scale, columns: int) -> int:
    """The dot column of a value of x, not clipped."""
    at = scale.fraction(x) * (columns - 1)
    return int(np.floor(np.clip(at, -NOWHERE, NOWHERE) + 0.5))


def row_of(y: float, scale: Scale, rows: int) -> int:
    """The dot row of a value of y, 0 on top, not clipped."""
    return int(_rows(np.array([y]), scale, rows)[0])


def bin_columns(x: Floats, y: Floats, scale: Scale, columns: int, positive: bool = False) -> Binned:
    """Fold a series sorted by x into `columns` dot columns of `scale`.

    `positive` is for a logarithmic y axis: what is not positive is flagged as below and not drawn.
    """
    start, stop = _inside(x, scale)
    values = y[start:stop]
    bounds = _bounds(x[start:stop], scale, columns)
    filled = np.flatnonzero(np.diff(bounds))
    nan, above, below = (np.zeros(columns, dtype=np.bool_) for _ in range(3))
    if filled.size == 0:
        nothing: Floats = np.empty(0)
        return _with_neighbours(
            Binned(nothing, nothing, nothing, nothing, nothing, np.empty(0, dtype=np.bool_), nan, above, below),
            x, y, start, stop, scale, columns, positive,
        )  # fmt: skip
    starts, ends = bounds[filled], bounds[filled + 1]
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    if np.isfinite(low).all() and np.isfinite(high).all() and (not positive or low.min() > 0):
        binned = Binned(
            filled.astype(np.float64), low, high, values[starts], values[ends - 1],
            np.ones(max(filled.size - 1, 0), dtype=np.bool_), nan, above, below,
        )  # fmt: skip
    else:
        binned = _bin_with_gaps(values, filled, starts, ends, columns, positive)
    return _with_neighbours(binned, x, y, start, stop, scale, columns, positive)


def spans(binned: Binned, scale: Scale, columns: int, rows: int) -> Spans:
    """The rows a line through a binned series covers in each column, with neighbours joined without a hole."""
    here = binned.on_raster
    filled = binned.positions[here].astype(np.intp)
    known = _rows(np.stack([binned.first, binned.last, binned.high, binned.low]), scale, rows)
    if filled.size == columns:  # the usual case: more points than columns
        enter, leave, top, bottom = known[:, here]
        linked = binned.joined[here.start : here.start + columns - 1]
    else:
        spread = np.full((4, columns), np.nan)
        spread[:, filled] = known[:, here]
        linked = _interpolate(binned, scale, rows, spread)[:-1]
        enter, leave, top, bottom = spread
    _join(linked, enter, leave, top, bottom)
    out_above, out_below = binned.outside(scale)
    drawn = ~np.isnan(top)
    return Spans(
        np.where(drawn, np.maximum(top, 0), 1).astype(np.int32),
        np.where(drawn, np.minimum(bottom, rows - 1), 0).astype(np.int32),
        out_above,
        out_below,
    )


def _interpolate(binned: Binned, scale: Scale, rows: int, spread: Floats) -> Flags:
    """Fills columns between two joined entries; gives whether a line leads from each column to the next."""
    columns = spread.shape[1]
    at = np.arange(columns)
    before = np.searchsorted(binned.positions, at, side="right") - 1
    linked = np.zeros(columns, dtype=np.bool_)
    inner = (before >= 0) & (before < binned.positions.size - 1)
    linked[inner] = binned.joined[before[inner]]
    between = at[linked & np.isnan(spread[0])]
    if between.size:
        pair = before[between]
        from_row = _rows(binned.last[pair], scale, rows, whole=False)
        to_row = _rows(binned.first[pair + 1], scale, rows, whole=False)
        share = (between - binned.positions[pair]) / (binned.positions[pair + 1] - binned.positions[pair])
        spread[:, between] = np.floor(from_row + share * (to_row - from_row) + 0.5)
    return linked


def _inside(x: Floats, scale: Scale) -> tuple[int, int]:
    return int(np.searchsorted(x, scale.low, "left")), int(np.searchsorted(x, scale.high, "right"))


def _bounds(x: Floats, scale: Scale, columns: int) -> Integers:
    """Indices where each column's points begin, and the end: columns + 1 of them."""
    if columns == 1:
        return np.array([0, x.size], dtype=np.intp)
    edges = scale.values((np.arange(1, columns) - 0.5) / (columns - 1))
    return np.concatenate(([0], np.searchsorted(x, edges, "left"), [x.size])).astype(np.intp)


def _bin_with_gaps(
    values: Floats, filled: Integers, starts: Integers, ends: Integers, columns: int, positive: bool
) -> Binned:
    """As the quick path, for a series in which something cannot be drawn."""
    good = np.isfinite(values)
    if positive:
        good &= np.nan_to_num(values, nan=1.0) > 0
    low = np.minimum.reduceat(np.where(good, values, np.inf), starts)
    high = np.maximum.reduceat(np.where(good, values, -np.inf), starts)
    places = np.arange(values.size)
    first = np.minimum.reduceat(np.where(good, places, values.size), starts)
    last = np.maximum.reduceat(np.where(good, places, -1), starts)
    some = np.flatnonzero(last >= 0)

    def flagged(flags: Flags) -> Flags:
        spread = np.zeros(columns, dtype=np.bool_)
        spread[filled] = np.logical_or.reduceat(flags, starts)
        return spread

    # a gap lies between two columns where a bad point ends the one, starts the other, or fills one in between
    whole = (last == ends - 1)[some][:-1] & (first == starts)[some][1:] & (np.diff(some) == 1)
    return Binned(
        filled[some].astype(np.float64), low[some], high[some], values[first[some]], values[last[some]], whole,
        flagged(np.isnan(values)), flagged(values == np.inf),
        flagged(np.less_equal(values, 0.0) if positive else values == -np.inf),
    )  # fmt: skip


def _with_neighbours(
    binned: Binned, x: Floats, y: Floats, start: int, stop: int, scale: Scale, columns: int, positive: bool
) -> Binned:
    """Adds the nearest point on either side of the axis, so that lines lead to the border when zoomed in."""

    def outside(index: int, edge: int) -> tuple[float, float] | None:
        if not (0 <= index < x.size and 0 <= edge < x.size):
            return None
        at, value, inner = scale.fraction(x[index]) * max(columns - 1, 1), float(y[index]), float(y[edge])
        usable = all(np.isfinite(each) and (not positive or each > 0) for each in (value, inner))
        return (float(np.clip(at, -NOWHERE, NOWHERE)), value) if usable and np.isfinite(at) else None

    left, right = outside(start - 1, start), outside(stop, stop - 1)
    left = left if left and left[0] < 0 else None  # rounding can put a neighbour on the border itself
    right = right if right and right[0] > columns - 1 else None
    empty = binned.positions.size == 0
    if not (left or right) or (empty and not (left and right)):
        return binned
    heads, tails = ([left] if left else []), ([right] if right else [])

    def extended(middle: Floats, part: int) -> Floats:
        return np.concatenate(([each[part] for each in heads], middle, [each[part] for each in tails]))

    links = [True] if empty else [*([True] if left else []), *binned.joined, *([True] if right else [])]
    return Binned(
        extended(binned.positions, 0), extended(binned.low, 1), extended(binned.high, 1),
        extended(binned.first, 1), extended(binned.last, 1), np.array(links, dtype=np.bool_),
        binned.nan, binned.above, binned.below,
    )  # fmt: skip


def _rows(values: Floats, scale: Scale, rows: int, whole: bool = True) -> Floats:
    """Rows of values, 0 on top."""
    at = np.clip((1 - scale.fractions(values)) * (rows - 1), -NOWHERE, NOWHERE)
    return np.asarray(np.floor(at + 0.5)) if whole else at


def _join(linked: Flags, enter: Floats, leave: Floats, top: Floats, bottom: Floats) -> None:
    """Lets two linked neighbours meet halfway between where one leaves and the other enters."""
    out, into = leave[:-1], enter[1:]
    middle = np.floor((out + into) / 2)
    below = middle + 1
    down, up = linked & (into > out), linked & (into < out)  # false where either is NaN
    np.maximum(bottom[:-1], middle, out=bottom[:-1], where=down)
    np.minimum(top[1:], below, out=top[1:], where=down)
    np.minimum(top[:-1], below, out=top[:-1], where=up)
    np.maximum(bottom[1:], middle, out=bottom[1:], where=up)
