"""Which files of a folder are taken for tables of runs, without reading more than their beginnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.parquet import open_parquet
from labtop.formats.table_file import TableFile, look_at, table_kind
from labtop.sources.dvclive_folder import holds_points
from labtop.sources.source import Listing
from labtop.sources.tables.guess import Guess, is_like
from labtop.sources.tables.rules import columns_of, rule_for
from labtop.sources.tables.words import METRICS, NAMES, STEPS, plain

_TRIED = 24  # files of a folder that are looked at when none of them is a table of runs
_MOST_FILES = 5_000
_HEAD = 8192
_NAMES = re.compile(r"[^,;|\t\"{}:]+")
_TELLING = frozenset((*NAMES, *STEPS, *METRICS))
_OF_OTHERS = re.compile(
    r".*-\d{5}-of-\d{5}\..*|.*_part_\d+\.parquet|samples_.*\.jsonl|(?:.*\.)?monitor\.csv|\..*"
    r"|.*_(?:system|configs|traces|artifacts|artifact_versions|artifact_aliases|run_artifact_links)\.parquet"
)
"""Shards of data sets, and what belongs to the logs of a tracker without being a place itself."""
_OTHER_COLUMNS = frozenset({"attribute_path", "attribute_type"})  # of Neptune's exporter


def named_table(path: Path) -> Path | None:
    """A file that a person names, when it can be taken for a table of runs at all.

    Raises:
        InputError: a rule for it names columns that it has not.
    """
    found = _looked_at(path)
    if found is None or found[1].shape:
        return None if found is None else path
    rule = rule_for(path)
    if rule is not None and rule.roles:
        raise InputError(f"{path}: {found[1].reason}", f"its columns are {', '.join(found[0].names[:50])}")
    return None


def tables_in(listing: Listing) -> Iterator[Path]:
    """The files of a folder that are surely tables of runs, and those beside such that name runs by the same column."""
    names = [name for name in listing.files if table_kind(name) and not _OF_OTHERS.fullmatch(name)]
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


def _looked_at(path: Path) -> tuple[TableFile, Guess] | None:
    if not table_kind(path.name):
        return None
    try:
        table = look_at(path)
    except (OSError, InputError):
        return None
    if set(table.names) >= _OTHER_COLUMNS:
        return None
    return table, columns_of(table, rule_for(path))


def _may_be(path: Path) -> bool:
    """Whether the first line, or the names of columns, has a word that tells of runs. Quick."""
    if rule_for(path) is not None:
        return True
    try:
        if table_kind(path.name) == "parquet":
            with open_parquet(path) as file:
                names = list(file.schema_arrow.names)
        else:
            with open_regular(path) as raw:
                names = _NAMES.findall(raw.read(_HEAD).partition(b"\n")[0].decode("utf-8", "replace"))
    except (OSError, InputError):
        return False
    return any(plain(each.strip("\ufeff \r")) in _TELLING for each in names)
