"""One row of a comparison: a fact and its value in every run."""

from __future__ import annotations

from dataclasses import dataclass

from labtop.analysis.facts import Path
from labtop.analysis.values import Absence, Difference, Fact, lines_of, text_of, type_name

LONG = 60
"""Characters beyond which a value is better read as a text diff."""


@dataclass(frozen=True, slots=True)
class Row:
    """The fact at `path` of a section, one value a run; `deltas` (metrics only) refer to the first run."""

    section: str
    path: Path
    values: tuple[Fact, ...]
    difference: Difference
    weight: int = 0  # smaller bears more on a result
    deltas: tuple[float | None, ...] = ()

    @property
    def key(self) -> str:
        """The path with dots: `optimizer.lr`."""
        return ".".join(self.path)

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have this value, or are not all known to."""
        return self.difference is not Difference.SAME

    @property
    def is_known(self) -> bool:
        """Whether any run has a value here."""
        return not all(isinstance(value, Absence) for value in self.values)

    @property
    def is_long(self) -> bool:
        """Whether some value has several lines or more text than a cell can hold."""
        return any(len(lines_of(value)) > 1 or len(text_of(value)) > LONG for value in self.values)

    @property
    def note(self) -> str:
        """What the eye would miss: `integer, number` where the values differ in type only."""
        if self.difference is not Difference.TYPE:
            return ""
        return ", ".join(
            dict.fromkeys(type_name(value) for value in self.values if not isinstance(value, Absence))
        )
