"""Small files that ask for much: numbers and lengths of messages, and YAML whose aliases multiply."""

from __future__ import annotations

import pytest

from labtop.errors import InputError
from labtop.formats.protobuf import ProtobufError, fields
from labtop.formats.yaml_text import parse_yaml


@pytest.mark.parametrize(
    ("message", "words"),
    [(b"\x0a\x7fabc", "127 bytes announced, 3 there"), (b"\x08" + b"\xff" * 11 + b"\0", "ten bytes")],
)
def test_a_message_that_promises_more_is_refused(message: bytes, words: str) -> None:
    """A length beyond the end, and a number that does not end."""
    with pytest.raises(ProtobufError, match=words):
        list(fields(message))


def test_aliases_of_aliases_are_bounded() -> None:
    """Five levels of ten aliases each are a million values from half a kilobyte."""
    lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
    lines += [f"a{at}: &a{at} [" + ", ".join([f"*a{at - 1}"] * 10) + "]" for at in range(1, 6)]
    with pytest.raises(InputError, match="more than"):
        parse_yaml("\n".join(lines) + "\n")
