"""The run table in memory: `base`, loaded from the cache, and fresh rows, indexed in this session; read as one.

Of `base` only the columns that tables and filters use most are in memory. The details of metrics (min, max, …,
sparklines) are loaded from the cache file, a metric at a time, when they are first asked for; of fresh rows they are
read out of the text that holds them.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labtop.model.columns import COLUMN_TYPES
from labtop.query.details import Detail
from labtop.query.engine import Engine, Row, quote_name
from labtop.query.found_columns import Changes, FoundColumn, FoundColumns
from labtop.query.fresh_rows import FreshRows, add_columns
from labtop.query.record_row import COLD, ROW_COLUMNS, UNTOLD

Loader = Callable[[str, Sequence[str]], None]
"""Makes a table of the given name with `row` and cold columns of `base`."""


@dataclass(slots=True)
class _Base:
    """The older rows. `has_all`: `relation` has the cold columns too; else they are loaded into tables, by key."""

    relation: str
    has_all: bool
    load_cold: Loader | None
    cold: dict[str, str] = field(default_factory=dict)


class RunTable:
    """All rows. Written by one thread at a time; readers never wait."""

    def __init__(self, engine: Engine, found: FoundColumns) -> None:
        self._engine = engine
        self._found = found
        self._base: _Base | None = None
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.types: dict[str, str] = dict(ROW_COLUMNS)  # of all that can be asked for
        self.stored: dict[str, str] = dict(ROW_COLUMNS)  # of all that fresh rows and the cache file hold
        self._details: dict[str, Detail] = {}
        self.type_names: dict[str, str] = {}  # of params and metrics
        self._cold_keys: set[str] = set(COLD)
        for column in found.by_path.values():
            self._declare(column)
        self._fresh = FreshRows(engine)
        self._fresh.begin(ROW_COLUMNS)

    def drop(self) -> None:
        """Free the rows of this session."""
        self._fresh.drop()

    def _declare(self, column: FoundColumn) -> None:
        self.types[column.key] = COLUMN_TYPES[column.type_name].sql
        self.type_names[column.key] = column.type_name
        details = {each.key: each for each in column.details()}
        self._details |= details
        self.types |= {key: each.sql_type for key, each in details.items()}
        stored = dict(column.stored())
        self.stored |= stored
        self._cold_keys |= details.keys() | {key for key in stored if key != column.key}

    def sql(self, key: str, table: str) -> str:
        """What can be asked for as an expression over a table that holds what is stored of it."""
        detail = self._details.get(key)
        return f"{table}.{quote_name(key)}" if detail is None else detail.sql(table)

    def column_of(self, key: str) -> str:
        """The column that holds what can be asked for."""
        detail = self._details.get(key)
        return key if detail is None else detail.stored

    def is_of_points(self, key: str) -> bool:
        """Whether what can be asked for is null as long as the points of a run are not read."""
        return key in self._details or key in UNTOLD

    def set_base(self, relation: str, has_all: bool, load_cold: Loader | None) -> None:
        """Take `relation` (a view of the cache file, or a table of its common columns) as the older rows."""
        self._base = _Base(relation, has_all, load_cold)  # at once, for readers never wait

    @property
    def has_base(self) -> bool:
        """Whether there are rows from the cache."""
        return self._base is not None

    def common_keys(self) -> list[str]:
        """The columns of `base` that are kept in memory."""
        return [key for key in self.stored if key not in self._cold_keys]

    def adapt(self, changes: Changes) -> None:
        """Make room for new columns and for values of new types."""
        if self._base is not None:
            common = {column.key: COLUMN_TYPES[column.type_name].sql for column in changes.added}
            add_columns(self._engine, self._base.relation, common)
        for column in changes.added:
            self._declare(column)  # only now, for readers ask for what is declared
        for column, old_type in changes.widened:
            new = self.types[column.key] = self.stored[column.key] = COLUMN_TYPES[column.type_name].sql
            self.type_names[column.key] = column.type_name
            name = quote_name(column.key)
            values = widened_sql(name, old_type, column.type_name)
            self._fresh.retype(column.key, new, values)
            if self._base is not None and column.key not in self._cold_keys:
                self._engine.execute(
                    f"ALTER TABLE {self._base.relation} ALTER COLUMN {name} TYPE {new} USING {values}"
                )

    def _tables(self) -> list[str]:
        return [
            *(each.name for each in self._fresh.tables),
            *([self._base.relation] if self._base else []),
        ]

    def put(self, replaced: Sequence[int], keys: Sequence[str], source: str) -> None:
        """Put rows in, in place of those with the numbers `replaced`; `source` is SQL that gives values of `keys`."""
        engine = self._engine
        names = ", ".join(map(quote_name, keys))
        table = self._fresh.table_for({key: self.stored[key] for key in (*ROW_COLUMNS, *keys)})
        engine.execute("BEGIN TRANSACTION")
        try:
            if replaced:
                self.remove(replaced)
            engine.execute(f"INSERT INTO {table.name} ({names}) {source}")
            engine.execute("COMMIT")
        except BaseException:
            engine.execute("ROLLBACK")
            raise
        self._fresh.free_dead_rows()

    def change(self, row: int, values: Mapping[str, str]) -> None:
        """Set columns of a row that was put in in this session; the values are SQL."""
        table = self._fresh.of_row(row)
        if table is None or not values:
            return
        table = self._fresh.widen(table, {key: self.stored[key] for key in values})
        assignments = ", ".join(f"{quote_name(key)} = {sql}" for key, sql in values.items())
        self._engine.execute(f'UPDATE {table.name} SET {assignments} WHERE "row" = {row}')

    def remove(self, rows: Sequence[int]) -> None:
        """Take rows out."""
        for table in self._tables():
            ((deleted,),) = self._engine.query(
                f'DELETE FROM {table} WHERE "row" IN (SELECT unnest(?::UINTEGER[]))', [list(rows)]
            )
            if self._base is None or table != self._base.relation:
                self._fresh.removed(table, deleted)

    def select_fresh(self, keys: Sequence[str], where: str) -> list[str]:
        """Queries that give columns of the rows of this session, `t` in `where`."""
        return self._fresh.selects(keys, self.stored, where)

    def update(self, assignments: str, given: str, parameters: Sequence[object]) -> None:
        """UPDATE … SET `assignments` FROM (`given`) g WHERE the row numbers agree."""
        for table in self._tables():
            self._engine.execute(
                f'UPDATE {table} AS t SET {assignments} FROM ({given}) g WHERE t."row" = g."row"', parameters
            )

    def relation(self, keys: Iterable[str], where: str = "") -> str:
        """A subquery with `row` and columns; keys that nothing has are left out. `where` is put into each part."""
        wanted = [key for key in dict.fromkeys(keys) if key in self.types and key != "row"]
        selected = {key: f"{self.sql(key, 't')} AS {quote_name(key)}" for key in wanted}
        parts = []
        for table in self._fresh.tables:
            names = "".join(
                f", {selected[key]}"
                if self.column_of(key) in table.columns
                else f", NULL::{self.types[key]} AS {quote_name(key)}"
                for key in wanted
            )
            parts.append(f'SELECT t."row"{names} FROM {table.name} t {where}')
        base = self._base
        if base:
            cold = [] if base.has_all else [key for key in wanted if key in self._cold_keys]
            tables = self._tables_of_cold(base, cold)
            columns = "".join(
                f", {tables[key]}.{quote_name(key)}" if key in tables else f", {selected[key]}"
                for key in wanted
            )
            joins = " ".join(f'LEFT JOIN {table} USING ("row")' for table in dict.fromkeys(tables.values()))
            parts.append(f'SELECT t."row"{columns} FROM {base.relation} t {joins} {where}')
        return f"({' UNION ALL '.join(parts)})"

    def _tables_of_cold(self, base: _Base, keys: Sequence[str]) -> dict[str, str]:
        """Where cold columns of `base` lie, loading those that were never asked for."""
        with self._lock, self._engine.shielded():
            missing = [key for key in keys if key not in base.cold]
            if missing and base.load_cold is not None:
                table = f"cold_{next(self._numbers)}"
                base.load_cold(table, missing)
                base.cold |= dict.fromkeys(missing, table)
            return {key: base.cold[key] for key in keys if key in base.cold}

    def cells(self, rows: Sequence[int], keys: Sequence[str]) -> dict[int, Row]:
        """Columns of some rows, by row; a column that nothing has is None."""
        known = [key for key in keys if key in self.types]
        # joined to a list of numbers, DuckDB skips all blocks that have none of them: half the time of IN (…)
        found = self._engine.query(
            f"""WITH w AS (SELECT unnest(?::UINTEGER[]) AS "row")
                SELECT {", ".join(['"row"', *(quote_name(key) for key in known)])}
                FROM {self.relation(known, 'JOIN w USING ("row")')}""",
            [list(rows)],
        )
        if len(known) == len(keys):
            return {row[0]: row[1:] for row in found}
        places = [known.index(key) + 1 if key in self.types else 0 for key in keys]
        return {row[0]: tuple(row[at] if at else None for at in places) for row in found}

    def count(self) -> int:
        """How many rows there are."""
        return sum(self._engine.query(f"SELECT count(*) FROM {table}")[0][0] for table in self._tables())


def widened_sql(value: str, old_type: str, new_type: str) -> str:
    """A value of one column type as one of a wider type, by the names of the types."""
    if new_type != "mixed":
        return f"{value}::{COLUMN_TYPES[new_type].sql}"
    if old_type == "number":
        word = f"CASE WHEN isnan({value}) THEN 'NaN' WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
        json = f"if(isfinite({value}), to_json({value})::VARCHAR, to_json({word})::VARCHAR)"
        return f"CASE WHEN {value} IS NOT NULL THEN {json} END"  # what is null is not finite either
    return f"to_json({value})::VARCHAR"
