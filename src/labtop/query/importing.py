"""Copies runs into a store for good: those of other trackers from what was read of their logs, and those of stores.

A run keeps its id, so that bringing the same logs again changes only what has changed. A run arrives whole: it is put
together in a hidden folder of the store and appears by a rename.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labtop.errors import InputError, LabtopError
from labtop.model.run import Artifact, Process, RunRecord, Status
from labtop.query.catalog import Catalog
from labtop.query.cleaning import cleaned, cleaned_text, redactor_for
from labtop.recording.capture.redact import Redactor
from labtop.store.drafts import run_files
from labtop.store.files import FILES, replace_file
from labtop.store.format import encode_record, record_parquet
from labtop.store.layout import (
    RECORD,
    create_store,
    file_mode,
    make_folders,
    new_run_id,
    run_folder,
    run_folders,
)
from labtop.store.reader import read_record
from labtop.store.transfer import copy_proven

_OUTPUT = "output.log"
_DRAFT_SUFFIX = ".sync"  # as runs that arrive from a spool: `labtop fsck` knows what is left over
_FOLDERS_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one run. `state`: imported, updated, unchanged, kept (the store's own goes further), failed."""

    run_id: str
    name: str
    project: str
    tracker: str
    state: str
    points: int = 0
    files: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = ()


def import_runs(
    catalog: Catalog,
    store: Path,
    run_ids: Sequence[str],
    *,
    project: str | None = None,
    artifacts: bool = False,
) -> Iterator[Imported]:
    """Copy runs of a catalog into the store at `store`, which is made if it is not there.

    Arguments:
        project: of all runs, instead of their own.
        artifacts: copy also the files that runs refer to, where they lie below what was opened.

    Raises:
        InputError: the store is where the runs are.
        NewerFormatError: the store was written by a newer labtop.
    """
    if store.resolve() == catalog.path.resolve():
        raise InputError(f"{store} is where these runs are", "name another store with --store")
    shared = create_store(store).shared
    there = {folder.name: folder for folder in run_folders(store)}
    redactor = redactor_for(catalog.settings.redact)
    for at, run_id in enumerate(run_ids):
        if at % _FOLDERS_AT_ONCE == 0:
            catalog.folders.make(run_ids[at : at + _FOLDERS_AT_ONCE])
        folder = catalog.run_folder(run_id)
        try:
            record = cleaned(catalog.record(run_id), redactor)
        except LabtopError as error:
            yield Imported(
                run_id=run_id, name="", project="", tracker="", state="failed", problems=(error.message,)
            )
            continue
        base = Imported(
            run_id=run_id,
            name=record.name,
            project=project or record.project,
            tracker=record.source.tracker,
            state="failed",
            points=sum(each.count for each in record.metrics.values()),
        )
        try:
            assert folder is not None
            record = replace(record, project=base.project)
            arrival = _Arrival(catalog.root, folder.resolve(), record, store, shared, redactor)
            yield arrival.bring(there.get(run_id), base, artifacts)
        except (OSError, LabtopError) as error:
            words = error.message if isinstance(error, LabtopError) else f"{error.strerror or error}"
            yield replace(base, problems=(words,))


