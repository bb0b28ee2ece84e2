"""Where things lie in an MLflow file store: which folders are stores, experiments and runs, told by their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import read_whole
from labtop.sources.mlflow.words import is_run_id
from labtop.sources.source import Listing, Place

META = "meta.yaml"
TRASH = ".trash"
REGISTRY = "models"
RUN_PARTS = ("metrics", "params", "tags", "artifacts", "inputs", "outputs")
_EXPERIMENT_PARTS = frozenset(("tags", "datasets", "traces", "models"))
_LOGGED = ("metrics", "params", "tags")
_LOOKED_INTO = 8
_META_BYTES = 2**16


def places_in(listing: Listing) -> Iterator[Place]:
    """The file stores, experiments and runs that a folder is or holds. An experiment within a store is no place."""
    folder = listing.folder
    if META in listing.files:
        if meta_kind(folder) or (is_run_id(folder.name) and set(_LOGGED) & set(listing.folders)):
            yield Place(folder, closed=True)
    elif is_run_id(folder.name) and set(_LOGGED) & set(listing.folders):
        yield Place(folder, closed=True)
    elif _holds_experiments(listing):
        others = [name for name in listing.folders if not _belongs(folder, name)]
        if not others and not listing.is_named:
            yield Place(folder, closed=True)
        else:
            yield from (Place(folder / name, closed=True) for name in listing.folders if name not in others)
    elif any(map(is_run_id, listing.folders)) and _holds_runs(listing):
        yield Place(folder, closed=True)


def _belongs(folder: Path, name: str) -> bool:
    return name in (TRASH, REGISTRY) or name.startswith(".") or is_experiment(folder / name)


def _holds_experiments(listing: Listing) -> bool:
    """Whether a folder is a store. Folders with a number for a name are common, so their `meta.yaml` is looked at."""
    if listing.folder.name == "mlruns" and {TRASH, REGISTRY} & set(listing.folders):
        return True
    numbered = [name for name in listing.folders if name.isdecimal()]
    if any(is_experiment(listing.folder / name) for name in numbered[:_LOOKED_INTO]):
        return True
    if TRASH in listing.folders:
        trash = listing.folder / TRASH
        return any(map(is_experiment, folders_in(trash)[:_LOOKED_INTO]))
    return False


def _holds_runs(listing: Listing) -> bool:
    """Whether a folder without a `meta.yaml` is an experiment all the same: its runs have one."""
    runs = [name for name in listing.folders if is_run_id(name)]
    return any(is_run(listing.folder / name) for name in runs[:_LOOKED_INTO])


def meta_kind(folder: Path) -> str:
    """What the `meta.yaml` of a folder is about: "run", "experiment", or empty for neither."""
    try:
        content = read_whole(str(folder / META), _META_BYTES)
    except (OSError, InputError):
        return ""
    lines = {line.partition(b":")[0] for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()}
    if lines & {b"run_id", b"run_uuid"} and lines & {b"status", b"start_time", b"artifact_uri"}:
        return "run" if b"version" not in lines else ""
    if b"experiment_id" in lines and lines & {b"artifact_location", b"lifecycle_stage", b"name"}:
        return "" if b"model_id" in lines else "experiment"
    return ""


def is_experiment(folder: Path) -> bool:
    """Whether a folder of a store is an experiment. One that has lost its `meta.yaml` is known by its runs."""
    kind = meta_kind(folder)
    return kind == "experiment" or (not kind and folder.name.isdecimal() and _has_runs(folder))


def _has_runs(folder: Path) -> bool:
    """Whether there are runs, or artifacts as those of a database's runs lie."""
    named = [each for each in folders_in(folder) if is_run_id(each.name)]
    return any(is_run(each) or (each / "artifacts").is_dir() for each in named[:_LOOKED_INTO])


def is_run(folder: Path) -> bool:
    """Whether a folder of an experiment is a run.

    One that has lost its `meta.yaml` is known by what it logged. A folder with nothing but artifacts belongs to a run
    of a database. An experiment may have tags like a run.
    """
    if folder.name in _EXPERIMENT_PARTS or folder.name.startswith("."):
        return False
    try:
        there = {each.name for each in folder.iterdir()}
    except OSError:
        return False
    is_named, has_parts = is_run_id(folder.name), any(each in there for each in _LOGGED)
    if META in there:
        return is_named or (has_parts and meta_kind(folder) != "experiment")
    return is_named and has_parts


def folders_in(folder: Path) -> list[Path]:
    """The real folders in a folder, sorted; none where it cannot be listed."""
    try:
        with os.scandir(folder) as listed:
            return sorted(Path(each.path) for each in listed if each.is_dir(follow_symlinks=False))
    except OSError:
        return []


def run_folders(place: Path) -> Iterator[tuple[str, Path]]:
    """Key and folder of each run of a place: a store, its trash, an experiment, or a run itself."""
    kind = meta_kind(place)
    if kind == "run" or (not kind and is_run(place)):
        yield ".", place
        return
    yield from _runs_of(place, "")
    if kind == "experiment":
        return
    for prefix, root in (("", place), (f"{TRASH}/", place / TRASH)):
        for experiment in folders_in(root):
            if experiment.name not in (TRASH, REGISTRY) and is_experiment(experiment):
                yield from _runs_of(experiment, f"{prefix}{experiment.name}/")


def _runs_of(experiment: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for folder in folders_in(experiment):
        if is_run(folder):
            yield f"{prefix}{folder.name}", folder


def store_of(run: Path) -> Path:
    """The root of the store that a run's folder would lie in."""
    root = run.parent.parent
    return root.parent if root.name == TRASH else root
