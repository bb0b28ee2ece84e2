"""Runs: the table of all runs, with what one presses to find, order, mark, group and take away."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from labtop.errors import FilterError
from labtop.tui.runs_view import RunsView
from labtop.tui.screens.runs.filter import RunsFilter
from labtop.tui.screens.runs.groups import RunsGroups
from labtop.tui.screens.runs.loading import Loaded
from labtop.tui.screens.runs.marks import RunsMarks
from labtop.tui.screens.runs.panes import RunsPanes
from labtop.tui.screens.runs.saved_views import RunsSavedViews
from labtop.tui.screens.runs.taking import RunsTaking
from labtop.tui.screens.runs.title import title_parts
from labtop.tui.widgets.grid import Grid


class RunsScreen(RunsMarks, RunsGroups, RunsSavedViews, RunsFilter, RunsPanes, RunsTaking):
    """The first screen. Beside the table, where there is room, the run under the cursor."""

    NAME = "runs"
    HEADING = "Runs"
    AUTO_FOCUS: ClassVar[str | None] = "Grid"
    # as default CSS it is parsed alone; a CSS_PATH makes Textual parse all there is once more
    DEFAULT_CSS = Path(__file__).with_name("runs.tcss").read_text("utf-8")

    def __init__(self, run_ids: Iterable[str] = ()) -> None:
        super().__init__(tuple(run_ids))

    def compose_body(self) -> ComposeResult:
        """The table and room for the previews; all else is made when it is first needed."""
        with Horizontal(id="panes"):
            yield Grid(ascii=self.session.is_ascii)
            yield Horizontal(id="side")

    @property
    def is_opening(self) -> bool:
        """No rows of the catalog yet; those of the last session may be painted."""
        return self.loaded is None

    def on_mount(self) -> None:
        """Paint what was there last time, and ask for what is there now."""
        self.view = self.session.state.view
        self.paint_last()
        self._show_title()
        self.load()

    def leaving(self) -> None:
        """Keep the rows for the next start."""
        self.keep_painted()

    def catalog_changed(self) -> None:
        """There may be new runs, or running ones went on."""
        self.load(self.open_bar.line.value if self.open_bar else None)

    def session_changed(self) -> None:
        """Marks or the baseline changed."""
        if self.session.is_open:
            self.show_marks()
        self._show_title()

    # what came

    def table_arrived(self, loaded: Loaded) -> None:
        """Show the counts, and the friendly screen of an empty store."""
        is_empty = loaded.selection.total == 0 and not self.lab.is_reading
        self.set_class(is_empty, "-empty")
        if is_empty:
            self._explain_empty()
        if self.open_bar:
            self.open_bar.show_count(len(loaded.selection), loaded.selection.total)
        self._show_title()
        self.preview_soon()
        self.export_what_waits()

    def filter_failed(self, error: FilterError) -> None:
        """Point at the character while typing; else say so and let all runs through."""
        if self.open_bar:
            self.open_bar.show_error(error)
            return
        where = self.view.where
        self.change_view(self.undo_stack.undo(self.view) or RunsView())
        self.say(f"{where}: {error}", "error")

    def _explain_empty(self) -> None:
        from labtop.tui.widgets.empty_store import EmptyStore

        if not self.query(EmptyStore):
            self.mount(EmptyStore(self.session.path), after="#panes")

    def _show_title(self) -> None:
        self.set_title(*title_parts(self))

    # the cursor

    def on_grid_cursor_moved(self, event: Grid.CursorMoved) -> None:
        """Remember the run under the cursor, and show it beside the table when the cursor rests."""
        if self.loaded is None or event.grid.table is not self.loaded.table:
            return
        if not self.is_grouped and event.row is not None:
            self.session.current_run_id = self.ids.get(event.row.number)
        self.preview_soon()

    def on_resize(self, event: events.Resize) -> None:
        """Panes come and go with the width."""
        super().on_resize(event)
        self.call_after_refresh(self.preview_soon)

    # opening and closing

    def action_open_run(self) -> None:
        """Open the run, or the members of a group."""
        row = self.grid.row
        if row is None or self.loaded is None:
            return
        if self.is_grouped:
            self.open_group(row.number)
        else:  # its id may still be asked for, while much is read
            self._with_ids([row.number], lambda run_ids: self.lab.show("run", run_ids))

    def on_grid_row_chosen(self) -> None:
        """A double click opens too."""
        self.action_open_run()

    def on_grid_header_clicked(self, event: Grid.HeaderClicked) -> None:
        """A click on a title sorts."""
        key = event.column.key
        self.sort_by(f"metrics.{key[6:]}" if key.startswith("spark.") else key, event.add)

    def action_close(self) -> None:
        """Close what is on top: a message, the other pane, the members of a group."""
        if self.hush():
            return
        if self.pane is not self.grid:
            self.grid.focus()
        elif self.members is not None:
            self.change_view(self.view)

    async def action_back(self) -> None:
        """Out of a group, else out of labtop."""
        if self.members is not None:
            self.change_view(self.view)
        else:
            await self.lab.action_back()

    def action_follow(self) -> None:
        """Keep the cursor on the newest run."""
        self.follows = not self.follows
        self.load()
        self.say("following the newest run" if self.follows else "the cursor stays where it is")
