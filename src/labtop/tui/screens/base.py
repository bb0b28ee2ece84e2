"""What every screen of labtop is: one title line, a body, one key line; keys from the table of actions.

A new screen is a subclass with `NAME` and `compose_body`, a line in `app.SCREENS` and rows in `actions.py`.
An action `zoom` of the table calls the screen's `action_zoom`, with the text after the command's name where the
table says that the action takes an argument.
"""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult

from labtop.tui.actions import Action
from labtop.tui.lean_compositor import LeanCompositor
from labtop.tui.screens.asking import AskingScreen
from labtop.tui.session import Session
from labtop.tui.widgets.key_line import KeyLine
from labtop.tui.widgets.title_line import TitleLine

Answer = TypeVar("Answer")

SEQUENCE_S = 1.0  # how long a first `g` waits for the second


class LabScreen(AskingScreen):
    """A screen about some runs, `run_ids`."""

    NAME: ClassVar[str]  # in actions.py and app.SCREENS
    HEADING: ClassVar[str]  # what the title line begins with
    MINIMUM: ClassVar[tuple[int, int]] = (30, 6)  # below this size one line says that it does not fit
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012  # as Textual declares it
    DEFAULT_CSS = """
    LabScreen { layout: vertical; background: $background; color: $foreground; overflow: hidden; }
    LabScreen.-too-small > * { display: none; }
    LabScreen.-too-small > TitleLine { display: block; }
    """

    def __init__(self, run_ids: Iterable[str] = ()) -> None:
        # the class that a resize would set: set before the first layout it saves a second one
        super().__init__(classes=width_class(self.HORIZONTAL_BREAKPOINTS, shutil.get_terminal_size().columns))
        self._compositor = LeanCompositor()
        self.run_ids: tuple[str, ...] = tuple(run_ids)
        self._begun: tuple[str, float] = ("", 0.0)  # first key of a sequence, and when

    # what subclasses write

    def compose_body(self) -> ComposeResult:
        """The widgets between the title and the key line."""
        yield from ()

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Show other runs; called when the screen is asked for again. Subclasses load what they show."""
        self.run_ids = run_ids

    def session_changed(self) -> None:
        """Marks or baseline changed: repaint what shows them."""

    def catalog_changed(self) -> None:
        """The catalog's revision moved (running runs, new runs): load again what may have changed."""

    def leaving(self) -> None:
        """labtop is being left: put what shall be remembered into `session.state`."""

    # what subclasses use

    @property
    def session(self) -> Session:
        """Catalog, settings, marks and baseline."""
        return self.lab.session

    def request(
        self,
        slot: str,
        compute: Callable[[], Answer],
        then: Callable[[Answer], object],
        failed: Callable[[Exception], object] | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        """Run catalog work in a thread; see Gateway.request. Slots of two screens never meet."""
        self.session.gateway.request(
            f"{self.NAME}.{slot}", compute, then, owner=self, failed=failed, interrupt=interrupt
        )

    def set_title(self, *parts: str | Text) -> None:
        """Fill the title line: parts after the heading, cut from the right when they don't fit."""
        self.query_one(TitleLine).show(self.HEADING, parts)

    @property
    def is_current(self) -> bool:
        """Whether it is seen: in front, or around a dialog.

        For Textual the screen below is seen in any case, and the one in front is painted anew, whole, when that one
        changes: with runs that grow, three times for each look at them.
        """
        return self.is_attached and self.lab.front is self

    @property
    def is_opening(self) -> bool:
        """Whether what keys are about is still to come."""
        return False

    @property
    def is_composed(self) -> bool:
        """Whether the widgets are there; Textual hands keys to a screen that is only being opened, too."""
        return bool(self.query(KeyLine))

    def say(self, message: str, kind: str = "info") -> None:
        """Show a message in the key line; `kind` is info, warning or error."""
        if self.is_composed:
            self.query_one(KeyLine).say(message, kind)
        else:
            self.call_after_refresh(self.say, message, kind)

    def hush(self) -> bool:
        """Take a message back; True when there was one."""
        return self.query_one(KeyLine).hush()

    # how it works

    def compose(self) -> ComposeResult:
        """Title line, body, key line."""
        yield TitleLine(self.HEADING)
        yield from self.compose_body()
        yield KeyLine(self.NAME)

    def on_resize(self, event: events.Resize) -> None:
        """Say in one line when the terminal is too small."""
        width, height = self.MINIMUM
        too_small = event.size.width < width or event.size.height < height
        self.set_class(too_small, "-too-small")
        self.query_one(TitleLine).note_too_small((width, height) if too_small else None)

    async def on_key(self, event: events.Key) -> None:
        """Look the key up in the table; widgets that take text have had it before."""
        if self.focused is not None and getattr(self.focused, "takes_keys", False):
            return
        key = key_name(event)
        begun, when = self._begun
        self._begun = ("", 0.0)
        keymap = self.session.keymap
        action = (
            keymap.find(self.NAME, f"{begun} {key}")
            if time.monotonic() - when < SEQUENCE_S and begun
            else None
        )
        action = action or keymap.find(self.NAME, key)
        if action is None and keymap.is_prefix(key):
            self._begun = (key, time.monotonic())
            event.stop()
        elif action is not None:
            event.stop()
            event.prevent_default()
            await self.perform(action)

    async def perform(self, action: Action, argument: str = "") -> None:
        """Do an action of the table: by this screen's method, or else by the app's."""
        if not self.is_composed:
            self.call_after_refresh(self.perform, action, argument)
            return
        handler = getattr(self, f"action_{action.name}", None) or getattr(
            self.app, f"action_{action.name}", None
        )
        if handler is None:
            self.say(f"{action.title} does nothing here", "warning")
            return
        try:
            done = handler(argument) if argument and action.argument else handler()
            if inspect.isawaitable(done):
                await done
        except Exception as error:  # the edge: what goes wrong in an action is shown, and the app lives on
            self.lab.show_error(error)


def width_class(breakpoints: Sequence[tuple[int, str]] | None, width: int) -> str | None:
    """The class of a screen so wide."""
    return next((name for least, name in reversed(breakpoints or ()) if width >= least), None)


def key_name(event: events.Key) -> str:
    """A key as the table writes it: the character that was typed, or Textual's name for the key."""
    if event.character and event.is_printable and event.character != " ":
        return event.character
    return event.key
