from __future__ import annotations

from labtop.model.tree import flatten


def test_two_places_of_one_spelling_are_both_kept() -> None:
    """A key with a dot in it stands beside the nested one; neither is lost."""
    assert flatten({"a.b": 1, "a": {"b": 2, "c": 3}}) == {"a.b": 1, "a.b#2": 2, "a.c": 3}
