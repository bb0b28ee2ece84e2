"""Which column a name in a filter means: parameter, then metric, then field; `params.` and its like force one.

Finds names that are written bare although they hold `/`, `.`, `-` or spaces, and the nearest when there is none.
"""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Mapping, Sequence

from labtop.model.columns import COLUMN_TYPES, Column

STATISTICS: Mapping[str, str] = {
    "min": "min", "max": "max", "first": "first", "last": "", "mean": "mean", "avg": "mean", "count": "count",
}  # fmt: skip
"""What may be asked of a metric, and the end of the column key that answers; a metric alone is its last value."""

KEYWORDS = frozenset(("and", "or", "not", "in", "between", "is", "like", "ilike", "has"))
CONSTANTS = frozenset(("true", "false", "null", "nan", "inf", "infinity"))

_ORDER = {"param": 0, "metric": 1, "field": 2, "spark": 3}
_BARE = re.compile(r"[\w./:@#-]+(?: [\w./:@#-]+)*")
_NUMBER = re.compile(r"[\d._]+(?:e[+-]?\d*)?|\d.*\d", re.IGNORECASE)
_STATISTIC_END = re.compile(rf"\.({'|'.join(STATISTICS)})(?!\w|[./]\w)")
_GOES_ON = re.compile(r"\w|\.\w")
_FIRST_WORD = re.compile(r"\w+|\W")


def can_be_bare(name: str) -> bool:
    """Whether a name may be written without quotes; one that reads as a number or a keyword may not."""
    words = name.lower().split(" ")
    return (
        _BARE.fullmatch(name) is not None
        and not _NUMBER.fullmatch(name)
        and name[0] not in "-+"
        and not any(word in KEYWORDS or word in CONSTANTS for word in words)
    )


