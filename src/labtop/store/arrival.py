"""One run on its way from a spool to its store: which of its files are there, proven, and which have to be copied."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from labtop.errors import InputError
from labtop.model.run import Artifact, RunRecord, Writer
from labtop.store.drafts import RunFile, run_files
from labtop.store.files import FILES, read_regular, replace_file
from labtop.store.format import record_parquet
from labtop.store.layout import METRICS, RECORD, file_mode, make_folders
from labtop.store.pages import check_pages
from labtop.store.part import SUFFIX as PART_SUFFIX
from labtop.store.part import writer_of
from labtop.store.reader import read_record
from labtop.store.spool import MOVED, NOTE
from labtop.store.transfer import copy_proven, sha256_of_file
from labtop.store.wal import SUFFIX as WAL_SUFFIX
from labtop.store.writers import WRITERS, place, read_writer, read_writers, write_writer

MEMORY = "synced.json"
_LARGEST_MEMORY = 256 * 2**20
_OWN = (NOTE, MEMORY)
_ARTIFACTS = "artifacts/"


@dataclass(slots=True)
class Memory:
    """What was proven to be in a store: relative path → size, modification time and SHA-256 of the spool's file."""

    store_id: str | None
    files: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    is_complete: bool = False
    renamed: dict[str, str] = field(
        default_factory=dict
    )  # artifacts whose name has another content in the store

    @classmethod
    def load(cls, folder: Path, store_id: str | None) -> Memory:
        """What a folder's last sync wrote down; nothing where that was for another store (None: any)."""
        try:
            said = json.loads(read_regular(folder / MEMORY, _LARGEST_MEMORY))
            if store_id not in (None, said["store_id"]):
                return cls(store_id)
            files = {str(name): (int(a), int(b), str(c)) for name, (a, b, c) in said["files"].items()}
            renamed = {str(name): str(other) for name, other in said.get("renamed", {}).items()}
            return cls(said["store_id"], files, bool(said.get("complete")), renamed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(store_id)

    def save(self, folder: Path) -> None:
        """Write it down; where that cannot be, the next sync proves all again."""
        said = {
            "store_id": self.store_id,
            "complete": self.is_complete,
            "files": self.files,
            "renamed": self.renamed,
        }
        with suppress(OSError):
            replace_file(folder / MEMORY, json.dumps(said).encode())

    def covers(self, files: Iterable[RunFile]) -> bool:
        """Whether all of these files were proven as they are now."""
        return all(
            self.files.get(each.relative, (-1, 0, ""))[:2] == (each.size, each.mtime_ns)
            for each in files
            if each.relative not in _OWN
        )


class Arrival:
    """Brings the files of the run in `folder` to `home`; what cannot be brought is in `problems`."""

    def __init__(self, folder: Path, home: Path, memory: Memory, shared: bool) -> None:
        self.folder = folder
        self.home = home
        self.memory = memory
        self.shared = shared
        self.problems: list[str] = []
        self.files = 0
        self.bytes = 0
        self._is_ahead = True  # whether the spool's record is the newer one
        self._renamed = memory.renamed

    def forget(self) -> None:
        """Prove everything anew."""
        self.memory.files.clear()
        self._renamed.clear()

    def bring_all(self) -> bool:
        """Bring what is not there; the record last, for it covers the points. False when a file vanished meanwhile."""
        self.problems.clear()
        self._is_ahead = self._compare_records()
        files = [each for each in run_files(self.folder) if each.relative not in _OWN]
        is_whole = True
        for each in sorted(files, key=lambda each: (each.relative == RECORD, each.relative)):
            if each.is_odd:
                self.problems.append(f"{each.relative} is no regular file and was not copied")
                continue
            try:
                self._bring(each)
            except FileNotFoundError:
                if each.path.exists():
                    raise
                is_whole = False  # sealed and removed: the part is in the next listing
            except InputError as error:
                self.problems.append(error.message)
        return is_whole

    def _bring(self, file: RunFile) -> None:
        target = self.home / self._renamed.get(file.relative, file.relative)
        known = self.memory.files.get(file.relative)
        if known and known[:2] == (file.size, file.mtime_ns) and _size_of(target) == file.size:
            return
        if file.relative == RECORD:
            self._bring_record(file, target)
            return
        there = _size_of(target)
        if there is not None:
            digest = sha256_of_file(target)
            if there == file.size and digest == sha256_of_file(file.path, file.size):
                self._take_as_proven(file, target, digest)
                return
            if _is_later_output(file):
                self._append_output(file, target)
                return
            if not self._may_replace(file, known, digest):
                other = self._other_place(file)
                if other is None:
                    return
                target = other
        self._copy(file, target)

    def _append_output(self, file: RunFile, target: Path) -> None:
        """Put what was printed in the spool behind what was printed before the store went away."""
        later = read_regular(file.path, _LARGEST_MEMORY)
        before = read_regular(target, _LARGEST_MEMORY)
        first_line = later.partition(b"\n")[0]
        before = before.partition(first_line)[0]  # an earlier sync may have been here
        replace_file(target, before + later, mode=file_mode(self.shared))
        self.files += 1
        self.bytes += len(later)
        self._remember(file, sha256_of_file(target))

    def _may_replace(self, file: RunFile, known: tuple[int, int, str] | None, digest: str) -> bool:
        """Whether what is in the store under a file's name is an earlier state of that file."""
        if file.relative.endswith(WAL_SUFFIX) and file.relative.startswith(f"{METRICS}/"):
            return True
        if known is not None and known[2] == digest:
            return True  # a sync put it there
        return self._is_ahead and not file.relative.startswith((f"{METRICS}/", _ARTIFACTS))

    def _other_place(self, file: RunFile) -> Path | None:
        """Where a file goes whose name is taken in the store; None: it stays away."""
        if file.relative.startswith(_ARTIFACTS):
            path = PurePosixPath(file.relative)
            digest = sha256_of_file(file.path)
            self._renamed[file.relative] = str(path.with_name(f"{path.stem}-{digest[:12]}{path.suffix}"))
            return self.home / self._renamed[file.relative]
        if file.relative.startswith(f"{METRICS}/"):
            raise InputError(
                f"{file.relative} is not the same in the store, which is left as it is: run 'labtop fsck' on both"
            )
        return None

    def _bring_writer(self, file: RunFile, target: Path) -> bool:
        """Bring what a process says of itself, with the names its artifacts have in the store; False: as it is."""
        writer = read_writer(file.path) if self._renamed else None
        if writer is None or not any(each.path in self._renamed for each in writer.artifacts):
            return False
        renamed = replace(writer, artifacts=tuple(map(self._as_renamed, writer.artifacts)))
        write_writer(self.home, renamed, mode=file_mode(self.shared), shared=self.shared)
        self.files += 1
        self.bytes += file.size
        self._remember(file, sha256_of_file(target))
        return True

    def _copy(self, file: RunFile, target: Path) -> None:
        if file.relative.startswith(f"{WRITERS}/") and self._bring_writer(file, target):
            return
        make_folders(target.parent, self.shared)
        is_points = file.relative.startswith(f"{METRICS}/")
        digest = copy_proven(
            file.path,
            target,
            most_bytes=file.size,
            mtime_ns=file.mtime_ns if is_points else None,
            mode=file_mode(self.shared),
        )
        self.files += 1
        self.bytes += file.size
        self._take_as_proven(file, target, digest)

    def _take_as_proven(self, file: RunFile, target: Path, digest: str) -> None:
        """The copy is the same; but what was damaged in the spool already is not yet all right."""
        is_part = file.relative.startswith(f"{METRICS}/") and target.suffix == PART_SUFFIX
        if is_part and (reason := check_pages(target)):
            self.problems.append(f"{file.relative} was copied as it is, but it is damaged: {reason}")
        else:
            self._remember(file, digest)

    def _remember(self, file: RunFile, digest: str) -> None:
        self.memory.files[file.relative] = (file.size, file.mtime_ns, digest)

    # -- the record --------------------------------------------------------------------------------------------

    def _compare_records(self) -> bool:
        """Whether the spool's record is further than the store's. The beat counts on through a resume."""
        ours, theirs = _record(self.folder), _record(self.home)
        if theirs is None or ours is None:
            return ours is not None
        if (placed := self._is_better_placed(ours, theirs)) is not None:
            return placed
        if _counter(ours) <= _counter(theirs):
            return False
        return theirs.life.written.keys() <= ours.life.written.keys()

    def _is_better_placed(self, ours: RunRecord, theirs: RunRecord) -> bool | None:
        """Of two ranks of a launch without a store in common the better placed one's record counts; None: no such."""
        mine, other = _writer_of(self.folder, ours), _writer_of(self.home, theirs)
        if mine is None or other is None or mine.writer == other.writer or mine.launch != other.launch:
            return None
        return None if mine.launch is None else place(mine) < place(other)

    def _bring_record(self, file: RunFile, target: Path) -> None:
        record = _record(self.folder)
        if record is None:
            self.problems.append(f"{RECORD} is damaged in the spool: run 'labtop fsck' there")
            return
        if not self._is_ahead:
            theirs = _record(self.home)
            is_rival = theirs is not None and self._is_better_placed(record, theirs) is None
            if theirs and is_rival and not record.life.written.keys() <= theirs.life.written.keys():
                self.problems.append(
                    "the store has a record of this run that goes on differently; points and files were added, "
                    "the record was not"
                )
                return
            self._remember(file, "")
            return
        if self._renamed:
            record = replace(record, artifacts=tuple(map(self._as_renamed, record.artifacts)))
            content = record_parquet(record)
        else:
            content = read_regular(file.path, _LARGEST_MEMORY)
        make_folders(target.parent, self.shared)
        replace_file(
            target,
            content,
            mode=file_mode(self.shared),
            check=lambda draft: os.utime(draft, ns=(file.mtime_ns, file.mtime_ns)),
        )
        if target.read_bytes() != content:
            raise InputError(f"{target}: what was written did not read back the same")
        self._remember(file, "")
        self.files += 1
        self.bytes += len(content)

    def _as_renamed(self, artifact: Artifact) -> Artifact:
        return replace(artifact, path=self._renamed.get(artifact.path or "", artifact.path))

    # -- the end -----------------------------------------------------------------------------------------------

    def remove_stale_logs(self) -> None:
        """Remove logs that a sync put into the store and whose points are in other files now."""
        here = {each.relative for each in run_files(self.folder)}
        writers = {writer_of(Path(each)) for each in here if each.startswith(f"{METRICS}/")}
        for relative in [*self.memory.files]:
            if not relative.endswith(WAL_SUFFIX) or relative in here:
                continue
            if writer_of(Path(relative)) in writers and not self.problems:
                FILES.unlink(self.home / relative)
                del self.memory.files[relative]

    def is_proven(self) -> bool:
        """Whether every file, as it is now, was proven to be in the store and still is there."""
        return self.memory.covers(run_files(self.folder)) and all(
            _size_of(self.home / self._renamed.get(name, name)) is not None for name in self.memory.files
        )

    def sync_folders(self, top: Path) -> None:
        """Flush the names below a folder to the disk."""
        for folder, _, _ in os.walk(top):
            try:
                FILES.sync_folder(Path(folder))
            except OSError:  # some file systems have no such thing
                return


def _size_of(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except OSError:
        return None


def _record(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except InputError:
        return None


def _writer_of(folder: Path, record: RunRecord) -> Writer | None:
    """Who wrote a record, where it is one of several."""
    return next((each for each in read_writers(folder) if each.process == record.life.process), None)


def _is_later_output(file: RunFile) -> bool:
    """Whether a file has only what was printed since the run had to leave its store."""
    if not (file.relative.startswith("output") and file.relative.endswith(".log")):
        return False
    return read_regular(file.path, len(MOVED)) == MOVED


def _counter(record: RunRecord) -> int:
    return record.life.beat.counter if record.life.beat else 0
