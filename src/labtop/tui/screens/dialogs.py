"""Small questions over a screen: choose from a list by typing, choose by a letter, type a line.

A dialog lies at the bottom under a thin rule, answers with a value or None (Esc), and draws what comes from runs
as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from labtop.tui.choice import Choice
from labtop.tui.widgets.line_input import LineInput
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.text import clean

Answer = TypeVar("Answer")

__all__ = ["Choice", "Dialog", "HintLine", "Menu", "MultiPicker", "Picker", "Prompt", "RuleLine"]

TALLEST = 0.6  # of the screen


class RuleLine(Widget):
    """A thin rule with a title in it."""

    DEFAULT_CSS = "RuleLine { height: 1; width: 1fr; background: $background; text-style: dim; }"

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = clean(title, 200)

    def render(self) -> Text:
        """The rule, as wide as there is room."""
        text = Text(f"── {self.title} " if self.title else "", no_wrap=True, end="", overflow="crop")
        text.append("─" * max(0, self.size.width - text.cell_len))
        return text


class HintLine(Widget):
    """One quiet line under an input."""

    DEFAULT_CSS = """
    HintLine { height: 1; width: 1fr; padding: 0 1; background: $background; text-style: dim; }
    HintLine.-error { color: $text-error; text-style: bold; }
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = Text(text, no_wrap=True, end="")

    def show(self, text: str | Text, is_error: bool = False) -> None:
        """Replace the text."""
        new = text if isinstance(text, Text) else Text(clean(text, 1_000))
        self.set_class(is_error, "-error")
        if new != self._text or new.spans != self._text.spans:
            self._text = new
            self.refresh()

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text.plain

    def render(self) -> Text:
        """The line."""
        text = self._text.copy()
        text.truncate(self.content_size.width, overflow="ellipsis")
        return text


class Dialog(ModalScreen[Answer]):
    """What all dialogs have in common."""

    DEFAULT_CSS = """
    Dialog { background: transparent; align: left bottom; }
    Dialog > Vertical { width: 100%; height: auto; background: $background; }
    Dialog LineView { height: auto; padding: 0 1; }
    """
    AUTO_FOCUS: ClassVar[str | None] = "LineInput, LineView"

    def on_key(self, event: events.Key) -> None:
        """Esc closes."""
        if event.key in ("escape", "ctrl+c"):
            event.stop()
            self.answer(None)

    def on_line_input_dropped(self) -> None:
        """Esc in the input closes too."""
        self.answer(None)

    def answer(self, answer: Answer | None) -> None:
        """Close with an answer; one that comes when the dialog is closed already, or the app is leaving, is dropped."""
        if self in self.app.screen_stack[1:]:
            self.dismiss(answer)


class Picker(Dialog[str]):
    """Choose one from a list, typing to find it. Answers with the key of the choice.

    `also` turns a text that fits nothing into a choice of its own, such as a new tag.
    """

    def __init__(
        self,
        title: str,
        choices: Iterable[Choice],
        hint: str = "",
        also: Callable[[str], Choice | None] | None = None,
    ) -> None:
        super().__init__()
        self.title_text = title
        self.choices = tuple(choices)
        self.hint = hint
        self.also = also
        self.shown: list[Choice] = list(self.choices)

    def compose(self) -> ComposeResult:
        """Rule, input, list, hint."""
        with Vertical():
            yield RuleLine(self.title_text)
            yield LineInput("› " if not _is_ascii(self) else "> ")
            view = LineView()
            view.can_focus = False
            yield view
            yield HintLine(self.hint or "Enter chooses   Esc closes")

    def on_mount(self) -> None:
        """Show everything."""
        self._show("")

    def on_resize(self) -> None:
        """Keep to a part of the screen."""
        self._fit()

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        """Keep what fits what was typed."""
        self._show(event.value)

    def on_line_input_key(self, event: LineInput.Key) -> None:
        """Move in the list."""
        view = self.query_one(LineView)
        page = max(1, view.size.height - 1)
        steps = {"up": -1, "ctrl+p": -1, "down": 1, "ctrl+n": 1, "pageup": -page, "pagedown": page, "tab": 1}
        if event.key in steps:
            view.move(steps[event.key])

    def on_line_input_submitted(self) -> None:
        """Choose."""
        self._choose()

    def on_line_view_chosen(self) -> None:
        """Choose with the mouse."""
        self._choose()

    def _choose(self) -> None:
        at = self.query_one(LineView).cursor
        self.answer(self.shown[at].key if at < len(self.shown) else None)

    def _show(self, typed: str) -> None:
        self.shown = find_choices(self.choices, typed)
        if self.also is not None and (extra := self.also(typed)) is not None:
            self.shown.append(extra)
        view = self.query_one(LineView)
        view.show(self.draw(), keep_place=False)
        self.query_one(LineInput).annotate(f"{len(self.shown)} of {len(self.choices)}")
        self._fit()

    def _fit(self) -> None:
        tallest = max(1, int(self.size.height * TALLEST) - 3)
        self.query_one(LineView).styles.height = max(1, min(len(self.shown), tallest))

    def draw(self) -> list[Line]:
        """The choices as lines."""
        width = min(max((len(each.title) for each in self.choices), default=0), 44) + 2
        return [Line(draw_choice(each, width), each.key) for each in self.shown] or [
            Line(Text("  nothing fits" if self.choices else "  none yet", "dim"), is_heading=True)
        ]


