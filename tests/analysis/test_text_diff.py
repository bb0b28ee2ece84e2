"""Prompts and other long values as text diffs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.analysis.text_diff import diff_lines, patch_lines

LINES = st.lists(st.sampled_from(["a", "b", "c", "some words here", ""]), max_size=12)


@settings(max_examples=80, deadline=None)
@given(LINES, LINES)
def test_both_texts_can_be_read_from_the_diff(before: list[str], after: list[str]) -> None:
    """What is kept and removed is the old text, what is kept and added the new one."""
    lines = diff_lines(before, after, context=None)
    assert [line.text for line in lines if line.kind in ("same", "removed")] == before
    assert [line.text for line in lines if line.kind in ("same", "added")] == after


def test_changed_words_are_marked_in_their_line() -> None:
    """The eye finds the one word in a prompt."""
    old, new = diff_lines(["You are a helpful assistant."], ["You are a terse assistant."])
    assert [text for text, changed in old.spans if changed] == ["helpful"]
    assert [text for text, changed in new.spans if changed] == ["terse"]


def test_a_prompt_of_one_line_is_broken_at_its_words() -> None:
    """A change at the end of 2,000 characters does not replace everything."""
    words = "word " * 400
    lines = diff_lines([words + "end"], [words + "END"])
    assert sum(line.kind == "removed" for line in lines) == 1
    assert lines[0].kind == "skipped"


def test_far_equal_lines_are_counted() -> None:
    """A hundred equal lines are one line that says so."""
    lines = diff_lines(["x"] * 100 + ["a"], ["x"] * 100 + ["b"])
    assert [line.kind for line in lines] == ["skipped", "same", "same", "same", "removed", "added"]
    assert lines[0].text == "97 equal lines"


def test_a_huge_difference_is_shown_as_blocks() -> None:
    """10,000 lines that all differ take no quadratic time."""
    lines = diff_lines([f"a{n}" for n in range(10_000)], [f"b{n}" for n in range(10_000)])
    assert len(lines) == 20_000


def test_a_patch_is_read_by_its_signs() -> None:
    """Headers, hunks, what came and what left."""
    kinds = [
        line.kind for line in patch_lines("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c")
    ]
    assert kinds == ["header", "header", "header", "skipped", "removed", "added", "same"]
    assert [line.text for line in patch_lines("-a\n+b\n c")] == ["a", "b", "c"]
