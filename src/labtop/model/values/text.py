"""A text that belongs to a step: a generated sample, a report."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from labtop.model.values.base import RichValue

MOST_CHARACTERS = 1_000_000

Format = Literal["plain", "markdown"]


class Text(RichValue):
    """A text, plain or Markdown; a longer one than a million characters is cut."""

    kind: ClassVar[str] = "text"

    def __init__(self, text: object, format: Format = "plain") -> None:
        if format not in ("plain", "markdown"):
            raise ValueError(f"a text is plain or markdown, not {format!r}")
        self.text = str(text)
        self.format: Format = format

    def snapshot(self) -> Self:
        """Itself: texts don't change."""
        return self

    @property
    def weight(self) -> int:
        """Bytes, more or less."""
        return 4 * len(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Text({self.text[:40]!r}{'…' if len(self.text) > 40 else ''}, format={self.format!r})"
