"""Texts of others in whatever encoding, and those that end where they should not."""

from __future__ import annotations

import pytest

from labtop.formats.files import Text, decode_text

CUT = "ends within a character: it is cut off"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("größe".encode(), Text("größe")),
        ("größe ß".encode()[:-1], Text("größe ", CUT)),
        ("lr 日".encode()[:-1], Text("lr ", CUT)),
        ("\ufefflr 日".encode()[:-1], Text("lr ", CUT)),
        (b"caf\xe9", Text("café", "is not UTF-8 at byte 3; read as Latin-1")),
        (b"caf\xe9s", Text("cafés", "is not UTF-8 at byte 3; read as Latin-1")),
        (b"a \x93b\x94", Text("a “b”", "is not UTF-8 at byte 2; read as Windows-1252")),
        (b"a\0\0", Text("a", "ends in NUL bytes")),
    ],
)
def test_what_a_text_says_and_what_is_wrong_with_it(content: bytes, text: Text) -> None:
    """A character that was cut in two is left out; a last letter in Latin-1 is a letter."""
    assert decode_text(content) == text
