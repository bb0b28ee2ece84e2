"""Brings the environment back: uv from the lock, uv or pip from the full list, conda, a container, or as it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal, get_args

from labtop.errors import UsageError
from labtop.model.run import Environment, LocalPackage, RunRecord
from labtop.model.trackers import OURS, nothing_of
from labtop.recording.capture.local_packages import local_packages
from labtop.recording.capture.redact import Redactor
from labtop.reproduce.carrying import carries
from labtop.reproduce.packages import PACKAGE, REQUIREMENTS, makers_builds, requirements_text, unpinned
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, FindingState, Part, Step, stop

Kind = Literal["uv", "pip", "conda", "docker", "current"]
KINDS: tuple[str, ...] = get_args(Kind)

CONDA_EXPLICIT = "conda-explicit.txt"
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?[a-z0-9.+-]*")
_IMAGE = re.compile(r"[a-z0-9][\w./:-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ACTIVATE = (
    'VIRTUAL_ENV="$scratch/venv" PATH="$scratch/venv/bin:$PATH"',
    "export VIRTUAL_ENV PATH",
    "unset PYTHONHOME",
)


def check_kind(wanted: str | None) -> None:
    """Raise UsageError for a kind of environment that there is not."""
    if wanted is not None and wanted not in KINDS:
        raise UsageError(f"no environment {wanted!r}", f"one of {', '.join(KINDS)}")


def choose_kind(record: RunRecord, run_folder: Path | None, wanted: str | None = None) -> Kind:
    """The kind asked for, else the most exact one that was recorded and whose tool is here."""
    check_kind(wanted)
    for kind in ("uv", "pip", "conda", "docker", "current"):
        if wanted == kind:
            return kind
    folder = run_folder / "environment" if run_folder else None
    environment = record.environment
    if folder and environment.lock_file == CONDA_EXPLICIT and _has(folder, CONDA_EXPLICIT) and _conda():
        return "conda"
    if _has_list(record, folder) and not environment.packages_partial:
        return "uv" if shutil.which("uv") else "pip"
    if image_of(environment) and shutil.which("docker"):
        return "docker"
    return "current"


def plan_environment(record: RunRecord, run_folder: Path | None, kind: Kind) -> Part:
    """Findings and steps for one kind of environment."""
    folder = run_folder / "environment" if run_folder else None
    if kind == "current":
        return Part(tuple(_now(record)))
    if kind == "docker":
        return _docker(record.environment)
    needed = CONDA_EXPLICIT if kind == "conda" else REQUIREMENTS
    is_there = _has_list(record, folder) if kind != "conda" else folder is not None and _has(folder, needed)
    if folder is None or not is_there:
        words = f"{needed} was not kept with this run: --env {kind} cannot be used"
        return Part((Finding("environment", "missing", words),), (Step("the environment", (stop(words),)),))
    if kind == "conda":
        return _conda_part()
    if kind == "uv" and record.environment.lock_file == "uv.lock" and _has(folder, "uv.lock"):
        return _uv_sync(record)
    return _from_list(record, kind)


def _has_list(record: RunRecord, folder: Path | None) -> bool:
    """Whether the list of packages was kept, or can be written: another tracker's record tells them with versions."""
    if folder is not None and _has(folder, REQUIREMENTS):
        return True
    return carries(record) and bool(requirements_text(record.environment))


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def image_of(environment: Environment) -> str | None:
    """`image@sha256:…`, or None where no digest pins it: a tag moves."""
    image, digest = environment.container_image, environment.container_digest
    if not image or not digest or not _DIGEST.fullmatch(digest):
        return None
    name = image.partition("@")[0].removeprefix("docker://")
    return f"{name}@{digest}" if _IMAGE.fullmatch(name) else None


# uv and pip


