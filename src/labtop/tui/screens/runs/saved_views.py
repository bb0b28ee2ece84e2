"""Views that are kept under a name: opened, kept, deleted after a question."""

from __future__ import annotations

from labtop.tui.choice import Choice
from labtop.tui.screens.runs.table import RunsTable
from labtop.tui.state import delete_view, load_view, save_view, saved_views, view_path
from labtop.views.text import clean


class RunsSavedViews(RunsTable):
    """What a view is stands in `runs_view`, where it is kept in `state`."""

    def action_views(self, name: str = "") -> None:
        """Open a saved view, or keep this one under a name."""
        if name:
            self._open_view(name)
            return
        choices = [Choice(each, each, "open") for each in saved_views()]

        def also(typed: str) -> Choice | None:
            typed = typed.strip()
            return Choice(f"+{typed}", typed, "keep this view under this name") if typed else None

        def done(chosen: str | None) -> None:
            if chosen is None:
                return
            self._keep_view(chosen[1:]) if chosen.startswith("+") else self._open_view(chosen)

        hint = "type a name to keep this view, or choose one to open   Esc closes"
        self.pick("views", choices, done, hint, also)

    def action_save_view(self, name: str = "") -> None:
        """Keep this view under a name."""
        self._keep_view(name) if name else self.action_views()

    def action_delete_view(self, name: str = "") -> None:
        """Delete a saved view, once it was asked about."""
        if not name:
            self.pick(
                "delete a view", [Choice(each, each, "delete") for each in saved_views()], self._ask_delete
            )
            return
        self._ask_delete(name)

    def _ask_delete(self, name: str | None) -> None:
        if name is None:
            return

        def done(answer: str | None) -> None:
            if answer == "yes":
                self.say(f"deleted {clean(str(delete_view(name)), 200)}")

        choices = [Choice("yes", "delete it", letter="y"), Choice("no", "keep it", letter="n")]
        self.menu(f"delete the view {clean(name, 60)}?", choices, done)

    def _open_view(self, name: str) -> None:
        self.change_view(load_view(name))
        self.say(f"view {name} from {view_path(name)}")

    def _keep_view(self, name: str) -> None:
        self.say(f"kept as {save_view(name, self.view)}; the file can be shared")
