"""JSON that is cut off or damaged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labtop.formats.json_salvage import salvage

WHOLE: dict[str, Any] = {"a": [1, 2.5, {"b": 'x"]é'}], "c": {"d": None, "e": []}, "f": True, "g": -1e-5}


def is_within(part: Any, whole: Any) -> bool:
    """Whether all of one value is in the other, at the front of its lists."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and is_within(part[key], whole[key]) for key in part
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(map(is_within, part, whole)) and len(part) <= len(whole)
    return bool(part == whole)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_text_cut_anywhere_gives_a_part_of_the_whole_and_no_more(indent: int | None) -> None:
    """Never a number or text that was not there, and never less than was whole before."""
    text = json.dumps(WHOLE, indent=indent)
    most = 0
    for cut in range(len(text)):
        part = salvage(text[:cut])
        assert part is None or is_within(part, WHOLE)
        size = len(json.dumps(part))
        assert size >= most or part is None
        most = max(most, size if part is not None else 0)
    assert salvage(text) == WHOLE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": 2\0\0\0', {"a": 1}),
        ('{"a": 1, "b": #', {"a": 1}),
        ('{"a": 12', {}),
        ("[1, 2}", [1, 2]),
        ('{"a": NaN, "b": -Infinity, 3', {"a": "nan", "b": "-inf"}),
        ("", None),
        ("x", None),
        pytest.param("[" * 100_000, None, id="deep"),
    ],
)
def test_damage_ends_what_is_read(text: str, value: Any) -> None:
    """Flipped bytes, NUL bytes, wrong brackets, a depth without end."""
    found = salvage(text)
    assert json.loads(json.dumps(found), parse_constant=lambda word: str(float(word))) == value
