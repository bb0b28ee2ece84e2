"""Builds curves for the tests of charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from labtop.views.chart import Picture
from labtop.views.chart_curves import Curve

SHAPES = "▪▴◊▾▸✦◂⬥"


def curve(values: ArrayLike, x: ArrayLike | None = None, number: int = 0, label: str = "") -> Curve:
    """An unsmoothed curve over steps."""
    y = np.asarray(values, dtype=np.float64)
    at = np.arange(y.size, dtype=np.float64) if x is None else np.asarray(x, dtype=np.float64)
    return Curve(
        f"run{number}", label or f"run {number}", SHAPES[number % 8], "red", at, y, y, at,
        nan_count=int(np.isnan(y).sum()), infinity_count=int(np.isinf(y).sum()), last=float(y[-1]) if y.size else None,
    )  # fmt: skip


def text(picture: Picture) -> list[str]:
    """The lines of a picture without their inks."""
    return ["".join(piece.text for piece in line) for line in picture.lines]


def plot(picture: Picture) -> list[str]:
    """The cells of the plot alone."""
    inner = text(picture)[picture.top : picture.top + picture.plot_height]
    return [line[picture.left : picture.left + picture.plot_width] for line in inner]


def inks(picture: Picture, role: str) -> list[tuple[int, int, str, int]]:
    """Line, cell, character and curve of everything that is drawn with a role."""
    found = []
    for number, line in enumerate(picture.lines):
        cell = 0
        for piece in line:
            for character in piece.text:
                if piece.ink.role == role and character != " ":
                    found.append((number, cell, character, piece.ink.curve))
                cell += 1
    return found


def widths(picture: Picture) -> Sequence[int]:
    """Characters of each line."""
    return [len(line) for line in text(picture)]
