"""Databases whose pages point to each other: a small file that would be read for ever comes to an end."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from labtop.errors import InputError
from labtop.formats import sqlite_file
from labtop.formats.sqlite_file import open_sqlite, salvaged

_PAGE = 4096
_QUERY = "SELECT rowid, x FROM points NOT INDEXED WHERE rowid > ? ORDER BY rowid"


def _database(path: Path, pages: int = 14) -> int:
    """A table of one row on a page of its own; behind it, empty pages. Gives the table's root page."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("CREATE TABLE points (x)")
        connection.execute("INSERT INTO points VALUES (1)")
        connection.execute("CREATE TABLE other (x)")
        connection.execute("INSERT INTO other VALUES (?)", ["x" * (_PAGE * pages)])
        connection.commit()
        root: int = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'points'").fetchone()[
            0
        ]
        return root


def _interior(child: int, keys: list[int]) -> bytes:
    """A page of a table's tree that leads to `child` many times over."""
    cells = [struct.pack(">IB", child, key) for key in keys]
    end = _PAGE - sum(map(len, cells))
    places = [end + 5 * at for at in range(len(cells))]
    head = struct.pack(">BHHHBI", 5, 0, len(cells), end, 0, child)
    return (head + struct.pack(f">{len(places)}H", *places)).ljust(end, b"\0") + b"".join(cells)


def _point_to_each_other(path: Path, root: int, levels: int = 10) -> None:
    content = bytearray(path.read_bytes())
    chain = [root, *range(len(content) // _PAGE - levels, len(content) // _PAGE + 1)]
    leaf = bytes(content[(root - 1) * _PAGE : root * _PAGE])
    for at, page in enumerate(chain):
        new = leaf if at == len(chain) - 1 else _interior(chain[at + 1], [1] * 100)
        content[(page - 1) * _PAGE : page * _PAGE] = new
    path.write_bytes(content)


def test_pages_that_point_to_each_other_come_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of 60 KB with 10^20 rows is given up with a sentence, however it is asked."""
    monkeypatch.setattr(sqlite_file, "_FEWEST_TURNS", 1)
    monkeypatch.setattr(sqlite_file, "_BYTES_A_TURN", 2**20)
    path = tmp_path / "endless.db"
    _point_to_each_other(path, _database(path))
    with pytest.raises(InputError, match="has no end"), open_sqlite(path) as connection:
        connection.execute("SELECT count(x) FROM points").fetchall()
    problems: list[str] = []
    with open_sqlite(path) as connection:
        rows = list(salvaged(connection, _QUERY, [], problems, "points"))
    assert rows == [(1, 1)]
    assert len(problems) == 1


def test_rows_that_are_out_of_order_are_given_once(tmp_path: Path) -> None:
    """A key that a damaged page makes smaller does not start the reading again from there."""
    path = tmp_path / "order.db"
    root = _database(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO points VALUES (?)", [(number,) for number in range(2, 4000)])
        connection.commit()
    content = path.read_bytes()
    pages = [content[at : at + _PAGE] for at in range(0, len(content), _PAGE)]
    leaves = [at for at, page in enumerate(pages) if page[0] == 13 and at != root - 1]
    pages[leaves[3]], pages[leaves[-2]] = pages[leaves[-2]], pages[leaves[3]]
    pages[leaves[5]] = b"\x0d" + b"\xff" * (_PAGE - 1)
    path.write_bytes(b"".join(pages))
    problems: list[str] = []
    with open_sqlite(path) as connection:
        rows = [row[0] for row in salvaged(connection, _QUERY, [], problems, "points")]
    assert rows == sorted(set(rows))
    assert len(rows) > 1000
