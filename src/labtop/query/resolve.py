"""Which run a word means: an id, a unique prefix, a name, `@last`, `@last~2`, `best:METRIC`, `best:-METRIC`.

An id is labtop's own, or that of the tracker the run was read from.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from labtop.errors import AmbiguousRunError, NoRunError
from labtop.query.engine import Engine, Row, quote_name
from labtop.query.found_columns import FoundColumn, FoundColumns
from labtop.query.table import RunTable

_LAST = re.compile(r"@last(?:~(\d+))?")
_NEAREST = 5
_MOST_COMPARED = 20_000  # names; comparing more takes over a second
_NEWEST = "started_at DESC NULLS LAST, id"


def resolve(engine: Engine, table: RunTable, found: FoundColumns, text: str) -> str:
    """The id of the run that `text` names.

    Raises:
        NoRunError: nothing fits; the nearest are listed.
        AmbiguousRunError: several fit; they are listed.
    """
    text = text.strip()
    if match := _LAST.fullmatch(text):
        return _nth_newest(engine, table, int(match[1] or 0), text)
    if text.startswith("best:"):
        return _best(engine, table, found, text)
    relation = table.relation(["id", "name", "started_at", "_source_id"])
    conditions = (
        "id = ?",
        "_source_id = ?",
        "name = ?",
        "starts_with(id, lower(?))",
        "starts_with(_source_id, ?)",
    )
    for condition in conditions:
        fitting = engine.query(
            f"SELECT id, name FROM {relation} WHERE {condition} ORDER BY {_NEWEST} LIMIT 21", [text]
        )
        if len(fitting) == 1:
            return str(fitting[0][0])
        if fitting and text:
            raise AmbiguousRunError(
                f"{text!r} fits {_counted(fitting)} runs: {_listed(fitting)}", "give more of the id"
            )
    raise NoRunError(f"no run {text!r}", _nearest(engine, relation, text))


def _nth_newest(engine: Engine, table: RunTable, back: int, text: str) -> str:
    relation = table.relation(["id", "started_at", "archived"])
    fitting = engine.query(
        f"SELECT id FROM {relation} WHERE NOT archived ORDER BY {_NEWEST} LIMIT 1 OFFSET {min(back, 2**40)}"
    )
    if not fitting:
        raise NoRunError(f"no run {text!r}: there are {table.count()} runs", "list them with 'labtop ls'")
    return str(fitting[0][0])


def _best(engine: Engine, table: RunTable, found: FoundColumns, text: str) -> str:
    """The run whose metric was highest, or with a minus lowest, at any step. NaN is never the best."""
    name = text.removeprefix("best:")
    by_name = {each.name: each for each in found.of_kind("metric")}
    wants_lowest = name not in by_name and name.startswith("-")
    metric = by_name.get(name.removeprefix("-") if wants_lowest else name)
    if metric is None:
        near = (
            difflib.get_close_matches(name.removeprefix("-"), by_name, _NEAREST, 0.4)
            or list(by_name)[:_NEAREST]
        )
        raise NoRunError(
            f"no metric {name!r}", f"nearest: {', '.join(near)}" if near else "no run has a metric"
        )
    extreme = _extreme(metric, "min" if wants_lowest else "max")
    relation = table.relation(
        ["id", "started_at", "archived", metric.key, f"{metric.key}.min", f"{metric.key}.max"]
    )
    fitting = engine.query(
        f"""SELECT id FROM (SELECT *, {extreme} AS extreme FROM {relation})
            WHERE NOT archived AND extreme IS NOT NULL AND NOT isnan(extreme)
            ORDER BY extreme {"ASC" if wants_lowest else "DESC"}, {_NEWEST} LIMIT 1"""
    )
    if not fitting:
        raise NoRunError(
            f"no run has a number for the metric {metric.name!r}", "its values are NaN or missing"
        )
    return str(fitting[0][0])


def _extreme(metric: FoundColumn, summary: str) -> str:
    # a value set by run.summary has no minimum and maximum
    return f"coalesce({quote_name(f'{metric.key}.{summary}')}, {quote_name(metric.key)})"


def _nearest(engine: Engine, relation: str, text: str) -> str:
    rows = engine.query(f"SELECT id, name FROM {relation} ORDER BY {_NEWEST} LIMIT {_MOST_COMPARED}")
    if not rows:
        return "the store has no runs yet"
    words: dict[str, Row] = {}
    for row in rows:
        words.setdefault(row[0], row)
        words.setdefault(row[1], row)
    near = difflib.get_close_matches(text, words, _NEAREST, 0.5)
    near = near or [word for word in words if text and text.casefold() in word.casefold()][:_NEAREST]
    fitting = list(dict.fromkeys(words[word] for word in near))
    return (f"nearest: {_listed(fitting)} — " if fitting else "") + "list them with 'labtop ls'"


def _listed(rows: Sequence[Row]) -> str:
    """`a1b2c3 (name), …`, as Python would write them: nothing in a name reaches a terminal."""
    shown = ", ".join(
        f"{row[0]!r} ({row[1]!r})" if row[1] != row[0] else repr(row[0]) for row in rows[:_NEAREST]
    )
    return shown + (", …" if len(rows) > _NEAREST else "")


def _counted(rows: Sequence[Row]) -> str:
    return "over 20" if len(rows) > 20 else str(len(rows))
