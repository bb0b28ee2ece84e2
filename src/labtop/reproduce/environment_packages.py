"""Packages by uv or pip: what the lock says, else the full list, each package where it came from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from labtop.model.run import Environment, RunRecord
from labtop.reproduce.carrying import carries
from labtop.reproduce.local_packages import install_local, local_findings
from labtop.reproduce.packages import REQUIREMENTS, makers_builds, unpinned
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, Part, Step, stop
from labtop.reproduce.tree_paths import is_inside

ACTIVATE = (
    'VIRTUAL_ENV="$scratch/venv" PATH="$scratch/venv/bin:$PATH"',
    "export VIRTUAL_ENV PATH",
    "unset PYTHONHOME",
)
LISTED = f"grep -v -e '^-e ' -e ' @ file:' \"$run\"/environment/{REQUIREMENTS} > \"$scratch/{REQUIREMENTS}\" || true"
"""The list without what is of a folder of the machine that recorded."""

_PYTHON = re.compile(r"\d+\.\d+(\.\d+)?[a-z0-9.+-]*")


def locked_packages(record: RunRecord) -> Part:
    """What the recorded `uv.lock` says."""
    python = _python(record.environment)
    lines = (
        _enter(record),
        'while [ ! -f pyproject.toml ] && [ "$(pwd -P)" != "$tree" ]; do cd ..; done',
        f"[ -f pyproject.toml ] || {stop('no pyproject.toml stands beside the lock in the tree')}",
        'cp -- "$run"/environment/uv.lock uv.lock',
        f'UV_PROJECT_ENVIRONMENT="$scratch/venv" uv sync -q --frozen{python and f" --python {python}"}',
        *ACTIVATE,
    )
    step = Step(
        "the environment: what the recorded uv.lock says",
        lines,
        (
            "uv or the package index may not be there",
            "extras that were installed by hand are not in the lock",
        ),
    )
    finding = Finding("environment", "ok", "uv.lock was kept; a package index is needed")
    return Part((*tool_findings("uv"), finding), (step, _exact_list(record, "uv pip install -q")))


def listed_packages(record: RunRecord, with_uv: bool) -> Part:
    """The Python and the packages of the list, by uv or by venv and pip."""
    python = _python(record.environment)
    make: tuple[str, ...]
    if with_uv:
        make = (f'uv venv -q{python and f" --python {python}"} "$scratch/venv"', *ACTIVATE)
        install = "uv pip install -q"
    else:
        short = ".".join(python.split(".")[:2]) if python else "3"
        missing = stop(f"python{short} is not here; the run had {python or 'an unknown version'}")
        make = (
            f"command -v python{short} >/dev/null || {missing}",
            f'python{short} -m venv "$scratch/venv"',
            *ACTIVATE,
        )
        install = "python -m pip install -q --disable-pip-version-check"
    step = Step(
        f"the environment: Python {python or 'of any version'} in a folder of its own",
        make,
        (f"{'uv' if with_uv else 'that Python'} may not be there",),
    )
    return Part(
        (*_list_findings(record, with_uv), *local_findings(record)), (step, _exact_list(record, install))
    )


def _list_findings(record: RunRecord, with_uv: bool) -> Iterator[Finding]:
    if with_uv:
        yield from tool_findings("uv")
    else:
        python = _python(record.environment)
        name = f"python{'.'.join(python.split('.')[:2])}" if python else "python3"
        if shutil.which(name) is None:
            yield Finding("environment", "missing", f"{name} is not here; the run had Python {python}")
    yield from _pins(record)
    origins = [origin for origin in record.environment.origins.values() if "+" in origin.partition("://")[0]]
    if origins:
        yield Finding(
            "environment", "warn", f"{len(origins)} packages come from repositories that must still be there"
        )


def _pins(record: RunRecord) -> Iterator[Finding]:
    """How far the list goes."""
    environment = record.environment
    packages = len(environment.packages)
    if environment.packages_partial:
        words = f"only {packages} packages are told; what else these need is of today"
        yield Finding("environment", "warn", words)
    elif carries(record) and (
        loose := [name for name in unpinned(environment) if name not in environment.origins]
    ):
        words = (
            f"{len(loose)} of {packages} packages have no version and are left out: {', '.join(loose[:3])}"
        )
        yield Finding("environment", "warn", words)
    else:
        yield Finding("environment", "ok", f"all {packages} packages are pinned; a package index is needed")
    if builds := makers_builds(environment):
        where = "may only be on an index of their maker: name it in PIP_EXTRA_INDEX_URL or UV_INDEX"
        words = f"{', '.join(builds[:3])} {where}"
        yield Finding("environment", "warn", words)


def _exact_list(record: RunRecord, install: str) -> Step:
    """Every package as it was, without asking a resolver where the list is whole."""
    alone = "" if record.environment.packages_partial else " --no-deps"
    lines = [
        LISTED,
        f'{install}{alone} -r "$scratch/{REQUIREMENTS}"',
    ]
    for name, origin in record.environment.origins.items():
        lines += install_local(name, origin, record.environment.packages.get(name, ""), install)
    return Step(
        f"its {len(record.environment.packages)} packages",
        tuple(lines),
        ("versions may have been withdrawn, or have no build for this machine",),
    )


def _python(environment: Environment) -> str:
    return environment.python if environment.python and _PYTHON.fullmatch(environment.python) else ""


def _enter(record: RunRecord) -> str:
    """Go to the working directory where it lies in the tree, else to the top."""
    cwd = record.command.cwd
    return f'cd -- "$tree"/{quote(cwd)}' if cwd and cwd != "." and is_inside(cwd) else 'cd -- "$tree"'


def tool_findings(name: str) -> Iterator[Finding]:
    """That a program is missing, if it is."""
    if shutil.which(name) is None:
        yield Finding("environment", "missing", f"{name} is not installed here")
