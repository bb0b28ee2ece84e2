"""Opens SQLite databases of others without changing a byte of theirs, nor leaving a file beside them.

SQLite makes `-wal` and `-shm` files even for those who only read a database in WAL mode. So one whose log is empty is
opened as unchangeable, and one with a log is copied together with it.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labtop.errors import InputError
from labtop.formats.files import open_regular, size_of
from labtop.formats.sqlite_checks import unsound
from labtop.formats.sqlite_lines import is_converted, page_size, restored

_MAGIC = b"SQLite format 3\0"
_TRIES = 5
_SMALL = 2**20
_LONGEST_VALUE = 128 * 2**20
_LAST_ROW = 2**62
_TURN = 1_000_000  # instructions of SQLite's machine: about 10 ms
_FEWEST_TURNS = 50
_BYTES_A_TURN = 2000
_SIDE_FILES = ("-wal", "-journal")


def is_sqlite(path: Path) -> bool:
    """Whether a file begins as SQLite databases do."""
    try:
        with open_regular(path) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, InputError):
        return False


def glimpse_tables(path: Path) -> frozenset[str]:
    """The names of the tables of a database, without its log: quick, for a look at what it may be. Empty if none."""
    if not is_sqlite(path):
        return frozenset()
    try:
        with closing(connect_unchanged(path)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return frozenset(str(row[0]) for row in rows)
    except sqlite3.Error:
        return frozenset()


def side_files(path: Path) -> list[Path]:
    """The files that may hold what is not in the database itself yet; they need not be there."""
    return [path.with_name(path.name + suffix) for suffix in _SIDE_FILES]


def connect_unchanged(path: Path) -> sqlite3.Connection:
    """A connection to a database without its log, for a look. Raises sqlite3.Error, there or when it is used.

    Of one whose line ends were converted, to a copy in memory where that is undone.
    """
    if not is_converted(path):
        return _connect(path, "mode=ro&immutable=1")
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        connection.deserialize(restored(path))
    except (OSError, InputError, MemoryError) as error:
        connection.close()
        raise sqlite3.OperationalError(str(error)) from error
    return _guarded(connection, path.stat().st_size)


@contextmanager
def open_sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a database as it is now, read-only; text that is no UTF-8 is decoded with replacement.

    Raises:
        OSError: it cannot be read.
        InputError: it is no database, or it changes faster than it can be copied. Errors of SQLite within the `with`
            statement are InputErrors too.
    """
    with open_regular(path) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise InputError(f"{path} is no SQLite database")
    try:
        if any(size_of(each) > 0 for each in side_files(path)):
            with (
                tempfile.TemporaryDirectory(prefix="labtop-", ignore_cleanup_errors=True) as folder,
                closing(_connect(_copy(path, Path(folder)), "mode=rw")) as connection,
            ):
                yield connection
        else:
            with closing(connect_unchanged(path)) as connection:
                yield connection
    except sqlite3.Error as error:
        reason = "its pages point to each other, so it has no end" if is_endless(error) else str(error)
        raise InputError(f"{path}: {reason}") from error


