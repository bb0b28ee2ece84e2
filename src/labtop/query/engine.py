"""The only home of DuckDB: connections that load nothing by themselves, a cursor a thread, and interruption.

Foreign errors become `QueryError` here. Works with DuckDB 1.5 and 2.x.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from labtop.errors import QueryError

if TYPE_CHECKING:
    import duckdb
    import polars

Row: TypeAlias = tuple[Any, ...]

QUIET_CONFIG: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
"""No connection of ours fetches or loads code by itself."""


class InterruptedQueryError(QueryError):
    """The query was interrupted on purpose: a newer question came."""


def quote_name(name: str) -> str:
    """A name as an SQL identifier; any character may be in it."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text as an SQL literal, for the few places that take no parameter (COPY, read_parquet in a view)."""
    return "'" + text.replace("'", "''") + "'"


def quote_list(texts: Sequence[str | Path]) -> str:
    """A list of texts or paths as an SQL literal."""
    return "[" + ", ".join(quote_text(str(text)) for text in texts) + "]"


def new_connection(database: str = ":memory:", **config: Any) -> duckdb.DuckDBPyConnection:
    """A bare DuckDB connection that neither installs nor loads extensions; `config` adds DuckDB settings."""
    import duckdb

    with translated_errors():
        return duckdb.connect(database, config={**QUIET_CONFIG, **config})


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn errors of DuckDB into ours, chained."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException as error:
        raise InterruptedQueryError("the query was interrupted") from error
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    except UnicodeDecodeError as error:  # a message about a damaged file has bytes of it
        raise QueryError(f"a file is damaged: text that is not UTF-8: {error.object!r:.200}") from error
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl+C while it works
            raise KeyboardInterrupt from error
        raise


class Engine:
    """An in-memory database shared by threads: each thread gets its own cursor on its first query."""

    def __init__(self, threads: int | None = None, **config: Any) -> None:
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self.connection = new_connection(threads=self._threads, **config)
        self._cursors = threading.local()
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """The cursor of the calling thread."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._cursors, "cursor", None)
        if cursor is None:
            cursor = self._cursors.cursor = self.connection.cursor()
        return cursor

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """All rows of a query; `interrupt` from another thread ends it with `InterruptedQueryError`."""
        cursor = self.cursor()
        with translated_errors(), self._interruptible(cursor):
            return cursor.execute(sql, parameters).fetchall()

    def dictionaries(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """All rows of a query by column name."""
        cursor = self.cursor()
        with translated_errors(), self._interruptible(cursor):
            rows = cursor.execute(sql, parameters).fetchall()
            names = [each[0] for each in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def execute(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> None:
        """Run a statement for its effect; `interrupt` does not touch it."""
        with translated_errors():
            self.cursor().execute(sql, parameters)

    def arrays(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, Any]:
        """The columns of a query as numpy arrays (imports numpy; for curves)."""
        cursor = self.cursor()
        with translated_errors(), self._interruptible(cursor):
            found: dict[str, Any] = cursor.execute(sql, parameters).fetchnumpy()
            return found

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> polars.DataFrame:
        """A query as a Polars frame (imports polars and pyarrow; for scripts, never for browsing)."""
        cursor = self.cursor()
        with translated_errors(), self._interruptible(cursor):
            import polars

            # by way of Arrow, which both speak
            frame = polars.from_arrow(cursor.sql(sql, params=list(parameters)).to_arrow_table())
        assert isinstance(frame, polars.DataFrame)
        return frame

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """While it lasts, DuckDB takes its time and little memory."""
        self.execute("SET threads = 1")
        try:
            yield
        finally:
            self.execute(f"SET threads = {self._threads}")

    def interrupt(self) -> None:
        """Stop every `query` that runs now, in whatever thread."""
        with self._lock:
            for cursor in self._running:
                cursor.interrupt()

    def close(self) -> None:
        """Free the database; no query may run any more."""
        self.connection.close()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """While it lasts, `interrupt` does not touch queries of the calling thread."""
        before = getattr(self._cursors, "is_shielded", False)
        self._cursors.is_shielded = True
        try:
            yield
        finally:
            self._cursors.is_shielded = before

    @contextmanager
    def _interruptible(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        if getattr(self._cursors, "is_shielded", False):
            yield
            return
        with self._lock:
            self._running.add(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(cursor)
