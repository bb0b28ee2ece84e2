"""What rich values are drawn on and with: cells of a terminal, and pieces of text in colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from labtop.views.glyphs import Glyphs

Rgb: TypeAlias = tuple[int, int, int]


class Span(NamedTuple):
    """Text with the colours in front and behind, if it has any; `quiet` text stands back."""

    text: str
    front: Rgb | None = None
    behind: Rgb | None = None
    quiet: bool = False


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is drawn on: cells, and whether colours and more than ASCII may be used."""

    width: int
    height: int
    glyphs: Glyphs
    has_colours: bool
    first_column: int = 0  # of a table: those before are out of sight
