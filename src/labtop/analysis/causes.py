"""In how many things runs differ: the rows of a comparison folded into causes.

A seed that is a parameter and was given to three libraries is one thing. A commit with its patch and its untracked
files is one thing, `code`. An argument that only repeats a parameter is none. What says where a run was placed, how
it went, or only differs in type is none.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from labtop.analysis.rows import Row
from labtop.analysis.values import Absence, Difference, Fact, relation, text_of
from labtop.model.packages import LIGHT
from labtop.model.tree import is_seed
from labtop.model.variables import is_placement


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that may explain different outcomes, and the rows it was folded from."""

    name: str
    section: str
    rows: tuple[Row, ...]


def find_causes(rows: Iterable[Row], labels: Sequence[Container[str]] = ()) -> tuple[Cause, ...]:
    """The causes among all rows of a comparison, in the order of its sections.

    `labels` are what each run is called (name, group, tags): an argument that only gives one is no cause.
    """
    kept = [row for row in rows if row.section != "metrics"]
    changed: dict[str, list[Row]] = {}
    for row in kept:
        if row.difference is Difference.VALUE:
            changed.setdefault(row.section, []).append(row)
    params = changed.get("params", [])
    return (
        *(Cause(row.key, "params", (row,)) for row in params),
        *_data([row for row in kept if row.section == "data"]),
        *_code(changed.get("code", []), [row for row in kept if row.section == "params"], labels),
        *_environment(changed.get("environment", [])),
        *_hardware(changed.get("hardware", [])),
        *_randomness(changed.get("randomness", []), params),
    )


def _data(rows: Sequence[Row]) -> Iterator[Cause]:
    """An input whose content differs; one that only moved is none where its digest is known and the same."""
    inputs: dict[str, list[Row]] = {}
    for row in rows:
        inputs.setdefault(row.path[0], []).append(row)
    for name, facts in inputs.items():
        changed = tuple(row for row in facts if row.difference is Difference.VALUE)
        digest = next((row for row in facts if row.path[1] == "digest"), None)
        is_same = digest is not None and digest.difference is Difference.SAME
        if changed and not is_same:
            yield Cause(f"data {name}", "data", changed)


_TREE = ("commit", "patch", "untracked", "submodules")


def _code(rows: Sequence[Row], params: Sequence[Row], labels: Sequence[Container[str]]) -> Iterator[Cause]:
    tree = tuple(row for row in rows if row.path[0] in _TREE)
    if tree:
        yield Cause("code", "code", tree)
    if files := tuple(row for row in rows if row.path[0] == "config_files"):
        yield Cause(", ".join(row.path[1] for row in files[:3]), "code", files)
    command = tuple(
        row for row in rows if row.path[0] == "command" and row.path[1] in ("world_size", "launcher")
    )
    argv = [row for row in rows if row.path == ("command", "argv")]
    if command or any(not _repeats_params(row, params, labels) for row in argv):
        yield Cause("command", "code", (*command, *argv))


def _repeats_params(argv: Row, params: Sequence[Row], labels: Sequence[Container[str]]) -> bool:
    """Whether every argument that differs only says what a parameter or the run's label says too."""
    lists = [list(_items(_arguments(value))) for value in argv.values]
    common = set.intersection(*map(set, lists))
    differing = [(item, run) for run, items in enumerate(lists) for item in items if item not in common]
    if not differing:  # the interpreter alone, or the same arguments in another order
        return bool(params) or all(items == lists[0] for items in lists)
    return all(_is_said(item, run, params, labels[run] if labels else ()) for item, run in differing)


def _arguments(argv: Fact) -> list[str]:
    """The arguments without the interpreter, whose path is the environment's affair."""
    words = list(map(str, argv)) if isinstance(argv, Sequence) and not isinstance(argv, str) else []
    return words[1:] if words and PurePosixPath(words[0]).name.startswith("python") else words


Item = tuple[str, str]
"""An option's name and its value, each "" where there is none: `--lr 0.1`, `--lr=0.1`, `lr=0.1`, `--amp`, `x.yaml`."""