class Names:
    """The names of a table's columns, prepared for look-ups."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._exact: dict[str, Column] = {}
        self._doubled: dict[str, list[Column]] = {}  # several of one kind: a.b may be a key or a path
        self._folded: dict[str, list[Column]] = {}
        self._ends: dict[str, list[Column]] = {}
        self._starts: dict[str, list[str]] = {}
        for column in sorted(columns, key=lambda each: _ORDER[each.kind]):
            if column.kind == "spark":
                continue
            forced = f"run.{column.key}" if column.kind == "field" else column.key
            first = self._exact.get(column.name)
            if first is not None and first.kind == column.kind and first is not column:
                self._doubled.setdefault(column.name, [first]).append(column)
            for name in (column.name, forced):
                self._exact.setdefault(name, column)
                self._folded.setdefault(name.lower(), []).append(column)
            for end in _ends(column.name.lower()):
                self._ends.setdefault(end, []).append(column)
        for name in {*self._exact, *self._ends}:
            if can_be_bare(name):
                self._starts.setdefault(_first_word(name), []).append(name)
        for names in self._starts.values():
            names.sort(key=len, reverse=True)

    def match(self, text: str, at: int) -> int:
        """Where the longest name that stands bare at `at` ends, with its `.min` or so; `at` when none does."""
        lowered = text.lower() if len(text.lower()) == len(text) else text
        for where in (text, lowered):
            for name in self._starts.get(_first_word(where, at), ()):
                if not where.startswith(name, at):
                    continue
                statistic_end = _STATISTIC_END.match(text, at + len(name))
                end = statistic_end.end() if statistic_end else at + len(name)
                if not _GOES_ON.match(text, end):
                    return end
        return at

    def exact(self, name: str) -> Column | None:
        """The column of exactly this name, forced or not, or with a statistic at its end (`val/loss.min`)."""
        if found := self._exact.get(name):
            return found
        if name.startswith("env.") and len(name) > 4:
            return Column(name, name, "field", COLUMN_TYPES["text"])
        stem, _, word = name.rpartition(".")
        metric = self.metric(stem) if stem and word in STATISTICS else None
        return (
            statistic(metric, word)
            if metric and metric.name in (stem, stem.removeprefix("metrics."))
            else None
        )

    def candidates(self, name: str) -> tuple[Column, ...]:
        """The columns that a name may mean: one is the answer, several are ambiguous, none is unknown."""
        if name in self._doubled:
            return tuple(self._doubled[name])
        if found := self.exact(name):
            return (found,)
        if folded := self._folded.get(name.lower()):
            return tuple(each for each in dict.fromkeys(folded) if each.kind == folded[0].kind)
        if named := self._ends.get(name.lower()):
            return tuple(dict.fromkeys(named))
        for forced, kind in (("params.", "param"), ("metrics.", "metric"), ("run.", "field")):
            if name.lower().startswith(forced):
                end = name.lower()[len(forced) :]
                named = self._folded.get(end) or self._ends.get(end) or []
                return tuple(each for each in dict.fromkeys(named) if each.kind == kind)
        stem, _, word = name.rpartition(".")
        metric = self.metric(stem) if stem and word in STATISTICS else None
        return (statistic(metric, word),) if metric else ()

    def metric(self, name: str) -> Column | None:
        """The one metric that a name means, even where a parameter has the same name."""
        if found := self._exact.get(name if name.startswith("metrics.") else f"metrics.{name}"):
            return found
        metrics = [each for each in self.candidates(name) if each.kind == "metric"]
        return metrics[0] if len(metrics) == 1 else None

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """Names that resemble an unknown one."""
        known = [each for each in self._folded if not each.startswith(("params.", "metrics.", "run."))]
        wanted = name.lower()
        holding = sorted((each for each in known if len(wanted) > 2 and wanted in each), key=len)
        close = difflib.get_close_matches(wanted, _alike(wanted, known), count, 0.55) + [
            column.name
            for end in difflib.get_close_matches(wanted, _alike(wanted, self._ends), count, 0.7)
            for column in self._ends[end][:1]
        ]
        true_names = [
            self._folded[each][0].name if each in self._folded else each for each in holding + close
        ]
        return list(dict.fromkeys(true_names))[:count]


def _alike(wanted: str, names: Iterable[str], count: int = 40) -> list[str]:
    """The names that share the most pairs of letters with one: difflib takes 50 us each, and there are thousands."""
    pairs = {wanted[at : at + 2] for at in range(len(wanted) - 1)} or {wanted}
    return heapq.nlargest(
        count, names, key=lambda each: sum(pair in each for pair in pairs) - 0.1 * len(each)
    )


def statistic(metric: Column, word: str) -> Column:
    """The column of a metric's summary value, such as its minimum."""
    end = STATISTICS[word]
    if not end:
        return metric
    type_name = "integer" if end == "count" else "number"
    return Column(
        f"{metric.key}.{end}", f"{word}({metric.name})", "metric", COLUMN_TYPES[type_name], metric.goal
    )


def spark_of(metric: Column) -> Column:
    """The sparkline column of a metric."""
    return Column(
        f"spark.{metric.key.removeprefix('metrics.')}",
        metric.name,
        "spark",
        COLUMN_TYPES["spark"],
        metric.goal,
    )


def _ends(name: str) -> list[str]:
    """What a name may be shortened to: `c` and `b.c` of `a.b.c`."""
    return [name[found.end() :] for found in re.finditer(r"[./]", name) if name[found.end() :]]


def _first_word(text: str, at: int = 0) -> str:
    found = _FIRST_WORD.match(text, at)
    return found.group() if found else ""


_last: tuple[Sequence[Column], Names] = ((), Names(()))


def names_of(columns: Sequence[Column]) -> Names:
    """The names of columns; remembered while the same ones are asked for, keystroke after keystroke."""
    global _last
    known, names = _last  # read once: another thread may replace it
    wanted = tuple(columns)
    if known is not wanted and known != wanted:
        names = Names(wanted)
        _last = (wanted, names)
    return names
