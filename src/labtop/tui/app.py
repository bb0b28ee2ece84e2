"""The app: theme, routing between screens, the session they share. Everything else is theirs.

Screens are imported when they are first shown, and DuckDB in a thread while the first rows are already painted.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App

from labtop.errors import LabtopError, UsageError
from labtop.settings import Settings
from labtop.tui.actions import Keymap, parse_command
from labtop.tui.gateway import Gateway
from labtop.tui.screens.base import LabScreen, key_name
from labtop.tui.session import Session
from labtop.tui.state import StoreState

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

SCREENS = {
    "runs": "labtop.tui.screens.runs:RunsScreen",
    "run": "labtop.tui.screens.run:RunScreen",
    "curves": "labtop.tui.screens.curves:CurvesScreen",
    "compare": "labtop.tui.screens.compare:CompareScreen",
    "reproduce": "labtop.tui.screens.reproduce:ReproduceScreen",
    "problems": "labtop.tui.screens.problems:ProblemsScreen",
    "help": "labtop.tui.screens.help:HelpScreen",
}
"""Where each screen lives; imported when it is first shown."""


class LabtopApp(App[int]):
    """labtop's terminal UI on one store."""

    TITLE = "labtop"
    ENABLE_COMMAND_PALETTE = False  # ours is fed by the table of actions
    ALLOW_SELECT = False  # the terminal selects text, with the mouse off
    BINDINGS: ClassVar = []
    CSS = "* { scrollbar-size: 1 1; }"

    def __init__(self, path: Path, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        keymap = Keymap(settings.keys)
        gateway = Gateway(self, self.show_error)
        self.session = Session(path, settings, keymap, gateway, StoreState.load(path))
        self.session.changed = self._session_changed

    # routing

    def on_mount(self) -> None:
        """The Runs screen is always the first."""
        self.animation_level = "none"
        self.push_screen(self._make("runs", ()))
        self._open_catalog()

    def show(self, name: str, run_ids: Iterable[str] | None = None) -> None:
        """Show a screen about some runs (by default the marked ones, or the one under the cursor)."""
        chosen = tuple(run_ids) if run_ids is not None else self.session.chosen_run_ids
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

    # the catalog

    def _open_catalog(self) -> None:
        path, settings = self.session.path, self.settings

        def open_catalog() -> Catalog:
            from labtop.query.catalog import Catalog

            return Catalog(path, settings)

        self.session.gateway.request("open", open_catalog, self._opened)

    def _opened(self, catalog: Catalog) -> None:
        self.session.catalog = catalog
        self.refresh_catalog()

    def refresh_catalog(self) -> None:
        """Look for what is new; screens are told when something is."""
        if self.session.is_open and not self.session.gateway.is_busy("refresh"):
            self.session.gateway.request("refresh", self.session.catalog.refresh, self._refreshed)

    def _refreshed(self, has_changed: bool) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, LabScreen):
                screen.catalog_changed()

    def _session_changed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, LabScreen):
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
            self.say(
                f"{type(error).__name__}: {error} — this is a mistake in labtop; please report it", "error"
            )

    # actions of every screen

    async def on_key(self, event: events.Key) -> None:
        """Keys that work everywhere, also while text is typed."""
        action = self.session.keymap.find("*", key_name(event))
        if action is not None and action.name in ("quit", "palette"):
            event.stop()
            done = getattr(self, f"action_{action.name}")()
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
        if len(self.screen_stack) > 2:
            self.pop_screen()
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

    def action_help(self) -> None:
        """Keys and commands."""
        self.show("help")

    def action_problems(self) -> None:
        """What could not be read."""
        self.show("problems")

    def action_reload(self) -> None:
        """Look again for new and changed runs."""
        self.refresh_catalog()


def run(path: Path | str, settings: Settings | None = None) -> int:
    """Open the terminal UI on a path and return the exit code. Raises UsageError for unusable key settings."""
    app = LabtopApp(Path(path), settings or Settings.load())
    result: Any = app.run()
    return int(result or 0)
