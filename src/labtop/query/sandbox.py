"""Runs SQL of a user read-only over the views, and nothing else: the third gate, and the limits.

The query runs in a database of its own that holds copies of the tables it needs. Before it runs, that database is
locked: it can open no file but the metric files its views read, load nothing, change no setting, and use no more
memory and time than it was given. What a query may say at all is decided in sql_gate.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from labtop.errors import QueryError
from labtop.query.engine import (
    InterruptedQueryError,
    new_connection,
    quote_list,
    quote_text,
    translated_errors,
)
from labtop.query.request import Problem
from labtop.query.sql_gate import Ask, Needs, check_query, plain_functions

if TYPE_CHECKING:
    import duckdb

_BATCH = 10_000
_TICK_S = 0.05
_MOST_VALUES = 50_000_000
Fetched: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]]]
_LINE = re.compile(r"LINE (\d+): (.*)\n( *)\^")


class Views(Protocol):
    """Where the views come from; sql_views.py has the one for a catalog."""

    names: Sequence[str]

    def fill(self, connection: duckdb.DuckDBPyConnection, needs: Needs, quick: bool) -> Sequence[Path]:
        """Make the views that are needed in a new database; answers the files that they read when queried.

        `quick` may leave files unchecked that `drop_damaged` would find.
        """

    def problems(self) -> Sequence[Problem]:
        """What could not be read in the last `fill`."""

    def drop_damaged(self) -> bool:
        """After a failed query: look for damaged files and leave them out of the next `fill`; False if none."""


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """The rows of a query with the names and SQL types of its columns, and what could not be read for it."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    problems: tuple[Problem, ...] = ()


class Sandbox:
    """Answers queries one at a time; each gets a new locked database. `interrupt` works from any thread."""

    def __init__(
        self, views: Views, memory: str = "1GB", timeout_s: float = 30.0, threads: int | None = None
    ) -> None:
        self._views = views
        self._limits: dict[str, Any] = {"memory_limit": memory, **({"threads": threads} if threads else {})}
        self._timeout_s = timeout_s
        self._stopped: str | None = None  # why the running query is to stop
        self._gate: tuple[Ask, frozenset[str]] | None = (
            None  # a connection that parses, and the functions there are
        )

    def run(self, query: str) -> SqlAnswer:
        """The answer to one SELECT. Raises QueryError when it is refused, fails, or runs out of time or memory."""
        deadline = time.monotonic() + self._timeout_s
        self._stopped = None
        if self._gate is None:
            ask = _asker(new_connection(threads=1))
            self._gate = ask, plain_functions(ask)
        ask, functions = self._gate
        needs = check_query(query, self._views.names, functions, ask)
        while True:
            try:
                return self._attempt(query, needs, deadline)
            except InterruptedQueryError:
                raise
            except QueryError:
                if not self._views.drop_damaged():
                    raise

    def interrupt(self) -> None:
        """Stop the query that runs now."""
        self._stopped = self._stopped or "the query was interrupted"

    def _attempt(self, query: str, needs: Needs, deadline: float) -> SqlAnswer:
        with self._connection() as connection:
            files = self._views.fill(connection, needs, quick=True)
            lock_down(connection, files)
            try:
                columns, types, rows = self._fetch_until(connection, query, deadline)
            except QueryError as error:
                if self._stopped:
                    raise InterruptedQueryError(self._stopped, "ask for less") from error
                raise told(error, query) from error
        return SqlAnswer(columns, types, rows, tuple(self._views.problems()))

    def _fetch(self, connection: duckdb.DuckDBPyConnection, query: str) -> Fetched:
        with translated_errors():
            cursor = connection.execute(query)
            described = cursor.description or []
            rows: list[tuple[Any, ...]] = []
            while batch := cursor.fetchmany(_BATCH):
                rows += batch
                if self._stopped:
                    raise InterruptedQueryError(self._stopped)
                if len(rows) * len(described) > _MOST_VALUES:
                    raise QueryError(
                        f"the answer holds more than {_MOST_VALUES:,} values", "add LIMIT, or aggregate"
                    )
        return tuple(each[0] for each in described), tuple(str(each[1]) for each in described), rows

    def _fetch_until(self, connection: duckdb.DuckDBPyConnection, query: str, deadline: float) -> Fetched:
        """Fetch in a thread and watch from this one: Ctrl+C reaches Python while DuckDB works.

        It is interrupted again and again until it ends, for DuckDB forgets an interruption that comes just before a
        query starts.
        """
        with ThreadPoolExecutor(1, "sql") as pool:
            fetched = pool.submit(self._fetch, connection, query)
            try:
                while not wait([fetched], _TICK_S).done:
                    if time.monotonic() > deadline:
                        self._stopped = self._stopped or f"the query took longer than {self._timeout_s:g} s"
                    if self._stopped:
                        connection.interrupt()
            except BaseException:
                self._stopped = self._stopped or "the query was interrupted"
                while not wait([fetched], _TICK_S).done:
                    connection.interrupt()
                raise
            return fetched.result()

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = new_connection(**self._limits)
        try:
            yield connection
        finally:
            connection.close()


def lock_down(connection: duckdb.DuckDBPyConnection, files: Iterable[Path] = ()) -> None:
    """Take from a database, for good, all but reading `files`: no other file, network, extension or setting."""
    with translated_errors():
        paths = quote_list([str(path) for path in files])
        if paths != "[]":
            connection.execute(f"SET allowed_paths = {paths}")
        for name, value in (
            ("python_enable_replacements", "false"),
            ("temp_directory", quote_text("")),
            ("max_temp_directory_size", quote_text("0KB")),
            ("enable_external_access", "false"),
            ("lock_configuration", "true"),
        ):
            connection.execute(f"SET {name} = {value}")


def told(error: QueryError, query: str) -> QueryError:
    """An error of DuckDB in one line, with what it proposes as the hint and the character where it lies."""
    message, position = error.message, None
    if found := _LINE.search(message):
        position = _position(
            query, int(found.group(1)), found.group(2), len(found.group(3)) - len(found.group(1)) - 7
        )
        message = message[: found.start()]
    first, _, rest = message.strip().partition("\n")
    first = re.sub(r"^[A-Z][\w ]* Error: ", "", first)
    if "ut of memory" in error.message.lower() or "could not allocate" in error.message:
        first, rest = "the query needs more memory than it may use", "ask for less, or raise sql_memory"
    return QueryError(first, " ".join(rest.split()), position)


def _position(query: str, line: int, excerpt: str, column: int) -> int | None:
    """The character of the query under the caret of DuckDB's excerpt, which may be cut on the left."""
    lines = query.split("\n")
    if line > len(lines):
        return None
    before = sum(len(each) + 1 for each in lines[: line - 1])
    if excerpt.startswith("..."):
        start = lines[line - 1].find(excerpt[3:].removesuffix("..."))
        return before + start + column - 3 if start >= 0 and column >= 3 else None
    return before + column if 0 <= column <= len(lines[line - 1]) else None


def _asker(connection: duckdb.DuckDBPyConnection) -> Ask:
    def ask(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        with translated_errors():
            return connection.execute(sql, parameters).fetchall()

    return ask