class _Arrival:
    """One run on its way from `folder` into a store. `root` is what was opened: files beyond it are never touched."""

    def __init__(
        self, root: Path, folder: Path, record: RunRecord, store: Path, shared: bool, redactor: Redactor
    ) -> None:
        self._root = (root if root.is_dir() else root.parent).resolve()
        self._folder = folder
        self._record = record
        self._shared = shared
        self._redactor = redactor
        self._home = run_folder(store, record.project, record.id)
        self._draft = self._home.parent / f".{record.id}.{new_run_id()}{_DRAFT_SUFFIX}"
        self._problems: list[str] = []
        self._files = self._bytes = 0

    def bring(self, there: Path | None, base: Imported, artifacts: bool) -> Imported:
        """Copy the run unless the store has it as it is; raises OSError, InputError."""
        before = _record_of(there) if there is not None else None
        if before is not None:
            if before.source.tracker != self._record.source.tracker:
                return replace(
                    base, state="kept", problems=("the store has a run of this id from elsewhere",)
                )
            if _essence(before) == _essence(self._record) and not (artifacts and _refers(before)):
                return replace(base, state="unchanged")
            if before.source.tracker == "labtop" and before.status.is_end:
                return replace(base, state="kept")
        make_folders(self._draft, self._shared)
        try:
            self._copy_files()
            record = self._with_artifacts() if artifacts else self._record
            # what the writer had not folded is folded by now, and whoever wrote it does not write here
            host = record.life.process.host if record.life.process else None
            life = replace(record.life, written={}, process=Process(host=host) if host else None)
            record = replace(record, life=life, status=_status(record))
            replace_file(self._draft / RECORD, record_parquet(record), mode=file_mode(self._shared))
            self._publish(there)
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)
        return replace(
            base,
            state="imported" if there is None else "updated",
            files=self._files,
            bytes=self._bytes,
            problems=tuple(self._problems),
        )

    def _publish(self, there: Path | None) -> None:
        if there is not None:
            old = there.with_name(f"{self._draft.name}.old{_DRAFT_SUFFIX}")
            there.rename(old)
            self._draft.rename(self._home)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self._draft.rename(self._home)
        with suppress(OSError):  # some file systems have no such thing
            FILES.sync_folder(self._home.parent)

    def _copy_files(self) -> None:
        for each in run_files(self._folder):
            is_output = (
                each.relative == _OUTPUT and each.path.is_file()
            )  # a link to where its tracker keeps it
            if each.relative != RECORD and (not each.is_odd or is_output):
                path = each.path.resolve() if is_output else each.path
                if is_output or each.relative.startswith("code/"):
                    self._copy_text(path, each.relative)
                else:
                    self._copy(path, each.relative)

    def _copy_text(self, path: Path, relative: str) -> None:
        target = self._draft / relative
        make_folders(target.parent, self._shared)
        with target.open("xb") as file:
            for block in cleaned_text(path, self._redactor):
                file.write(block)
        if not self._shared:
            target.chmod(0o600)
        self._files += 1
        self._bytes += target.stat().st_size

    def _copy(self, path: Path, relative: str) -> str:
        target = self._draft / relative
        make_folders(target.parent, self._shared)
        digest = copy_proven(path, target, mode=file_mode(self._shared))
        self._files += 1
        self._bytes += target.stat().st_size
        return digest

    def _with_artifacts(self) -> RunRecord:
        """The record with copies of the files that it refers to."""
        return replace(self._record, artifacts=tuple(map(self._brought, self._record.artifacts)))

    def _brought(self, artifact: Artifact) -> Artifact:
        path = _local_path(artifact.uri) if artifact.path is None else None
        if path is None:
            return artifact
        try:
            found = path.resolve(strict=True)
            if self._root not in found.parents or not found.is_file():
                self._problems.append(
                    f"{artifact.name}: {path} lies elsewhere, or is no file: it stays a reference"
                )
                return artifact
            relative = f"artifacts/{found.relative_to(self._root).as_posix()}"
            digest = self._copy(found, relative)
        except OSError as error:
            self._problems.append(f"{artifact.name}: {path}: {error.strerror or error}")
            return artifact
        size = (self._draft / relative).stat().st_size
        return replace(artifact, path=relative, bytes=size, sha256=digest)


def _record_of(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except InputError:
        return None


def _essence(record: RunRecord) -> dict[str, object]:
    """What makes an imported run another than before: all but where it is in the middle of being written."""
    life = replace(record.life, written={}, process=None, beat=None)
    row = encode_record(replace(record, life=life, status=_status(record)))
    return {name: value for name, value in row.items() if name != "artifacts"}


def _status(record: RunRecord) -> Status:
    """As the source says it. A run that goes on is running here too, until it was last seen too long ago: then lost."""
    is_seen = record.life.beat is not None and record.life.beat.at is not None
    return Status.UNKNOWN if record.status is Status.RUNNING and not is_seen else record.status


def _refers(record: RunRecord) -> bool:
    return any(each.path is None and _local_path(each.uri) is not None for each in record.artifacts)


def _local_path(uri: str | None) -> Path | None:
    """The path that an address means on this machine; None for any other address."""
    if not uri:
        return None
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if os.path.isabs(uri) else None  # noqa: PTH117 - of text that may be no path at all
