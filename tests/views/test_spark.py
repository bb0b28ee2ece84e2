"""Sparklines keep their spikes and their gaps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labtop.views.glyphs import ASCII
from labtop.views.spark import draw_spark, squeeze


def test_levels_become_blocks() -> None:
    """Low is low, NaN is marked and nothing stays empty."""
    assert draw_spark("07n 3", 10) == "▁█✕ ▄"
    assert draw_spark("07n 3", 10, ASCII).isascii()


def test_a_spike_survives() -> None:
    """One high cell among many low ones is seen in an eighth of the width."""
    assert "7" in squeeze("0" * 40 + "7" + "0" * 23, 8)
    assert "0" in squeeze("7" * 40 + "0" + "7" * 23, 8)


@given(st.text("01234567n ", max_size=64), st.integers(0, 80))
def test_the_width_is_kept(levels: str, width: int) -> None:
    """Never wider than asked, and NaN never disappears."""
    shown = squeeze(levels, width)
    assert len(shown) == min(len(levels), width)
    assert not width or ("n" in levels) == ("n" in shown)
