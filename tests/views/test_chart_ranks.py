"""Every rank as a line: told apart, as many as fit, and what is cut is said."""

from __future__ import annotations

import numpy as np
import pytest

from labtop.query.series import Series
from labtop.views.chart import Chart
from labtop.views.chart_curves import Face
from labtop.views.chart_notes import notes
from labtop.views.chart_ranks import MOST_LINES, cut_to_fit, faces_of_ranks, run_of, said_of_all, shared_out


def series_of(ranks: int, run_id: str = "run") -> list[Series]:
    """A point of each rank."""
    return [
        Series(run_id, "loss", np.zeros(1), np.zeros(1, np.int64), np.ones(1), (), rank, f"rank {rank}")
        for rank in range(ranks)
    ]


@pytest.mark.parametrize("is_alone", [True, False])
@pytest.mark.parametrize("glyph", ["■", "o"])
def test_ranks_are_told_apart(is_alone: bool, glyph: str) -> None:
    """By name, and by shape and colour; rank 0 looks as its run does, and nothing but ASCII is drawn in ASCII."""
    face = Face("run", "fast-fox", glyph, "color(74)")
    faces = faces_of_ranks(face, series_of(8), is_alone)
    assert (faces[0].key, faces[0].glyph, faces[0].colour) == ("run", glyph, "color(74)")
    assert len({each.key for each in faces}) == len({(each.glyph, each.colour) for each in faces}) == 8
    assert faces[3].label == ("rank 3" if is_alone else "rank 3, fast-fox")
    assert {run_of(each.key) for each in faces} == {"run"}
    assert all(each.glyph.isascii() == glyph.isascii() for each in faces)


def test_a_single_process_is_its_run() -> None:
    """No rank in its name."""
    face = Face("run", "fast-fox", "o", "color(74)")
    assert faces_of_ranks(face, series_of(1), True) == [face]


@pytest.mark.parametrize(
    ("wanted", "given"), [([64], [50]), ([40, 40], [25, 25]), ([2, 100, 1], [2, 47, 1]), ([1] * 3, [1] * 3), ([], [])]
)  # fmt: skip
def test_lines_are_shared_out(wanted: list[int], given: list[int]) -> None:
    """As many as fit, no run before another."""
    assert shared_out(wanted) == given


def test_what_is_cut_is_said() -> None:
    """In the words of the title, and in the small print of the chart."""
    kept = cut_to_fit(series_of(64))
    assert (len(kept.series), kept.total) == (MOST_LINES, 64)
    assert said_of_all([kept]) == "all 64 ranks"
    assert said_of_all([kept, cut_to_fit(series_of(3))]) == "all ranks, up to 64"
    assert notes(Chart("loss", (), left_out=14))[0] == "14 more not drawn"
    assert notes(Chart("loss", (), without=1)) == ["not in 1 run"]
    assert notes(Chart("loss", (), without=1200)) == ["not in 1,200 runs"]
