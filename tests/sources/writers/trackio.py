"""Writes what Trackio writes: databases of old and new versions, fragments, and exports."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
WHEN = "2026-01-02T03:04:05+00:00"


def make_database(path: Path, is_old: bool = False) -> Path:
    """An empty database: of today, or as before 0.24, without run ids and without most tables."""
    run = "run_name TEXT NOT NULL" if is_old else "run_id TEXT NOT NULL, run_name TEXT NOT NULL"
    more = "" if is_old else ", log_id TEXT, space_id TEXT"
    number = "id INTEGER PRIMARY KEY AUTOINCREMENT"
    tables = [
        f"metrics ({number}, {run}, timestamp TEXT, step INTEGER NOT NULL, metrics TEXT NOT NULL{more})",
        f"configs ({number}, {run}, config TEXT NOT NULL, created_at TEXT NOT NULL)",
        f"system_metrics ({number}, {run}, timestamp TEXT, metrics TEXT NOT NULL{more})",
    ]
    if not is_old:
        tables += [
            f"alerts ({number}, {run}, timestamp TEXT, title TEXT, text TEXT, level TEXT, step INTEGER)",
            f"artifacts ({number}, name TEXT, type TEXT)",
            f"artifact_versions ({number}, artifact_id INTEGER, version INTEGER, manifest_digest TEXT, manifest TEXT,"
            " size_bytes INTEGER)",
            f"run_artifact_links ({number}, run_id TEXT, run_name TEXT, run_project TEXT, artifact_version_id INTEGER,"
            " direction TEXT)",
        ]
    with closing(sqlite3.connect(path)) as connection:
        for each in tables:
            connection.execute(f"CREATE TABLE {each}")
        connection.commit()
    path.with_suffix(".lock").touch()
    return path


def insert(path: Path, table: str, rows: Sequence[Row]) -> None:
    """Insert rows; mappings and lists become JSON, as BLOBs, as Trackio's own are."""
    with closing(sqlite3.connect(path)) as connection:
        for row in rows:
            values = [_cell(each) for each in row.values()]
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)
        connection.commit()


def _cell(value: Any) -> Any:
    return json.dumps(value).encode() if isinstance(value, dict | list) else value


def log(path: Path, run_id: str, name: str, calls: Sequence[Mapping[str, Any]], first: int = 0) -> None:
    """Log calls to a run, one a second, in a database with run ids."""
    insert(
        path,
        "metrics",
        [
            {"run_id": run_id, "run_name": name, "timestamp": f"2026-01-02T03:04:{at % 60:02}+00:00", "step": at,
             "metrics": dict(values), "log_id": f"{run_id}-{at}"}
            for at, values in enumerate(calls, first)
        ],
    )  # fmt: skip


def write_fragment(inbox: Path, records: Sequence[Row], writer: str = "w1", number: int = 0) -> Path:
    """A fragment in an inbox."""
    path = inbox / writer / f"{number:08d}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in records), "utf-8")
    return path


def fragment_record(project: str, run: str, run_id: str, step: int, metrics: Row, **more: Any) -> Row:
    """A record of a log call that waits in an inbox."""
    return {"v": 1, "kind": "metric", "project": project, "run": run, "run_id": run_id, "metrics": metrics,
            "step": step, "timestamp": WHEN, "log_id": f"{run_id}-{step}", **more}  # fmt: skip
