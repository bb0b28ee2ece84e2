"""Puts values of rows into the run table: a few as literals, many by way of a file of JSON lines.

A file, since DuckDB takes a list given from Python value by value, a hundred times as slowly as it reads JSON.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from labtop.query.chunk import Layout
from labtop.query.engine import quote_text
from labtop.query.record_row import ROW_COLUMNS
from labtop.query.table import RunTable, widened_sql

Values = Mapping[int, Any]
"""The values of a row by the place of their column in a layout."""

_FEW = 8
_MOST_LATEST = 100
_ROW = list(ROW_COLUMNS).index("row")
_USUAL_LONGEST = 2**20


class LatestValues:
    """What a few rows hold that change again and again, so that only what differs is written.

    To replace a row of two hundred columns takes ten times as long as to change the twenty that moved.
    """

    def __init__(self) -> None:
        self._rows: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def put(
        self, table: RunTable, some: Iterable[Values], count: int, layout: Layout, replaced: Sequence[int]
    ) -> None:
        """Put rows in as `put_rows` does; `count` says how many they are, for many are better not held at once."""
        if count > _FEW:
            for number in replaced:
                self._rows.pop(number, None)
            _put_many(table, some, layout, replaced)
            return
        rows = list(some)
        named = {row[_ROW]: {layout.columns[place][0]: value for place, value in row.items()} for row in rows}
        changed = {number: self._changes(number, new) for number, new in named.items() if number in replaced}
        for number, changes in changed.items():
            if changes is not None:
                table.change(
                    number, {key: _literal(value, table.stored[key]) for key, value in changes.items()}
                )
        others = [row for row in rows if changed.get(row[_ROW]) is None]
        put_rows(table, others, layout, [number for number in replaced if changed.get(number) is None])
        for number, new in named.items():
            self._rows[number] = new
            self._rows.move_to_end(number)
        while len(self._rows) > _MOST_LATEST:
            self._rows.popitem(last=False)

    def _changes(self, number: int, new: Mapping[str, Any]) -> dict[str, Any] | None:
        """What differs from what the row holds; None when that is not known, or a value is gone."""
        old = self._rows.pop(number, None)
        if old is None or old.keys() - new.keys():
            return None
        # the status is also changed by those who look at processes
        return {key: value for key, value in new.items() if key == "status" or old.get(key) != value}


def put_rows(table: RunTable, rows: Sequence[Values], layout: Layout, replaced: Sequence[int]) -> None:
    """Put rows in, in place of those with the numbers `replaced`. The layout is the table's as it is now."""
    if not rows:
        return
    if len(rows) <= _FEW:
        places = sorted(set().union(*rows))
        lines = ", ".join(
            f"({', '.join(_literal(row.get(each), layout.columns[each][1]) for each in places)})"
            for row in rows
        )
        table.put(replaced, [layout.columns[each][0] for each in places], f"VALUES {lines}")
        return
    _put_many(table, rows, layout, replaced)


def _put_many(table: RunTable, rows: Iterable[Values], layout: Layout, replaced: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="labtop-") as folder:
        path = Path(folder) / "rows.json"
        longest = write_rows(path, rows)
        put_file(table, path, longest, layout, replaced)


def write_rows(path: Path, rows: Iterable[Values]) -> int:
    """Write rows as JSON lines; the length of the longest."""
    longest = 0
    with path.open("xb") as file:
        for row in rows:
            line = msgspec.json.encode(row)
            longest = max(longest, len(line))
            file.write(line + b"\n")
    return longest


def put_file(table: RunTable, path: Path, longest: int, layout: Layout, replaced: Sequence[int]) -> None:
    """Put the rows of a file in; columns whose type widened since `layout` was made are widened here."""
    spec = ", ".join(
        f"\"{place}\": '{_READ_AS.get(sql, sql)}'" for place, (_, sql) in enumerate(layout.columns)
    )
    values = [
        f'make_timestamp(t."{place}")' if sql == "TIMESTAMP" else f't."{place}"'
        for place, (_, sql) in enumerate(layout.columns)
    ]
    for place, type_name in layout.params.values():
        now = table.type_names[layout.columns[place][0]]
        if now != type_name:
            values[place] = widened_sql(values[place], type_name, now)
    table.put(
        replaced,
        [key for key, _ in layout.columns],
        f"""SELECT {", ".join(values)} FROM read_json([{quote_text(str(path))}], columns = {{{spec}}},
            format = 'newline_delimited', maximum_object_size = {max(longest + 16, _USUAL_LONGEST)}) t""",
    )


_READ_AS = {"TIMESTAMP": "BIGINT"}


def _literal(value: Any, sql: str) -> str:
    if value is None:
        return "NULL"
    if sql == "TIMESTAMP":
        return f"make_timestamp({value})"
    if isinstance(value, str):
        return text_literal(value)
    if isinstance(value, list):
        return f"[{', '.join(map(text_literal, value))}]::{sql}"
    if isinstance(value, float):
        digits = repr(value)
        return digits if "e" in digits else f"{digits}e0"  # without an exponent it would be a decimal
    return str(value)


def text_literal(text: str) -> str:
    """A text literal; one with a NUL character is put together, for none may stand in a statement."""
    if "\0" in text:
        return "(" + " || chr(0) || ".join(quote_text(part) for part in text.split("\0")) + ")"
    return quote_text(text)
