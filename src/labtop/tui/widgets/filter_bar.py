"""The live filter: a line to type, the number of runs that fit, and the error under the character at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from labtop.errors import FilterError
from labtop.tui.screens.dialogs import HintLine
from labtop.tui.widgets.line_input import LineInput
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.query.filter import Completion

    Complete: TypeAlias = Callable[[str, int, Callable[[Sequence[Completion]], object]], None]
    """Finds what the word before the cursor of a text may become, and hands it over: reading values takes a moment."""

HELP = "lr < 1e-3 and val/loss < 0.4   status = failed   tags has 'paper'   a word searches   Tab completes"


class FilterBar(Vertical):
    """Opened with `/`. Tells of every change, of Enter (kept) and of Esc (dropped)."""

    DEFAULT_CSS = """
    FilterBar { height: 2; width: 1fr; display: none; }
    FilterBar.-open { display: block; }
    """

    @dataclass
    class Changed(Message):
        """The text changed."""

        text: str

    @dataclass
    class Kept(Message):
        """Enter: this is the filter now."""

        text: str

    @dataclass
    class Dropped(Message):
        """Esc: back to the filter before."""

    def __init__(self, complete: Complete) -> None:
        super().__init__()
        self._complete = complete
        self._candidates: Sequence[Completion] = ()
        self._at = -1
        self._typed = ""  # the text that Tab began with
        self._completed = ""  # and what the last Tab made of it

    def compose(self) -> ComposeResult:
        """Input and hint."""
        yield LineInput("/ ")
        yield HintLine(HELP)

    @property
    def line(self) -> LineInput:
        """The input."""
        return self.query_one(LineInput)

    @property
    def is_open(self) -> bool:
        """Whether it is being typed in."""
        return self.has_class("-open")

    def open(self, text: str, history: Sequence[str]) -> None:
        """Begin to type."""
        self.add_class("-open")
        self.line.start(text, history)
        self.query_one(HintLine).show(HELP)
        self.line.focus()

    def close(self) -> None:
        """Go out of sight."""
        self.remove_class("-open")

    @property
    def has_error(self) -> bool:
        """Whether what is typed is wrong."""
        return self.query_one(HintLine).has_class("-error")

    def show_count(self, fitting: int, total: int) -> None:
        """Say how many runs fit."""
        self.line.annotate(f"{fitting:,} of {total:,}")
        if self._completed != self.line.value:
            self.query_one(HintLine).show(HELP)

    def show_error(self, error: FilterError) -> None:
        """Point at what is wrong. The last good filter stays in force."""
        if error.text != self.line.value:
            return
        self.line.annotate("", (error.position, error.length))
        self.query_one(HintLine).show(self._pointed(error), is_error=True)

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        """Tell of the change."""
        event.stop()
        if event.value != self._completed:
            self._candidates, self._at = (), -1
        self.post_message(self.Changed(event.value))

    def on_line_input_submitted(self, event: LineInput.Submitted) -> None:
        """Keep."""
        event.stop()
        self.post_message(self.Kept(event.value))

    def on_line_input_dropped(self, event: LineInput.Dropped) -> None:
        """Drop."""
        event.stop()
        self.post_message(self.Dropped())

    def on_line_input_key(self, event: LineInput.Key) -> None:
        """Tab goes round the completions of the word before the cursor."""
        event.stop()
        if event.key not in ("tab", "shift+tab"):
            return
        step = 1 if event.key == "tab" else -1
        if self._candidates:
            self._take(step)
            return
        typed = self.line.value

        def found(candidates: Sequence[Completion]) -> None:
            if self.is_open and self.line.value == typed:
                self._typed, self._candidates, self._at = typed, candidates, -1
                self._take(step)

        self._complete(typed, self.line.cursor, found)

    def _take(self, step: int) -> None:
        """The next candidate, or the one before."""
        line = self.line
        if not self._candidates:
            self.query_one(HintLine).show("nothing to complete here")
            return
        self._at = (self._at + step) % len(self._candidates)
        self._completed, cursor = self._candidates[self._at].apply(self._typed)
        self.query_one(HintLine).show(self._offer())
        line.edit(self._completed, cursor)

    def _offer(self) -> Text:
        """The candidates, the one taken in bold."""
        text = Text(no_wrap=True, end="")
        first = max(0, self._at - 3)
        for at, each in enumerate(self._candidates[first : first + 40], first):
            text.append(clean(each.label, 60), "bold not dim" if at == self._at else "")
            text.append("   ")
        return text

    def _pointed(self, error: FilterError) -> Text:
        """A caret under the character, and the message on the side where there is room."""
        column = max(0, self.line.column_of(error.position))
        message = clean(error.message + (f" — {error.hint}" if error.hint else ""), 400)
        width = self.size.width - 2
        if column + 2 + cell_len(message) <= width or column < width // 2:
            return Text(" " * column + "^ " + message)
        return Text((message + " ").rjust(column)[-max(column, 0) :] + "^")
