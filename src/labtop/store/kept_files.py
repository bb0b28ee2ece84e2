"""Which files a record names by their SHA-256, and whether they are still what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from labtop.model.run import RunRecord
from labtop.store.transfer import sha256_of_file


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as the record has it: `relative` to the run's folder; without `sha256` it only has to be there."""

    relative: str
    sha256: str | None
    what: str


def kept_files(record: RunRecord) -> Iterator[KeptFile]:
    """Every file that a record says is kept in the run's folder."""
    code, environment = record.code, record.environment
    for artifact in record.artifacts:
        if artifact.path:
            yield KeptFile(artifact.path, artifact.sha256, "artifact")
    if code.patch_sha256:
        yield KeptFile("code/patch.diff", code.patch_sha256, "patch")
    if code.bundle:
        yield KeptFile(f"code/{code.bundle}", None, "bundle of commits")
    for untracked in code.untracked:
        if untracked.kept:
            yield KeptFile(f"code/untracked/{untracked.path}", untracked.sha256, "untracked file")
    locks = {each.name: each.sha256 for each in environment.lock_files}
    if environment.lock_file:
        locks.setdefault(environment.lock_file, environment.lock_sha256)
    for name, sha256 in locks.items():
        yield KeptFile(f"environment/{name}", sha256, "lock file")
    for config in record.command.config_files:
        if config.kept:
            yield KeptFile(config.kept, config.sha256, "configuration file")
    for data in record.data:
        if data.indices:
            yield KeptFile(data.indices, data.indices_sha256, "indices of a split")


class Wrong(NamedTuple):
    """What is wrong with a kept file: missing or changed, why, and where; the run's folder for a path out of it."""

    kind: str
    reason: str
    path: Path


def check_kept_file(folder: Path, file: KeptFile) -> Wrong | None:
    """What is wrong with a kept file; None when nothing is."""
    if not _is_inside(folder, file.relative):
        return Wrong(
            "changed", f"the record's {file.what} {file.relative!r} is not in the run's folder", folder
        )
    wrong = _compare(folder / file.relative, file)
    return Wrong(*wrong, folder / file.relative) if wrong else None


def _is_inside(folder: Path, relative: str) -> bool:
    """A record is data: its names may lead anywhere."""
    try:
        path = folder / relative
        return (
            "\0" not in relative
            and path.is_relative_to(folder)
            and ".." not in path.relative_to(folder).parts
            and path.parent.resolve().is_relative_to(folder.resolve())
        )
    except (OSError, ValueError, RuntimeError):
        return False


def _compare(path: Path, file: KeptFile) -> tuple[str, str] | None:
    try:
        if file.sha256 is None:
            return None if path.exists() else ("missing", f"the {file.what} is not there")
        found = sha256_of_file(path)
    except FileNotFoundError:
        return "missing", f"the {file.what} is not there"
    except OSError as error:
        return "changed", f"the {file.what} cannot be read: {getattr(error, 'strerror', None) or error}"
    if found != file.sha256:
        return "changed", f"the {file.what} is not what was recorded: its SHA-256 is {found[:12]}…"
    return None
