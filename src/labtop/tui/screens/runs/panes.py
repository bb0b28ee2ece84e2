"""The panes of the Runs screen: the table, the run under the cursor beside it where there is room; moving in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal

from labtop.tui.screens.runs.table import RunsTable
from labtop.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from labtop.model.run import RunRecord
    from labtop.tui.widgets.run_preview import RunPreview

RESTS_S = 0.3  # the previews follow when the cursor has rested so long: a row that is passed by costs a line


class RunsPanes(RunsTable):
    """Keys for moving act on the pane that has the focus."""

    _rest = 0  # counts cursor moves, to see whether it rested

    def preview_soon(self) -> None:
        """Show the run under the cursor when the cursor has rested."""
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
            self.call_after_refresh(self.preview_soon)

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
        self.pane.page(pages)

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._focus_pane(1)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self._focus_pane(-1)

    def _focus_pane(self, step: int) -> None:
        from labtop.tui.widgets.run_preview import RunPreview

        panes: list[Grid | RunPreview] = [
            self.grid,
            *(each for each in self.query(RunPreview) if each.display),
        ]
        panes[(panes.index(self.pane) + step) % len(panes)].focus()
