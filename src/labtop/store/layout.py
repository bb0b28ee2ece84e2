"""Where things lie in a store: names, identities and permissions. Knows no file's content but the marker's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import InputError, NewerFormatError, NoStoreError
from labtop.formats.opening import OWN
from labtop.store.identity import new_identity

FORMAT = 1
MARKER = "labtop.json"
RECORD = "run.parquet"
METRICS = "metrics"
LEDGER = "ledger"
PACKS = "packs"
QUARANTINE = "quarantine"
"""Where `labtop fsck --repair` puts what is damaged or left over. No project is called so."""

_RUN_ID = re.compile(r"[a-z2-7]{10}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_FOLDER_NAME = 80


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What `labtop.json` says. A store without one has an id made from its path."""

    format: int
    store_id: str
    shared: bool = False  # others may read: the umask alone decides


def new_run_id() -> str:
    """Ten random characters of lower-case base 32: 50 bits, no coordinator."""
    return new_identity()


def new_writer_id() -> str:
    """The identity of one process, rank or resume that writes points."""
    return new_run_id()


def is_run_id(text: str) -> bool:
    """Whether `text` could have come from `new_run_id`."""
    return _RUN_ID.fullmatch(text) is not None


def safe_folder_name(text: str) -> str:
    """A folder name for a free text: plain ASCII, never one of the store's own, different for different texts."""
    plain = _UNSAFE.sub("-", text).strip("-.")[:_LONGEST_FOLDER_NAME]
    if plain and plain == text and plain not in (LEDGER, PACKS, QUARANTINE, MARKER):
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'project'}-{digest}"


def run_folder(store: Path, project: str, run_id: str) -> Path:
    """The folder of a run that this store records itself."""
    return store / safe_folder_name(project) / run_id


def folder_mode(shared: bool) -> int:
    """Permission bits of a new folder, before the umask."""
    return 0o777 if shared else 0o700


def file_mode(shared: bool) -> int:
    """Permission bits of a new file, before the umask."""
    return 0o666 if shared else 0o600


def make_folders(folder: Path, shared: bool = False) -> None:
    """Make `folder` and what is missing above it, each with the store's permissions."""
    missing = [folder, *folder.parents]
    for each in reversed(missing[: next((at for at, up in enumerate(missing) if up.is_dir()), 0)]):
        each.mkdir(folder_mode(shared), exist_ok=True)


def create_store(path: Path, shared: bool = False) -> StoreInfo:
    """Make the store at `path` if it is not there yet; any number of processes may do so at once."""
    make_folders(path, shared)
    marker = path / MARKER
    if not marker.exists():
        info = {"format": FORMAT, "store_id": str(uuid.uuid4()), **({"shared": True} if shared else {})}
        create_once(marker, json.dumps(info).encode() + b"\n", file_mode(shared))
    info_there = read_store_info(path)
    if info_there.format > FORMAT:
        raise NewerFormatError(
            f"{path} is a store of format {info_there.format}; this labtop writes format {FORMAT}",
            "update labtop, or record into another store",
        )
    return info_there


def create_once(path: Path, content: bytes, mode: int = 0o600) -> bool:
    """Write a file that must not be there yet, whole or not at all; False when somebody was first."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OWN, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        return publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def publish(draft: Path, path: Path) -> bool:
    """Give a finished draft its name unless that is taken. A hard link is the only rename that never replaces."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    except OSError:  # no hard links here (FAT, some network shares): a reader may see the file half written
        try:
            with path.open("xb") as file:
                file.write(draft.read_bytes())
        except FileExistsError:
            return False
    return True


def read_store_info(path: Path) -> StoreInfo:
    """What the store at `path` says of itself.

    Raises:
        NoStoreError: neither a marker nor a run is there.
        InputError: the marker cannot be understood.
    """
    marker = path / MARKER
    try:
        said = json.loads(marker.read_bytes())
        shared = bool(said.get("shared", False))
        return StoreInfo(int(said["format"]), str(said["store_id"]), shared)
    except FileNotFoundError:
        if not is_store(path):
            raise NoStoreError(f"no store at {path}", "record a run first, or name another folder") from None
        digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
        return StoreInfo(FORMAT, str(uuid.UUID(digest[:32])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"cannot read {marker}: {error}", "mend or remove that file; the runs stay"
        ) from error


def is_store(path: Path) -> bool:
    """Whether `path` is a store: it has the marker, or holds `*/<run id>/run.parquet`."""
    try:
        if (path / MARKER).is_file():
            return True
        return any((folder / RECORD).is_file() for folder in run_folders(path))
    except OSError:
        return False


def project_folders(store: Path) -> list[Path]:
    """The folders that may hold runs, by name; hidden ones and the store's own are none."""
    with os.scandir(store) as entries:
        names = [
            each.name
            for each in entries
            if not each.name.startswith(".")
            and each.name not in (LEDGER, PACKS, QUARANTINE)
            and each.is_dir()
        ]
    return [store / name for name in sorted(names)]


def run_folders(store: Path) -> Iterator[Path]:
    """Every folder of a run, by project and id; a project that vanishes meanwhile is passed over."""
    for project in project_folders(store):
        try:
            with os.scandir(project) as entries:
                ids = sorted(each.name for each in entries if is_run_id(each.name) and each.is_dir())
        except OSError:
            continue
        yield from (project / run_id for run_id in ids)
