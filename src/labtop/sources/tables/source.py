"""Lists and reads the runs of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from labtop.formats.parquet_folder import parts_of
from labtop.formats.table_file import TableFile, look_at
from labtop.model.run import RunRecord, Source, Status, Value
from labtop.sources.folder_names import name_of, project_of
from labtop.sources.source import Listed, Listing, Place, RunRead, RunRef, settled_stamp, stamp
from labtop.sources.tables.beside import params_beside
from labtop.sources.tables.charts import told_by_name
from labtop.sources.tables.guess import Guess
from labtop.sources.tables.places import named_table, tables_in
from labtop.sources.tables.row_runs import listed_rows, read_rows, stem_of
from labtop.sources.tables.rows import keys_of, seeds_of
from labtop.sources.tables.rules import Rule, columns_of, rule_for, with_names
from labtop.sources.tables.series import (
    Piece,
    Reached,
    chart_pieces,
    complete_end,
    pieces,
    reached_of,
    runs_in,
)

_GENERIC = (
    "metrics",
    "metric",
    "log",
    "logs",
    "progress",
    "results",
    "result",
    "summary",
    "history",
    "train",
    "training",
    "data",
    "scalars",
)
"""Names of files that say nothing: the folder names the run."""
_DATED = re.compile(r"\d{8}_\d{6}(?:\.log)?")


class Tables:
    """Reads any Parquet, CSV, TSV or JSON Lines table of runs."""

    tracker = "table"
    is_last_resort = True
    is_read_in_one_pass = True
    reads = "Parquet, CSV, TSV and JSON Lines with a row a run, a row a step, or run, step and value"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Files that are surely tables of runs; of a named one it is enough that it can be one."""
        if listing.is_named:
            found = (named_table(listing.folder / name) for name in listing.files)
            return [Place(path) for path in found if path is not None]
        return [Place(path, closed=path == listing.folder) for path in tables_in(listing)]

    def explain(self, place: Path) -> str:
        """What the columns of a table are taken for. Raises OSError, InputError."""
        return _opened(place)[1].text()

    def runs(self, place: Path) -> Iterable[RunRef]:
        """A run for each row, for each value of the run's column, or one for the file."""
        table, guessed, version = _opened(place)
        if guessed.shape == "runs":
            yield from (RunRef(key, version, 100) for key in keys_of(table, guessed, []))
        elif guessed.shape == "chart":
            yield from (RunRef(each, version) for each in charted_runs(guessed))
        elif guessed.shape and guessed.run is not None:
            # of no size: all runs of a table are read in one pass, which must not be cut into many
            yield from (RunRef(run, version) for run in runs_in(table, guessed, version))
        elif guessed.shape:
            yield RunRef(place.name, version, place.stat().st_size)

    def version_of(self, place: Path) -> str:
        """What changes whenever the table or its rule does; empty where it was just written. Raises OSError."""
        settled = settled_stamp(*(parts_of(place) if place.is_dir() else (place,)))
        return settled and settled + _of_rule(rule_for(place))

    def listed(self, place: Path, refs: Sequence[RunRef]) -> Iterator[Listed]:
        """Tell of the runs of a table with a row each, which is all there is of them."""
        table, guessed, _ = _opened(place)
        if guessed.shape == "runs":
            yield from listed_rows(table, guessed, frozenset(ref.key for ref in refs))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs, all of them in one pass over the table."""
        table, guessed, _ = _opened(place)
        if guessed.shape == "runs":
            yield from read_rows(table, guessed, frozenset(ref.key for ref in refs))
        elif guessed.shape == "chart" or (guessed.shape and guessed.run is not None):
            yield from _read_many(table, guessed, frozenset(ref.key for ref in refs))
        elif guessed.shape:
            for ref in refs:
                yield from _read_one(table, guessed, ref)


def _opened(place: Path) -> tuple[TableFile, Guess, str]:
    rule = rule_for(place)
    table = with_names(look_at(place), rule)
    version = stamp(*(table.files or (place,))) + _of_rule(rule)
    return table, columns_of(table, rule), version


def _of_rule(rule: Rule | None) -> str:
    return f"|{rule.text}" if rule else ""


def charted_runs(guessed: Guess) -> Iterable[str]:
    """The runs of a chart."""
    return dict.fromkeys(each.run for each in guessed.chart.values())


def _read_many(table: TableFile, guessed: Guess, wanted: frozenset[str]) -> Iterator[RunRead]:
    problems: list[str] = []
    written = table.path.stat().st_mtime
    home = _home(table.path)
    is_of_one = _is_general(table.path) and len(runs_in(table, guessed, _opened(table.path)[2])) == 1
    project = project_of(home) if is_of_one else stem_of(table.path)
    beside = params_beside(table.path.parent) if is_of_one else {}
    read = chart_pieces(table, guessed, problems) if guessed.shape == "chart" else None
    for piece in read or pieces(table, guessed, wanted, problems):
        name = piece.run or "(no name)"
        if piece.run in wanted:
            piece = replace(piece, params={**beside, **piece.params})
            found = _as_read(table, guessed, piece.run, name, project, piece, problems, written)
            yield replace(found, folder=table.path.parent) if is_of_one else found


def _read_one(table: TableFile, guessed: Guess, ref: RunRef) -> Iterator[RunRead]:
    """Read the one run of a file; a text file that grew is read on."""
    problems: list[str] = []
    path, written = table.path, table.path.stat().st_mtime
    is_text = table.can_grow
    before = reached_of(ref.state, path) if is_text else None
    end, head, is_cut = complete_end(path) if is_text else (None, "", False)
    if table.kind == "csv" and is_cut and path.stat().st_size:
        problems.append("its last line has no end: it is cut off, or still being written")
    is_of_folder = _is_general(path)
    name = told_by_name(path.name)[0] or (name_of(_home(path)) if is_of_folder else stem_of(path))
    beside = params_beside(path.parent) if is_of_folder else {}
    rows = before.rows if before else 0
    for piece in pieces(table, guessed, frozenset({""}), problems, before, end):
        rows += max(map(len, piece.curves.values()), default=0)
        reached = None if end is None else msgspec.json.encode(Reached(end, rows, head))
        project = (project_of(_home(path)) if is_of_folder else path.parent.name) or "runs"
        piece = replace(piece, params={**beside, **piece.params})
        read = _as_read(
            table, guessed, ref.key, name or path.stem, project, piece, problems, written, reached
        )
        yield replace(read, folder=path.parent) if is_of_folder else read


def _is_general(path: Path) -> bool:
    """Whether the name of a file says nothing, so that its folder names the run."""
    stem = stem_of(path)
    return stem.lower() in _GENERIC or bool(_DATED.fullmatch(stem))


def _home(path: Path) -> Path:
    """The folder of a run; MMEngine writes into one of its own below it."""
    return path.parent.parent if path.parent.name == "vis_data" else path.parent


def _as_read(
    table: TableFile,
    guessed: Guess,
    key: str,
    name: str,
    project: str,
    piece: Piece,
    problems: Sequence[str],
    written: float,
    state: bytes | None = None,
) -> RunRead:
    params: Mapping[str, Value] = piece.params
    record = RunRecord(
        id="",
        name=name,
        project=project,
        status=Status.UNKNOWN,
        params=params,
        randomness=seeds_of(params),
        source=_source(table, guessed, key, problems, {}),
    )
    return RunRead(
        key=key, record=record, curves=piece.curves, appended=piece.appended, state=state, last_write=written
    )


def _source(
    table: TableFile, guessed: Guess, key: str, problems: Sequence[str], texts: Mapping[str, str]
) -> Source:
    return Source(
        tracker="table",
        uri=str(table.path),
        run_id=key,
        problems=tuple(problems),
        texts=texts,
        reading=guessed.text(),
    )
