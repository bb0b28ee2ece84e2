"""Which files of a folder are taken for tables of runs, without reading more than their beginnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.compressed import open_unpacked, unpacked_name
from labtop.formats.parquet import open_parquet
from labtop.formats.parquet_folder import is_folder_table
from labtop.formats.table_file import SUFFIXES, TableFile, look_at, table_kind
from labtop.formats.table_json import decode_any
from labtop.sources.dvclive_folder import holds_points
from labtop.sources.source import Listing
from labtop.sources.tables.guess import Guess, is_like
from labtop.sources.tables.rules import columns_of, lacking_columns, rule_for, with_names
from labtop.sources.tables.words import EXPORTS, METRICS, NAMES, STEPS, plain

_TRIED = 24  # files of a folder that are looked at when none of them is a table of runs
_MOST_FILES = 5_000
_HEAD = 8192
_MOST_ABOVE, _LOOKED_AT = 30, 3
_RARE = frozenset(("created", "source_type", "datetime_start", "mean_fit_time", "artifact_uri", "wall_time"))
_NAMES = re.compile(r"[^,;|\t\"'{}:]+")
_TELLING = frozenset((*NAMES, *STEPS, *METRICS, *(min(each & _RARE) for each in EXPORTS if each & _RARE)))
_JSON_LOGS = re.compile(r"metrics\.json|scalars\.json|result\.json|\d{8}_\d{6}(?:\.log)?\.json|.*\.log\.json")
"""JSON Lines of loggers whose names do not say so: detectron2, MMEngine, Ray Tune, MMDetection."""
_OF_OTHERS = re.compile(
    r".*-\d{5}-of-\d{5}\..*|.*_part_\d+\.parquet|samples_.*\.jsonl|(?:.*\.)?monitor\.csv|\..*"
    r"|.*_(?:system|configs|traces|artifacts|artifact_versions|artifact_aliases|run_artifact_links)\.parquet"
)
"""Shards of data sets, and what belongs to the logs of a tracker without being a place itself."""
_OTHER_COLUMNS = frozenset({"attribute_path", "attribute_type"})  # of Neptune's exporter


def named_table(path: Path) -> Path | None:
    """A file that a person names, when it can be taken for a table of runs at all.

    Raises:
        InputError: it cannot, though it is a table; or a rule for it names columns that it has not.
    """
    found, rule = _looked_at(path, True), rule_for(path)
    if found is None:
        return None
    is_as_told = rule is None or not lacking_columns(found[0], rule)
    if found[1].shape and is_as_told:
        return path
    if rule is not None and not rule.roles:
        return None
    table, guessed = found
    names = ", ".join(table.names[:50]) + (f" and {len(table.names) - 50:,} more" if table.names[50:] else "")
    if rule is not None:
        raise InputError(f"{path}: {guessed.reason}", f"its columns are {names}")
    if Path(path.name).suffix.lower() not in SUFFIXES and not table.can_grow:
        return None
    if not table.dialect.has_header and table.kind == "csv":
        raise InputError(
            f"{path.name} has no line of column names",
            f"give it some: LABTOP_TABLES='{path.name}: names=epoch|loss|acc', a name for each of its"
            f" {len(table.names):,} columns",
        )
    raise InputError(
        f"{path.name} is a table, but of runs? {guessed.reason}; its columns are {names}",
        f"say what they are for: LABTOP_TABLES='{path.name}: run=COLUMN', or step=COLUMN",
    )


def tables_in(listing: Listing) -> Iterator[Path]:
    """The files of a folder that are surely tables of runs, and those beside such that name runs by the same column."""
    if is_folder_table(listing.files, listing.folders):
        yield from _folder_table(listing.folder)
        return
    names = [
        name
        for name in listing.files
        if (table_kind(name) or _JSON_LOGS.fullmatch(name)) and not _OF_OTHERS.fullmatch(name)
    ]
    names = _each_once(names)
    if "hparams.yaml" in listing.files:
        names = [name for name in names if name != "metrics.csv"]  # of Lightning's CSVLogger
    if holds_points(listing.folder):
        names = [name for name in names if not name.endswith(".tsv")]  # of DVCLive
    if listing.folder.name == "aux" and (listing.folder.parent / "runs.json").exists():
        return  # of an export of Trackio
    sure: list[Guess] = []
    unsure: list[tuple[Path, TableFile]] = []
    for number, name in enumerate(names[:_MOST_FILES]):
        if number >= _TRIED and not sure:
            return
        path = listing.folder / name
        found = _looked_at(path) if _may_be(path) else None
        if found is None:
            continue
        table, guessed = found
        if guessed.shape and guessed.is_sure:
            sure.append(guessed)
            yield path
        elif guessed.shape:
            unsure.append((path, table))
    for path, table in unsure:
        if any(is_like(each, table.names) for each in sure):
            yield path


def _folder_table(folder: Path) -> Iterator[Path]:
    """A folder of Parquet files where they are surely a table of runs."""
    rule = rule_for(folder)
    try:
        table = look_at(folder)
    except (OSError, InputError):
        return
    guessed = columns_of(table, rule)
    if guessed.shape and guessed.is_sure and not set(table.names) >= _OTHER_COLUMNS:
        yield folder


def _each_once(names: list[str]) -> list[str]:
    """Without packed copies of what is there, and without the second of two files that MMEngine and Ray Tune write."""
    there = set(names)
    found = [name for name in names if unpacked_name(name) == name or unpacked_name(name) not in there]
    if "scalars.json" in there:
        found = [name for name in found if not re.fullmatch(r"\d{8}_\d{6}\.json", name)]
    return [name for name in found if name != "progress.csv"] if "result.json" in there else found


def _looked_at(path: Path, is_named: bool = False) -> tuple[TableFile, Guess] | None:
    if not (table_kind(path.name, is_named) or _JSON_LOGS.fullmatch(path.name)):
        return None
    rule = rule_for(path)
    try:
        table = look_at(path)
    except (OSError, InputError):
        return None
    if not is_named and not table_kind(path.name) and (not table.is_lines or len(table.sample) < 2):
        return None  # `metrics.json` is what many programs call their last figures
    if set(table.names) >= _OTHER_COLUMNS or (
        is_named and not table_kind(path.name) and not _is_like_one(table)
    ):
        return None
    return table, columns_of(with_names(table, rule), rule)


def _is_like_one(table: TableFile) -> bool:
    """Whether a file whose ending says nothing is a table at all: it has a header and rows."""
    return bool(table.sample) and (table.kind == "jsonl" or table.dialect.has_header)


def _may_be(path: Path) -> bool:
    """Whether the first line, or the names of columns, has a word that tells of runs. Quick."""
    if rule_for(path) is not None:
        return True
    try:
        if table_kind(path.name) == "parquet":
            with open_parquet(path) as file:
                names = list(file.schema_arrow.names)
        else:
            with open_unpacked(path) as raw:
                content = raw.read(_HEAD)
            text = decode_any(content)
            lines = [line for line in text.splitlines()[:_MOST_ABOVE] if line.strip()][:_LOOKED_AT]
            if table_kind(path.name) == "jsonl" and not any(line.lstrip().startswith("{") for line in lines):
                return False
            names = [name for line in lines for name in _NAMES.findall(line)]
    except (OSError, InputError):
        return False
    return any(plain(each.strip("\ufeff \r#")) in _TELLING or " - " in each for each in names)
