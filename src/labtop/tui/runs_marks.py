"""Marks and the baseline on the Runs screen."""

from __future__ import annotations

from collections.abc import Sequence

from labtop.tui.runs_table import RunsTable

MOST_MARKS = 5_000


class RunsMarks(RunsTable):
    """Marks are kept as run ids in the session; the grid is told which of its rows they are."""

    _anchor: int | None = None  # place of the last run that was marked

    def action_mark(self) -> None:
        """Mark the run under the cursor, or unmark it; of a group all its runs."""
        rows = self._rows_here()
        if not rows:
            return
        self._anchor = self.grid.cursor_index
        run_ids = self.session.catalog.ids(rows)
        marked = set(self.session.marked_run_ids)
        self.session.mark(run_ids, on=not marked.issuperset(run_ids))

    def action_mark_range(self) -> None:
        """Mark all runs from the last marked one to the cursor."""
        if self.is_grouped or self.loaded is None:
            self.say("ranges are for runs, not for groups", "warning")
            return
        here = self.grid.cursor_index
        anchor = here if self._anchor is None else self._anchor
        rows = self.loaded.selection.rows[min(anchor, here) : max(anchor, here) + 1]
        self._anchor = here
        self._mark_all(rows)

    def action_invert_marks(self) -> None:
        """Mark what is unmarked and unmark what is marked, among the runs that are shown."""
        if self.loaded is None or self._too_many(len(self.loaded.selection.rows)):
            return
        marked = set(self.session.marked_run_ids)
        shown = self.session.catalog.ids(self.loaded.selection.rows)
        self.session.mark([each for each in shown if each in marked], on=False)
        self.session.mark([each for each in shown if each not in marked])
        self.say(f"{len(self.session.marked_run_ids)} marked")

    def action_clear_marks(self) -> None:
        """Unmark all."""
        self._anchor = None
        self.session.clear_marks()

    def action_baseline(self) -> None:
        """Pin the run under the cursor as the baseline, or unpin it."""
        rows = self._rows_here()
        if not rows or self.is_grouped:
            self.say(
                "a baseline is one run; open the group first" if rows else "there is no run here", "warning"
            )
            return
        run_id = self.session.catalog.ids(rows[:1])[0]
        self.session.set_baseline(None if run_id == self.session.baseline_run_id else run_id)
        self.load()
        if self.session.baseline_run_id:
            self.say("baseline: metrics show how far they are from this run's, params where they differ")

    def action_next_match(self) -> None:
        """To the next marked run."""
        self._go_to_mark(1)

    def action_previous_match(self) -> None:
        """To the marked run before."""
        self._go_to_mark(-1)

    def show_marks(self) -> None:
        """Paint the marks as they are now, before the table is asked for again."""
        if self.loaded is None or self.is_grouped:
            return
        catalog, session = self.session.catalog, self.session
        rows = {
            row: session.marker(each)
            for each in session.marked_run_ids
            if (row := catalog.row_of(each)) is not None
        }
        baseline = catalog.row_of(session.baseline_run_id) if session.baseline_run_id else None
        self.grid.set_marks(rows, baseline)

    def _rows_here(self) -> Sequence[int]:
        """Row numbers of the run, or of the runs of the group, under the cursor."""
        row = self.grid.row
        if row is None or self.loaded is None or self.grid.table is not self.loaded.table:
            return ()
        if not self.is_grouped:
            return (row.number,)
        from labtop.views.table_groups import GroupView

        table = self.loaded.table
        return table.groups[row.number].rows if isinstance(table, GroupView) else ()

    def _mark_all(self, rows: Sequence[int]) -> None:
        if not self._too_many(len(rows)):
            self.session.mark(self.session.catalog.ids(rows))

    def _too_many(self, count: int) -> bool:
        if count > MOST_MARKS:
            self.say(f"{count:,} runs are too many to mark; at most {MOST_MARKS:,}", "warning")
        return count > MOST_MARKS

    def _go_to_mark(self, step: int) -> None:
        if self.loaded is None or self.is_grouped:
            return
        catalog = self.session.catalog
        rows = {row for each in self.session.marked_run_ids if (row := catalog.row_of(each)) is not None}
        places = (
            [place for place, row in enumerate(self.loaded.selection.rows) if row in rows] if rows else []
        )
        if not places:
            self.say("no run that is shown is marked", "warning")
            return
        here = self.grid.cursor_index
        if step > 0:
            self.grid.move_to(next((each for each in places if each > here), places[0]))
        else:
            self.grid.move_to(next((each for each in reversed(places) if each < here), places[-1]))
