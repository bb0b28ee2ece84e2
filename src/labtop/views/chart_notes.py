"""The small print of a chart: scales that are not plain, and all that it does not show, in a few words each.

What has a sign in the plot has it here too, before its number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labtop.views.chart import BRAILLE_PEN, Chart, Pen, Picture
from labtop.views.text import cell_width

BETWEEN = ", "


def notes(chart: Chart, picture: Picture | None = None, pen: Pen = BRAILLE_PEN) -> list[str]:
    """Notes on a chart as it is drawn, the most important first."""
    signs = pen.symbols
    said = [f"{chart.left_out:,} more not drawn"] if chart.left_out else []
    nan = sum(each.nan_count for each in chart.curves)
    infinite = [each for each in chart.curves if each.infinity_count]
    if nan:
        said.append(f"{signs.nan}{nan:,} NaN")
    if infinite:
        above = signs.above if any(np.isposinf(each.drawn).any() for each in infinite) else ""
        below = signs.below if any(np.isneginf(each.drawn).any() for each in infinite) else ""
        said.append(f"{above}{below}{sum(each.infinity_count for each in infinite):,} inf")
    if picture is not None:
        if cut := picture.cut_above + picture.cut_below:
            above = signs.above if picture.cut_above else ""
            said.append(f"{above}{signs.below if picture.cut_below else ''}{cut:,} cut off")
        if picture.not_positive:
            said.append(f"{signs.below}{picture.not_positive:,} not above 0")
    if chart.without:
        said.append(f"not in {chart.without:,} run{'s' * (chart.without != 1)}")
    if chart.log_x and (hidden := sum(int(np.searchsorted(each.x, 0.0, "right")) for each in chart.curves)):
        said.append(f"{hidden:,} at x not above 0")
    if without_x := sum(each.without_x for each in chart.curves):
        said.append(f"{without_x:,} without x")
    if any(each.is_interpolated for each in chart.curves):
        said.append("interpolated")
    if chart.log_y:
        said.append("log")
    return said


def in_room(said: Sequence[str], room: int, ellipsis: str) -> str:
    """As many whole notes as fit into `room` cells; an ellipsis stands for the others."""
    for count in range(len(said), 0, -1):
        text = BETWEEN.join(said[:count]) + (f" {ellipsis}" if count < len(said) else "")
        if cell_width(text) <= room:
            return text
    return ellipsis if said and room >= cell_width(ellipsis) else ""
