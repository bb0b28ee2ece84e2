"""The app: theme, routing between screens, the session they share. Everything else is theirs.

Screens are imported when they are first shown, and DuckDB in a thread while the first rows are already painted.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from rich.text import Text
from rich.theme import Theme as TextTheme
from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen

from labtop.errors import LabtopError, UsageError
from labtop.settings import Settings
from labtop.tui.actions import EVERYWHERE, Keymap, parse_command
from labtop.tui.gateway import Gateway
from labtop.tui.key_queue import KeyQueue
from labtop.tui.line_filter import TerminalFilter
from labtop.tui.screens.base import LabScreen, key_name
from labtop.tui.session import Session
from labtop.tui.state import StoreState
from labtop.tui.terminal import (
    THEMES,
    driver_class,
    set_mouse,
    text_styles,
    themes,
    wants_ascii,
    wants_colour,
)

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.sources.finding import Survey

SCREENS = {
    "runs": "labtop.tui.screens.runs.screen:RunsScreen",
    "run": "labtop.tui.screens.run:RunScreen",
    "curves": "labtop.tui.screens.curves.screen:CurvesScreen",
    "compare": "labtop.tui.screens.compare:CompareScreen",
    "reproduce": "labtop.tui.screens.reproduce:ReproduceScreen",
    "problems": "labtop.tui.screens.problems:ProblemsScreen",
    "help": "labtop.tui.screens.help:HelpScreen",
}
"""Where each screen lives; imported when it is first shown."""

QUIET_REFRESHES = 5  # without running runs, the store is looked at so many times less often
BEFORE_A_DIALOG = "runs.one"  # the record that a prompt for tags or a note begins with
NEED_NO_ROWS = ("quit", "back", "close", "help", "help_quit", "problems", "theme", "mouse")
PROGRESS_S = 0.25  # how often rows appear while a store is read for the first time
_LAST_WAIT_S = 0.5  # for threads that are busy when the app ends


class LabtopApp(App[int]):
    """labtop's terminal UI on one store."""

    TITLE = "labtop"
    ENABLE_COMMAND_PALETTE = False  # ours is fed by the table of actions
    ALLOW_SELECT = False  # the terminal selects text, with the mouse off
    BINDINGS: ClassVar = []

    def __init__(self, path: Path, settings: Settings, seen: Survey | None = None) -> None:
        self.terminal_filter = TerminalFilter(wants_colour(), wants_ascii(settings.ascii))
        super().__init__(driver_class())
        self.settings = settings
        self._seen = seen
        keymap = Keymap(settings.keys)
        gateway = Gateway(self, self.show_error)
        self.typed = KeyQueue(
            self,
            lambda: gateway.is_busy(BEFORE_A_DIALOG),
            lambda: self.is_opening,
            lambda key: self._action_of(key) in NEED_NO_ROWS,
            lambda: self.say("opening: keys wait for the first rows"),
        )
        self.session = Session(path, settings, keymap, gateway, StoreState.load(path))
        self.session.is_ascii = self.terminal_filter.ascii
        self.session.restore_marks()
        self.session.changed = self._session_changed
        self.is_reading = True  # until the first refresh is over
        self.reading: tuple[int, int] = (0, 0)  # runs read so far, and of how many
        self.has_mouse = settings.mouse
        self._ticks = 0
        for theme in themes():
            self.register_theme(theme)
        self._use_theme(settings.theme)

    def _use_theme(self, asked: str) -> None:
        """Take a theme; without colours always the one that leaves the ground to the terminal."""
        if asked not in THEMES:
            raise UsageError(f"there is no theme {asked!r}", f"one of {', '.join(THEMES)}")
        name = f"labtop-{asked if self.terminal_filter.colours else 'auto'}"
        self.console.push_theme(TextTheme(text_styles(self.available_themes[name])))
        self.theme = name

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, and ours as the last hand on every line."""
        return self.terminal_filter.after(super().get_line_filters())

    # routing

    def get_default_screen(self) -> Screen[Any]:
        """The Runs screen is always the first; in place of an empty one under it."""
        return self._make("runs", ())

    def on_mount(self) -> None:
        """Begin."""
        self.animation_level = "none"
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:  # leave the terminal as it was also when asked to go
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 0)
            except (ValueError, RuntimeError, NotImplementedError):  # not the main thread: a test
                break
        self.call_after_refresh(self._open_catalog)  # DuckDB's import would hold up the first paint

    def exit(
        self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """Remember where we were, and leave."""
        for screen in self.lab_screens:
            screen.leaving()
        self.session.keep_state()
        super().exit(result, return_code, message)

    def show(self, name: str, run_ids: Iterable[str] | None = None) -> None:
        """Show a screen about some runs (by default the marked ones, or the one under the cursor)."""
        chosen = tuple(run_ids) if run_ids is not None else self.session.chosen_run_ids
        self.session.state.screen = name
        for depth, screen in enumerate(reversed(self.screen_stack)):
            if isinstance(screen, LabScreen) and name == screen.NAME:
                for _ in range(depth):
                    self.pop_screen()
                if name != "runs":
                    screen.show_runs(chosen)
                return
        self.push_screen(self._make(name, chosen))

    def _make(self, name: str, run_ids: tuple[str, ...]) -> LabScreen:
        module, _, class_name = SCREENS[name].partition(":")
        screen: LabScreen = getattr(importlib.import_module(module), class_name)(run_ids)
        return screen

    @property
    def front(self) -> LabScreen | None:
        """The screen in front, below whatever dialog is open."""
        return next((each for each in reversed(self.screen_stack) if isinstance(each, LabScreen)), None)

    @property
    def is_opening(self) -> bool:
        """Whether the screen in front has nothing yet that keys could be about."""
        return self.front is not None and self.front.is_opening

    @property
    def lab_screens(self) -> list[LabScreen]:
        """All screens that are open."""
        return [each for each in self.screen_stack if isinstance(each, LabScreen)]

    # the catalog

    def _open_catalog(self) -> None:
        gc.enable()  # it was off until the first paint
        path, settings, seen = self.session.path, self.settings, self._seen

        def open_catalog() -> Catalog:
            from labtop.query.catalog import Catalog

            return Catalog(path, settings, seen=seen)

        def failed(error: Exception) -> None:
            self.exit(return_code=getattr(error, "exit_code", 3), message=Text(f"labtop: {error}"))

        self.session.gateway.request("open", open_catalog, self._opened, failed=failed)

    def _opened(self, catalog: Catalog) -> None:
        self.session.catalog = catalog
        self.refresh_catalog()

    def refresh_catalog(self) -> None:
        """Look for what is new; screens are told when something is."""
        if not self.session.is_open or self.session.gateway.is_busy("refresh"):
            return
        catalog = self.session.catalog
        told = time.monotonic()

        def on_progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                self.call_later(self._progress, done, total)

        self.session.gateway.request("refresh", lambda: catalog.refresh(on_progress), self._refreshed)

    def _progress(self, done: int, total: int) -> None:
        self.reading = (done, total)
        self.catalog_moved()

    def _refreshed(self, has_changed: bool) -> None:
        was_reading, self.is_reading = self.is_reading, False
        if has_changed or was_reading:
            self.catalog_moved()
        if was_reading:
            self.set_interval(max(0.2, self.settings.refresh_s), self._tick)
            screen = self.session.state.screen
            if screen not in ("runs", "help") and screen in SCREENS and self.session.chosen_run_ids:
                self.show(screen)

    def _tick(self) -> None:
        """Look at running runs each time, at the store now and then."""
        self._ticks += 1
        if self.session.running or self.session.catalog.is_moving or self._ticks % QUIET_REFRESHES == 0:
            self.refresh_catalog()

    def close_catalog(self) -> bool:
        """After the app has ended: let the threads finish, and free the catalog; False when one goes on reading."""
        if self.session.is_open:
            self.session.catalog.interrupt()
        if not self.session.gateway.stop(_LAST_WAIT_S):
            return False
        if self.session.is_open:
            self.session.catalog.close()
        return True

    def catalog_moved(self) -> None:
        """Tell all screens that answers of the catalog may have changed."""
        for screen in self.lab_screens:
            if screen.is_mounted:  # one that is only being opened asks by itself
                screen.catalog_changed()

    def _session_changed(self) -> None:
        for screen in self.lab_screens:
            if screen.is_mounted:
                screen.session_changed()

    # messages

    def say(self, message: str, kind: str = "info") -> None:
        """Show a message on the screen in front."""
        if self.front is not None:
            self.front.say(message, kind)

    def show_error(self, error: Exception) -> None:
        """Show an error in the key line: one of ours as it is, another one with where it came from."""
        if isinstance(error, LabtopError):
            self.say(str(error), "error")
        else:
            self.log.error(error)
            self.say(
                f"{type(error).__name__}: {error} — this is a mistake in labtop; please report it", "error"
            )

    def write_to_terminal(self, data: str) -> None:
        """Send a control sequence of our own, such as a clipboard's; from any thread."""
        if self._driver is not None:
            self._driver.write(data)

    def copy(self, text: str, what: str = "text") -> None:
        """Copy a text to where it can be pasted, and say how that was done."""
        from labtop.tui.commands import copy_text

        copy_text(self, text, what)

    # actions of every screen

    async def on_event(self, event: events.Event) -> None:
        """Keys in their turn; all else at once, and leaving when nothing can be done yet."""
        is_way_out = isinstance(event, events.Key) and self.is_opening and self._action_of(event) == "quit"
        if is_way_out or not self.typed.holds(event):
            await super().on_event(event)

    def _action_of(self, key: events.Key) -> str | None:
        """What a key does on every screen."""
        action = self.session.keymap.find(EVERYWHERE, key_name(key))
        return None if action is None else action.name

    async def on_key(self, event: events.Key) -> None:
        """Keys that work everywhere, also while text is typed."""
        name = self._action_of(event)
        if name in ("quit", "palette"):
            event.stop()
            done = getattr(self, f"action_{name}")()
            if inspect.isawaitable(done):
                await done

    async def run_command(self, line: str) -> None:
        """Do what a command line says."""
        front = self.front
        if front is None or not line.strip():
            return
        try:
            action, argument = parse_command(line, front.NAME)
        except UsageError as error:
            self.show_error(error)
            return
        await front.perform(action, argument)

    async def action_back(self) -> None:
        """Back to the screen before; at the first, quit."""
        if len(self.lab_screens) > 1:
            self.pop_screen()
            self.session.state.screen = self.lab_screens[-1].NAME
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        """Leave labtop."""
        self.exit(0)

    def action_show_runs(self) -> None:
        """The Runs screen."""
        self.show("runs")

    def action_show_run(self) -> None:
        """The Run screen of the run under the cursor."""
        current = self.session.current_run_id
        self.show("run", (current,) if current else None)

    def action_show_curves(self) -> None:
        """The Curves screen."""
        self.show("curves")

    def action_show_compare(self) -> None:
        """The Compare screen."""
        self.show("compare")

    def action_compare(self) -> None:
        """The Compare screen."""
        self.show("compare")

    def action_show_reproduce(self) -> None:
        """The Reproduce screen."""
        self.action_reproduce()

    def action_reproduce(self) -> None:
        """The Reproduce screen of the run under the cursor."""
        current = self.session.current_run_id
        self.show("reproduce", (current,) if current else None)

    def action_palette(self) -> None:
        """Find an action by typing."""
        from labtop.tui.commands import open_palette

        open_palette(self)

    def action_command_line(self) -> None:
        """Type a command."""
        from labtop.tui.commands import open_command_line

        open_command_line(self)

    def action_theme(self, name: str = "") -> None:
        """Choose the colours."""
        if name:
            self._use_theme(name)
            return
        from labtop.tui.screens.dialogs import Choice, Picker

        details = (
            "the terminal's ground",
            "our own dark ground",
            "our own light ground",
            "16 colours, fewest bytes",
        )
        choices = [Choice(each, each, detail) for each, detail in zip(THEMES, details, strict=True)]
        self.push_screen(
            Picker("colours", choices), lambda chosen: self.action_theme(chosen) if chosen else None
        )

    def action_mouse(self) -> None:
        """The mouse on or off."""
        self.has_mouse = not self.has_mouse
        if set_mouse(self._driver, self.has_mouse):
            self.say("mouse on" if self.has_mouse else "mouse off: the terminal selects text now")
        else:
            self.say("this terminal has no mouse to switch", "warning")

    def action_close(self) -> None:
        """Close what is on top: a message; screens close what they have open themselves."""
        if self.front is not None and not self.front.hush() and len(self.lab_screens) > 1:
            self.call_later(self.action_back)

    def action_help_quit(self) -> None:
        """What ctrl+c does in Textual's own table: here it is only told how to leave."""
        self.say(f"{' or '.join(self.session.keymap.keys('quit'))} leaves labtop")

    def action_help(self) -> None:
        """Keys and commands."""
        self.show("help")

    def action_problems(self) -> None:
        """What could not be read."""
        self.show("problems")

    def action_reload(self) -> None:
        """Look again for new and changed runs."""
        self.refresh_catalog()


def run(path: Path | str, settings: Settings | None = None, seen: Survey | None = None) -> int:
    """Open the terminal UI on a path and return the exit code. Raises UsageError for unusable key settings.

    `seen` is what was found at the path already, where it is no store.
    """
    settings = settings or Settings.load()
    app = LabtopApp(Path(path), settings, seen)
    app.run(mouse=settings.mouse)
    is_over = app.close_catalog()
    code = int(app.return_value or app.return_code or 0)
    if not is_over:
        # thousands of logs are being read: what is in the cache so far is whole, and nobody waits for the rest
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
