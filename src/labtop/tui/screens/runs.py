"""Runs: the table of all runs, with what one presses to find, order, mark, group and take away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from labtop.errors import FilterError
from labtop.tui.choice import Choice
from labtop.tui.runs_columns import RunsColumns
from labtop.tui.runs_marks import RunsMarks
from labtop.tui.runs_table import Loaded
from labtop.tui.runs_view import RunsView
from labtop.tui.widgets.grid import Grid
from labtop.views.glyphs import Glyphs
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.model.run import RunRecord
    from labtop.query.filter import Completion
    from labtop.tui.widgets.filter_bar import FilterBar
    from labtop.tui.widgets.run_preview import RunPreview

RESTS_S = 0.3  # the previews follow when the cursor has rested so long: a row that is passed by costs a line


class RunsScreen(RunsMarks, RunsColumns):
    """The first screen. Beside the table, where there is room, the run under the cursor."""

    NAME = "runs"
    HEADING = "Runs"
    AUTO_FOCUS: ClassVar[str | None] = "Grid"
    # as default CSS it is parsed alone; a CSS_PATH makes Textual parse all there is once more
    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")

    def __init__(self, run_ids: Iterable[str] = ()) -> None:
        super().__init__(tuple(run_ids))
        self._bar: FilterBar | None = None
        self._rest = 0  # counts cursor moves, to see whether it rested

    def compose_body(self) -> ComposeResult:
        """The table and room for the previews; all else is made when it is first needed."""
        with Horizontal(id="panes"):
            yield Grid(ascii=self.session.is_ascii)
            yield Horizontal(id="side")

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
        self._preview_soon()

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
        self._preview_soon()

    def _preview_soon(self) -> None:
        self._rest += 1
        moves = self._rest
        if not self.has_class("-narrow"):
            self.set_timer(RESTS_S, lambda: self._preview() if moves == self._rest else None)

    def _preview(self) -> None:
        run_id = self.session.current_run_id
        panes = self.previews
        if not self.session.is_open:
            return
        if not panes:
            self._mount_previews()
            return
        if self.is_grouped:
            for pane in panes:
                pane.show_nothing("Enter opens the runs of the group" if pane is panes[0] else "")
            return
        if run_id is None:
            return
        catalog, baseline_id = self.session.catalog, self.session.baseline_run_id

        def compute() -> tuple[RunRecord, RunRecord | None]:
            has_baseline = baseline_id is not None and catalog.row_of(baseline_id) is not None
            return catalog.record(run_id), catalog.record(
                baseline_id
            ) if has_baseline and baseline_id else None

        def then(records: tuple[RunRecord, RunRecord | None]) -> None:
            is_single = len(panes) == 1
            for pane in panes:
                pane.show_run(*records, is_single)

        self.request("preview", compute, then)

    @property
    def previews(self) -> list[RunPreview]:
        """The previews in sight."""
        from labtop.tui.widgets.run_preview import RunPreview

        return (
            [each for each in self.query(RunPreview) if each.display] if not self.has_class("-narrow") else []
        )

    def _mount_previews(self) -> None:
        from labtop.tui.widgets.run_preview import RunPreview

        if not self.query(RunPreview):
            side = self.query_one("#side", Horizontal)
            side.mount(RunPreview("facts", id="facts"), RunPreview("results", id="results"))
            self.call_after_refresh(self._preview_soon)

    def on_resize(self, event: events.Resize) -> None:
        """Panes come and go with the width."""
        super().on_resize(event)
        self.call_after_refresh(self._preview_soon)

    @property
    def pane(self) -> Grid | RunPreview:
        """What the keys for moving act on."""
        return next((each for each in self.previews if each.has_focus), self.grid)

    def action_down(self) -> None:
        """One line down."""
        self.pane.move(1)

    def action_up(self) -> None:
        """One line up."""
        self.pane.move(-1)

    def action_left(self) -> None:
        """One column to the left."""
        self.grid.move(columns=-1)

    def action_right(self) -> None:
        """One column to the right."""
        self.grid.move(columns=1)

    def action_top(self) -> None:
        """To the first line."""
        self.pane.move_to(0)

    def action_bottom(self) -> None:
        """To the last line."""
        self.pane.move_to(10**9)

    def action_first_column(self) -> None:
        """To the first column."""
        self.grid.move_to_column(0)

    def action_last_column(self) -> None:
        """To the last column."""
        self.grid.move_to_column(10**6)

    def action_page_down(self) -> None:
        """A page down."""
        self._page(1)

    def action_page_up(self) -> None:
        """A page up."""
        self._page(-1)

    def action_half_page_down(self) -> None:
        """Half a page down."""
        self._page(0.5)

    def action_half_page_up(self) -> None:
        """Half a page up."""
        self._page(-0.5)

    def _page(self, pages: float) -> None:
        pane = self.pane
        if isinstance(pane, Grid):
            pane.page(pages)
        else:
            pane.move(round(pages * max(1, pane.size.height - 1)))

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._focus_pane(1)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self._focus_pane(-1)

    def _focus_pane(self, step: int) -> None:
        panes: list[Grid | RunPreview] = [
            self.grid,
            *(each for each in self.query(RunPreview) if each.display),
        ]
        panes[(panes.index(self.pane) + step) % len(panes)].focus()

    # filtering

    @property
    def open_bar(self) -> FilterBar | None:
        """The filter bar while it is open."""
        return self._bar if self._bar is not None and self._bar.is_open else None

    async def action_filter(self, text: str = "") -> None:
        """Filter as it is typed, or by the text of a command."""
        if text:
            self._keep_filter(text)
            return
        if self._bar is None:
            from labtop.tui.widgets.filter_bar import FilterBar

            self._bar = FilterBar(self._complete)
            await self.mount(self._bar, after="#panes")
        self._bar.open(self.view.where, self.session.state.history)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Try what is typed."""
        self.load(event.text)

    def on_filter_bar_kept(self, event: FilterBar.Kept) -> None:
        """Keep it, if it is right; else it stays open with its error."""
        if self.open_bar and not self.open_bar.has_error:
            self._close_filter()
            self._keep_filter(event.text)

    def on_filter_bar_dropped(self) -> None:
        """Back to the filter before."""
        self._close_filter()
        self.load()

    def _close_filter(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self.grid.focus()

    def _keep_filter(self, text: str) -> None:
        text = text.strip()
        self.session.state.remember_filter(text)
        if text == self.view.where:
            self.load()
        else:
            self.change_view(replace(self.view, where=text), self.members)

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        from labtop.query.filter import complete

        if not self.session.is_open:
            return ()
        return complete(text, cursor, self.session.catalog.columns(), self._values)

    def _values(self, key: str) -> list[str]:
        """Values of a text column, for completion."""
        from labtop.query.catalog import TableQuery

        catalog = self.session.catalog
        values = catalog.cells(catalog.select(TableQuery()).rows[:2_000], [key])
        found = {str(each) for (value,) in values for each in (value if isinstance(value, list) else [value])}
        return sorted(found - {"None"})

    # opening and closing

    def action_open_run(self) -> None:
        """Open the run, or the members of a group."""
        row = self.grid.row
        if row is None or self.loaded is None:
            return
        if self.is_grouped:
            self.open_group(row.number)
        elif row.number in self.ids:
            self.lab.show("run", [self.ids[row.number]])

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

    # taking away

    def yank_choices(self) -> list[Choice]:
        """What can be copied here: also the cell, and the table as SQL."""
        return [
            *super().yank_choices(),
            Choice("cell", "cell", self._cell_as_text, "v"),
            Choice("SQL", "SQL", "a query over the views that gives this table", "s"),
        ]

    @property
    def _cell_as_text(self) -> str:
        """The cell as it is drawn; words whole, and a status by its name."""
        value = self.grid.cell
        return clean(value if isinstance(value, str) else self.grid.cell_text)

    def action_yank(self) -> None:
        """Ask what to copy."""

        def done(what: str | None) -> None:
            if what == "cell":
                self.lab.copy(self._cell_as_text, "cell")
            elif what == "SQL":
                self._copy_sql()
            elif what:
                self.copy_of_run(what)

        self.menu("copy", self.yank_choices(), done)

    def _copy_sql(self) -> None:
        from labtop.views.table_sql import table_sql

        catalog, view, keys = self.session.catalog, self.view, self.shown_keys
        self.request(
            "sql",
            lambda: table_sql(catalog, view.where, view.sort, keys),
            lambda sql: self.lab.copy(sql, "SQL"),
        )

    def action_export(self, path: str = "") -> None:
        """Export what is shown, by the ending of the file's name."""
        if path:
            self._export(Path(path).expanduser())
            return

        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self._export(Path(typed.strip()).expanduser())

        self.ask("export what is shown: .csv .parquet .json .jsonl .md .tex", "runs.csv", done)

    def _export(self, path: Path, overwrite: bool = False) -> None:
        if self.loaded is None:
            return
        if path.exists() and not overwrite:

            def done(answer: str | None) -> None:
                if answer == "yes":
                    self._export(path, overwrite=True)

            choices = [Choice("yes", "replace it", letter="y"), Choice("no", "leave it", letter="n")]
            self.menu(f"{clean(str(path), 100)} exists", choices, done)
            return
        from labtop.tui.runs_export import export_table

        catalog, loaded = self.session.catalog, self.loaded
        self.request("export", lambda: export_table(catalog, loaded, path), self.say)


def title_parts(screen: RunsScreen) -> list[str | Text]:
    """What the title line says: the store, how many runs, filter, sort, what is hidden, marks, problems."""
    session, loaded, view = screen.session, screen.loaded, screen.view
    parts: list[str | Text] = [Text(clean(session.path.name or str(session.path), 60))]
    if loaded is None:
        return [*parts, "opening"]
    shown, total = len(loaded.selection), loaded.selection.total
    parts.append(
        f"{shown:,} of {total:,} runs" if shown != total else f"{total:,} run{'' if total == 1 else 's'}"
    )
    done, of = screen.lab.reading
    if screen.lab.is_reading and of:
        parts.append(f"reading {done:,} of {of:,}")
    if screen.is_grouped:
        names = ", ".join(clean(key.partition(".")[2] or key, 40) for key in view.group)
        parts.append(
            f"{loaded.table.row_count:,} groups, same but for the seed" if names == "seed" else f"by {names}"
        )
    if screen.members is not None:
        parts.append(Text(clean(screen.members.title, 80)))
    if view.where:
        parts.append(Text("/ " + clean(view.where, 200)))
    if view.sort:
        parts.append(Text("by " + ", ".join(sort_title(each, screen.drawn_with) for each in view.sort)))
    hidden = len(getattr(loaded.table, "hidden", ()))
    if hidden and loaded.selection.total:
        parts.append(f"{hidden} constant hidden")
    if session.marked_run_ids:
        parts.append(f"{len(session.marked_run_ids)} marked")
    if session.running:
        parts.append(f"{session.running} running")
    if session.catalog.problems:
        parts.append(Text(f"{len(session.catalog.problems)} unreadable (P)", "lab.warning"))
    return parts


def sort_title(key: str, drawn: Glyphs) -> str:
    """A sort key as the title says it: the column's name and the direction."""
    name = key.removeprefix("-")
    short = name.partition(".")[2] if name.startswith(("params.", "metrics.")) else name
    return clean(short, 40) + (drawn.descending if key.startswith("-") else drawn.ascending)
