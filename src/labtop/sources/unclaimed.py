"""Names files that are called as logs are, and so damaged that no source knows them, lest they be missed unsaid."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import open_regular, read_text
from labtop.formats.json_text import parse_json
from labtop.formats.parquet import open_parquet
from labtop.formats.sqlite_checks import unsound
from labtop.formats.sqlite_file import connect_unchanged
from labtop.sources.source import Listing

_HEAD = 512
_MAGIC = b"SQLite format 3\0"
_NO_TEXT = re.compile(rb"[\0-\x06\x0e-\x1a\x1c-\x1f]")
_MOST_JSON = 2**24
_DATABASES = (".db", ".sqlite", ".sqlite3", ".db3", ".mlflow")
_LOGS = re.compile(
    r"(?:.*\.)?monitor\.csv|(?:progress|training|train_log|history|metrics|results|log)\.csv|training\.log"
    r"|(?:history|metrics|log|results)\.(?:jsonl|parquet|tsv)"
    r"|results_\d{4}-\d\d-\d\dt[\d.-]+\.json"
)


def unread(listing: Listing, claimed: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """The files of a folder that no source claimed, though their names say that they are logs, and what is wrong."""
    for name in listing.files:
        lower = name.lower()
        is_database = lower.endswith(_DATABASES)
        if not (is_database or _LOGS.fullmatch(lower)) or (path := listing.folder / name) in claimed:
            continue
        try:
            reason = _of_database(path, listing) if is_database else _of_text(path)
            reason = reason or (_WHOLE[path.suffix](path) if path.suffix in _WHOLE else "")
        except PermissionError as error:
            reason = f"cannot be read: {error.strerror}"
        except (OSError, InputError):
            continue
        if reason:
            yield path, reason


def _of_text(path: Path) -> str:
    head = _head(path)
    if not head.strip():
        return "is empty"
    if not head.strip(b"\0"):
        return "holds only NUL bytes"
    is_text = path.suffix != ".parquet" and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "is no text: it is damaged" if is_text and _NO_TEXT.search(head) else ""


def _of_parquet(path: Path) -> str:
    try:
        with open_parquet(path):
            return ""
    except InputError as error:
        return f"cannot be read: {error.message.removeprefix(f'{path}: ')}"


def _of_json(path: Path) -> str:
    try:
        parse_json(read_text(path, _MOST_JSON).text)
    except InputError as error:
        return f"is damaged: {error.message}"
    return ""


def _of_monitor(path: Path) -> str:
    return "is not as Stable-Baselines3 writes it" if path.name.endswith("monitor.csv") else ""


_WHOLE = {".parquet": _of_parquet, ".json": _of_json, ".csv": _of_monitor}


def _of_database(path: Path, listing: Listing) -> str:
    """What is wrong with a database that can only be a tracker's, or that SQLite cannot read, whoever's it is."""
    head = _head(path)
    is_mlflow = "mlflow" in path.name.lower()
    is_trackers = is_mlflow or f"{path.stem}.lock" in listing.files or listing.is_named
    if head.startswith(_MAGIC):
        try:
            with closing(connect_unchanged(path)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
                damage = unsound(connection, path) if is_trackers else ""
        except sqlite3.Error as error:
            return f"cannot be read by SQLite: {error}"
        return damage or ("is a SQLite database without the tables of MLflow" if is_mlflow else "")
    has_log = f"{path.name}-wal" in listing.files
    if not is_trackers or has_log:
        return ""
    return "is empty" if not head else "is no SQLite database: its beginning is damaged"


def _head(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(_HEAD)
