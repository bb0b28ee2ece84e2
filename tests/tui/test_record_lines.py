"""How facts become lines of a screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from labtop.tui.record_lines import wrapped


@settings(deadline=None)
@given(st.text(st.sampled_from("ab /=,日é-."), max_size=200), st.integers(4, 40))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    """But blanks at the ends of lines."""
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("/data/logs/wandb/offline-run-2026", ["/data/logs/wandb/", "offline-run-2026"]),
        ("python train.py --rate 0.1", ["python train.py", "--rate 0.1"]),
        ("lr=0.1,model=large", ["lr=0.1,model=large"]),
        ("a" * 24, ["a" * 20, "a" * 4]),
    ],
)
def test_a_long_path_is_broken_between_its_folders(text: str, lines: list[str]) -> None:
    """Words at blanks; what has no place to break at, anywhere."""
    assert wrapped(text, 20) == lines
