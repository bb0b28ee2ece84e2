"""Every rank of a run as a line of its own: how it is called, how it looks, and how many of them a chart holds.

Rank 0 keeps the shape and colour of its run. Of one run each rank has a shape of its own; of several the shape tells
the run and the colour the rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labtop.views.chart_curves import Face
from labtop.views.glyphs import MARKER_COLOURS, marker

if TYPE_CHECKING:
    from labtop.query.series import Series

MOST_LINES = 50
"""Lines that lie over one another in one chart; more are counted, not drawn."""

_JOINT = "\x1f"


@dataclass(frozen=True, slots=True)
class RankSeries:
    """The series of one metric of one run, rank by rank; at most `MOST_LINES` of the `total` there are."""

    series: tuple[Series, ...] = ()
    total: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.series))

    def like(self, other: Series) -> Series | None:
        """The series of the same rank as another, else the first."""
        same = (each for each in self.series if (each.rank, each.label) == (other.rank, other.label))
        return next(same, self.series[0] if self.series else None)


def run_of(key: str) -> str:
    """The run that a curve is of, by the curve's key."""
    return key.partition(_JOINT)[0]


def faces_of_ranks(face: Face, series: Sequence[Series], is_alone: bool) -> list[Face]:
    """What tells the ranks of a run apart; one series is the run itself. `is_alone`: no other run is drawn."""
    if len(series) < 2:
        return [face] * len(series)
    looks = _looks(face, is_alone)
    faces = []
    for at, each in enumerate(series):
        glyph, colour = next(looks)
        key = f"{face.key}{_JOINT}{each.label}" if at else face.key
        faces.append(Face(key, each.label if is_alone else f"{each.label}, {face.label}", glyph, colour))
    return faces


def _looks(face: Face, is_alone: bool) -> Iterator[tuple[str, str]]:
    """Shapes and colours, the run's own first."""
    own = face.glyph, face.colour
    yield own
    number = 0
    first = MARKER_COLOURS.index(face.colour) if face.colour in MARKER_COLOURS else 0
    while True:
        number += 1
        if not is_alone:
            yield face.glyph, MARKER_COLOURS[(first + number) % len(MARKER_COLOURS)]
        elif (look := marker(number - 1, face.glyph.isascii())) != own:
            yield look


def shared_out(wanted: Sequence[int], most: int = MOST_LINES) -> list[int]:
    """How many lines each run gets of those that fit: as many as the others, or as it has."""
    given = [0] * len(wanted)
    while sum(given) < most and given != list(wanted):
        for at in range(len(wanted)):
            if given[at] < wanted[at] and sum(given) < most:
                given[at] += 1
    return given


def said_of_all(kept: Sequence[RankSeries]) -> str:
    """How many ranks there are: "all 8 ranks"; nothing where no run has several."""
    totals = {each.total for each in kept if each.total > 1}
    if not totals:
        return ""
    return f"all {totals.pop()} ranks" if len(totals) == 1 else f"all ranks, up to {max(totals)}"


def cut_to_fit(series: Sequence[Series]) -> RankSeries:
    """The series of one metric of one run, as many as may be drawn."""
    return RankSeries(tuple(series[:MOST_LINES]), len(series))
