"""What may be typed next in a filter: names of columns, and after an operator the values of a text column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from labtop.errors import FilterError
from labtop.model.columns import Column
from labtop.model.run import Status
from labtop.query.filter_names import STATISTICS, Names, can_be_bare, names_of
from labtop.query.filter_tokens import OPERANDS, Token, tokenise

T = TypeVar("T")
Values = Callable[[str], Sequence[str]]

_LIMIT = 50
_PARTIAL = re.compile(r"[\w./:@#-]*$")
_EQUALITY = ("=", "!=", "is", "has", "like", "ilike", "not", "(", ",")
_OPERATORS_OF = {
    "text": ("=", "!=", "like", "~", "in", "is"),
    "tags": ("has",),
    "boolean": ("and", "or", "="),
    "time": (">", "<", "=", "between"),
}
_NUMBER_OPERATORS = ("<", "<=", ">", ">=", "=", "!=", "between", "in", "is")


@dataclass(frozen=True, slots=True)
class Completion:
    """Replace the characters `start` to `end` of the text by `insert`; `label` is what a list shows."""

    start: int
    end: int
    insert: str
    label: str
    kind: str  # param, metric, field, value, operator

    def apply(self, text: str) -> tuple[str, int]:
        """The completed text and where the cursor stands then."""
        return text[: self.start] + self.insert + text[self.end :], self.start + len(self.insert)


def complete(
    text: str, cursor: int, columns: Sequence[Column], values: Values | None = None
) -> tuple[Completion, ...]:
    """Completions of a filter at a cursor, best first; `values` gives the values of a column by its key."""
    names = names_of(columns)
    before = text[:cursor]
    start = _start_of_partial(before, names, columns)
    partial = before[start:]
    try:
        tokens = tokenise(before[:start], names)
    except FilterError:
        return ()
    column = _compared(tokens, names)
    if column is not None:
        return tuple(_values(partial, start, cursor, column, values))
    if not tokens or tokens[-1].kind not in (*OPERANDS, ")"):
        return tuple(_names(partial, start, cursor, _fitting(tokens, columns)))
    return tuple(_operators(partial, start, cursor, tokens, names))


def _start_of_partial(before: str, names: Names, columns: Sequence[Column]) -> int:
    """Where the word at the cursor starts: at an open quote, at a name with spaces, or at the word's start."""
    try:
        tokenise(before, names)
    except FilterError as error:
        if before[error.position : error.position + 1] in ("'", '"'):
            return error.position
    found = _PARTIAL.search(before)
    word = len(before) - len(found.group() if found else "")
    return min(
        (_start_of_name(before, column.name, word) for column in columns if " " in column.name), default=word
    )


def _start_of_name(before: str, name: str, word: int) -> int:
    """Where the start of a name with spaces stands just before the cursor, or `word`."""
    for start in range(max(len(before) - len(name), 0), word):
        at_border = start == 0 or not re.match(r"[\w./-]", before[start - 1])
        if at_border and not before[start].isspace() and name.lower().startswith(before[start:].lower()):
            return start
    return word


def _compared(tokens: list[Token], names: Names) -> Column | None:
    """The column of text whose value is typed now: `optimizer =`, `optimizer in (a,`, `tags has`."""
    if not tokens or tokens[-1].text not in _EQUALITY or tokens[-1].kind in OPERANDS:
        return None
    for token in reversed(tokens):
        if token.kind == "name":
            column = next(iter(names.candidates(token.text)), None)
            if column is not None:
                is_text = column.type.name in ("text", "status", "tags", "mixed")
                return column if is_text and _is_open(tokens) else None
        elif token.kind == "keyword" and token.text in ("and", "or"):
            return None
    return None


def _is_open(tokens: list[Token]) -> bool:
    """Whether a value is wanted: after `(` and `,` only inside the list of `in`."""
    if tokens[-1].text not in ("(", ",", "not"):
        return True
    return any(token.kind == "keyword" and token.text == "in" for token in tokens)


def _values(
    partial: str, start: int, cursor: int, column: Column, values: Values | None
) -> Iterable[Completion]:
    wanted = partial.strip("'\"").lower()
    if column.type.name == "status":
        known: Sequence[str] = [str(status) for status in Status]
    else:
        known = values(column.key) if values else ()
    for value in _ranked(wanted, known, lambda text: text):
        bare = column.type.name == "status" and not partial.startswith("'")
        quoted = value if bare else "'" + value.replace("'", "''") + "'"
        yield Completion(start, cursor, quoted, value, "value")


def _fitting(tokens: list[Token], columns: Sequence[Column]) -> Sequence[Column]:
    """The columns that may stand next: metrics alone inside `max(`."""
    asked = len(tokens) > 1 and tokens[-1].kind == "(" and tokens[-2].kind == "function"
    if asked and tokens[-2].text in STATISTICS:
        return [column for column in columns if column.kind == "metric"]
    return columns


def _names(partial: str, start: int, cursor: int, columns: Sequence[Column]) -> Iterable[Completion]:
    wanted = partial.lstrip('"').lower()
    shown = [column for column in columns if column.kind != "spark"]
    forced = wanted.startswith(("params.", "metrics."))
    for column in _ranked(wanted, shown, lambda each: each.key if forced else each.name):
        name = column.key if forced else column.name
        bare = can_be_bare(name) and not partial.startswith('"')
        insert = name if bare else '"' + name.replace('"', '""') + '"'
        yield Completion(start, cursor, insert, name, column.kind)


def _operators(
    partial: str, start: int, cursor: int, tokens: list[Token], names: Names
) -> Iterable[Completion]:
    last = tokens[-1]
    column = next(iter(names.candidates(last.text)), None) if last.kind == "name" else None
    compared = len(tokens) > 1 and tokens[-2].kind in ("operator", "keyword") and tokens[-2].text != "and"
    if column is None or (compared and tokens[-2].text not in ("or", "not")):
        known: Sequence[str] = ("and", "or")
    else:
        fallback = _NUMBER_OPERATORS if column.type.is_number else _OPERATORS_OF["text"]
        known = _OPERATORS_OF.get(column.type.name, fallback)
    for word in known:
        if word.startswith(partial.lower()):
            yield Completion(start, cursor, word, word, "operator")


def _ranked(wanted: str, things: Iterable[T], name_of: Callable[[T], str]) -> list[T]:
    """Things whose name starts with the wanted text, then a part of the name, then those that hold it."""
    ranks: list[tuple[int, T]] = []
    for thing in things:
        name = name_of(thing).lower()
        if name.startswith(wanted):
            ranks.append((0, thing))
        elif re.search(rf"[./_ -]{re.escape(wanted)}", name):
            ranks.append((1, thing))
        elif wanted in name:
            ranks.append((2, thing))
    ranks.sort(key=lambda each: each[0])
    return [thing for _, thing in ranks[:_LIMIT]]
