"""One line of text to edit, drawn clean: what is typed, pasted or brought back can hold no live escape.

Textual's Input writes its value as it is, so a filter that quotes a run's name could reach the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

from labtop.views.text import clean


@dataclass
class LineInputMessage(Message):
    """Any message of a line."""

    input: LineInput

    @property
    def control(self) -> LineInput:
        """The widget, for @on selectors."""
        return self.input


class LineInput(Widget, can_focus=True):
    """A prompt and a line. Enter, Esc, Tab and the arrows up and down are told as messages or used for history."""

    takes_keys = True  # LabScreen leaves the keys to this widget

    DEFAULT_CSS = """
    LineInput { height: 1; width: 1fr; padding: 0 1; background: $background; color: $foreground; }
    """

    @dataclass
    class Changed(LineInputMessage):
        """The text changed."""

        value: str

    @dataclass
    class Submitted(LineInputMessage):
        """Enter was pressed."""

        value: str

    @dataclass
    class Dropped(LineInputMessage):
        """Esc was pressed."""

    @dataclass
    class Key(LineInputMessage):
        """A key that this widget does not use itself: tab, pageup, …"""

        key: str

    def __init__(self, prompt: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.prompt = prompt
        self.value = ""
        self.cursor = 0
        self.tells_space = False  # a space in the empty line is told as a key
        self.note = ""  # at the right end, such as a count
        self.mark: tuple[int, int] | None = None  # characters at fault, drawn underlined
        self._history: Sequence[str] | None = None
        self._at = 0
        self._draft = ""

    def start(self, value: str = "", history: Sequence[str] | None = None) -> None:
        """Begin with a text; `history` is walked with up and down, the newest last."""
        self._history = history
        self._at = len(history or ())
        self._draft = ""
        self.mark = None
        self.note = ""
        self.value, self.cursor = value, len(value)
        self.refresh()

    def edit(self, value: str, cursor: int | None = None) -> None:
        """Replace the text, as if it had been typed."""
        cursor = len(value) if cursor is None else max(0, min(cursor, len(value)))
        changed = value != self.value
        self.value, self.cursor = value, cursor
        self.refresh()
        if changed:
            self.mark = None
            self.post_message(self.Changed(self, value))

    def annotate(self, note: str, mark: tuple[int, int] | None = None) -> None:
        """Say something at the right end, and underline what is at fault."""
        if (note, mark) != (self.note, self.mark):
            self.note, self.mark = note, mark
            self.refresh()

    def column_of(self, position: int) -> int:
        """The cell in which a character of the value is drawn."""
        text, starts = self._drawn()
        return (
            Text(text[: starts[min(position, len(starts) - 1)]]).cell_len
            + len(self.prompt)
            - self._scrolled()
        )

    def render(self) -> Text:
        """Prompt, value with a cursor, and the note where there is room."""
        drawn, starts = self._drawn()
        text = Text(drawn + " ", no_wrap=True, end="")
        if self.mark:
            begin, length = self.mark
            end = min(begin + max(length, 1), len(starts) - 1)
            text.stylize(Style(underline=True, bold=True), starts[min(begin, len(starts) - 1)], starts[end])
        at = starts[self.cursor]
        end = starts[self.cursor + 1] if self.cursor < len(self.value) else at + 1
        text.stylize(Style(reverse=True), at, max(end, at + 1))
        text = text[_cells_to_index(text.plain, self._scrolled()) :]
        line = Text(no_wrap=True, end="")
        line.append(self.prompt, Style(bold=True))
        line.append_text(text)
        width = self.content_size.width
        note = Text(self.note, Style(dim=True))
        room = width - line.cell_len - note.cell_len
        if room > 0:
            line.append(" " * room)
            line.append_text(note)
        line.truncate(width)
        if self.has_focus:
            self.app.cursor_position = Offset(
                self.content_region.x + self.column_of(self.cursor), self.region.y
            )
        return line

    def on_key(self, event: events.Key) -> None:
        """Edit; tell what is not editing."""
        key = event.key
        if key == "space" and self.tells_space and not self.value:
            self.post_message(self.Key(self, key))
        elif event.is_printable and event.character:
            self._insert(event.character)
        elif key in _EDITS:
            self.edit(*_EDITS[key](self.value, self.cursor))
        elif key in ("up", "ctrl+p", "down", "ctrl+n") and self._history is not None:
            self._walk(-1 if key in ("up", "ctrl+p") else 1)
        elif key == "enter":
            self.post_message(self.Submitted(self, self.value))
        elif key == "escape":
            self.post_message(self.Dropped(self))
        elif key in ("ctrl+q", "ctrl+c"):
            return
        else:
            self.post_message(self.Key(self, key))
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take pasted text as one line."""
        event.stop()
        self._insert(" ".join(event.text.split("\n")).replace("\r", ""))

    def _insert(self, text: str) -> None:
        self.edit(self.value[: self.cursor] + text + self.value[self.cursor :], self.cursor + len(text))

    def _walk(self, step: int) -> None:
        history = self._history or ()
        if self._at == len(history):
            self._draft = self.value
        self._at = max(0, min(len(history), self._at + step))
        self.edit(self._draft if self._at == len(history) else history[self._at])

    def _drawn(self) -> tuple[str, list[int]]:
        """The value as it is drawn, and where each of its characters begins there (one more for the end)."""
        parts = [clean(each) for each in self.value]
        starts, at = [], 0
        for part in parts:
            starts.append(at)
            at += len(part)
        return "".join(parts), [*starts, at]

    def _scrolled(self) -> int:
        """Cells of the value that are out of sight at the left, so that the cursor stays in sight."""
        text, starts = self._drawn()
        room = self.content_size.width - len(self.prompt) - 1
        return max(0, Text(text[: starts[self.cursor]]).cell_len - room) if room > 0 else 0


def _cells_to_index(text: str, cells: int) -> int:
    from rich.cells import cell_len

    at = 0
    while at < len(text) and cell_len(text[:at]) < cells:
        at += 1
    return at


def _word_start(value: str, cursor: int) -> int:
    head = value[:cursor].rstrip()
    while head and not head[-1].isspace() and head[-1] not in "()=<>,":
        head = head[:-1]
    return min(len(head), max(cursor - 1, 0))


_EDITS: dict[str, Callable[[str, int], tuple[str, int]]] = {
    "left": lambda value, at: (value, at - 1),
    "right": lambda value, at: (value, at + 1),
    "home": lambda value, at: (value, 0),
    "end": lambda value, at: (value, len(value)),
    "ctrl+e": lambda value, at: (value, len(value)),
    "backspace": lambda value, at: (value[: max(at - 1, 0)] + value[at:], at - 1),
    "ctrl+h": lambda value, at: (value[: max(at - 1, 0)] + value[at:], at - 1),
    "delete": lambda value, at: (value[:at] + value[at + 1 :], at),
    "ctrl+d": lambda value, at: (value[:at] + value[at + 1 :], at),
    "ctrl+w": lambda value, at: (value[: _word_start(value, at)] + value[at:], _word_start(value, at)),
    "ctrl+u": lambda value, at: (value[at:], 0),
    "ctrl+k": lambda value, at: (value[:at], at),
}
