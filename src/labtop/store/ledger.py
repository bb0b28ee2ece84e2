"""The ledger: edits of runs as events that are only ever added, each naming the hash of the one before.

`ledger/<20-digit n>.json` is created once; two processes that want the same number are told apart by the file system.
A changed, removed or reordered event breaks the chain. Only a cut at the very end cannot be seen from inside.
"""

from __future__ import annotations

import getpass
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from labtop.errors import InputError, NewerFormatError
from labtop.store.files import read_regular
from labtop.store.format import plain
from labtop.store.layout import FORMAT, LEDGER, create_once, file_mode, make_folders, read_store_info
from labtop.store.process import this_host
from labtop.store.reader import FileProblem

CHECK = "check"
"""The kind of event that says what `labtop fsck` found wrong with a run; an empty list takes it back."""
KINDS = ("tag", "note", "rename", "archive", CHECK)
"""Kinds of events that this version writes. Others are kept, shown and passed over."""

_NAME = re.compile(r"(\d{20})\.json")
_LARGEST_EVENT_BYTES = 2**20
_BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One edit: what (`kind` and `payload`) was done to which run, by whom and when."""

    n: int
    kind: str
    run_id: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    actor: str = ""
    previous: str = _BEGINNING  # sha256 of the bytes of event n - 1


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order, and the files among them that could not be read."""

    events: tuple[Event, ...] = ()
    problems: tuple[FileProblem, ...] = ()


def append(store: Path, kind: str, run_id: str, payload: Mapping[str, Any]) -> Event:
    """Add an event at the end.

    Raises:
        NewerFormatError: the store is of a newer format, which is never written to.
        InputError: the store cannot be written to.
    """
    info = read_store_info(store)
    if info.format > FORMAT:
        raise NewerFormatError(
            f"{store} is a store of format {info.format}; this labtop writes format {FORMAT}", "update labtop"
        )
    shared = info.shared
    folder = store / LEDGER
    try:
        make_folders(folder, shared)
        while True:
            last = _last_number(folder)
            event = Event(
                n=last + 1,
                kind=kind,
                run_id=run_id,
                payload=plain(payload),
                at=datetime.now(UTC),
                actor=_actor(),
                previous=_digest(_path(folder, last)) if last else _BEGINNING,
            )
            if create_once(_path(folder, event.n), _encode(event), file_mode(shared)):
                return event
    except OSError as error:
        raise InputError(f"cannot write to the ledger {folder}: {error.strerror or error}") from error


def read_events(store: Path, after: int = 0) -> Events:
    """Events with a number above `after`, in order. A damaged one is named, the others are given."""
    events: list[Event] = []
    problems: list[FileProblem] = []
    for number in _numbers(store / LEDGER):
        if number > after:
            path = _path(store / LEDGER, number)
            try:
                events.append(_read(path, number))
            except InputError as error:
                problems.append(FileProblem(path, error.message))
    return Events(tuple(events), tuple(problems))


def check_chain(store: Path) -> tuple[FileProblem, ...]:
    """Where the ledger was changed after the fact; nothing when it is whole."""
    folder = store / LEDGER
    problems: list[FileProblem] = []
    previous, expected = _BEGINNING, 1
    for number in _numbers(folder):
        path = _path(folder, number)
        if number != expected:
            problems.append(FileProblem(path, f"event {expected} is missing before it"))
        try:
            if _read(path, number).previous != previous and number == expected:
                problems.append(
                    FileProblem(path, f"it does not follow event {number - 1} as that stands now")
                )
        except InputError as error:
            problems.append(FileProblem(path, error.message))
        previous, expected = _digest(path), number + 1
    return tuple(problems)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:020d}.json"


def _numbers(folder: Path) -> list[int]:
    try:
        return sorted(int(found[1]) for each in folder.iterdir() if (found := _NAME.fullmatch(each.name)))
    except OSError:
        return []


def _last_number(folder: Path) -> int:
    return max(_numbers(folder), default=0)


def _encode(event: Event) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def _read(path: Path, number: int) -> Event:
    content = _content(path)
    try:
        event = msgspec.json.decode(content, type=Event)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"damaged: {error}") from error
    if event.n != number:
        raise InputError(f"it says that it is event {event.n}")
    return event


def _content(path: Path) -> bytes:
    try:
        content = read_regular(path, _LARGEST_EVENT_BYTES + 1)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    if len(content) > _LARGEST_EVENT_BYTES:
        raise InputError("damaged: far too large for an event")
    return content


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(_content(path)).hexdigest()
    except InputError:
        return _BEGINNING


def _actor() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "unknown"
    return f"{user}@{this_host()}"
