"""The one line at the bottom: the keys that matter here, or for a while what just happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.timer import Timer
from textual.widget import Widget

from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.tui.session import Session

MESSAGE_S = 6.0


class KeyLine(Widget):
    """Keys and what they do, from the table of actions, as many as fit."""

    DEFAULT_CSS = """
    KeyLine { height: 1; width: 1fr; padding: 0 1; background: $background; color: $text-muted; }
    KeyLine.-info { color: $foreground; }
    KeyLine.-warning { color: $text-warning; }
    KeyLine.-error { color: $text-error; text-style: bold; }
    """

    def __init__(self, screen_name: str) -> None:
        super().__init__()
        self._screen_name = screen_name
        self._message = ""
        self._timer: Timer | None = None

    def say(self, message: str, kind: str = "info") -> None:
        """Show a message for some seconds; an error stays until the next one or Esc."""
        self._message = clean(message, 2_000)
        for each in ("info", "warning", "error"):
            self.set_class(each == kind, f"-{each}")
        if self._timer is not None:
            self._timer.stop()
        self._timer = None if kind == "error" else self.set_timer(MESSAGE_S, self.hush)
        self.refresh()

    def hush(self) -> bool:
        """Back to the keys; True when there was a message."""
        had = bool(self._message)
        if had:
            self._message = ""
            self.remove_class("-info", "-warning", "-error")
            self.refresh()
        return had

    @property
    def message(self) -> str:
        """What is being said."""
        return self._message

    def render(self) -> Text:
        """The message, or the keys."""
        if self._message:
            return Text(self._message, no_wrap=True, overflow="ellipsis", end="")
        return self._keys(self.content_size.width)

    def _keys(self, width: int) -> Text:
        app: Any = self.app
        session: Session = app.session
        shown = [each for each in session.keymap.on_screen(self._screen_name) if each.short]
        text = Text(no_wrap=True, end="")
        for action in sorted(shown, key=lambda each: each.rank):
            keys = session.keymap.keys(action.name)
            if not keys:
                continue
            part = Text("   " if text else "")
            part.append(keys[0].replace("enter", "⏎" if not session.is_ascii else "enter"), "bold")
            part.append(f" {action.short}")
            if text.cell_len + part.cell_len <= width:
                text.append_text(part)
        return text
