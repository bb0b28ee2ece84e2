"""The older rows of the run table: taken from the cache file when a store is opened, written there when it is worth it.

The first page is answered straight from the file; then the columns that are used most are brought into memory, and
the others when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labtop.errors import QueryError
from labtop.query.cache import ROW_GROUP, Cache, CachedIndex, Identity
from labtop.query.edits import Edits
from labtop.query.engine import quote_name, quote_text
from labtop.query.environments import Environments
from labtop.query.found_columns import FoundColumns
from labtop.query.known_folders import KnownFolders
from labtop.query.run_index import RunIndex

_WORTH_SAVING = 64
_WORTH_SAVING_SHARE = 0.02
_CHEAP_TO_SAVE = 20_000
_CACHED = "(t._final OR t.status IN ('crashed', 'unknown'))"


class CachedRows:
    """What the cache holds of `index`. For one thread at a time, but `_load_cold`, which readers may call."""

    def __init__(
        self,
        index: RunIndex,
        known: KnownFolders,
        environments: Environments,
        cache: Cache,
        on_change: Callable[[], None],
    ) -> None:
        self._index = index
        self._known = known
        self._environments = environments
        self._cache = cache
        self._on_change = on_change
        self._columns: Mapping[str, str] = {}
        self._identity: Identity | None = None
        self.is_gone = False
        """Whether the cache file went away under us: what it still held of our rows must be read again."""

    def take(self, on_progress: Callable[[int, int], None] | None) -> bool:
        """Take in what is remembered of the store; False when that is nothing, or damaged."""
        cached = self._cache.load(self._index.engine)
        if cached is None:
            return False
        try:
            self._take(cached, on_progress)
        except (
            LookupError,
            TypeError,
            ValueError,
            QueryError,
        ):  # damaged where the first look did not see it
            self._index.reset()
            self._known.forget()
            return False
        return True

    def _take(self, cached: CachedIndex, on_progress: Callable[[int, int], None] | None) -> None:
        state, index, engine = cached.state, self._index, self._index.engine
        found = FoundColumns.from_json(state["columns"], state["cut"])
        index.reset(found, Edits(**state["edits"]), cached.rows)
        self._known.adopt(state)
        self._columns, self._identity = dict(cached.columns), cached.identity
        engine.execute(
            f"""CREATE OR REPLACE VIEW base_file AS
                SELECT file_row_number::UINTEGER AS "row", * EXCLUDE (file_row_number)
                FROM read_parquet([{quote_text(str(self._cache.index))}], file_row_number = true)"""
        )
        index.table.set_base("base_file", True, None)
        self._on_change()
        if on_progress:
            on_progress(cached.rows, cached.rows)
        columns = ", ".join(quote_name(key) for key in index.table.common_keys())
        # several threads decompress several row groups at once: 45 MB more at the peak for a tenth of a second
        with engine.one_thread():
            engine.execute(f"CREATE OR REPLACE TABLE base AS SELECT {columns} FROM base_file")
        if self._cache.identity() != cached.identity:
            raise ValueError("another labtop replaced the file meanwhile")
        index.table.set_base("base", False, self._load_cold)
        for row in engine.query('SELECT "row", id, _folder, _stamp FROM base WHERE NOT _final'):
            index.live.adopt(*row)
        self._on_change()

    def _load_cold(self, name: str, keys: Sequence[str]) -> None:
        """Columns of `base` from the file; found by folder and stamp, for another labtop may have replaced it."""
        engine, table = self._index.engine, self._index.table
        there = [key for key in keys if table.column_of(key) in self._columns]
        columns = ", ".join(
            f"{table.sql(key, 'p') if key in there else f'NULL::{table.types[key]}'} AS {quote_name(key)}"
            for key in keys
        )
        if not there:
            engine.execute(f'CREATE TABLE {name} AS SELECT "row", {columns} FROM base WHERE false')
            return
        try:
            if self._load_cold_by_place(name, columns):
                return
            engine.execute(
                f"""CREATE OR REPLACE TABLE {name} AS SELECT b."row", {columns} FROM base b
                    JOIN read_parquet([{quote_text(str(self._cache.index))}]) p
                    ON p._folder = b._folder AND p._stamp = b._stamp"""
            )
            ((loaded, wanted),) = engine.query(
                f"SELECT (SELECT count(*) FROM {name}), (SELECT count(*) FROM base)"
            )
            self.is_gone |= loaded < wanted
        except QueryError:
            nothing = ", ".join(f"NULL::{table.types[key]} AS {quote_name(key)}" for key in keys)
            engine.execute(f'CREATE OR REPLACE TABLE {name} AS SELECT "row", {nothing} FROM base WHERE false')
            self.is_gone = True

    def _load_cold_by_place(self, name: str, columns: str) -> bool:
        """The same by the place of rows, a quarter of the time; False when the file is not the one that was loaded."""
        if self._cache.identity() != self._identity:
            return False
        self._index.engine.execute(
            f"""CREATE OR REPLACE TABLE {name} AS SELECT p.file_row_number::UINTEGER AS "row", {columns}
                FROM read_parquet([{quote_text(str(self._cache.index))}], file_row_number = true) p"""
        )
        return self._cache.identity() == self._identity

    def lost_folders(self) -> list[str]:
        """The run folders whose rows are to be read again because the cache is gone; asked once."""
        self.is_gone = False
        return [
            row[0] for row in self._index.engine.query("SELECT _folder FROM base ORDER BY started_at DESC")
        ]

    def save_if_worth_it(self) -> None:
        """Save when much came that is not remembered."""
        if self._index.uncached > max(_WORTH_SAVING, _WORTH_SAVING_SHARE * self._index.next_row):
            self.save()

    def save_at_the_end(self) -> None:
        """Save what is not remembered yet, unless that would take longer than it is worth."""
        uncached = self._index.uncached
        if uncached > 0 and (self._index.next_row <= _CHEAP_TO_SAVE or uncached > _WORTH_SAVING):
            self.save()

    def save(self) -> bool:
        """Write the cache: runs that have ended, and crashed ones."""
        with self._index.engine.shielded():
            self._environments.load()
            index = self._index
            state: dict[str, Any] = {
                "columns": index.found.as_json(),
                "cut": dict(index.found.cut),
                "edits": index.edits.as_json(),
                **self._known.as_json(self._unended_folders()),
            }
            relation = index.table.relation(["_final", "status"])
            ((rows,),) = index.engine.query(f"SELECT count(*) FROM {relation} t WHERE {_CACHED}")
            replaced = index.table.has_base and self._cache.identity() != self._identity
            keys = [key for key in index.table.stored if key != "row"]
            saved = self._cache.save(
                index.engine, self._select(keys, rows), rows, len(keys), state, Environments.SQL
            )
            if not saved and replaced:
                self.is_gone = True  # another labtop's file may lack what only ours had of our rows
            else:
                # a folder that cannot be written is not tried again
                index.uncached = 0 if saved else -(2**62)
            return saved

    def _unended_folders(self) -> list[str]:
        relation = self._index.table.relation(["_folder", "_final", "status"])
        rows = self._index.engine.query(f"SELECT _folder FROM {relation} t WHERE NOT {_CACHED}")
        return [row[0] for row in rows]

    def _select(self, keys: Sequence[str], rows: int) -> str:
        """The rows for the cache: newest first where there are several row groups, so that the first page lies in one.

        To sort a table of thousands of columns takes as much memory again as it has.
        """
        table = self._index.table
        parts = table.select_fresh(keys, _CACHED)
        if table.has_base and self._index.engine.query("SELECT 1 FROM base LIMIT 1"):
            parts.append(self._select_base(keys, set(table.common_keys())))
        order = " ORDER BY started_at DESC NULLS LAST, id" if rows > ROW_GROUP else ""
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){order}"

    def _select_base(self, keys: Sequence[str], common: set[str]) -> str:
        columns = ", ".join(
            f"t.{quote_name(key)}"
            if key in common
            else f"p.{quote_name(key)}"
            if key in self._columns
            else f"NULL::{self._index.table.stored[key]}"
            for key in keys
        )
        return f"""SELECT {columns} FROM base t JOIN read_parquet([{quote_text(str(self._cache.index))}]) p
            ON p._folder = t._folder AND p._stamp = t._stamp WHERE {_CACHED}"""