class MultiPicker(Picker):
    """Choose several: Space or Tab turns one on or off, Enter keeps. Answers with keys, one a line."""

    def __init__(self, title: str, choices: Iterable[Choice], hint: str = "") -> None:
        super().__init__(
            title, choices, hint or "Space or Tab on/off   ctrl+t all/none   Enter keeps   Esc drops"
        )
        self.on = {each.key for each in self.choices if each.is_on}

    def on_mount(self) -> None:
        """Space turns on and off as long as nothing is typed."""
        self.query_one(LineInput).tells_space = True
        super().on_mount()

    def on_line_input_key(self, event: LineInput.Key) -> None:
        """Turn on and off, or move."""
        view = self.query_one(LineView)
        if event.key in ("space", "tab") and view.cursor < len(self.shown):
            self.on ^= {self.shown[view.cursor].key}
            view.show(self.draw())
            view.move(1)
        elif event.key == "ctrl+t":
            shown = {each.key for each in self.shown}
            self.on = self.on - shown if shown <= self.on else self.on | shown
            view.show(self.draw())
        else:
            super().on_line_input_key(event)

    def _choose(self) -> None:
        self.answer("\n".join(each.key for each in self.choices if each.key in self.on))

    def draw(self) -> list[Line]:
        """The choices with their marks."""
        width = min(max((len(each.title) for each in self.choices), default=0), 44) + 2
        on, off = ("[x] ", "[ ] ")
        return [
            Line(Text(on if each.key in self.on else off) + draw_choice(each, width), each.key)
            for each in self.shown
        ] or [Line(Text("  nothing fits", "dim"), is_heading=True)]


class Menu(Dialog[str]):
    """A few choices, each with its letter. Answers with the key of the choice."""

    def __init__(self, title: str, choices: Iterable[Choice]) -> None:
        super().__init__()
        self.title_text = title
        self.choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """Rule, list, hint."""
        with Vertical():
            yield RuleLine(self.title_text)
            yield LineView()
            yield HintLine("a letter or Enter chooses   Esc closes")

    def on_mount(self) -> None:
        """Show the choices."""
        width = min(max(len(each.title) for each in self.choices), 44) + 2
        view = self.query_one(LineView)
        view.show(
            [
                Line(Text(f" {each.letter}  ", "bold") + draw_choice(each, width), each.key)
                for each in self.choices
            ]
        )
        view.styles.height = min(len(self.choices), max(1, self.size.height - 3))

    def on_key(self, event: events.Key) -> None:
        """A letter, or moving in the list."""
        view = self.query_one(LineView)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1}
        chosen = next((each for each in self.choices if each.letter == event.character), None)
        if chosen is not None:
            event.stop()
            self.answer(chosen.key)
        elif event.key in steps:
            event.stop()
            view.move(steps[event.key])
        elif event.key == "enter":
            event.stop()
            view.choose()
        elif event.key == "q":  # Esc is closed by Dialog.on_key, which Textual calls too
            event.stop()
            self.answer(None)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Chosen with Enter or the mouse."""
        self.answer(event.line.key)


class Prompt(Dialog[str]):
    """One line to type. `complete` gives what Tab can put in place of the text; `explain` a hint as it is typed."""

    def __init__(
        self,
        title: str,
        value: str = "",
        history: Sequence[str] | None = None,
        prompt: str = "",
        complete: Callable[[str], Sequence[str]] | None = None,
        explain: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self.title_text = title
        self.value = value
        self.history = history
        self.prompt = prompt
        self.complete = complete
        self.explain = explain
        self._candidates: Sequence[str] = ()
        self._at = -1

    def compose(self) -> ComposeResult:
        """Rule, input, hint."""
        with Vertical():
            if self.title_text:
                yield RuleLine(self.title_text)
            yield LineInput(self.prompt)
            yield HintLine("Enter does it   Esc closes")

    def on_mount(self) -> None:
        """Start with the value."""
        self.query_one(LineInput).start(self.value, self.history)
        self._hint(self.value)

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        """Explain what is typed."""
        if not (self._candidates and self._at >= 0 and event.value == self._candidates[self._at]):
            self._candidates, self._at = (), -1
        self._hint(event.value)

    def on_line_input_key(self, event: LineInput.Key) -> None:
        """Tab goes round the completions."""
        if event.key not in ("tab", "shift+tab") or self.complete is None:
            return
        line = self.query_one(LineInput)
        if not self._candidates:
            self._candidates, self._at = list(self.complete(line.value)), -1
        if self._candidates:
            step = 1 if event.key == "tab" else -1
            self._at = (self._at + step) % len(self._candidates)
            line.edit(self._candidates[self._at])

    def on_line_input_submitted(self, event: LineInput.Submitted) -> None:
        """Answer."""
        self.answer(event.value)

    def _hint(self, value: str) -> None:
        if self.explain is not None:
            self.query_one(HintLine).show(self.explain(value) or "Enter does it   Esc closes")


def draw_choice(choice: Choice, width: int) -> Text:
    """A choice as one line of text: title, then what is said of it, quieter."""
    text = Text(clean(choice.title, 120), no_wrap=True, end="")
    if choice.detail:
        text.append(" " * max(2, width - text.cell_len))
        text.append(clean(choice.detail, 300), "dim")
    return text


def find_choices(choices: Sequence[Choice], typed: str) -> list[Choice]:
    """The choices that hold every word typed, those whose title begins with it first; else those with its letters."""
    words = typed.casefold().split()
    if not words:
        return list(choices)

    def place(choice: Choice) -> tuple[int, int]:
        title = choice.title.casefold()
        return (0 if title.startswith(words[0]) else 1 if words[0] in title else 2), len(title)

    found = [
        each for each in choices if all(word in f"{each.title} {each.detail}".casefold() for word in words)
    ]
    if not found:
        letters = "".join(words)
        found = [each for each in choices if _has_letters(each.title.casefold(), letters)]
    return sorted(found, key=place)


def _has_letters(text: str, letters: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


def _is_ascii(node: Widget) -> bool:
    app: Any = node.app
    return bool(app.session.is_ascii)
