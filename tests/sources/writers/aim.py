"""Writes the database of an Aim repository, of now and of before it had tags and ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

_NEW = """
CREATE TABLE experiment (id INTEGER PRIMARY KEY, uuid TEXT, name TEXT, is_archived BOOLEAN);
CREATE TABLE tag (id INTEGER PRIMARY KEY, uuid TEXT, name TEXT, color TEXT);
CREATE TABLE run_tag (run_id INTEGER, tag_id INTEGER);
CREATE TABLE note (id INTEGER PRIMARY KEY, content TEXT, run_id INTEGER);
CREATE TABLE run (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, is_archived BOOLEAN,
                  created_at DATETIME, updated_at DATETIME, experiment_id INTEGER, finalized_at DATETIME);
INSERT INTO experiment VALUES (1, 'x', 'digits é', 0);
INSERT INTO tag VALUES (1, 'x', 'β', NULL), (2, 'y', 'good', NULL);
"""
_OLD = "CREATE TABLE run (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, created_at DATETIME);"


def write_repository(folder: Path, hashes: Sequence[str], is_old: bool = False) -> Path:
    """A `.aim` folder with these runs in the database and empty folders for their data; gives it."""
    place = folder / ".aim"
    (place / "meta" / "chunks").mkdir(parents=True)
    with closing(sqlite3.connect(place / "run_metadata.sqlite")) as connection:
        connection.executescript(_OLD if is_old else _NEW)
        for at, name in enumerate(hashes, 1):
            created = "2026-01-02 03:04:05.000006"
            if is_old:
                connection.execute("INSERT INTO run VALUES (?, ?, ?, ?)", [at, name, f"run {at}", created])
                continue
            connection.execute(
                "INSERT INTO run VALUES (?, ?, ?, 'about it', ?, ?, ?, 1, ?)",
                [
                    at,
                    name,
                    f"run {at}",
                    at == 2,
                    created,
                    created,
                    "2026-01-02 03:05:05" if at == 1 else None,
                ],
            )
            connection.execute("INSERT INTO run_tag VALUES (?, 1), (?, 2)", [at, at])
            connection.execute(
                "INSERT INTO note (content, run_id) VALUES ('first', ?), ('second', ?)", [at, at]
            )
        connection.commit()
    return place


def write_chunks(place: Path, name: str) -> None:
    """Files as RocksDB has them for a run; their content is nothing that it could read."""
    for part in ("meta", "seqs"):
        folder = place / part / "chunks" / name
        folder.mkdir(parents=True)
        for each in ("000009.sst", "000008.log", "CURRENT", "LOCK"):
            (folder / each).write_bytes(b"x" * 20)