def is_endless(error: sqlite3.Error) -> bool:
    """Whether reading was given up because it took more than a database of this size can need."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT


def _connect(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?{options}", uri=True, check_same_thread=False
    )
    return _guarded(connection, size_of(path))


def _guarded(connection: sqlite3.Connection, size: int) -> sqlite3.Connection:
    """A connection that writes nothing, runs nothing that somebody put into the database, and comes to an end.

    Pages that point to each other can make a small file an endless table, so there is a limit to the work of a
    statement for the size of the file; when it was met once, the next ones get no more.
    """
    most = left = _FEWEST_TURNS + size // _BYTES_A_TURN

    def begin(_: str) -> None:
        nonlocal left
        left = most if left >= 0 else left

    def is_too_much() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    connection.set_trace_callback(begin)
    connection.set_progress_handler(is_too_much, _TURN)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    connection.execute("PRAGMA query_only = ON")
    connection.execute(
        "PRAGMA writable_schema = ON"
    )  # else nothing at all is read of a file that is cut short
    connection.execute("PRAGMA trusted_schema = OFF")  # a view of theirs may not call functions with effects
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    _refuse_views(connection)
    return connection


def _refuse_views(connection: sqlite3.Connection) -> None:
    """Let no view be read: one that is called like a table may count for ever. No tracker has any."""
    try:
        views = {
            str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")
        }
    except sqlite3.Error:
        return  # so damaged that nothing else can be read either
    if views:
        connection.set_authorizer(
            lambda _action, _first, _second, _database, within: (
                sqlite3.SQLITE_DENY if within in views else sqlite3.SQLITE_OK
            )
        )


def damage_of(path: Path, connection: sqlite3.Connection) -> str:
    """What to say of a database that is cut short, converted as if it were text, or not sound within; else empty.

    Raises:
        OSError: it cannot be read.
    """
    return _damage_outside(path) or unsound(connection, path)


def _damage_outside(path: Path) -> str:
    if is_converted(path):
        return f"{path.name}: its line ends were converted (LF to CRLF), as Git and FTP do with texts; read as before"
    with open_regular(path) as file:
        header = file.read(100)
        size = file.seek(0, 2)
    page = page_size(header)
    pages, changed, valid = (int.from_bytes(header[at : at + 4], "big") for at in (28, 24, 92))
    if len(header) < 100 or not page or changed != valid or pages * page <= size:
        return ""
    return f"{path.name} is cut short: {size:,} of {pages * page:,} bytes are there"


def salvaged(
    connection: sqlite3.Connection, query: str, values: Sequence[Any], problems: list[str], table: str
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query over a table as far as they can be read, also behind a damaged page.

    The query begins with the rowid, has `rowid > ?` last and gives the rows in that order; `values` are those before.
    """
    after, step, error = -1, 1, ""
    while after < _LAST_ROW:
        try:
            for row in connection.execute(query, [*values, after]):
                if row[0] > after:  # else pages point backwards: it would be read for ever
                    yield row
                    after, step = row[0], 1
            break
        except sqlite3.Error as damage:
            error = (
                error or f"table {table}: not all rows can be read, from number {after + 1:,} on: {damage}"
            )
            if is_endless(damage):
                break
            after, step = after + step, step * 2  # the rows of a page are not many
    if error and error not in problems:
        problems.append(error)


def _copy(path: Path, folder: Path) -> Path:
    """A copy of a database and its log as they were at one moment."""
    for _ in range(_TRIES):
        before = _state(path)
        for each in (path, *side_files(path)):
            if each.exists():
                shutil.copyfile(each, folder / each.name)
            else:
                (folder / each.name).unlink(missing_ok=True)
        if _state(path) == before:
            return folder / path.name
    raise InputError(f"{path} changes faster than it can be copied", "look again when less is written")


def _state(path: Path) -> list[tuple[int, int]]:
    found = []
    for each in (path, *side_files(path)):
        try:
            status = each.stat()
            found.append((status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((-1, 0))
    return found


def has_tables(path: Path, wanted: Mapping[str, Collection[str]]) -> bool:
    """Whether a file is a database with some tables, each with some columns. Copies nothing, however large it is.

    Of one that has just been made, the tables may lie in its log alone: then that is looked into too.
    """
    if not is_sqlite(path):
        return False
    try:
        with closing(connect_unchanged(path)) as connection:
            if all(set(columns) <= table_columns(connection, table) for table, columns in wanted.items()):
                return True
        if size_of(path) > _SMALL or not any(size_of(each) > 0 for each in side_files(path)):
            return False
        with open_sqlite(path) as connection:
            return all(set(columns) <= table_columns(connection, table) for table, columns in wanted.items())
    except (sqlite3.Error, OSError, InputError):
        return False


def table_columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns of a table; empty when it is not there, or is a view or a virtual one. Old databases lack some."""
    is_real = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?1 COLLATE NOCASE"
    rows = connection.execute(f"SELECT name FROM pragma_table_info(?1) WHERE EXISTS ({is_real})", [table])
    return frozenset(str(row[0]) for row in rows)


def select(
    connection: sqlite3.Connection,
    table: str,
    wanted: Sequence[str],
    rest: str = "",
    values: Sequence[Any] = (),
) -> Iterator[tuple[Any, ...]]:
    """Rows of a table with the columns wanted, NULL for those that it has not. `rest` follows the name of the table.

    A damaged page ends the rows with the error that SQLite gives for it.
    """
    there = table_columns(connection, table)
    columns = ", ".join(f'"{name}"' if name in there else f'NULL AS "{name}"' for name in wanted)
    yield from connection.execute(f'SELECT {columns} FROM "{table}" {rest}', values)
