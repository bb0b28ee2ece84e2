"""What all screens share: the catalog, the settings, the gateway, the marked runs and the baseline.

Screens exchange run ids, never rows or widgets. Marks keep the order in which they were set, and each marked
run keeps its shape and colour on every screen while it is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labtop.errors import LabtopError
from labtop.settings import Settings
from labtop.tui.actions import Keymap
from labtop.views.glyphs import marker

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.tui.gateway import Gateway
    from labtop.tui.state import StoreState


class Marker(NamedTuple):
    """What a run looks like wherever it is drawn: a shape of one cell, and a colour as rich names it."""

    glyph: str
    colour: str


@dataclass(eq=False)
class Session:
    """The context of one open store. `changed` is called when marks or the baseline change."""

    path: Path
    settings: Settings
    keymap: Keymap
    gateway: Gateway
    state: StoreState
    is_ascii: bool = False
    changed: Callable[[], object] = lambda: None
    current_run_id: str | None = None  # under the cursor of the Runs screen
    baseline_run_id: str | None = None
    running: int = 0  # runs that were running when the catalog was last looked at
    hurt: int = 0  # runs with problems, counted then
    _catalog: Catalog | None = None
    _places: dict[str, int] = field(default_factory=dict)  # marked run → its shape and colour

    @property
    def catalog(self) -> Catalog:
        """The open catalog."""
        if self._catalog is None:
            raise LabtopError("the store is still being opened", "a moment, please")
        return self._catalog

    @catalog.setter
    def catalog(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def is_open(self) -> bool:
        """Whether the catalog can be asked."""
        return self._catalog is not None

    @property
    def marked_run_ids(self) -> tuple[str, ...]:
        """The marked runs in the order they were marked."""
        return tuple(self._places)

    @property
    def chosen_run_ids(self) -> tuple[str, ...]:
        """What a command acts on: the marked runs, or else the one under the cursor."""
        return self.marked_run_ids or ((self.current_run_id,) if self.current_run_id else ())

    def mark(self, run_ids: Iterable[str], on: bool = True) -> None:
        """Mark or unmark runs."""
        for run_id in run_ids:
            if not on:
                self._places.pop(run_id, None)
            elif run_id not in self._places:
                self._places[run_id] = _first_free(self._places.values())
        self.changed()

    def clear_marks(self) -> None:
        """Unmark all."""
        self._places.clear()
        self.changed()

    def set_baseline(self, run_id: str | None) -> None:
        """Pin a run that others are compared with, or None."""
        self.baseline_run_id = run_id
        self.changed()

    def restore_marks(self) -> None:
        """Take over the marks and the baseline of the last session."""
        self._places = {run_id: place for place, run_id in enumerate(self.state.marked)}
        self.baseline_run_id = self.state.baseline
        self.current_run_id = self.state.current

    def keep_state(self) -> None:
        """Write down marks, baseline and all else that is remembered of the store."""
        self.state.marked = self.marked_run_ids
        self.state.baseline = self.baseline_run_id
        self.state.current = self.current_run_id
        self.state.save()

    def marker(self, run_id: str) -> Marker:
        """How a run is drawn; one that is not marked gets a plain dot."""
        place = self._places.get(run_id)
        return Marker("." if self.is_ascii else "◦", "default") if place is None else self._at(place)

    def markers(self, run_ids: Sequence[str]) -> dict[str, Marker]:
        """Shapes and colours that tell some runs apart: those of the marks, then what is free."""
        places = {run_id: self._places[run_id] for run_id in run_ids if run_id in self._places}
        for run_id in run_ids:
            if run_id not in places:
                places[run_id] = _first_free(places.values())
        return {run_id: self._at(places[run_id]) for run_id in run_ids}

    def _at(self, place: int) -> Marker:
        return Marker(*marker(place, self.is_ascii))


def _first_free(taken: Iterable[int]) -> int:
    used = set(taken)
    return next(place for place in range(len(used) + 1) if place not in used)
