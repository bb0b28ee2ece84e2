"""YAML that is nested deep is refused, whatever way it is nested."""

from __future__ import annotations

import pytest

from labtop.errors import InputError
from labtop.formats.yaml_text import parse_yaml


def _indented(levels: int) -> str:
    return "\n".join(f"{' ' * level}a:" for level in range(levels))


DEEP = {
    "braces": "{" * 200_000,
    "brackets": "[" * 20_000 + "]" * 20_000,
    "dashes": "- " * 50_000,
    "questions": "? " * 50_000,
    "mappings": "{a: " * 5000,
    "indented": _indented(2000),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep(text: str) -> None:
    """Neither a crash nor a wait, but an error that says so."""
    with pytest.raises(InputError, match="no YAML"):
        parse_yaml(text)


NOT_SO_DEEP = {
    "brackets": "[" * 50 + "]" * 50,
    "dashes": "- " * 60 + "x",
    "many": "a:\n" + " " * 80 + "b: [" + "{}, " * 300 + "1]",
}


@pytest.mark.parametrize("text", NOT_SO_DEEP.values(), ids=NOT_SO_DEEP)
def test_not_so_deep(text: str) -> None:
    """What only looks deep is read."""
    assert parse_yaml(text)
