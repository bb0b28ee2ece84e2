"""Files that a script carries inside, for runs of other trackers: what is kept of those lies in labtop's cache.

A cache may be emptied at any time, and a script is passed on. So the patch and the list of packages are written out by
the script itself, readable where they are plain text, and checked by their hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labtop.model.run import Environment, RunRecord
from labtop.model.trackers import OURS, tracker_of
from labtop.reproduce.code_places import PATCH
from labtop.reproduce.packages import REQUIREMENTS, requirements_text
from labtop.reproduce.shell import is_plain_text, quote
from labtop.reproduce.step import Finding, Part, Step

MOST_BYTES = 2_000_000
"""Of one file; a larger one is told by its place."""

_DECODE = "unbase64() { if printf Cg== | base64 -d >/dev/null 2>&1; then base64 -d; else base64 -D; fi; }"


@dataclass(frozen=True, slots=True)
class Carried:
    """A file as it was kept: its place in the run's folder, and its content."""

    place: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()


def carries(record: RunRecord) -> bool:
    """Whether the script of a run carries what was kept, because only a cache has it."""
    return record.source.tracker != OURS


def plan_carried(record: RunRecord, run_folder: Path | None, needs_list: bool) -> Part:
    """The step that puts what was kept where the later ones look for it, before anything else is done."""
    if not carries(record):
        return Part()
    findings: list[Finding] = []
    lines: list[str] = []
    places = _places(record, needs_list)
    for place in places:
        path = run_folder / place if run_folder else None
        try:
            content = _content(record.environment, path, place)
        except OSError:
            continue  # whoever needs it says that it is not there
        if len(content) > MOST_BYTES and path is not None:
            findings.append(_too_large(record, path))
            lines += _linked(path, place)
        else:
            lines += _written(Carried(place, content))
    if not lines:
        return Part()
    if any(line.startswith("unbase64 ") for line in lines):
        lines.insert(0, _DECODE)
    named = " and ".join(places)
    return Part(tuple(findings), (Step(f"what {_title(record)} kept with the run: {named}", tuple(lines)),))


def _title(record: RunRecord) -> str:
    return tracker_of(record.source.tracker).title


def _places(record: RunRecord, needs_list: bool) -> list[str]:
    """Where in the run's folder the later steps look for files."""
    places = [f"code/{PATCH}"] if record.code.patch_sha256 else []
    places += [each.kept for each in record.command.config_files if each.kept]
    places += [f"environment/{REQUIREMENTS}"] if needs_list else []
    return list(dict.fromkeys(places))


def _content(environment: Environment, path: Path | None, place: str) -> bytes:
    if path is not None and path.is_file():
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    if place == f"environment/{REQUIREMENTS}":
        return requirements_text(environment).encode()
    raise FileNotFoundError(place)


def _too_large(record: RunRecord, path: Path) -> Finding:
    words = f"{path.name} is too large for a script and is taken from labtop's cache, which may be emptied"
    return Finding("code", "warn", f"{words}; the run itself is at {record.source.uri}")


def _linked(path: Path, place: str) -> Iterator[str]:
    yield from _folder_of(place)
    yield f'ln -sf -- {quote(str(path))} "$run"/{quote(place)}'


def _written(file: Carried) -> Iterator[str]:
    place = f'"$run"/{quote(file.place)}'
    mark = f"LABTOP_{file.sha256[:16]}"
    yield from _folder_of(file.place)
    if is_plain_text(file.content):
        yield f"cat > {place} <<'{mark}'"
        yield from file.content.decode().removesuffix("\n").split("\n") if file.content else ()
    else:
        yield f"unbase64 > {place} <<'{mark}'"
        yield from _wrapped(base64.b64encode(file.content).decode())
    yield mark
    yield f"same {file.sha256} {place}"


def _folder_of(place: str) -> Iterator[str]:
    if folder := place.rpartition("/")[0]:
        yield f'mkdir -p -- "$run"/{quote(folder)}'


def _wrapped(text: str, width: int = 76) -> Sequence[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]
