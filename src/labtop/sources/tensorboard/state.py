"""How far the files of a run were read, and what has to be known of that part: some KB of JSON."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from labtop.errors import InputError
from labtop.formats.files import open_regular

_VERSION = 1
_TAIL = 64  # bytes before the place where reading ended that must still be there
MOST_RICH = 100
MOST_MARKS = 50


class FileState(msgspec.Struct):
    """One file: the first time in it, how far it was read, a checksum of the bytes before, and damage by reason."""

    path: str
    began_s: float | None = None
    at: int = 0
    crc: int = 0
    damage: dict[str, tuple[int, int]] = msgspec.field(
        default_factory=dict
    )  # reason → how often, first offset


class Rich(msgspec.Struct):
    """Values of one tag that are no numbers: how many, the last step, the file of the last one, an example."""

    kind: str
    count: int = 0
    step: int = 0
    path: str = ""
    text: str = ""


class Start(msgspec.Struct, frozen=True):
    """A restart: what was logged in the files of its folder before the offset with this step or a later one is void."""

    file: int
    offset: int
    step: int


class State(msgspec.Struct):
    """A run as far as it was read. Files are in the order of reading."""

    version: int = _VERSION
    files: list[FileState] = msgspec.field(default_factory=list)
    facts: list[tuple[int, int]] = msgspec.field(
        default_factory=list
    )  # file and offset of records with facts
    rich: dict[str, Rich] = msgspec.field(default_factory=dict)
    starts: list[Start] = msgspec.field(default_factory=list)
    renamed: list[str] = msgspec.field(default_factory=list)  # tags of `add_hparams` that the run has too
    highest_step: float | None = None
    last_s: float | None = None
    trained_s: float | None = (
        None  # when Hugging Face's Trainer logged that a training is over, unless it went on
    )

    def encode(self) -> bytes:
        """As bytes, for the next reading."""
        return msgspec.json.encode(self)


_DECODER = msgspec.json.Decoder(State)


def still_valid(state: bytes | None, files: Sequence[tuple[Path, float | None]]) -> State | None:
    """The state, where these files are those it speaks of, perhaps longer, and perhaps more of them behind."""
    if state is None:
        return None
    try:
        known = _DECODER.decode(state)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    if known.version != _VERSION or len(known.files) > len(files):
        return None
    for before, (path, began_s) in zip(known.files, files, strict=False):
        if before.path != str(path) or before.began_s != began_s or before.crc != tail_crc(path, before.at):
            return None
    return known


def tail_crc(path: Path, at: int) -> int:
    """A checksum of the bytes before an offset; -1 where the file does not reach there."""
    begin = max(0, at - _TAIL)
    try:
        with open_regular(path) as file:
            file.seek(begin)
            content = file.read(at - begin)
    except (OSError, InputError):
        return -1
    return zlib.crc32(content) if len(content) == at - begin else -1
