"""Writes `.wandb` files as W&B does: LevelDB's framing around protocol buffers."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32 * 1024

Field = tuple[int, int | float | bytes | str]


def framed(records: Iterable[bytes], start: int = len(HEADER)) -> bytes:
    """Records in fragments, as they stand in a file from `start` on."""
    out = bytearray()
    for record in records:
        rest, is_first = record, True
        while True:
            left = BLOCK - (start + len(out)) % BLOCK
            if left < 7:
                out += bytes(left)
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if is_first else 4) if not rest else (2 if is_first else 3)
            out += struct.pack("<IHB", crc32(part, crc32(bytes([kind]))), len(part), kind) + part
            is_first = False
            if not rest:
                break
    return bytes(out)


def log(records: Iterable[bytes]) -> bytes:
    """A whole file."""
    return HEADER + framed(records)


def varint(number: int) -> bytes:
    """A number as protocol buffers write it."""
    number &= 2**64 - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(*fields: Field) -> bytes:
    """A message of numbered fields."""
    out = b""
    for number, value in fields:
        if isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(content)) + content
    return out


def item(name: str | tuple[str, ...], value: Any, raw: str | None = None) -> bytes:
    """A named value: of a text as old SDKs write it, of a tuple as current ones do."""
    names: list[Field] = [(1, name)] if isinstance(name, str) else [(2, part) for part in name]
    return message(*names, (16, json.dumps(value) if raw is None else raw))


def record(kind: int, content: bytes, number: int = 1) -> bytes:
    """A record of a kind."""
    return message((1, number), (kind, content))


def row(step: int, values: Mapping[str, Any], *, nested: bool = True, at: float | None = None) -> bytes:
    """A history record with all that W&B adds; a number of values may be a text, to be written as it is."""
    time = 1_700_000_000.0 + step if at is None else at
    every = {**values, "_timestamp": time, "_runtime": float(step), "_step": step}
    items: list[Field] = [(1, item((name,) if nested else name, value)) for name, value in every.items()]
    return record(2, message(*items, (2, message((1, step)))), step + 1)


def run(run_id: str = "k3x9q0ab", *fields: Field, project: str = "digits", **config: Any) -> bytes:
    """A run record that started at 1,700,000,000 s."""
    settings = message(*((1, item(name, value)) for name, value in config.items()))
    start = message((1, 1_700_000_000))
    return record(17, message((1, run_id), (3, project), (4, settings), *fields, (17, start)))


def summary(values: Mapping[str, Any], removed: Iterable[str] = ()) -> bytes:
    """A summary record."""
    updates: list[Field] = [(1, item((name,), value)) for name, value in values.items()]
    return record(3, message(*updates, *((2, message((1, name))) for name in removed)))


def stats(seconds: int, values: Mapping[str, float]) -> bytes:
    """A measurement of the machine."""
    items: list[Field] = [(3, item(name, value)) for name, value in values.items()]
    return record(7, message((2, message((1, seconds))), *items))


def end(code: int = 0, runtime: int = 0) -> bytes:
    """An exit record."""
    return record(18, message((1, code), (2, runtime)))


def write_run(
    home: Path,
    records: Iterable[bytes],
    run_id: str = "k3x9q0ab",
    date: str = "20231114_221320",
    kind: str = "offline-run",
) -> Path:
    """A folder of a run with a `.wandb` file in it; gives the file."""
    folder = home / f"{kind}-{date}-{run_id}"
    (folder / "files").mkdir(parents=True)
    path = folder / f"run-{run_id}.wandb"
    path.write_bytes(log(records))
    return path
