"""A record as flat facts, section by section, so that any number of runs can be laid side by side.

A group of facts knows what it means when a run lacks one of its keys: `ABSENT` where the group was recorded,
`UNKNOWN` where it was not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from labtop.analysis.values import ABSENT, UNKNOWN, Absence, Fact
from labtop.model.run import Code, DataInput, Environment, Hardware, MetricSummary, RunRecord, Tree
from labtop.model.system import is_system

SECTIONS = ("params", "data", "code", "environment", "hardware", "randomness", "metrics")
"""The sections of a comparison, in the order they are shown; all but metrics can be causes."""

Path = tuple[str, ...]

DEEPEST = 50  # nesting beyond this stays one value


@dataclass(frozen=True, slots=True)
class Facts:
    """One group of facts of one run; `missing` is what a key stands for that the run does not have."""

    section: str
    group: Path
    values: Mapping[Path, Fact]
    missing: Absence = ABSENT


def facts_of(record: RunRecord) -> Iterator[Facts]:
    """All groups of facts of a run, in the order of the sections; the same groups for every run."""
    yield Facts("params", (), dict(_leaves(record.params)))
    yield Facts("data", (), _data(record.data), ABSENT if record.data else UNKNOWN)
    yield from _code(record)
    yield from _environment(record.environment)
    yield from _hardware(record.hardware)
    yield from _randomness(record)
    yield Facts("metrics", (), _metrics(record.metrics), UNKNOWN)
    yield Facts("metrics", ("summary",), dict(_leaves(record.summary)))


def _leaves(tree: Tree, prefix: Path = ()) -> Iterator[tuple[Path, Fact]]:
    """The leaves of a nested mapping; lists stay whole and an empty mapping stays as itself."""
    for key, value in tree.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value and len(path) < DEEPEST:
            yield from _leaves(value, path)
        else:
            yield path, value


def _fixed(section: str, group: Path, values: Mapping[str, Fact]) -> Facts:
    """Fields that every record has; None in one means that it is not known."""
    return Facts(
        section,
        group,
        {(name,): UNKNOWN if value is None else value for name, value in values.items()},
        UNKNOWN,
    )


def _data(inputs: tuple[DataInput, ...]) -> dict[Path, Fact]:
    facts: dict[Path, Fact] = {}
    seen: Counter[str] = Counter()
    for each in inputs:
        seen[each.name] += 1
        name = each.name if seen[each.name] == 1 else f"{each.name}#{seen[each.name]}"
        for field in ("digest", "kind", "algorithm", "uri", "bytes", "rows"):
            value = getattr(each, field)
            facts[name, field] = UNKNOWN if value is None else value
        for field in ("files", "split", "used_rows", "indices_sha256"):  # most inputs have none
            if (value := getattr(each, field)) is not None:
                facts[name, field] = value
        for column, type_name in each.columns.items():
            facts[name, "columns", column] = type_name
    return facts


def _code(record: RunRecord) -> Iterator[Facts]:
    code, command = record.code, record.command
    known = ABSENT if code.commit else UNKNOWN
    yield _fixed(
        "code",
        (),
        {"commit": code.commit, "patch": _patch(code), "branch": code.branch, "remote": code.remote},
    )
    untracked: dict[Path, Fact] = {
        (file.path,): file.sha256 or f"not kept: {file.reason}" for file in code.untracked
    }
    yield Facts("code", ("untracked",), untracked, known)
    submodules: dict[Path, Fact] = {(each.path,): each.commit or UNKNOWN for each in code.submodules}
    yield Facts("code", ("submodules",), submodules, known)
    files: dict[Path, Fact] = {(each.path,): each.sha256 or UNKNOWN for each in command.config_files}
    yield Facts("code", ("config_files",), files, ABSENT if command.argv else UNKNOWN)
    parent, step = record.life.parent_id, record.life.fork_step
    fork = {"parent": parent, "step": step} if step is not None else {"parent": ABSENT, "step": ABSENT}
    yield _fixed("code", ("fork",), fork)
    yield _fixed(
        "code",
        ("command",),
        {
            "argv": command.argv or None,
            "entry_point": command.entry_point,
            "cwd": command.cwd,
            "launcher": command.launcher if command.launcher or not command.argv else ABSENT,
            "world_size": command.ranks.get("world_size", ABSENT if command.argv else None),
            "executable": command.executable,
        },
    )


def _patch(code: Code) -> Fact:
    """The identity of the uncommitted changes: none at all is a fact, not knowing is another."""
    if code.patch_sha256:
        return code.patch_sha256
    return ABSENT if code.dirty is False else UNKNOWN


def _environment(environment: Environment) -> Iterator[Facts]:
    recorded = bool(environment.python or environment.packages)
    yield _fixed(
        "environment",
        (),
        {
            "python": environment.python,
            "implementation": environment.implementation,
            "os": environment.os,
            "libc": environment.libc,
            "container": environment.container_digest
            or environment.container_image_id
            or environment.container_image
            or environment.container
            or (ABSENT if recorded else None),
            "conda": environment.conda_environment or (ABSENT if recorded else None),
            "lock": environment.lock_sha256 or (ABSENT if recorded else None),
            "kernel": environment.kernel,
        },
    )
    local: dict[Path, Fact] = {}
    for each in environment.local_packages:
        local[each.name, "commit"] = each.commit or UNKNOWN
        local[each.name, "dirty"] = UNKNOWN if each.dirty is None else each.dirty
    yield Facts("environment", ("local_packages",), local, ABSENT if recorded else UNKNOWN)
    packages: dict[Path, Fact] = {
        (name,): f"{version} from {origin}" if (origin := environment.origins.get(name)) else version
        for name, version in environment.packages.items()
    }
    yield Facts("environment", ("packages",), packages, ABSENT if packages else UNKNOWN)
    variables: dict[Path, Fact] = {(name,): value for name, value in environment.variables.items()}
    yield Facts("environment", ("variables",), variables, ABSENT if recorded else UNKNOWN)


def _hardware(hardware: Hardware) -> Iterator[Facts]:
    recorded = bool(hardware.cpu or hardware.cores or hardware.gpus)
    names = Counter(gpu.name for gpu in hardware.gpus)
    drivers = sorted({gpu.driver for gpu in hardware.gpus if gpu.driver})
    values: dict[str, Fact] = {
        "gpu": ", ".join(f"{n} × {name}" if n > 1 else name for name, n in names.items())
        or (ABSENT if recorded else None),
        "gpu_memory_bytes": [gpu.memory_bytes for gpu in hardware.gpus]
        if any(gpu.memory_bytes for gpu in hardware.gpus)
        else ABSENT
        if recorded and not hardware.gpus
        else None,
        "driver": ", ".join(drivers) or (ABSENT if recorded and not hardware.gpus else None),
    }
    for field in fields(hardware):
        if field.name not in ("gpus", "threads"):
            values[field.name] = getattr(hardware, field.name)
    yield _fixed("hardware", (), values)
    threads: dict[Path, Fact] = {(name,): count for name, count in hardware.threads.items()}
    yield Facts("hardware", ("threads",), threads, ABSENT if threads else UNKNOWN)


def _randomness(record: RunRecord) -> Iterator[Facts]:
    randomness = record.randomness
    missing = ABSENT if randomness.seeds or randomness.imported else UNKNOWN
    yield Facts("randomness", ("seeds",), {(name,): seed for name, seed in randomness.seeds.items()}, missing)
    yield Facts("randomness", ("flags",), dict(_leaves(randomness.flags)), missing)
    imported = sorted(randomness.imported) or None
    yield _fixed("randomness", (), {"imported": imported})


METRIC_FACTS = ("last", "min", "max", "last_step", "nan_count")


def _metrics(metrics: Mapping[str, MetricSummary]) -> dict[Path, Fact]:
    """What is compared of a metric: its last value and extremes, how far it got, and whether it had NaN.

    How the machine did is no outcome.
    """
    facts: dict[Path, Fact] = {}
    for name, summary in metrics.items():
        if is_system(name):
            continue
        for field in METRIC_FACTS:
            value = getattr(summary, field)
            facts[name, field] = UNKNOWN if value is None else value
    return facts
