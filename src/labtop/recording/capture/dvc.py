"""Reads what DVC wrote about a file or folder: a `.dvc` file beside it, or an output in a `dvc.lock` above it.

Both are YAML that a machine writes in one plain shape, of which only `path`, `md5` and `size` of outputs are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LARGEST = 20_000_000
_LINE = re.compile(r"(?P<indent> *)(?P<dash>- )?(?P<key>[\w.@-]+):(?: (?P<value>.*))?$")


@dataclass(frozen=True, slots=True)
class DvcPointer:
    """One output: `path` is relative to the folder of the file that names it."""

    path: str
    md5: str
    bytes: int | None = None


def pointer_for(path: Path) -> DvcPointer | None:
    """What DVC says of `path`, if it tracks it."""
    path = path.absolute()
    beside = path.with_name(f"{path.name}.dvc")
    if beside.is_file():
        return next(iter(pointers_in(beside)), None)
    for folder in path.parents:
        lock = folder / "dvc.lock"
        if lock.is_file():
            wanted = path.relative_to(folder).as_posix()
            return next((each for each in pointers_in(lock) if each.path == wanted), None)
        if (folder / ".git").exists():
            return None
    return None


def pointers_in(file: Path) -> list[DvcPointer]:
    """Every output that a `.dvc` file or a `dvc.lock` names; none where the file is something else."""
    if file.stat().st_size > _LARGEST:
        return []
    pointers = []
    for facts in _outputs(file.read_text("utf-8", "replace").splitlines()):
        if "path" in facts and "md5" in facts:
            size = facts.get("size", "")
            pointers.append(DvcPointer(facts["path"], facts["md5"], int(size) if size.isdecimal() else None))
    return pointers


def _outputs(lines: list[str]) -> Iterator[dict[str, str]]:
    """The mappings in each list under a key `outs`."""
    outs_indent: int | None = None
    facts: dict[str, str] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        indent = len(found["indent"])
        is_inside = outs_indent is not None and (
            indent > outs_indent or (indent == outs_indent and found["dash"] is not None)
        )
        if not is_inside or found["dash"]:
            if facts:
                yield facts
            facts = {}
        if is_inside:
            facts[found["key"]] = (found["value"] or "").strip().strip("'\"")
        else:
            outs_indent = indent if found["key"] == "outs" and not found["value"] else None
    if facts:
        yield facts
