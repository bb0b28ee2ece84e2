"""How much of a run can be had again: five pillars, each complete, partial or missing, with the reasons in words.

Only what the record says is judged; whether it still holds today is `reproduce.plan`'s to find out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labtop.model.run import Code, Command, DataInput, Environment, Randomness, RunRecord, Tree
from labtop.model.trackers import OURS, nothing_of
from labtop.model.tree import flatten, is_seed

State = Literal["complete", "partial", "missing"]

MARKS: dict[State, str] = {"complete": "+", "partial": "~", "missing": "-"}

PILLARS = ("code", "data", "environment", "configuration", "randomness")
"""The pillars in the order of their marks."""


@dataclass(frozen=True, slots=True)
class PillarScore:
    """One pillar; `reasons` say what is lacking, and are empty when nothing is."""

    pillar: str
    state: State
    reasons: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """`+`, `~` or `-`."""
        return MARKS[self.state]


@dataclass(frozen=True, slots=True)
class Score:
    """The five pillars of one run."""

    pillars: tuple[PillarScore, ...]

    @property
    def marks(self) -> str:
        """Five characters of `+` (complete), `~` (partial) and `-` (missing)."""
        return "".join(each.mark for each in self.pillars)

    def __getitem__(self, pillar: str) -> PillarScore:
        return self.pillars[PILLARS.index(pillar)]


def score_record(record: RunRecord) -> Score:
    """Score what was recorded of a run; touches no file. What another tracker lacks is told of that tracker."""
    tracker = record.source.tracker
    return Score(
        (
            _score("code", _code_known(record.code), _code_gaps(record.code, tracker)),
            _score(
                "data",
                any(each.digest and each.role == "input" for each in record.data),
                _data_gaps(record.data, tracker),
            ),
            _score(
                "environment",
                bool(
                    record.environment.packages
                    or record.environment.lock_sha256
                    or record.environment.container_digest
                ),
                _environment_gaps(record.environment, tracker),
            ),
            _score(
                "configuration",
                bool(record.command.argv or record.params),
                _configuration_gaps(record.command, record.params, tracker),
            ),
            _score(
                "randomness",
                bool(record.randomness.seeds) or any(map(is_seed, flatten(record.params))),
                _randomness_gaps(record.randomness, record.params, tracker),
            ),
        )
    )


def _score(pillar: str, known: bool, gaps: Iterator[str]) -> PillarScore:
    """Complete without gaps; with them partial where something is known, else missing."""
    reasons = tuple(gaps)
    state: State = "complete" if not reasons else "partial" if known else "missing"
    return PillarScore(pillar, state, reasons)


def _code_known(code: Code) -> bool:
    return code.commit is not None or any(file.kept for file in code.untracked)


def _code_gaps(code: Code, tracker: str) -> Iterator[str]:
    if code.commit is None:
        ours = "no commit: the code was in no git repository"
        yield code.problem or (ours if tracker == OURS else nothing_of(tracker, "commit", "commit"))
        if kept := sum(file.kept for file in code.untracked):
            yield f"{_counted(kept, 'file')} kept, and nothing else"
        return
    if code.problem:
        yield code.problem
    if code.dirty is None:
        yield "whether there were uncommitted changes is not known"
    elif code.dirty and not code.patch_sha256:
        yield "uncommitted changes were not kept"
    if code.bundle is None and code.remote is None:
        yield "the commit has no remote and no bundle: only a clone that has it can bring it back"
    yield from _untracked_gaps(code)
    if unpinned := [each.path for each in code.submodules if each.commit is None]:
        yield f"no commit of submodule {_listed(unpinned)}"


def _untracked_gaps(code: Code) -> Iterator[str]:
    """One line a reason, so that a hundred large files read as one fact."""
    by_reason: dict[str, list[str]] = {}
    if "untracked files not kept" in (code.problem or ""):
        return
    for file in code.untracked:
        if not file.kept:
            by_reason.setdefault(file.reason or "not wanted", []).append(file.path)
    for reason, paths in by_reason.items():
        yield f"{_counted(len(paths), 'untracked file')} not kept: {reason}"


def _data_gaps(data: tuple[DataInput, ...], tracker: str) -> Iterator[str]:
    inputs = [each for each in data if each.role == "input"]
    if not inputs:
        yield "no input was declared" if tracker == OURS else nothing_of(tracker, "inputs", "inputs")
    if without := [each.name for each in inputs if not each.digest]:
        yield f"no content identifier of {_listed(without)}"


def _environment_gaps(environment: Environment, tracker: str) -> Iterator[str]:
    locked = bool(environment.lock_sha256 or environment.container_digest)
    if not environment.packages and not locked:
        ours = "no packages were recorded"
        yield ours if tracker == OURS else nothing_of(tracker, "packages", "packages")
        return
    if environment.packages_partial and not locked:
        yield f"of its packages only {_listed(list(environment.packages))} are told"
    if not environment.python and not environment.container_digest:
        yield "the Python version is not known"
    yield from _local_package_gaps(environment)
    if locked:
        return
    if loose := [
        name
        for name, version in environment.packages.items()
        if not version and name not in environment.origins
    ]:
        yield f"neither version nor origin of {_listed(loose)}"
    known = {each.name for each in environment.local_packages if each.commit}
    local = [name for name, origin in environment.origins.items() if is_local(origin) and name not in known]
    if local:
        yield f"installed from a folder that is not kept: {_listed(local)}"


def _local_package_gaps(environment: Environment) -> Iterator[str]:
    if changed := [each.name for each in environment.local_packages if each.dirty]:
        yield f"installed from a repository with changes that are not kept: {_listed(changed)}"


def is_local(origin: str) -> bool:
    """Whether a requirement points outside the repository, into the file system of the run's machine."""
    return origin.removeprefix("-e ").startswith(("file:", "/", "~"))


def _configuration_gaps(command: Command, params: Tree, tracker: str) -> Iterator[str]:
    if not command.argv:
        ours = "how it was started is not known"
        words = ours if tracker == OURS else nothing_of(tracker, "command", "command")
        yield words + ("" if params else ", nor any parameter")
    elif command.cwd is None:
        yield "the working directory is not known"
    if lost := [each.path for each in command.config_files if each.kept is None]:
        yield f"configuration files not kept: {_listed(lost)}"


def _randomness_gaps(randomness: Randomness, params: Tree, tracker: str) -> Iterator[str]:
    for library in randomness.imported:
        if library not in randomness.seeds:
            yield f"{library} was imported and never seeded"
    if randomness.seeds or randomness.imported:
        return
    seeds = {key: value for key, value in flatten(params).items() if is_seed(key)}
    if seeds:
        key, value = next(iter(seeds.items()))
        yield f"the parameter {key} = {value} names a seed; which libraries it seeded is not known"
    else:
        yield "no seed was recorded" if tracker == OURS else nothing_of(tracker, "seed", "seed")


def _listed(names: list[str], limit: int = 3) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
