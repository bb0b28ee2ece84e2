"""Reads places of one source over and over while files of them are damaged, in a process of its own with little memory.

Run as `python -m tests.sources.damage` with a JSON of `Job` on standard input; a line of JSON on standard output for
everything that went wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from labtop.errors import LabtopError
from labtop.sources import load_source
from labtop.sources.finding import list_folder
from labtop.sources.source import Place, Source

LONGEST_S = 10.0
MOST_MEMORY = 1536 * 2**20


class Hang(BaseException):
    """Reading takes longer than it may."""


def _alarm(*_: object) -> None:
    raise Hang


def walk(source: Source, folder: Path) -> Iterator[Place]:
    """The places at and below a folder."""
    found = list(source.detect(list_folder(folder)))
    yield from found
    closed = {each.path for each in found if each.closed}
    if folder in closed:
        return
    for name in list_folder(folder).folders:
        if folder / name not in closed and not name.startswith("."):
            try:
                yield from walk(source, folder / name)
            except OSError:
                continue


def look(source: Source, root: Path) -> tuple[dict[str, Any], list[str]]:
    """What reading everything gives, run by run: figures, points, parameters, problems. And what could not be read."""
    runs: dict[str, Any] = {}
    said: list[str] = []
    for place in walk(source, root):
        try:
            refs = list(source.runs(place.path))
            for read in source.read(place.path, refs):
                key = f"{place.path.relative_to(root)}:{read.key}"
                record = read.record
                digest = hashlib.sha256()
                for name, curve in sorted(read.curves.items()):
                    digest.update(
                        repr((name, list(curve.steps), list(curve.values), list(curve.times_us))).encode(
                            "utf-8", "surrogatepass"
                        )
                    )
                before = runs.get(key) if read.appended else None
                runs[key] = {
                    "points": sum(map(len, read.curves.values())) + (before or {"points": 0})["points"],
                    "params": len(record.params),
                    "metrics": len({*record.metrics, *read.curves}),
                    "digest": digest.hexdigest() + repr(record.params) + repr(record.status) + record.name,
                    "problems": list(record.source.problems),
                }
        except (OSError, LabtopError) as error:
            said.append(str(error) or type(error).__name__)
    return runs, said


Damage = Callable[[Path, bytes], bool]
"""Damages a file with some content; tells whether a loss can be told from what is left."""


def damages(content: bytes, flips: int, seed: int) -> Iterator[tuple[str, Damage]]:
    """Ways to damage a file."""
    size = len(content)
    chosen = random.Random(seed)
    lengths = {
        0,
        1,
        7,
        size // 4,
        size // 3,
        size // 2,
        size // 2 + 1,
        size * 2 // 3,
        size - 30,
        size - 9,
        size - 2,
        size - 1,
    }
    for length in sorted(each for each in lengths if 0 <= each < size):

        def cut(path: Path, _: bytes, length: int = length) -> bool:
            path.write_bytes(content[:length])
            return (
                length > 0
                and not content[:length].endswith(b"\n")
                and content[length:].strip(b"\n\r }]") != b""
            )

        yield f"cut to {length}", cut
    for _ in range(flips if size else 0):
        at, bit = chosen.randrange(size), chosen.randrange(8)

        def flip(path: Path, _: bytes, at: int = at, bit: int = bit) -> bool:
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            return True

        yield f"bit {bit} of byte {at}", flip
    middle = size // 2
    changed = {
        "zeros in the middle": content[:middle] + bytes(min(16, size - middle)) + content[middle + 16 :],
        "all zeros": bytes(size),
        "BOM": b"\xef\xbb\xbf" + content,
        "CRLF": content.replace(b"\n", b"\r\n"),
        "NUL tail": content + bytes(4096),
        "Latin-1 inside": content[:middle] + b"\xe9\xe8" + content[middle:],
        "twice": content * 2,
        "random bytes": chosen.randbytes(size),
        "UTF-16": content.decode("latin-1").encode("utf-16"),
    }
    for name, other in changed.items():

        def change(path: Path, _: bytes, other: bytes = other) -> bool:
            path.write_bytes(other)
            return False

        yield name, change

    def gone(path: Path, _: bytes) -> bool:
        path.unlink()
        return False

    def folder(path: Path, _: bytes) -> bool:
        path.unlink()
        path.mkdir()
        return False

    def pipe(path: Path, _: bytes) -> bool:
        path.unlink()
        os.mkfifo(path)
        return False

    def passwd(path: Path, _: bytes) -> bool:
        path.unlink()
        path.symlink_to("/etc/passwd")
        return False

    def zero(path: Path, _: bytes) -> bool:
        path.unlink()
        path.symlink_to("/dev/zero")
        return False

    def itself(path: Path, _: bytes) -> bool:
        path.unlink()
        path.symlink_to(path.name)
        return False

    def secret(path: Path, _: bytes) -> bool:
        path.chmod(0)
        return False

    def sparse(path: Path, _: bytes) -> bool:
        os.truncate(path, 10 * 2**30)
        return False

    others = {"a pipe": pipe, "a link to /etc/passwd": passwd, "a link to /dev/zero": zero, "10 GB": sparse}
    more = {"gone": gone, "a folder": folder, "a link to itself": itself, "chmod 0": secret}
    yield from {**others, **more}.items()


def main() -> None:
    """Do the job that standard input says."""
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _alarm)
    for each in Path(job["root"]).rglob("*"):
        os.utime(each, (time.time() - 86_400,) * 2, follow_symlinks=False)
    source, root, victim = load_source(job["source"]), Path(job["root"]), Path(job["victim"])
    sound, said = look(source, root)
    if not sound or said or any(each["problems"] for each in sound.values()):
        _tell("sound", "", f"{said} {[each['problems'] for each in sound.values()]}")
    files = [victim] if victim.is_file() else sorted(each for each in victim.rglob("*") if each.is_file())
    files = files[:: max(1, len(files) // job["files"])]
    others = _without(source, root, victim)
    most, tried, began = 0, 0, time.monotonic()
    for number, path in enumerate(files):
        content, status = path.read_bytes(), path.stat()
        for name, damage in damages(content, job["flips"], number):
            can_be_told = damage(path, content)
            os.utime(
                path, ns=(status.st_mtime_ns, status.st_mtime_ns)
            ) if path.is_file() and not path.is_symlink() else None
            what = f"{path.relative_to(root)}: {name}"
            print(json.dumps(["at", what, ""]), flush=True)
            signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
            try:
                runs, said = look(source, root)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Hang:
                _tell("hangs", what, "")
            except Exception as error:
                signal.setitimer(signal.ITIMER_REAL, 0)
                trace = error.__traceback__
                lines = []
                while trace:
                    lines.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
                    trace = trace.tb_next
                _tell("raises", what, f"{type(error).__name__}: {str(error)[:200]} {' '.join(lines[-5:])}")
            else:
                _judge(what, sound, runs, said, others, can_be_told)
            tried += 1
            if (memory := _peak_mb()) > most + 20:
                most = memory
                _tell("memory", what, f"{most} MB") if most > 300 else None
            path.chmod(0o644) if path.is_file() and not path.is_symlink() else None
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    memory = _peak_mb()
    print(json.dumps(["done", "", f"{tried} in {time.monotonic() - began:.1f} s, {memory} MB"]), flush=True)


def _peak_mb() -> int:
    """The most memory this process took since its program began; `getrusage` counts also what forked it."""
    try:
        told = Path("/proc/self/status").read_text("ascii")
        return int(told.partition("VmHWM:")[2].split()[0]) // 1024
    except (OSError, ValueError, IndexError):
        return 0  # not to be had on this system


def _without(source: Source, root: Path, victim: Path) -> set[str]:
    """The runs that are there without some files: what happens to these must not matter to them."""
    aside = root.parent / "aside"
    victim.rename(aside)
    try:
        return set(look(source, root)[0])
    finally:
        aside.rename(victim)


def _judge(
    what: str, sound: dict[str, Any], runs: dict[str, Any], said: list[str], others: set[str], told: bool
) -> None:
    for key, before in sound.items():
        now = runs.get(key)
        if key in others:
            if now is None or now["digest"] != before["digest"]:
                _tell("other", what, f"{key} is {now and now['problems']}")
        elif told and now is None and not said and not any(each["problems"] for each in runs.values()):
            _tell("silently gone", what, key)
        elif told and now is not None and not now["problems"] and not said:
            for figure in ("points", "params", "metrics"):
                if now[figure] < before[figure]:
                    _tell("silently fewer", what, f"{figure}: {before[figure]} → {now[figure]}")


def _tell(kind: str, what: str, more: str) -> None:
    print(json.dumps([kind, what, more]), flush=True)


if __name__ == "__main__":
    main()
