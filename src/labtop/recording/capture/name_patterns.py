"""Many name patterns at once: to compile each of them costs more than all the names that are ever compared."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


class NamePatterns:
    """Patterns as of `fnmatch`, told apart by what they ask for: a name, its beginning, its end, or more than that."""

    def __init__(self, patterns: Iterable[str]) -> None:
        names: set[str] = set()
        beginnings: list[str] = []
        ends: list[str] = []
        self._others: list[str] = []
        for each in patterns:
            if not _is_special(each):
                names.add(each)
            elif each.endswith("*") and not _is_special(each[:-1]):
                beginnings.append(each[:-1])
            elif each.startswith("*") and not _is_special(each[1:]):
                ends.append(each[1:])
            else:
                self._others.append(each)
        self._names, self._beginnings, self._ends = frozenset(names), tuple(beginnings), tuple(ends)

    def match(self, name: str) -> bool:
        """Whether one of them matches the whole name."""
        return (
            name in self._names
            or name.startswith(self._beginnings)
            or name.endswith(self._ends)
            or any(fnmatchcase(name, each) for each in self._others)
        )


def _is_special(text: str) -> bool:
    return any(each in text for each in "*?[")
