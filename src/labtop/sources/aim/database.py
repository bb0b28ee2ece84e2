"""What the SQLite database of an Aim repository says of runs: names, times, experiments, tags, notes. No metric.

Columns differ by age (`finalized_at`, `is_archived` and tags came later); a missing one says nothing.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.sqlite_file import damage_of, open_sqlite, select, table_columns
from labtop.sources.side_files import Problems, utc_time

NAME = "run_metadata.sqlite"
_COLUMNS = ("id", "hash", "name", "description", "is_archived", "created_at", "finalized_at", "experiment_id")


@dataclass(frozen=True, slots=True)
class Row:
    """A run as the database knows it. Times are UTC."""

    hash: str
    name: str = ""
    description: str = ""
    is_archived: bool = False
    created_at: datetime | None = None
    finalized_at: datetime | None = None
    experiment: str = ""
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_rows(place: Path, problems: Problems, hashes: Iterable[str] | None = None) -> dict[str, Row]:
    """The runs of a repository by hash, all or some; what can be read of a damaged database."""
    rows: dict[str, Row] = {}
    wanted = None if hashes is None else frozenset(hashes)
    try:
        with open_sqlite(place / NAME) as connection:
            if problem := damage_of(place / NAME, connection):
                problems.add(problem)
            about = _About(connection, problems)
            for key, name, told, description, archived, created, finalized, experiment in about.rows(
                "run", _COLUMNS
            ):
                if not isinstance(name, str) or not name:
                    problems.add(f"{NAME}: a row of the table run has no hash: it is damaged")
                elif wanted is None or name in wanted:
                    rows[name] = Row(
                        hash=name,
                        name=str(told or ""),
                        description=str(description or ""),
                        is_archived=bool(archived),
                        created_at=utc_time(created),
                        finalized_at=utc_time(finalized),
                        experiment=about.experiments.get(experiment, ""),
                        tags=tuple(about.tags.get(key, ())),
                        notes=tuple(about.notes.get(key, ())),
                    )
    except FileNotFoundError:
        problems.add(f"{NAME} is not there: names, tags and notes are not known")
    except OSError as error:
        problems.add(f"{NAME} cannot be read: {error.strerror or error}")
    except InputError as error:
        problems.add(str(error).removeprefix(f"{place}/"))
    return rows


class _About:
    """What other tables say of runs, by the run's number in the database."""

    def __init__(self, connection: sqlite3.Connection, problems: Problems) -> None:
        self._connection = connection
        self._problems = problems
        self.experiments = {key: str(name or "") for key, name in self.rows("experiment", ("id", "name"))}
        names = {key: str(name) for key, name in self.rows("tag", ("id", "name"))}
        self.tags: dict[Any, list[str]] = defaultdict(list)
        for run, tag in self.rows("run_tag", ("run_id", "tag_id")):
            self.tags[run].append(names.get(tag, str(tag)))
        self.notes: dict[Any, list[str]] = defaultdict(list)
        for run, content in self.rows("note", ("run_id", "content")):
            self.notes[run].append(str(content))

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of a table as far as they can be read; none where it is not there."""
        try:
            if table_columns(self._connection, table):
                yield from select(self._connection, table, columns)
        except sqlite3.Error as error:
            self._problems.add(f"{NAME}: {table}: {error}")
