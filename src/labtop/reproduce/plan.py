"""The plan that brings a run back: what was found today, and a POSIX shell script that says why each step may fail.

    plan(record, run_folder, Path.cwd()).script()

Planning runs nothing of the run: it asks the user's own clone what it has, and tries the patch in a scratch
repository. The script works in a scratch folder and never touches the user's own tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labtop.model.run import RunRecord
from labtop.reproduce.asking import plan_asking
from labtop.reproduce.carrying import plan_carried
from labtop.reproduce.code import plan_code
from labtop.reproduce.command import plan_command
from labtop.reproduce.config_files import plan_config_files
from labtop.reproduce.data import plan_data
from labtop.reproduce.environment import Kind, choose_kind, plan_environment
from labtop.reproduce.script import write_script
from labtop.reproduce.step import Finding, Step
from labtop.reproduce.surroundings import plan_surroundings

PILLARS = ("code", "data", "environment", "configuration", "randomness", "hardware")


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found, pillar by pillar, and the steps in the order they are taken."""

    record: RunRecord
    run_folder: Path | None
    environment: Kind
    found: tuple[Finding, ...]
    steps: tuple[Step, ...]

    @property
    def can_work(self) -> bool:
        """Whether nothing that is needed was found missing."""
        return all(finding.state != "missing" for finding in self.found)

    def script(self) -> str:
        """The plan as a shell script, its findings as comments above it."""
        return write_script(self.record, self.run_folder, self.environment, self.found, self.steps)


def plan(
    record: RunRecord, run_folder: Path | None, here: Path | None = None, environment: str | None = None
) -> Plan:
    """Plan how to bring a run back from what lies around `here` and in the run's own folder.

    Args:
        record: what was recorded.
        run_folder: the run's folder in its store; None for a run that was read from elsewhere.
        here: where to look for a clone and data; the working directory by default.
        environment: uv, pip, conda, docker or current; by default the most exact one that is possible here.

    Raises:
        UsageError: there is no such kind of environment.
    """
    here = (here or Path.cwd()).resolve()
    folder = run_folder.resolve() if run_folder else None
    kind = choose_kind(record, folder, environment)
    parts = (
        plan_asking(record),
        plan_carried(record, folder, needs_list=kind in ("uv", "pip")),
        plan_code(record, folder, here),
        plan_environment(record, folder, kind),
        plan_data(record, folder, here),
        plan_config_files(record, folder),
        plan_surroundings(record),
        plan_command(record, kind),
    )
    found = tuple(_in_order([finding for part in parts for finding in part.findings]))
    return Plan(record, folder, kind, found, tuple(step for part in parts for step in part.steps))


def _in_order(findings: list[Finding]) -> Iterator[Finding]:
    for pillar in PILLARS:
        yield from (finding for finding in findings if finding.pillar == pillar)
