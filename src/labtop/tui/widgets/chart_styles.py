"""Which style each ink of a chart has: the run's own colour, dimmed for what stands behind or is out of focus.

The terminal's own colours are left alone wherever nothing has to be told apart. Without colours, what is in front
is bold.
"""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style

from labtop.views.chart import Chart, Ink

PLAIN = Style()
QUIET = Style(dim=True)
STRONG = Style(bold=True)


def ink_style(ink: Ink, chart: Chart, is_plain: bool) -> Style:
    """The style of a piece of a chart."""
    if ink.role == "label" or ink.role == "cursor":
        return PLAIN if is_plain else QUIET
    if ink.curve < 0 or ink.role == "blank":
        return PLAIN
    curve = chart.curves[ink.curve]
    is_faded = chart.focus is not None and chart.focus != curve.key
    if ink.role == "line":
        return curve_style(curve.colour, is_plain, dim=is_faded, bold=is_plain and not is_faded)
    if ink.role == "back":
        return curve_style(curve.colour, is_plain, dim=True)
    return curve_style(curve.colour, is_plain, dim=is_faded, bold=not is_faded)


@lru_cache(512)
def curve_style(colour: str, is_plain: bool, dim: bool = False, bold: bool = False) -> Style:
    """A curve's colour; no colour and nothing dim where there are no colours."""
    if is_plain:
        return Style(bold=True) if bold else PLAIN
    return Style(color=colour, dim=dim or None, bold=bold or None)