def _uv_sync(record: RunRecord) -> Part:
    python = _python(record.environment)
    lines = (
        _enter(record),
        'while [ ! -f pyproject.toml ] && [ "$(pwd -P)" != "$tree" ]; do cd ..; done',
        f"[ -f pyproject.toml ] || {stop('no pyproject.toml stands beside the lock in the tree')}",
        'cp -- "$run"/environment/uv.lock uv.lock',
        f'UV_PROJECT_ENVIRONMENT="$scratch/venv" uv sync -q --frozen{python and f" --python {python}"}',
        *_ACTIVATE,
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
    return Part((*_tool("uv"), finding), (step, _exact_list(record, "uv pip install -q")))


def _from_list(record: RunRecord, kind: Kind) -> Part:
    python = _python(record.environment)
    make: tuple[str, ...]
    if kind == "uv":
        make = (f'uv venv -q{python and f" --python {python}"} "$scratch/venv"', *_ACTIVATE)
        install = "uv pip install -q"
    else:
        short = ".".join(python.split(".")[:2]) if python else "3"
        missing = stop(f"python{short} is not here; the run had {python or 'an unknown version'}")
        make = (
            f"command -v python{short} >/dev/null || {missing}",
            f'python{short} -m venv "$scratch/venv"',
            *_ACTIVATE,
        )
        install = "python -m pip install -q --disable-pip-version-check"
    step = Step(
        f"the environment: Python {python or 'of any version'} in a folder of its own",
        make,
        (f"{'uv' if kind == 'uv' else 'that Python'} may not be there",),
    )
    return Part(
        (*_list_findings(record, kind), *_local_findings(record)), (step, _exact_list(record, install))
    )


def _list_findings(record: RunRecord, kind: Kind) -> Iterator[Finding]:
    if kind == "uv":
        yield from _tool("uv")
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
        f"grep -v -e '^-e ' -e ' @ file:' \"$run\"/environment/{REQUIREMENTS} > \"$scratch/{REQUIREMENTS}\" || true",
        f'{install}{alone} -r "$scratch/{REQUIREMENTS}"',
    ]
    for name, origin in record.environment.origins.items():
        lines += _local_install(name, origin, record.environment.packages.get(name, ""), install)
    return Step(
        f"its {len(record.environment.packages)} packages",
        tuple(lines),
        ("versions may have been withdrawn, or have no build for this machine",),
    )


def _local_install(name: str, origin: str, version: str, install: str) -> Iterator[str]:
    """A package of the tree from the tree; one of another folder from there, else its version from the index."""
    path = origin.removeprefix("-e ")
    if origin.startswith("-e .") and ".." not in Path(path).parts:
        place = '"$tree"' if path == "." else f'"$tree"/{quote(path)}'
        yield f"{install} --no-deps -e {place}"
        return
    if (
        not origin.startswith(("-e /", "file:"))
        or not PACKAGE.fullmatch(name)
        or not _VERSION.fullmatch(version)
    ):
        return
    from_index = f"{install} --no-deps {quote(f'{name}=={version}')}"
    if origin.startswith("-e /"):
        yield f"if [ -d {quote(path)} ]; then {install} --no-deps -e {quote(path)}; else {from_index}; fi"
    else:
        yield from_index


def _local_findings(record: RunRecord) -> Iterator[Finding]:
    then = {each.name: each for each in record.environment.local_packages}
    for name, origin in record.environment.origins.items():
        path = Path(origin.removeprefix("-e "))
        if not origin.startswith("-e /"):
            continue
        if not path.is_dir():
            words = f"{name} was installed from {path}, which is gone; its version is asked of the index"
            yield Finding("environment", "warn", words)
        elif (package := then.get(name)) is not None and package.commit:
            yield _commit_finding(package, origin)
        else:
            yield Finding("environment", "warn", f"{name} was installed from {path}, as it is today")


def _commit_finding(then: LocalPackage, origin: str) -> Finding:
    """How the repository of a package stands today beside how it stood then."""
    (now,) = local_packages({then.name: origin}, Redactor())
    was = f"{then.name} was installed from {then.path} at {(then.commit or '')[:12]}"
    if then.dirty:
        return Finding("environment", "warn", f"{was} with changes that are not kept")
    if now.commit != then.commit:
        return Finding("environment", "warn", f"{was}; it stands at {(now.commit or 'no commit')[:12]} now")
    if now.dirty:
        return Finding("environment", "warn", f"{was}; there are changes now")
    return Finding("environment", "ok", f"{was}, where it stands today")


