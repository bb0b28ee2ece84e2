"""Lists and reads runs of Trackio: of databases with what waits in the inbox, of an inbox alone, of exports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from labtop.formats.files import size_of
from labtop.formats.sqlite_file import damage_of, open_sqlite, side_files
from labtop.sources.source import NO_TIME, Listing, Place, RunRead, RunRef, stamp
from labtop.sources.trackio import database, export
from labtop.sources.trackio.artifacts import Linked, Registered, linked_to, registered_versions
from labtop.sources.trackio.database import Known, Reached
from labtop.sources.trackio.inbox import Waiting, records, waiting_runs
from labtop.sources.trackio.layout import (
    INBOX,
    canonical,
    databases,
    export_of,
    exports,
    is_inbox,
)
from labtop.sources.trackio.log import Log, time_us
from labtop.sources.trackio.record import build_record, identity_of

_ROW_BYTES = 150  # about, of a row of a database


class Trackio:
    """Reads Trackio's databases and exports, of all versions."""

    tracker = "trackio"
    reads = "Trackio databases (<project>.db), inbox fragments and Parquet exports"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Databases by their tables, the inbox beside them, and exports by the names of their files."""
        yield from (Place(path) for path in databases(listing))
        if listing.is_named:
            folder = listing.folder
            beside = Listing(
                folder, tuple(sorted(each.name for each in folder.iterdir() if each.is_file())), ()
            )
            named = {folder / name for name in listing.files}
            yield from (Place(path) for path in exports(beside) if path in named)
            return
        yield from (Place(path, closed=True) for path in exports(listing))
        if INBOX in listing.folders and is_inbox(listing.folder / INBOX):
            yield Place(listing.folder / INBOX, closed=True)
        elif listing.folder.name == INBOX and is_inbox(listing.folder):
            yield Place(listing.folder, closed=True)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The runs of a place: one query, or one look at the columns that name them."""
        if place.suffix == ".db":
            yield from _database_runs(place)
        elif place.name == INBOX:
            for waiting in _only_waiting(place).values():
                yield RunRef(_waiting_key(waiting), stamp(*waiting.files), sum(map(size_of, waiting.files)))
        else:
            found = export_of(place)
            version = stamp(*found.files())
            for run, (_, rows, _) in export.list_runs(found).items():
                yield RunRef(run, version, rows * _ROW_BYTES)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs, each a piece at a time where it is long."""
        if place.suffix == ".db":
            yield from _read_database(place, refs)
        elif place.name == INBOX:
            yield from _read_inbox(place, refs)
        else:
            yield from _read_export(place, refs)


def _waiting_of(place: Path) -> dict[str, Waiting]:
    """What waits for a database in the inbox beside it, by run."""
    inbox = place.parent / INBOX
    if not inbox.is_dir():
        return {}
    return {
        waiting.run_id: waiting
        for waiting in waiting_runs(inbox).values()
        if canonical(waiting.project) == place.stem
    }


def _only_waiting(inbox: Path) -> dict[str, Waiting]:
    """What waits for databases that are not there yet."""
    return {
        _waiting_key(waiting): waiting
        for waiting in waiting_runs(inbox).values()
        if not (inbox.parent / f"{canonical(waiting.project)}.db").exists()
    }


def _waiting_key(waiting: Waiting) -> str:
    return f"{waiting.project}:{waiting.run_id}"


def _database_runs(place: Path) -> Iterator[RunRef]:
    waiting = _waiting_of(place)
    with open_sqlite(place) as connection:
        known = database.list_runs(connection)
    registered = stamp(*sorted(place.parent.glob("registry-*.db")))
    for run_id, run in known.items():
        files = waiting.pop(run_id).files if run_id in waiting else []
        version = msgspec.json.encode([run.name, run.marks, stamp(*files), registered]).decode()
        yield RunRef(run_id, version, run.rows * _ROW_BYTES)
    for run_id, each in waiting.items():
        yield RunRef(run_id, stamp(*each.files), sum(map(size_of, each.files)))


def _read_database(place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
    waiting, registered = _waiting_of(place), registered_versions(place.parent)
    with open_sqlite(place) as connection:
        runs = database.list_runs(connection)
        names = [run.name for run in runs.values()]
        project = _project(place, waiting, registered)
        damage = damage_of(place, connection)
        for ref in refs:
            run, fragment = runs.get(ref.key), waiting.get(ref.key)
            if run is None and fragment is None:
                continue
            run = run or Known(ref.key, fragment.name if fragment else ref.key)
            try:
                links = linked_to(connection, place, run, names.count(run.name) <= 1, registered)
            except sqlite3.Error as error:
                links = Linked(problems=[f"links to artifacts: {error}"])
            links.problems += [damage] if damage else []
            yield from _read_run(connection, place, ref, run, fragment, project, links)


def _project(place: Path, waiting: Mapping[str, Waiting], registered: Registered) -> str:
    """A project's name as a fragment or a registry tells it, else that of its file, where some characters are lost."""
    told = [each.project for each in waiting.values()]
    told += [project for project, _, _ in registered if canonical(project) == place.stem]
    return told[0] if told else place.stem


