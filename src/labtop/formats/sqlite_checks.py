"""Asks SQLite whether a database is sound: rows that a damaged page or index hides are not missed unsaid.

SQLite keeps no checksums, so a damaged number stays a number; but its pages and indexes have to fit to each other.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_MOST_WHOLE = 4 * 2**20  # every row against every index: 26 ms of processor for a MB
_MOST_QUICK = 64 * 2**20  # the shape of the pages alone: 2 ms for a MB
_AT_REST_S = 600.0
_NO_DAMAGE = (
    "ok",
    "NULL value in ",
    "NUMERIC value in ",
    "TEXT value in ",
    "non-unique entry",
    "CHECK constraint",
)
_SAID = 20


def unsound(connection: sqlite3.Connection, path: Path) -> str:
    """What SQLite finds wrong with the pages of a database; empty where nothing is, or where looking takes long.

    One that was written to lately is not looked through each time: who writes it would have met the damage.
    """
    try:
        status = path.stat()
        if time.time() - status.st_mtime < _AT_REST_S or status.st_size > _MOST_QUICK:
            return ""
        check = "integrity_check" if status.st_size <= _MOST_WHOLE else "quick_check"
        told = [str(row[0]) for row in connection.execute(f"PRAGMA {check}({_SAID})")]
    except OSError:
        return ""
    except sqlite3.Error as error:
        told = [str(error)]
    for said in told:
        if not said.startswith(_NO_DAMAGE):
            first = " ".join(said.replace("*** in database main ***", "").split())
            return f"{path.name} is damaged, so some of it may be missing or wrong: {first[:200]}"
    return ""