def _python(environment: Environment) -> str:
    return environment.python if environment.python and _VERSION.fullmatch(environment.python) else ""


def _enter(record: RunRecord) -> str:
    """Go to the working directory where it lies in the tree, else to the top."""
    cwd = record.command.cwd
    return f'cd -- "$tree"/{quote(cwd)}' if cwd and cwd != "." and is_inside(cwd) else 'cd -- "$tree"'


def is_inside(path: str) -> bool:
    """Whether a recorded folder is relative to the repository and stays in it."""
    return not path.startswith(("/", "~")) and ".." not in Path(path).parts


def _tool(name: str) -> Iterator[Finding]:
    if shutil.which(name) is None:
        yield Finding("environment", "missing", f"{name} is not installed here")


# conda, docker, and what is here


def _conda() -> str | None:
    return next((name for name in ("mamba", "conda", "micromamba") if shutil.which(name)), None)


def _conda_part() -> Part:
    tool = _conda()
    lines = (
        f'{tool or "conda"} create -q -y -p "$scratch/venv" --file "$run"/environment/{CONDA_EXPLICIT}',
        *_ACTIVATE,
        f"grep -v -e '^-e ' -e ' @ file:' \"$run\"/environment/{REQUIREMENTS} > \"$scratch/{REQUIREMENTS}\" || true",
        f'python -m pip install -q --no-deps -r "$scratch/{REQUIREMENTS}"',
    )
    step = Step(
        "the environment: conda's explicit list, then what pip had installed",
        lines,
        ("a list is for one platform only", "channels may have removed builds"),
    )
    finding = Finding("environment", "ok", "conda's explicit list was kept; its channels are needed")
    return Part((*([] if tool else _tool("conda")), finding), (step,))


def _docker(environment: Environment) -> Part:
    image = image_of(environment)
    if image is None:
        words = "no digest of a container image was recorded; a tag moves, so there is nothing to pull"
        return Part((Finding("environment", "missing", words),), (Step("the environment", (stop(words),)),))
    step = Step(
        f"the environment: the image {image[:80]}",
        (f"docker pull -q -- {quote(image)}",),
        ("docker or the image's registry may not be there",),
    )
    finding = Finding("environment", "ok", f"image pinned by digest: {image[:80]}")
    return Part((*_tool("docker"), finding), (step,))


def _now(record: RunRecord) -> Iterator[Finding]:
    """How the environment that labtop runs in differs from the recorded one."""
    import platform

    environment, tracker = record.environment, record.source.tracker
    if environment.python and platform.python_version() != environment.python:
        words = f"Python {platform.python_version()} is here; the run had {environment.python}"
        yield Finding("environment", "warn", words)
    if not environment.packages:
        words = (
            "no packages were recorded" if tracker == OURS else nothing_of(tracker, "packages", "packages")
        )
        words += "; the current environment is used as it is"
        yield Finding("environment", "missing", words)
        return
    here = {_normal(each.name): each.version for each in distributions() if each.name}
    then = environment.packages
    other = {name: now for name, was in then.items() if (now := here.get(_normal(name))) != was}
    some = f"of the {len(then)} packages that are told" if environment.packages_partial else "packages"
    if not other:
        state: FindingState = "warn" if environment.packages_partial else "ok"
        told = " that are told" if environment.packages_partial else ""
        yield Finding("environment", state, f"all {len(then)} packages{told} are here in the same versions")
        return
    name, version = next(iter(other.items()))
    example = f"{name} {environment.packages[name]} then, {version or 'none'} now"
    dots = ", …" if len(other) > 1 else ""
    verb = "differ" if len(other) > 1 else "differs"
    yield Finding("environment", "warn", f"{len(other)} {some} {verb} where labtop runs: {example}{dots}")


def _normal(name: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
