"""Sparklines: the small curves of the table, from their stored text to glyphs of the width there is.

The text has a character a cell: '0' to '7' from low to high, 'n' where a value was NaN, ' ' where there is none.
"""

from __future__ import annotations

from functools import lru_cache

from labtop.views.glyphs import UNICODE, Glyphs


@lru_cache(8192)
def draw_spark(levels: str, width: int, glyphs: Glyphs = UNICODE) -> str:
    """A curve in at most `width` cells. A stretch shows the level farthest from its middle, so a spike stays."""
    return squeeze(levels, width).translate(_drawn_by(glyphs))


@lru_cache(4)
def _drawn_by(glyphs: Glyphs) -> dict[int, str]:
    table = dict.fromkeys(range(128), " ")
    return (
        table
        | {ord(str(level)): glyph for level, glyph in enumerate(glyphs.spark)}
        | {ord("n"): glyphs.spark_nan}
    )


def squeeze(levels: str, width: int) -> str:
    """Fewer levels for fewer cells: of each stretch the one that stands out, NaN before any."""
    count = len(levels)
    if count <= width or width <= 0:
        return levels[: max(0, width)]
    return "".join(
        _telling(levels[cell * count // width : (cell + 1) * count // width]) for cell in range(width)
    )


@lru_cache(8192)
def _telling(stretch: str) -> str:
    if "n" in stretch:
        return "n"
    known = sorted(stretch.replace(" ", ""))
    if not known:
        return " "
    low, high = int(known[0]), int(known[-1])
    middle = int(known[len(known) // 2]) + int(known[(len(known) - 1) // 2])  # twice the median
    return known[0] if middle - 2 * low > 2 * high - middle else known[-1]