def _items(words: Sequence[str]) -> Iterator[Item]:
    at = 0
    while at < len(words):
        word = words[at]
        name, equals, value = word.lstrip("-+").partition("=")
        if equals:
            yield name, value
        elif not word.startswith("-") or _is_number(word):
            yield "", word
        elif at + 1 < len(words) and (not words[at + 1].startswith("-") or _is_number(words[at + 1])):
            at += 1
            yield name, words[at]
        else:
            yield name, ""
        at += 1


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_said(item: Item, run: int, params: Sequence[Row], labels: Container[str]) -> bool:
    """Whether a parameter has the option's name, a differing one its value, or the run is called so."""
    name, value = item
    if value and value in labels:
        return True
    if name and _plain(name) in {_plain(row.path[-1]) for row in params}:
        return True
    differing = (row.values[run] for row in params if row.difference is Difference.VALUE)
    return bool(value) and any(relation(value, each) < Difference.VALUE for each in differing)


def _plain(name: str) -> str:
    return name.replace("-", "_").rpartition(".")[2].removeprefix("no_")


_INSTALLERS = ("pip", "setuptools", "wheel", "uv", "virtualenv", "pipx", "labtop")
"""Packages that put others in place, or only watch."""


def _environment(rows: Sequence[Row]) -> Iterator[Cause]:
    for row in rows:
        if row.path[0] in ("python", "implementation", "os", "libc", "container"):
            yield Cause(row.path[0], "environment", (row,))
    packages = [row for row in rows if row.path[0] == "packages" and row.path[1].lower() not in _INSTALLERS]
    for row in packages:
        if row.weight < LIGHT:
            yield Cause(row.path[1], "environment", (row,))
    light = tuple(row for row in packages if row.weight >= LIGHT)
    if len(light) == 1:
        yield Cause(light[0].path[1], "environment", light)
    elif light:
        yield Cause(f"{len(light)} other packages", "environment", light)
    local = tuple(row for row in rows if row.path[0] == "local_packages")
    if local:
        yield Cause(", ".join(dict.fromkeys(row.path[1] for row in local)), "environment", local)
    for row in rows:
        if row.path[0] == "variables" and not is_placement(row.path[1]) and row.path[1] != "PYTHONHASHSEED":
            yield Cause(row.path[1], "environment", (row,))


_MACHINE = {
    "gpu": ("gpu", "gpu_memory_bytes", "driver"),
    "cuda": ("cuda", "cudnn", "nccl", "rocm"),
    "cpu": ("cpu", "cores", "architecture", "cpus_allowed", "cpu_limit"),
    "blas": ("blas", "blas_threads", "threads"),
}


def _hardware(rows: Sequence[Row]) -> Iterator[Cause]:
    for name, fields in _MACHINE.items():
        if found := tuple(row for row in rows if row.path[0] in fields):
            yield Cause(name, "hardware", found)


def _randomness(rows: Sequence[Row], params: Sequence[Row]) -> Iterator[Cause]:
    """Seeds of one value in every run are one seed, and none where a parameter already says it."""
    said = [row.values for row in params if is_seed(row.key)]
    distinct: list[tuple[tuple[Fact, ...], list[Row]]] = []
    for row in (row for row in rows if row.path[0] == "seeds"):
        if any(_agree(row.values, values) for values in said):
            continue
        for values, same in distinct:
            if _agree(row.values, values):
                same.append(row)
                break
        else:
            distinct.append((row.values, [row]))
    for _, same in distinct:
        name = "seed" if len(distinct) == 1 and not said else f"seed of {same[0].path[1]}"
        yield Cause(name, "randomness", tuple(same))
    for row in rows:
        if row.path[0] == "flags":
            yield Cause(".".join(row.path[1:]), "randomness", (row,))


def _agree(a: Sequence[Fact], b: Sequence[Fact]) -> bool:
    """Whether two rows of seeds say the same in every run; a run where one of them is not set decides nothing."""
    return all(
        isinstance(x, Absence) or isinstance(y, Absence) or text_of(x) == text_of(y)
        for x, y in zip(a, b, strict=True)
    )