def _read_run(
    connection: sqlite3.Connection,
    place: Path,
    ref: RunRef,
    run: Known,
    fragment: Waiting | None,
    project: str,
    links: Linked,
) -> Iterator[RunRead]:
    config, zone, problem = database.config_of(connection, run)
    problems = [each for each in (problem, *links.problems) if each]
    before = None if fragment else database.reached_before(connection, run, ref.state)
    reached, appended = before or Reached(), before is not None
    first = database.first_time(connection, run, zone)
    log = Log(str(place.parent / "media"), str(place))

    def piece(is_end: bool) -> RunRead:
        record = build_record(
            run_id=run.run_id, name=run.name or run.run_id, project=project, config=config, log=log, first_us=first,
            uri=str(place), problems=problems, artifacts=links.outputs, inputs=links.inputs, models=links.models,
        )  # fmt: skip
        # what is no number is not remembered, so a run that has such is read from its start each time
        can_go_on = is_end and not fragment and not log.rich and not log.texts
        return RunRead(
            key=ref.key,
            record=record,
            identity=identity_of(run.run_id),
            curves=log.curves,
            appended=appended,
            state=msgspec.json.encode(reached) if can_go_on else None,
            last_write=_last_write([place, *side_files(place), *(fragment.files if fragment else [])]),
        )

    for _ in database.read_log(connection, run, log, reached, zone, problems):
        yield piece(False)
        log.curves, log.points, appended = {}, 0, True
    if fragment:
        seen = database.logged_ids(connection, run)
        found = _add_fragments(log, fragment, problems, seen)
        config, first = (
            config or found[0],
            min((each for each in (first, found[1]) if each != NO_TIME), default=NO_TIME),
        )
    yield piece(True)


def _add_fragments(
    log: Log, waiting: Waiting, problems: list[str], seen: frozenset[str]
) -> tuple[dict[str, object], int]:
    """Take what waits of a run and is not in the database; its configuration and first time."""
    config: dict[str, object] = {}
    first, system = NO_TIME, 0
    for path in waiting.files:
        for each in records(path, problems):
            if str(each.get("run_id") or each.get("run")) != waiting.run_id or each.get("log_id") in seen:
                continue
            told, values, step = each.get("config"), each.get("metrics"), each.get("step")
            config = told if isinstance(told, dict) and told else config
            at = time_us(each.get("timestamp"))
            first = min((when for when in (first, at) if when != NO_TIME), default=NO_TIME)
            if not isinstance(values, dict):
                continue
            if each.get("kind") == "system_metric":
                log.add(float(system), at, values, "system/")
                system += 1
            else:
                log.add(float(step) if isinstance(step, int | float) else None, at, values)
    return config, first


def _read_inbox(inbox: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
    waiting = _only_waiting(inbox)
    for ref in refs:
        run = waiting.get(ref.key)
        if run is None:
            continue
        log, problems = Log(str(inbox.parent / "media"), str(inbox)), list[str]()
        config, first = _add_fragments(log, run, problems, frozenset())
        record = build_record(
            run_id=run.run_id, name=run.name, project=run.project, config=config, log=log, first_us=first,
            uri=str(inbox), problems=problems,
        )  # fmt: skip
        yield RunRead(
            key=ref.key,
            record=record,
            identity=identity_of(run.run_id),
            curves=log.curves,
            last_write=_last_write(run.files),
        )


def _read_export(place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
    found, problems = export_of(place), list[str]()
    runs, configs = export.list_runs(found), export.read_configs(found, problems)
    rows = {ref.key: runs[ref.key][1] for ref in refs if ref.key in runs}
    for run, curves, log in export.read_logs(found, rows, problems):
        record = build_record(
            run_id=run, name=runs[run][0], project=found.project, config=configs.get(run, {}), log=log,
            first_us=runs[run][2], uri=str(place), problems=problems,
        )  # fmt: skip
        yield RunRead(
            key=run,
            record=record,
            identity=identity_of(run),
            curves=curves,
            last_write=_last_write(found.files()),
        )


def _last_write(paths: Iterable[Path]) -> float | None:
    times = []
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=None)
