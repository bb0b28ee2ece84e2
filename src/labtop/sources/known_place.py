"""A place that a mirror knows: its runs, what could not be read, and which of them are to be read now."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from labtop.sources import load_source
from labtop.sources.finding import Found
from labtop.sources.landed import Landed
from labtop.sources.source import Place, RunRef


class SavedPlace(msgspec.Struct):
    """A place as it is written down."""

    source: str
    path: str
    closed: bool
    runs: list[Landed]
    problems: dict[str, tuple[str, str]]
    version: str = ""


@dataclass(slots=True)
class KnownPlace:
    """A place, its runs by key, what could not be read by key, and when it is listed again.

    `version` is that of the place (`Source.version_of`) when all its runs had been read, empty when that is not known.
    """

    found: Found
    runs: dict[str, Landed] = field(default_factory=dict)
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)  # key → version, reason
    due: float = 0.0
    took: float = 0.0  # seconds to list it
    changed_at: float = -math.inf
    version: str = ""
    listed: str = ""  # the version that was listed last; its runs may not all be read yet

    def look(self) -> list[RunRef] | None:
        """The runs that there are now; None when they are the same as when all were read. Raises what sources raise."""
        source, place = load_source(self.found.source), self.found.place.path
        version_of = getattr(source, "version_of", None)
        version, self.listed = (version_of(place) if version_of is not None else ""), ""
        if version and version == self.version:
            self.listed = version
            return None
        self.version = ""
        refs = list(source.runs(place))
        self.listed = version  # not where listing failed
        return refs

    def is_read(self) -> None:
        """Say that all runs were read that were listed last."""
        self.version = self.listed

    def lose(self, packs: set[str]) -> None:
        """Forget runs that lie in packs which cannot be read, so that they are read again."""
        for key in [key for key, each in self.runs.items() if each.pack in packs]:
            del self.runs[key]
            self.due, self.version = 0.0, ""

    def wanted(self, refs: dict[str, RunRef]) -> list[RunRef]:
        """The runs that are to be read, with what their last reading left for this one."""
        return [self._with_state(ref) for ref in refs.values() if self._is_new(ref)]

    def unread(self, folders: Container[str] | None) -> list[RunRef]:
        """The runs that were only listed, of those that people see in `folders`, or all that have points.

        Left out are unreadable ones.

        What was listed last comes first: it is the newest in most logs, and so on the screen.
        """
        return [
            RunRef(key, each.version)
            for key, each in reversed(self.runs.items())
            if each.is_unread
            and key not in self.problems
            and (not each.is_whole if folders is None else each.shown in folders)
        ]

    def alone(self) -> list[RunRef]:
        """The runs that were read when there was no other tracker in whose logs they could be."""
        return [RunRef(key, each.version) for key, each in self.runs.items() if each.is_alone]

    def _is_new(self, ref: RunRef) -> bool:
        if ref.key in self.problems:
            return self.problems[ref.key][0] != ref.version
        return ref.key not in self.runs or self.runs[ref.key].version != ref.version

    def _with_state(self, ref: RunRef) -> RunRef:
        before = self.runs.get(ref.key)
        return ref if before is None or before.state is None else replace(ref, state=before.state)

    def saved(self) -> SavedPlace:
        """The place to be written down."""
        place = self.found.place
        return SavedPlace(
            self.found.source,
            str(place.path),
            place.closed,
            list(self.runs.values()),
            self.problems,
            self.version,
        )

    @classmethod
    def of(cls, saved: SavedPlace, runs: list[Landed], before: KnownPlace | None) -> KnownPlace:
        """The place that was written down, with those of its runs that are still there."""
        known = cls(
            Found(saved.source, Place(Path(saved.path), saved.closed)),
            {landed.key: landed for landed in runs},
            saved.problems,
            version=saved.version if len(runs) == len(saved.runs) else "",
        )
        if before is not None:
            known.due, known.took, known.changed_at = before.due, before.took, before.changed_at
        return known
