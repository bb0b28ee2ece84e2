"""What every screen can ask a person: one of some choices, several of them, a line of text, a file to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from labtop.tui.choice import Choice
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.tui.app import LabtopApp

_REPLACE = (Choice("yes", "replace it", letter="y"), Choice("no", "leave it", letter="n"))


class AskingScreen(Screen[None]):
    """Questions are dialogs over the screen; an answer that cannot be followed is shown as an error."""

    @property
    def lab(self) -> LabtopApp:
        """The app, typed."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    def pick(
        self,
        title: str,
        choices: Iterable[Choice],
        done: Callable[[str | None], None],
        hint: str = "",
        also: Callable[[str], Choice | None] | None = None,
    ) -> None:
        """Ask for one of some choices, found by typing."""
        from labtop.tui.screens.dialogs import Picker  # dialogs are imported when the first one opens

        self.app.push_screen(Picker(title, choices, hint, also), self._guarded(done))

    def pick_several(
        self, title: str, choices: Iterable[Choice], done: Callable[[Sequence[str] | None], None]
    ) -> None:
        """Ask for any number of some choices; `done` gets their keys."""
        from labtop.tui.screens.dialogs import MultiPicker

        def split(answer: str | None) -> None:
            done(None if answer is None else answer.split("\n") if answer else [])

        self.app.push_screen(MultiPicker(title, choices), self._guarded(split))

    def menu(self, title: str, choices: Iterable[Choice], done: Callable[[str | None], None]) -> None:
        """Ask for one of a few choices, each with its letter."""
        from labtop.tui.screens.dialogs import Menu

        self.app.push_screen(Menu(title, choices), self._guarded(done))

    def ask(
        self,
        title: str,
        value: str,
        done: Callable[[str | None], None],
        prompt: str = "",
        explain: Callable[[str], str] | None = None,
    ) -> None:
        """Ask for one line of text; `explain` says something of it as it is typed."""
        from labtop.tui.screens.dialogs import Prompt

        self.app.push_screen(Prompt(title, value, prompt=prompt, explain=explain), self._guarded(done))

    def ask_file(self, title: str, suggested: str, write: Callable[[Path], None], path: str = "") -> None:
        """Ask which file to write, unless `path` tells; one that is there is replaced only if that is wanted."""

        def named(answer: str | None) -> None:
            if answer and answer.strip():
                chosen = Path(answer.strip()).expanduser()
                if chosen.exists():
                    self.menu(
                        f"{clean(str(chosen), 100)} exists", _REPLACE, lambda key: replaced(chosen, key)
                    )
                else:
                    write(chosen)

        def replaced(chosen: Path, key: str | None) -> None:
            if key == "yes":
                write(chosen)

        if path:
            named(path)
        else:
            self.ask(title, suggested, named)

    def _guarded(self, done: Callable[[str | None], None]) -> Callable[[str | None], None]:
        """What is done with an answer, with its errors shown; Textual would end the app."""

        def guarded(answer: str | None) -> None:
            try:
                done(answer)
            except Exception as error:  # the edge, as in `perform`
                self.lab.show_error(error)

        return guarded
