"""Databases with damaged pages and indexes: what they hide is said."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from labtop.formats.sqlite_checks import unsound
from labtop.formats.sqlite_file import connect_unchanged
from labtop.sources import load_source
from labtop.sources.finding import survey
from tests.sources.damage import look
from tests.sources.writers.every import SAMPLES


def _age(path: Path) -> None:
    os.utime(path, (time.time() - 86_400,) * 2)


@pytest.mark.parametrize("name", ["mlflow-sql", "trackio"])
def test_no_point_is_missed_unsaid(name: str, tmp_path: Path) -> None:
    """Whatever bytes are overwritten: where runs or points are missing, a run says that the database is damaged."""
    path = SAMPLES[name](tmp_path)
    content = path.read_bytes()
    _age(path)
    sound, _ = look(load_source(name), tmp_path)
    points = sum(each["points"] for each in sound.values())
    chosen = random.Random(7)
    hurt = 0
    for _ in range(60):
        at = chosen.randrange(len(content) // 3, len(content))
        path.write_bytes(content[:at] + chosen.randbytes(24) + content[at + 24 :])
        _age(path)
        runs, said = look(load_source(name), tmp_path)
        if sum(each["points"] for each in runs.values()) < points:
            hurt += 1
            told = [*said, *(each for run in runs.values() for each in run["problems"])]
            assert told or survey(tmp_path).problems, at
    assert hurt > 0


def test_odd_values_are_no_damage(tmp_path: Path) -> None:
    """A NULL or a text where the columns say otherwise, as programs write them, is none."""
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.execute("INSERT INTO t VALUES ('x', 1), (NULL, NULL)")
        connection.execute("PRAGMA writable_schema = ON")
        changed = "CREATE TABLE t (a INTEGER NOT NULL, b TEXT)"
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 't'", [changed])
        connection.commit()
    _age(path)
    with closing(connect_unchanged(path)) as connection:
        assert unsound(connection, path) == ""
