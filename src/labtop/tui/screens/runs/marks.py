"""Marks and the baseline on the Runs screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labtop.tui.screens.runs.table import RunsTable

MOST_MARKS = 5_000


class RunsMarks(RunsTable):
    """Marks are kept as run ids in the session; the grid is told which of its rows they are."""

    _anchor: int | None = None  # place of the last run that was marked

    def action_mark(self) -> None:
        """Mark the run under the cursor, or unmark it; of a group all its runs."""
        self._anchor = self.grid.cursor_index
        self._with_ids(self._rows_here(), self._toggle)

    def _toggle(self, run_ids: Sequence[str]) -> None:
        self.session.mark(run_ids, on=not set(self.session.marked_run_ids).issuperset(run_ids))

    def action_mark_range(self) -> None:
        """Mark all runs from the last marked one to the cursor."""
        if self.is_grouped or self.loaded is None:
            self.say("ranges are for runs, not for groups", "warning")
            return
        here = self.grid.cursor_index
        anchor = here if self._anchor is None else self._anchor
        self._anchor = here
        rows = self.loaded.selection.rows[min(anchor, here) : max(anchor, here) + 1]
        self._with_ids(rows, self.session.mark)

    def action_invert_marks(self) -> None:
        """Mark what is unmarked and unmark what is marked, among the runs that are shown."""
        if self.loaded is not None:
            self._with_ids(self.loaded.selection.rows, self._invert)

    def _invert(self, run_ids: Sequence[str]) -> None:
        marked = set(self.session.marked_run_ids)
        self.session.mark([each for each in run_ids if each in marked], on=False)
        self.session.mark([each for each in run_ids if each not in marked])
        self.say(f"{len(self.session.marked_run_ids)} marked")

    def action_clear_marks(self) -> None:
        """Unmark all."""
        self._anchor = None
        self.session.clear_marks()

    def action_baseline(self) -> None:
        """Pin the run under the cursor as the baseline, or unpin it."""
        if self.is_grouped:
            self.say("a baseline is one run; open the group first", "warning")
        else:
            self._with_ids(self._rows_here(), self._pin)

    def _pin(self, run_ids: Sequence[str]) -> None:
        run_id = run_ids[0]
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
        """Paint the marks as they are now."""
        if self.loaded is None or self.is_grouped:
            return
        rows, session = self._rows_of_ids(), self.session
        marks = {rows[each]: session.marker(each) for each in session.marked_run_ids if each in rows}
        self.grid.set_marks(marks, rows.get(session.baseline_run_id or ""))

    def _rows_of_ids(self) -> dict[str, int]:
        return {run_id: row for row, run_id in self.ids.items()}

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

    def _with_ids(self, rows: Sequence[int], then: Callable[[Sequence[str]], object]) -> None:
        """Do something with the ids of rows: at once where they are known, else when the catalog has told."""
        if not rows:
            self.say("there is no run here", "warning")
            return
        if len(rows) > MOST_MARKS:
            self.say(f"{len(rows):,} runs are too many to mark; at most {MOST_MARKS:,}", "warning")
            return
        if all(row in self.ids for row in rows):
            then([self.ids[row] for row in rows])
            return
        catalog = self.session.catalog

        def arrived(run_ids: list[str]) -> None:
            self.ids.update(zip(rows, run_ids, strict=True))
            then(run_ids)

        self.request("ids", lambda: catalog.ids(rows), arrived)

    def _go_to_mark(self, step: int) -> None:
        if self.loaded is None or self.is_grouped:
            return
        known = self._rows_of_ids()
        rows = {known[each] for each in self.session.marked_run_ids if each in known}
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
