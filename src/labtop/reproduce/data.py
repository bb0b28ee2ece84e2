"""Brings the inputs of a run within reach of the new tree, and checks that they are what they were."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from labtop.model.run import DataInput, RunRecord
from labtop.model.trackers import OURS, nothing_of
from labtop.recording.capture.content import read_content
from labtop.recording.capture.folder_content import dvc_folder_md5, folder_sha256, read_folder
from labtop.reproduce.code_places import choose_clone
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, Part, Step

LARGEST_HASHED = 300_000_000
"""Bytes that a plan reads to check inputs, about a second; the script checks the rest."""

_LOCAL_KINDS = ("file", "directory", "dvc")
_COMPUTED = ("md5", "sha256")  # other identifiers are a tracker's or a server's own
_HASH = re.compile(r"[0-9a-f]{32,64}(\.dir)?")


def plan_data(record: RunRecord, run_folder: Path | None, here: Path) -> Part:
    """Findings and steps for every declared input."""
    inputs = [each for each in record.data if each.role == "input"]
    if not inputs:
        tracker = record.source.tracker
        words = "no input was declared" if tracker == OURS else nothing_of(tracker, "inputs", "inputs")
        return Part((Finding("data", "warn", f"{words}; what was read is not known"),))
    tops = _places_to_look(record, run_folder, here)
    budget = LARGEST_HASHED
    findings: list[Finding] = []
    steps: list[Step] = []
    for each in inputs:
        if each.kind not in _LOCAL_KINDS:
            findings.append(_pointer_finding(each))
            continue
        tried = [(_local_finding(each, place, budget), place) for place in _places_today(each, tops)]
        same = next((found for found in tried if found[0].state == "ok"), None)
        finding, place = same or (tried[0] if tried else (_local_finding(each, None, budget), None))
        findings.append(finding)
        budget -= (each.bytes or 0) * len(tried)
        steps.append(_local_step(each, place))
    return Part(tuple(findings), tuple(steps))


def _places_to_look(record: RunRecord, run_folder: Path | None, here: Path) -> list[Path]:
    """Folders that a relative input may lie below: the clone, the working directory, the store and its folder."""
    clone = choose_clone(record, run_folder, here)
    store = (
        [run_folder.parents[1], run_folder.parents[2]] if run_folder and len(run_folder.parents) > 2 else []
    )
    return list(dict.fromkeys([*([clone.root] if clone else []), here, *store]))


def _places_today(each: DataInput, tops: list[Path]) -> list[Path]:
    """Where something lies today that may be the input: at its absolute path, or at the same place below a folder."""
    if "\0" in each.uri:
        return []
    paths = [top / each.uri for top in tops]  # an absolute path stays as it is
    if each.kind == "dvc":
        paths = [path.with_suffix("") if path.suffix == ".dvc" else path for path in paths]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _name(each: DataInput) -> str:
    """Its name and where it is, as far as either is known."""
    if not each.name or not each.uri:
        return each.name or each.uri or "data without a name"
    return f"{each.name} ({each.uri})"


def _local_finding(each: DataInput, place: Path | None, budget: int) -> Finding:
    name = _name(each)
    if place is None:
        how = "dvc pull may bring it" if each.kind == "dvc" else "it must be put there"
        return Finding("data", "missing", f"{name} is not here; {how}")
    if not each.digest:
        return Finding("data", "warn", f"{name} is here; what it held then was not recorded")
    if each.algorithm not in _COMPUTED:
        return Finding("data", "warn", f"{name} is here; {each.digest[:16]} cannot be computed from it")
    if (each.bytes or 0) > budget:
        return _by_size(each, place, name)
    try:
        found = _digest(each, place, budget)
    except OSError as error:
        return Finding("data", "missing", f"{name} cannot be read: {error.strerror}")
    if found is None:
        return _by_size(each, place, name)
    if found == each.digest:
        return Finding("data", "ok", f"{name} is here and holds the same")
    return Finding("data", "missing", f"{name} is here and holds something else now")


def _by_size(each: DataInput, place: Path, name: str) -> Finding:
    if place.is_file() and each.bytes is not None and place.stat().st_size != each.bytes:
        return Finding("data", "missing", f"{name} is here with another size: it holds something else now")
    return Finding("data", "warn", f"{name} is here; too large to be read now, the script checks it")


def _digest(each: DataInput, place: Path, budget: int) -> str | None:
    """The digest of today by the recorded algorithm; None where reading would take too long."""
    if place.is_dir():
        if sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) > budget:
            return None
        files = read_folder(place, md5=each.algorithm == "md5")
        return dvc_folder_md5(files) if each.algorithm == "md5" else folder_sha256(files)
    if place.stat().st_size > budget or not place.is_file():
        return None
    content = read_content(place, md5=each.algorithm == "md5")
    return content.md5 if each.algorithm == "md5" else content.sha256


def _pointer_finding(each: DataInput) -> Finding:
    name = _name(each)
    if each.kind == "frame":
        return Finding("data", "warn", f"{name} was made by the program; what it was made of is not known")
    if each.kind == "glob":
        return Finding("data", "warn", f"{name} is a pattern; what it finds today was not compared")
    if each.digest:
        return Finding(
            "data", "warn", f"{name} is pinned at {each.digest[:12]}; the run fetches it, it was not asked"
        )
    return Finding("data", "warn", f"{name} is pinned by nothing: it may have moved since")


def _local_step(each: DataInput, place: Path | None) -> Step:
    """Reach the input from the tree, then check its content."""
    return Step(
        f"the input {each.name}",
        tuple(_local_lines(each, place)),
        ("it may have been changed, moved or removed since",),
    )


def _local_lines(each: DataInput, place: Path | None) -> Iterator[str]:
    is_absolute = each.uri.startswith("/")
    uri = each.uri.removesuffix(".dvc") if each.kind == "dvc" else each.uri
    target = quote(uri) if is_absolute else f'"$tree"/{quote(uri)}'
    if not is_absolute and place is not None:
        yield f"reach {quote(str(place))} {target}"
    if each.kind == "dvc" and not is_absolute:
        yield f'[ -e {target} ] || (cd -- "$tree" && dvc pull -- {quote(uri)})'
    if each.digest and _HASH.fullmatch(each.digest):
        yield from _check(each.digest, each.algorithm, target)


def _check(digest: str, algorithm: str | None, target: str) -> Iterator[str]:
    if algorithm == "sha256":
        yield f"same {digest} {target}"
    elif algorithm == "md5" and not digest.endswith(".dir"):
        yield f"same_md5 {digest} {target}"
