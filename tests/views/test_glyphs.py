"""The ASCII set is ASCII, and is taken where the locale asks for it."""

from __future__ import annotations

import dataclasses

import pytest

from labtop.model.run import Status
from labtop.views.glyphs import ASCII, UNICODE, Glyphs, locale_is_ascii, marker, to_ascii


@pytest.mark.parametrize("glyphs", [ASCII, UNICODE])
def test_every_status_has_a_glyph(glyphs: Glyphs) -> None:
    """Each status is told apart by a shape of one cell."""
    assert set(glyphs.status) == set(Status)
    assert len(set(glyphs.status.values())) == len(Status)
    assert len(set(glyphs.markers)) == 8
    assert len(glyphs.spark) == 8


def test_the_ascii_set_is_ascii() -> None:
    """No glyph of the ASCII set is beyond it, and each Unicode glyph has a likeness."""
    for field in dataclasses.fields(Glyphs):
        value = getattr(ASCII, field.name)
        text = "".join(value.values()) if isinstance(value, dict) else str(value)
        assert text.isascii(), field.name
    assert "?" not in to_ascii(
        UNICODE.spark + UNICODE.markers + UNICODE.delta + UNICODE.rule + UNICODE.baseline
    )


def test_marked_runs_are_told_apart() -> None:
    """Sixty-four marks have different pairs of shape and colour."""
    assert len({marker(number) for number in range(64)}) == 64
    assert len({marker(number)[0] for number in range(8)}) == 8


@pytest.mark.parametrize(
    ("environment", "is_ascii"),
    [
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # Python writes LC_CTYPE by itself under LANG=C
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "de_DE@euro"}, False),
        ({"LANG": "en_US.US-ASCII"}, True),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "C"}, True),
        ({"LC_CTYPE": "UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_locale_decides(
    environment: dict[str, str], is_ascii: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LC_ALL before LC_CTYPE before LANG."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert locale_is_ascii() is is_ascii
