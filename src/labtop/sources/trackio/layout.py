"""Where Trackio keeps what, and how its places are told by their names.

A folder (`~/.cache/huggingface/trackio`, `$TRACKIO_DIR`) holds `<project>.db` with a `<project>.lock`, `media/`,
`artifacts/<project>/blobs/`, `registry-<name>.db`, and `inbox/<writer>/<n>.jsonl` with what was not folded in yet.
Exports are `<project>.parquet`, `<project>_configs.parquet`, … beside a database or alone, or a folder with
`metrics.parquet`, `runs.json`, `settings.json` and `aux/`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.formats.sqlite_file import connect_unchanged, glimpse_tables, side_files, table_columns
from labtop.sources.source import Listing

INBOX = "inbox"
REGISTRY = "registry-"
_TABLES = frozenset({"metrics", "configs"})
_OTHERS = frozenset({"sqlite_sequence", "system_metrics", "project_metadata", "traces", "alerts"})
_FIRST_COLUMNS = {"timestamp", "run_name", "step", "metrics"}
_GLIMPSE = 2**16


@dataclass(frozen=True, slots=True)
class Export:
    """The tables of an exported project; those that were empty are not there."""

    project: str
    metrics: Path
    system: Path
    configs: Path

    def files(self) -> list[Path]:
        """All that matter."""
        return [self.metrics, self.system, self.configs]


def canonical(project: str) -> str:
    """The name of a project as Trackio's files have it."""
    return "".join(each for each in project if each.isalnum() or each in "-_").rstrip() or "default"


def is_database(path: Path, has_lock: bool) -> bool:
    """Whether a `.db` file is of Trackio, by its tables, or by its log where it is too new to have any."""
    tables = glimpse_tables(path)
    if tables:
        is_first = tables <= {"metrics", "sqlite_sequence"} and _is_of_the_first(path)
        return is_first or (tables >= _TABLES and bool(tables & _OTHERS))
    return has_lock and any(_tells_metrics(each) for each in side_files(path))


def _is_of_the_first(path: Path) -> bool:
    """Whether a database with points alone is of the first versions, which kept no configurations."""
    try:
        with closing(connect_unchanged(path)) as connection:
            return table_columns(connection, "metrics") >= _FIRST_COLUMNS
    except sqlite3.Error:
        return False


def _tells_metrics(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"run_name TEXT" in file.read(_GLIMPSE)
    except OSError:
        return False


def databases(listing: Listing) -> Iterator[Path]:
    """The databases of projects in a folder."""
    for name in listing.files:
        if name.endswith(".db") and not name.startswith(REGISTRY):
            has_lock = f"{name[:-3]}.lock" in listing.files or (listing.folder / f"{name[:-3]}.lock").exists()
            if is_database(listing.folder / name, has_lock):
                yield listing.folder / name


def is_inbox(folder: Path) -> bool:
    """Whether a folder is an inbox of fragments, by the first of them."""
    for path in sorted(fragments(folder))[:1]:
        try:
            first = read_bytes(path).partition(b"\n")[0]
        except (OSError, InputError):
            return False
        return b'"kind"' in first and b'"project"' in first and b'"run"' in first
    return False


def fragments(inbox: Path) -> Iterator[Path]:
    """The fragments in an inbox: `<writer>/<n>.jsonl`. Links are passed over."""
    if not inbox.is_dir() or inbox.is_symlink():
        return
    for writer in inbox.iterdir():
        if writer.is_dir() and not writer.is_symlink():
            yield from (each for each in writer.glob("*.jsonl") if each.is_file() and not each.is_symlink())


def exports(listing: Listing) -> Iterator[Path]:
    """The `metrics` tables of exported projects in a folder, but those of a database that lies there too."""
    names = set(listing.files)
    if {"metrics.parquet", "runs.json", "settings.json"} <= names:
        yield listing.folder / "metrics.parquet"
    for name in listing.files:
        stem = name.removesuffix(".parquet")
        if name != stem and f"{stem}_configs.parquet" in names and f"{stem}.db" not in names:
            yield listing.folder / name


def export_of(metrics: Path) -> Export:
    """The tables that belong to a `metrics` table."""
    folder, stem = metrics.parent, metrics.stem
    if (folder / "runs.json").exists():
        aux = folder / "aux"
        return Export(folder.name, metrics, aux / "system_metrics.parquet", aux / "configs.parquet")
    return Export(stem, metrics, folder / f"{stem}_system.parquet", folder / f"{stem}_configs.parquet")
