"""Sparklines: the small curves of the table, from their stored text to glyphs of the width there is.

The text has a character a cell: '0' to '7' from low to high, 'n' where a value was NaN, ' ' where there is none.
"""

from __future__ import annotations

from functools import lru_cache

from labtop.views.glyphs import UNICODE, Glyphs


@lru_cache(8192)
def draw_spark(levels: str, width: int, glyphs: Glyphs = UNICODE) -> str:
    """A curve in at most `width` cells. A stretch shows the level farthest from its middle, so a spike stays."""
    drawn = {str(level): glyph for level, glyph in enumerate(glyphs.spark)}
    return "".join(
        drawn.get(each, glyphs.spark_nan if each == "n" else " ") for each in squeeze(levels, width)
    )


def squeeze(levels: str, width: int) -> str:
    """Fewer levels for fewer cells: of each stretch the one that stands out, NaN before any."""
    count = len(levels)
    if count <= width or width <= 0:
        return levels[: max(0, width)]
    return "".join(
        _telling(levels[cell * count // width : (cell + 1) * count // width]) for cell in range(width)
    )


def _telling(stretch: str) -> str:
    if "n" in stretch:
        return "n"
    known = sorted(stretch.replace(" ", ""))
    if not known:
        return " "
    middle = int(known[len(known) // 2]) + int(known[(len(known) - 1) // 2])
    return max(known, key=lambda level: abs(2 * int(level) - middle))
