"""The filter of the Runs screen: what is typed is tried at once, and the last good one stays in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labtop.tui.screens.runs.table import RunsTable

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.query.filter import Completion
    from labtop.tui.widgets.filter_bar import FilterBar

MOST_VALUES_OF = 2_000
"""Runs whose values are offered to complete a comparison."""


class RunsFilter(RunsTable):
    """The filter bar is made when it is first opened."""

    _bar: FilterBar | None = None

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

    def _complete(self, text: str, cursor: int, then: Callable[[Sequence[Completion]], object]) -> None:
        """Hand over what the word before the cursor may become; keys wait for it."""
        if not self.session.is_open:
            then(())
            return
        catalog = self.session.catalog

        def compute() -> Sequence[Completion]:
            from labtop.query.filter import complete

            return complete(text, cursor, catalog.columns(), lambda key: values_of_column(catalog, key))

        self.request("one", compute, then)


def values_of_column(catalog: Catalog, key: str) -> list[str]:
    """Values of a text column, for completion."""
    from labtop.query.catalog import TableQuery

    values = catalog.cells(catalog.select(TableQuery()).rows[:MOST_VALUES_OF], [key])
    found = {str(each) for (value,) in values for each in (value if isinstance(value, list) else [value])}
    return sorted(found - {"None"})
