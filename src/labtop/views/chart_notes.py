"""The small print of a chart: scales that are not plain, and all that it does not show, in a few words each."""

from __future__ import annotations

from labtop.views.chart import Chart, Picture


def notes(chart: Chart, picture: Picture | None = None) -> list[str]:
    """Notes on a chart as it is drawn, the most important first."""
    said = [f"{chart.left_out:,} more not drawn"] if chart.left_out else []
    if chart.without:
        said.append(f"not in {chart.without:,} run{'s' * (chart.without != 1)}")
    nan = sum(each.nan_count for each in chart.curves)
    infinite = sum(each.infinity_count for each in chart.curves)
    if nan:
        said.append(f"{nan:,} NaN")
    if infinite:
        said.append(f"{infinite:,} inf")
    if picture is not None:
        if picture.cut_above or picture.cut_below:
            said.append(f"{picture.cut_above + picture.cut_below:,} cut off")
        if picture.not_positive:
            said.append(f"{picture.not_positive:,} not above 0")
    if chart.log_x and (hidden := sum(_not_positive_x(each.x) for each in chart.curves)):
        said.append(f"{hidden:,} at x not above 0")
    if without_x := sum(each.without_x for each in chart.curves):
        said.append(f"{without_x:,} without x")
    if any(each.is_interpolated for each in chart.curves):
        said.append("interpolated")
    if chart.log_y:
        said.append("log")
    return said


def _not_positive_x(x: object) -> int:
    import numpy as np

    return int(np.searchsorted(np.asarray(x), 0.0, "right"))
