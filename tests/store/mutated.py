"""Reads mutated Parquet files in a process of its own: `python -m tests.store.mutated FOLDER COUNT SEED`.

Prints how many were read and how many were refused. A crash ends this process, not the test; the file that did it is
then the one named in FOLDER/last.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Artifact
from labtop.store.reader import read_part_points, read_record
from labtop.store.values.decoding import read_value


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One of the ways in which a file goes wrong, most often in its footer, where all the sizes stand."""
    data = bytearray(content)
    footer = int.from_bytes(data[-8:-4], "little") + 8
    low = len(data) - footer if chance.random() < 0.6 else 0
    kind = chance.randrange(6)
    at = chance.randrange(low, len(data))
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        for _ in range(chance.randrange(2, 20)):
            data[chance.randrange(low, len(data))] = chance.randrange(256)
    elif kind == 2:
        length = chance.randrange(1, 40)
        data[at : at + length] = bytes([chance.choice((0, 0xFF, 0x7F, 0x80))]) * length
    elif kind == 3:
        data[at:at] = chance.randbytes(chance.randrange(1, 30))
    elif kind == 4:
        del data[at : at + chance.randrange(1, 30)]
    else:
        other = chance.randrange(len(data))
        data[at : at + 16] = data[other : other + 16]
    if chance.random() < 0.1:
        data[-8:-4] = chance.randbytes(4)
    return bytes(data)


def read(kind: str, path: Path) -> object:
    """The file by the reader that would read it."""
    if kind == "part":
        return read_part_points(path)
    if kind == "record":
        return read_record(path.parent)
    return read_value(path.parent, Artifact(name="x", kind=kind, path=path.name))


def main(folder: Path, count: int, seed: int) -> None:
    """Mutate and read, file after file."""
    chance = random.Random(seed)
    sources = [(path.name.partition("-")[0], path.read_bytes()) for path in sorted(folder.glob("*-source"))]
    outcomes: Counter[str] = Counter()
    for number in range(count):
        kind, content = sources[number % len(sources)]
        path = folder / ("run.parquet" if kind == "record" else "x.parquet")
        path.write_bytes(mutate(content, chance))
        (folder / "last").write_text(f"{kind} {number}")
        outcomes[outcome(lambda kind=kind, path=path: read(kind, path))] += 1  # type: ignore[misc]
    print(outcomes["read"], outcomes["refused"])


def outcome(attempt: Callable[[], object]) -> str:
    """Read, or refused in words; anything else ends the process."""
    try:
        attempt()
    except InputError:
        return "refused"
    return "read"


if __name__ == "__main__":
    import resource

    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
