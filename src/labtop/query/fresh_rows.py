"""The rows that were indexed in this session: in one table, or in several where runs have little in common.

Runs of many trackers have thousands of params and metrics together and a few dozen each. One table of all would be
nearly all nulls, which take room as values do, and would be copied whenever others come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from labtop.query.engine import Engine, quote_name

_MOST_TABLES = 8
MANY_COLUMNS = 4
"""New columns that are better added all at once, to a table of few rows."""

_ROWS_A_COLUMN = 200
"""Rows that are copied, with all columns that they have, in the time in which a column is added."""

_LITTLE = 1_000_000
"""Values that are as soon copied as not."""

_MUCH = 500
"""Columns that rows would leave empty, from which on they are better put somewhere else."""

_MOST_DEAD = 5000
"""Deleted rows that are left lying before they are cleared away."""


@dataclass(frozen=True, slots=True)
class FreshTable:
    """A table, and the SQL types of its columns by key."""

    name: str
    columns: Mapping[str, str]


@dataclass(slots=True)
class FreshRows:
    """The tables. Written by one thread at a time; who reads takes `tables` once."""

    engine: Engine
    tables: tuple[FreshTable, ...] = ()
    dead: dict[str, int] = field(default_factory=dict)  # deleted rows whose room is not free yet, by table

    def begin(self, columns: Mapping[str, str]) -> FreshTable:
        """Another table with these columns."""
        table = FreshTable(f"fresh_{len(self.tables)}", dict(columns))
        said = ", ".join(f"{quote_name(key)} {sql}" for key, sql in columns.items())
        self.engine.execute(f"CREATE OR REPLACE TABLE {table.name} ({said})")
        self.tables = (*self.tables, table)
        return table

    def drop(self) -> None:
        """Take all tables away."""
        for table in self.tables:
            self.engine.execute(f"DROP TABLE IF EXISTS {table.name}")
        self.tables = ()

    def table_for(self, columns: Mapping[str, str]) -> FreshTable:
        """The table for rows that have values in some columns; it has them all."""
        best = min(self.tables, key=lambda each: self._cost(each, columns))
        cost, rows = self._cost(best, columns), rows_in(self.engine, best.name)
        is_worth_it = cost > max(MANY_COLUMNS, rows // _ROWS_A_COLUMN) and rows * len(best.columns) > _LITTLE
        if is_worth_it and len(self.tables) < _MOST_TABLES:
            return self.begin(columns)
        return self.widen(best, columns)

    @staticmethod
    def _cost(table: FreshTable, columns: Mapping[str, str]) -> int:
        missing = len(columns.keys() - table.columns.keys())
        return missing + max(0, len(table.columns) + missing - len(columns) - _MUCH)

    def widen(self, table: FreshTable, columns: Mapping[str, str]) -> FreshTable:
        """Give a table the columns that it lacks."""
        new = {key: sql for key, sql in columns.items() if key not in table.columns}
        if new:
            if add_columns(self.engine, table.name, new):
                self.dead.pop(table.name, None)
            table = self._changed(table, {**table.columns, **new})
        return table

    def retype(self, key: str, sql: str, values: str) -> None:
        """Let a column have another type everywhere; `values` make its values of those it had."""
        for table in self.tables:
            if key in table.columns:
                self.engine.execute(
                    f"ALTER TABLE {table.name} ALTER COLUMN {quote_name(key)} TYPE {sql} USING {values}"
                )
                self._changed(table, {**table.columns, key: sql})

    def _changed(self, table: FreshTable, columns: Mapping[str, str]) -> FreshTable:
        changed = replace(table, columns=columns)
        self.tables = tuple(changed if each is table else each for each in self.tables)
        return changed

    def of_row(self, row: int) -> FreshTable | None:
        """The table that has a row."""
        for table in self.tables if len(self.tables) > 1 else ():
            if self.engine.query(f'SELECT 1 FROM {table.name} WHERE "row" = {row}'):
                return table
        return self.tables[0] if len(self.tables) == 1 else None

    def removed(self, table: str, count: int) -> None:
        """Rows were deleted."""
        self.dead[table] = self.dead.get(table, 0) + count

    def free_dead_rows(self) -> None:
        """Copy a table when most of it is dead: running runs are replaced once a second for days."""
        for name, dead in list(self.dead.items()):
            if dead > _MOST_DEAD and dead > 3 * rows_in(self.engine, name):
                self.engine.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name}")
                del self.dead[name]

    def selects(self, keys: Sequence[str], types: Mapping[str, str], where: str) -> list[str]:
        """A query for each table that gives columns of its rows `t`; null where it has none."""
        found = []
        for table in self.tables:
            columns = ", ".join(
                f"t.{quote_name(key)}" if key in table.columns else f"NULL::{types[key]} AS {quote_name(key)}"
                for key in keys
            )
            found.append(f"SELECT {columns} FROM {table.name} t WHERE {where}")
        return found


def rows_in(engine: Engine, table: str) -> int:
    """How many rows a table has."""
    return int(engine.query(f"SELECT count(*) FROM {table}")[0][0])


def add_columns(engine: Engine, table: str, columns: Mapping[str, str]) -> bool:
    """Give a table more columns; whether it was copied for that, which takes its memory twice.

    Each takes as long as the table has columns, so many are added at once where there are few rows to copy.
    """
    if len(columns) > max(MANY_COLUMNS, rows_in(engine, table) // _ROWS_A_COLUMN):
        new = ", ".join(f"NULL::{sql} AS {quote_name(key)}" for key, sql in columns.items())
        engine.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT *, {new} FROM {table}")
        return True
    for key, sql in columns.items():
        engine.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quote_name(key)} {sql}")
    return False
