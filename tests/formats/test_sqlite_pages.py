"""Columns taken from the pages of a SQLite file are what SQLite reads, or are left to it."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from labtop.errors import InputError
from labtop.formats.sqlite_pages import Cells, UnusualError, read_cells

_CHANCE = random.Random(1)
_WHOLE = (0, 1, -1, 127, -128, 200, 2**15, -(2**23), 2**31, 2**40, -(2**47), 2**62, -(2**63), 2**63 - 1)
_REAL = (0.0, 1.0, -2.5, 1e308, 5e-324, math.inf, None, 3.0, 1e15)


def _table(path: Path, rows: int, page: int = 4096) -> int:
    """A table of texts, numbers and whole numbers; the page at which it begins."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute("CREATE TABLE t (name VARCHAR(250), value FLOAT, whole BIGINT, run TEXT)")
        content = [
            (f"metric/{n % 7}" + "é" * (n % 50), _REAL[n % 9], _WHOLE[n % 14], f"{n // 40:032x}")
            for n in range(rows)
        ]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", content)
        connection.execute("DELETE FROM t WHERE rowid % 11 = 3")
        connection.execute("CREATE INDEX i ON t (run)")
        connection.commit()
        return int(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 't'").fetchone()[0])


def _rows(cells: Cells) -> list[tuple[int, bytes, str, int, bytes]]:
    names, runs = cells.texts(0), cells.texts(3)
    columns = zip(
        cells.rowids.tolist(),
        names.codes,
        cells.numbers(1).tolist(),
        cells.integers(2).tolist(),
        runs.codes,
        strict=True,
    )
    return [
        (row, names.distinct[name], repr(value), whole, runs.distinct[run])
        for row, name, value, whole, run in columns
    ]


@pytest.mark.parametrize(("rows", "page"), [(1, 4096), (30, 512), (3000, 512), (5000, 4096), (9000, 65536)])
def test_pages_say_what_sqlite_says(tmp_path: Path, rows: int, page: int) -> None:
    """Numbers of all widths, NULL, texts of all lengths, deleted rows, trees of every depth; whole and in part."""
    root = _table(tmp_path / "a.db", rows, page)
    query = "SELECT rowid, CAST(name AS BLOB), value, whole, CAST(run AS BLOB) FROM t"
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        told = [
            (n, name, repr(math.nan if v is None else v), w, run)
            for n, name, v, w, run in connection.execute(query)
        ]
    for first, last in ((1, rows), (rows // 3, rows // 2), (rows + 5, rows + 9)):
        cells = read_cells(tmp_path / "a.db", root, 4, first, last, 10_000)
        found = [each for each in _rows(cells) if first <= each[0] <= last]
        assert found == [each for each in told if first <= each[0] <= last]


def test_what_is_unusual_is_left_to_sqlite(tmp_path: Path) -> None:
    """Rows larger than a page, rows from before a column was added, text where a number belongs, too many pages."""
    path = tmp_path / "a.db"
    root = _table(path, 2000)
    with pytest.raises(UnusualError):
        read_cells(path, root, 4, 1, 2000, 5)
    with pytest.raises(UnusualError):
        read_cells(path, root, 5, 1, 2000, 1000)
    with pytest.raises(UnusualError):
        read_cells(path, root, 4, 1, 2000, 1000).integers(0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO t VALUES (?, 1, 1, 'a')", ["x" * 9000])
        connection.commit()
    with pytest.raises(UnusualError):
        read_cells(path, root, 4, 1, 3000, 1000)


def test_damage_is_left_to_sqlite(tmp_path: Path) -> None:
    """Bits flipped anywhere and files cut off: nothing else is raised, and nothing takes long."""
    path = tmp_path / "a.db"
    root = _table(path, 1500)
    whole = path.read_bytes()
    for case in range(150):
        content = bytearray(whole)
        for _ in range(10):
            content[_CHANCE.randrange(len(content))] ^= 1 << _CHANCE.randrange(8)
        if case % 5 == 0:
            del content[_CHANCE.randrange(len(content)) :]
        path.write_bytes(content)
        try:
            _rows(read_cells(path, root, 4, 1, 1500, 1000))
        except (UnusualError, InputError):
            continue
