"""The source that reads MLflow's SQLite databases, `mlflow.db` and by any other name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labtop.formats.sqlite_file import damage_of, has_tables, open_sqlite, side_files
from labtop.model.run import RunRecord
from labtop.sources.mlflow.artifacts import files_in, folder_below
from labtop.sources.mlflow.facts import RunFacts
from labtop.sources.mlflow.run_read import run_read
from labtop.sources.mlflow.sql_listed import SqlListing
from labtop.sources.mlflow.sql_many import points_of_many
from labtop.sources.mlflow.sql_points import SqlPoints, state_of
from labtop.sources.mlflow.tables import MUST_HAVE, Tables, artifact_folders, rows_told
from labtop.sources.mlflow.words import is_run_id, text_of
from labtop.sources.source import Curve, Listed, Listing, Place, RunRead, RunRef, settled_stamp

_ENDINGS = (".db", ".sqlite", ".sqlite3", ".db3", ".mlflow")
_AT_ONCE = 200
_OWN_ADDRESSES = ("file:", "mlflow-artifacts:")


class MlflowSql:
    """MLflow's SQLite database of any age, read where it lies and never changed."""

    tracker = "mlflow"
    reads = "MLflow SQLite databases (mlflow.db, or any name) with their model registry"

    def detect(self, listing: Listing) -> Iterator[Place]:
        """Databases with the tables that MLflow's have; only what is named like one is opened."""
        for name in listing.files:
            lower = name.lower()
            if (
                listing.is_named or lower.endswith(_ENDINGS) or ("mlflow" in lower and "." not in lower)
            ) and has_tables(listing.folder / name, MUST_HAVE):
                yield Place(listing.folder / name)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The runs of a database, by one pass over all its tables but the points."""
        with open_sqlite(place) as connection:
            decoded = connection.text_factory
            connection.text_factory = str  # quick; it fails where a text is no UTF-8
            tables = Tables(connection)
            marks = tables.marks()
            if tables.problems:
                connection.text_factory = decoded
                marks = Tables(connection).marks()
        size = place.stat().st_size // max(1, len(marks))
        return [RunRef(key, version, size) for key, version in marks.items()]

    def version_of(self, place: Path) -> str:
        """Another text whenever the database, or what was not written into it yet, is another."""
        return settled_stamp(place, *side_files(place))

    def listed(self, place: Path, refs: Sequence[RunRef]) -> Iterator[Listed]:
        """Tell of runs that have ended, by what stands in the small tables."""
        with open_sqlite(place) as connection:
            if damage_of(place, connection):
                return  # it is told when runs are read
            connection.text_factory = str  # many times as fast; a text that is no UTF-8 is an error
            try:
                listing = SqlListing(connection, place)
                if listing.can_tell:
                    yield from listing.runs(refs)
            except sqlite3.Error:
                return

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs, each from the last row that was read if that is known."""
        with open_sqlite(place) as connection:
            tables = Tables(connection)
            tables.problems += [each for each in (damage_of(place, connection),) if each]
            experiments = tables.experiments()
            points = SqlPoints(connection)
            roots = artifact_folders(place)
            for start in range(0, len(refs), _AT_ONCE):
                part = {each.key: each for each in refs[start : start + _AT_ONCE]}
                found = tables.facts(list(part), experiments)
                for facts in found.values():
                    facts.problems += tables.problems
                    _add_files(facts, roots, place)
                ranges = {key: rows_told(ref.version) for key, ref in part.items() if ref.state is None}
                close = points_of_many(connection, place, ranges)
                for key in close.keys() & found.keys():
                    curves, state = close.pop(key), ranges[key][1]
                    yield _run_read(place, part[key], found.pop(key), curves, state_of(curves, state), False)
                if points.is_there and not points.is_indexed:
                    yield from _scanned(place, part, found, points)
                else:
                    for key in part:
                        if key in found:
                            yield from _read_run(place, part[key], found[key], points)


def _scanned(
    place: Path, refs: dict[str, RunRef], found: dict[str, RunFacts], points: SqlPoints
) -> Iterator[RunRead]:
    """Runs whose points have no index: all of them by one pass."""
    if not found:
        return
    ranges = [rows_told(refs[key].version) for key in found]
    first, last = min(each[0] for each in ranges), max(each[1] for each in ranges)
    seen: set[str] = set()
    problems: list[str] = []
    for key, rows in points.scan(list(found), first, last, problems):
        curves = points.curves(rows, found[key].problems)
        yield _run_read(place, refs[key], found[key], curves, None, key in seen)
        seen.add(key)
    for key in refs:
        if key in found and key not in seen:
            found[key].problems += problems
            yield _run_read(place, refs[key], found[key], {}, None, False)


def _read_run(place: Path, ref: RunRef, facts: RunFacts, points: SqlPoints) -> Iterator[RunRead]:
    if ref.state is not None:
        added = points.read_on(ref.key, ref.state, facts.problems)
        if added is not None:
            yield _run_read(place, ref, facts, *added, is_appended=True)
            return
    is_appended = False
    try:
        for curves, state in points.read(ref.key, facts.problems):
            yield _run_read(place, ref, facts, curves, state, is_appended)
            is_appended = True
    except sqlite3.Error as error:
        facts.problems.append(f"table metrics: {error}")
        if not is_appended:
            rows = points.salvaged(ref.key, facts.problems)
            yield _run_read(place, ref, facts, points.curves(rows, facts.problems), None, is_appended=False)


def _run_read(
    place: Path,
    ref: RunRef,
    facts: RunFacts,
    curves: dict[str, Curve],
    state: bytes | None,
    is_appended: bool,
) -> RunRead:
    def last_write(record: RunRecord) -> float | None:
        """The file is of all runs; so the last point of this one."""
        times = [max(curve.times_us) / 1e6 for curve in curves.values() if curve]
        started = [record.started_at.timestamp()] if record.started_at else []
        return max((*times, *started), default=None)

    return run_read(ref.key, facts, place, curves, state, is_appended=is_appended, last_write=last_write)


def _add_files(facts: RunFacts, roots: Sequence[Path], place: Path) -> None:
    """The artifacts of a run where they lie beside the database as MLflow puts them, or below it as the run says.

    A run whose folder should be there and is not has logged none.
    """
    uri = text_of(facts.artifact_uri)
    is_here = "://" not in uri or uri.startswith(_OWN_ADDRESSES)
    if is_run_id(facts.run_id) and facts.experiment_id.isdecimal():
        for root in roots:
            experiment = root / facts.experiment_id
            folder = experiment / facts.run_id / "artifacts"
            facts.files_seen = facts.files_seen or (is_here and experiment.is_dir())
            if folder.is_dir():
                facts.files += files_in(folder, facts.problems)
                facts.files_seen = True
                return
    told = folder_below(place.parent, uri)
    if told is not None:
        facts.files += files_in(told, facts.problems)
        facts.files_seen = True
