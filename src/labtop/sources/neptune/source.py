"""Lists and reads runs of an export of Neptune."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import size_of
from labtop.formats.parquet import Batch, open_parquet, read_batches
from labtop.model.run import Artifact, ModelVersion, Source
from labtop.sources.neptune.attributes import build_record, identity_of, metric_names
from labtop.sources.neptune.layout import (
    COLUMNS,
    SCOPES,
    Parts,
    files_folder,
    is_part,
    parts_of,
    versions_folder,
)
from labtop.sources.neptune.points import POINT_COLUMNS, SERIES, add_points
from labtop.sources.source import Curve, Listing, Place, RunRead, RunRef, stamp

_PIECE = 1_000_000  # points held at a time: 24 MB
_MOST_FILES = 10_000
_VALUES = {
    "int": "int_value",
    "float": "float_value",
    "string": "string_value",
    "bool": "bool_value",
    "datetime": "datetime_value",
    "string_set": "string_set_value",
}
_KINDS = {"string_series": "text", "histogram_series": "histogram"}
_FEW = ("project_id", "run_id", "attribute_path", "attribute_type")
_OTHERS = (*_FEW, "step", *_VALUES.values(), "file_value")


@dataclass
class _Found:
    """What was read of a run so far."""

    project: str = ""
    run_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    series: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # path, type → rows of what is no number
    files: int = 0
    problems: list[str] = field(default_factory=list)


class Neptune:
    """Reads what `neptune-exporter` saved of Neptune 2 and 3."""

    tracker = "neptune"
    reads = "Parquet files of neptune-exporter (Neptune 2 and 3)"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Folders with parts of runs; the registry's are no runs. A named file counts by its columns too."""
        if listing.is_named:
            return [
                Place(listing.folder / name) for name in listing.files if _is_export(listing.folder / name)
            ]
        if listing.folder.name in SCOPES:
            return []
        return [Place(listing.folder)] if any(map(is_part, listing.files)) else []

    def runs(self, place: Path) -> Iterable[RunRef]:
        """A run for each name that parts have in common, complete or not."""
        for key, parts in _all_parts(place).items():
            paths = [*parts.paths(), *sorted(parts.unfinished)]
            yield RunRef(key, stamp(*paths), sum(map(size_of, paths)))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs, a million points at a time."""
        all_parts = _all_parts(place)
        folder = place if place.is_dir() else place.parent
        files, models = files_folder(folder), _models_of_runs(versions_folder(folder))
        for ref in refs:
            parts = all_parts.get(ref.key)
            if parts is not None:
                yield from _read_run(ref.key, parts, files, models)


def _is_export(path: Path) -> bool:
    if not path.name.endswith(".parquet"):
        return False
    try:
        with open_parquet(path) as file:
            return set(file.schema_arrow.names) >= COLUMNS
    except (OSError, InputError):
        return is_part(path.name)


def _all_parts(place: Path) -> Mapping[str, Parts]:
    if not place.is_dir():
        named = parts_of(place.parent, [place.name])
        return named or {place.stem: Parts(place.stem, {0: place})}
    with os.scandir(place) as entries:
        names = [each.name for each in entries if each.is_file(follow_symlinks=False)]
    return parts_of(place, sorted(names))


def _read_run(
    key: str, parts: Parts, files: Path | None, models: Mapping[str, tuple[ModelVersion, ...]]
) -> Iterator[RunRead]:
    found = _Found(problems=parts.problems())
    paths = parts.paths()
    names = metric_names(_series_paths(paths))
    curves: dict[str, Curve] = {}
    held, was_told = 0, False
    for path in paths:
        for batch in _batches(path, found.problems):
            held += add_points(batch, curves, lambda name: names.get(name, name))
            _add_others(batch, files, found)
            if held >= _PIECE:
                yield _as_read(key, parts, found, curves, was_told, models)
                curves, held, was_told = {}, 0, True
    _add_series(found, paths)
    yield _as_read(key, parts, found, curves, was_told, models)


def _batches(path: Path, problems: list[str]) -> Iterator[Batch]:
    """The rows of a part; what is wrong with it goes to `problems`, with its name."""
    told: list[str] = []
    try:
        with open_parquet(path, _FEW) as file:
            lacking = sorted({"attribute_path", "attribute_type"} - set(file.schema_arrow.names))
            if lacking:
                raise InputError(f"{path}: no column {', '.join(lacking)}")
            yield from read_batches(file, (*_OTHERS, *POINT_COLUMNS), told)
    except InputError as error:
        problems.append(error.message.replace(str(path), path.name))
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror or error}")
    problems.extend(f"{path.name}: {each}" for each in told)


def _series_paths(paths: Sequence[Path]) -> set[str]:
    """The attributes of numbers in a run: names must be known before the first point is."""
    from pyarrow import compute

    found: set[str] = set()
    for path in paths:
        try:
            with open_parquet(path, _FEW) as file:
                for batch in read_batches(file, ("attribute_path", "attribute_type"), []):
                    if batch.num_columns == 2:
                        chosen = batch.filter(compute.equal(batch.column(1).cast("string"), SERIES))
                        found.update(chosen.column(0).unique().to_pylist())
        except (OSError, InputError):
            continue  # told when it is read
    return {each for each in found if each}


def _add_others(batch: Batch, files: Path | None, found: _Found) -> None:
    """Take what is no point from a batch: values whole, of series of text and histograms their number."""
    from pyarrow import compute

    types = batch.column("attribute_type").cast("string")
    for word in _KINDS:
        chosen = batch.filter(compute.equal(types, word))
        if chosen.num_rows:
            for pair in chosen.column("attribute_path").value_counts().to_pylist():
                found.series[pair["values"], word] += pair["counts"]
    if not found.run_id and batch.num_rows and "run_id" in batch.schema.names:
        found.run_id = str(batch.column("run_id")[0].as_py() or "")
    if not found.project and batch.num_rows and "project_id" in batch.schema.names:
        found.project = str(batch.column("project_id")[0].as_py() or "")
    import pyarrow

    rest = batch.filter(compute.invert(compute.is_in(types, pyarrow.array([SERIES, *_KINDS]))))
    for row in rest.select([name for name in _OTHERS if name in rest.schema.names]).to_pylist():
        _add_value(row, files, found)


def _add_value(row: Mapping[str, Any], files: Path | None, found: _Found) -> None:
    name, kind = row.get("attribute_path"), row.get("attribute_type")
    if not isinstance(name, str):
        return
    if kind in _VALUES:
        found.attributes[name] = _utc(row.get(_VALUES[kind]))
        return
    where = (row.get("file_value") or {}).get("path")
    if not isinstance(where, str):
        return
    found.files += 1
    if found.files <= _MOST_FILES:
        step = row.get("step")
        about_kind = "file" if kind in ("file", "file_series") else str(kind)
        found.artifacts.append(
            Artifact(
                name=name,
                uri=_uri(where, files),
                kind=about_kind,
                step=None if step is None else float(step),
            )
        )


def _utc(value: Any) -> Any:
    from datetime import UTC, datetime

    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


def _uri(where: str, files: Path | None) -> str:
    """Where a file lies; only as it was said where that leads out of the folder of files, or there is none."""
    parts = PurePosixPath(where)
    if files is None or parts.is_absolute() or ".." in parts.parts:
        return where
    return str(files / parts)


def _add_series(found: _Found, paths: Sequence[Path]) -> None:
    for (name, kind), rows in found.series.items():
        uri = str(paths[0]) if paths else None
        found.artifacts.append(Artifact(name=name, uri=uri, kind=_KINDS[kind], about={"rows": rows}))
    if found.files > _MOST_FILES:
        found.problems.append(f"{found.files - _MOST_FILES:,} of {found.files:,} files are not listed")


def _as_read(
    key: str,
    parts: Parts,
    found: _Found,
    curves: Mapping[str, Curve],
    appended: bool,
    models: Mapping[str, tuple[ModelVersion, ...]],
) -> RunRead:
    paths = [*parts.paths(), *parts.unfinished]
    run_id = found.run_id or parts.title()
    source = Source(
        tracker="neptune",
        uri=str(paths[0]) if paths else None,
        run_id=run_id,
        problems=tuple(found.problems),
        models=models.get(run_id, ()),
    )
    written = [path.stat().st_mtime for path in paths if path.exists()]
    return RunRead(
        key=key,
        record=build_record(parts.title(), found.project, found.attributes, found.artifacts, source),
        identity=identity_of(found.project, found.run_id),
        curves=curves,
        appended=appended,
        last_write=max(written, default=None),
    )


def _models_of_runs(folder: Path | None) -> Mapping[str, tuple[ModelVersion, ...]]:
    """Versions of registered models by the run that they say they came from: `run/id`, as Neptune's guide has it."""
    found: dict[str, tuple[ModelVersion, ...]] = {}
    if folder is None:
        return found
    for parts in _all_parts(folder).values():
        version = _Found()
        for path in parts.paths():
            for batch in _batches(path, version.problems):
                _add_others(batch, None, version)
        run = version.attributes.get("run/id")
        name = str(version.attributes.get("sys/id") or version.run_id)
        if isinstance(run, str) and name:
            model, _, number = name.rpartition("-")
            stage = version.attributes.get("sys/stage")
            entry = ModelVersion(name=model or name, version=number, stage=str(stage) if stage else None)
            found[run] = (*found.get(run, ()), entry)
    return found
