"""The one line at the top: where one is, and what one sees."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

SEPARATOR = "  "


class TitleLine(Widget):
    """A heading and parts after it; what does not fit is cut at the right."""

    DEFAULT_CSS = """
    TitleLine { height: 1; width: 1fr; padding: 0 1; background: $background; color: $text-muted; }
    """

    def __init__(self, heading: str = "") -> None:
        super().__init__()
        self._text = Text(heading, "bold", no_wrap=True, overflow="ellipsis", end="")
        self._too_small: tuple[int, int] | None = None

    def show(self, heading: str, parts: Sequence[str | Text]) -> None:
        """Draw a heading and its parts."""
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        text.append(heading, "bold")
        for part in parts:
            if part:
                text.append(SEPARATOR)
                text.append_text(part if isinstance(part, Text) else Text(part))
        if text != self._text or text.spans != self._text.spans:
            self._text = text
            self.refresh()

    def note_too_small(self, needed: tuple[int, int] | None) -> None:
        """Say that the terminal is smaller than what is needed, or (None) stop saying so."""
        if needed != self._too_small:
            self._too_small = needed
            self.refresh()

    def render(self) -> Text:
        """The line."""
        if self._too_small:
            width, height = self._too_small
            return Text(f"needs {width}x{height}", no_wrap=True, overflow="crop", end="")
        text = self._text.copy()
        text.truncate(
            self.content_size.width, overflow="ellipsis"
        )  # Textual's own cut leaves a whole word out
        return text
