"""Two versions of a record are brought together without losing what either found out."""

from __future__ import annotations

from dataclasses import replace

from labtop.model.merge import merge_records
from labtop.model.run import Code, Life, RunRecord

BEGUN = RunRecord(id="r", name="run", project="p", params={"lr": 0.1, "width": 8})


def test_each_side_s_changes_are_there() -> None:
    """Entry by entry; where both changed the same the one that goes on wins."""
    mine = replace(BEGUN, params={"lr": 0.2, "width": 8, "mine": 1})
    theirs = replace(BEGUN, params={"lr": 0.3, "theirs": 2}, life=Life(notes="theirs"))
    merged = merge_records(BEGUN, mine, theirs)
    assert merged.params == {"lr": 0.2, "mine": 1, "theirs": 2}
    assert merged.life.notes == "theirs"


def test_a_program_that_joined_before_the_bundle_was_made_takes_it_from_nobody() -> None:
    """It only says of the code what it knew."""
    known = replace(BEGUN, code=Code(commit="c0ffee", branch="main", bundle="commits.bundle"))
    joined = replace(BEGUN, code=Code(commit="c0ffee", branch="main", notebook="notebook.py"))
    merged = merge_records(known, known, joined)
    assert merged.code == Code(
        commit="c0ffee", branch="main", bundle="commits.bundle", notebook="notebook.py"
    )
