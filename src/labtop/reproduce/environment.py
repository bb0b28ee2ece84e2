"""Brings the environment back: uv from the lock, uv or pip from the full list, conda, a container, or as it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Literal, get_args

from labtop.errors import UsageError
from labtop.model.run import Environment, RunRecord
from labtop.reproduce.carrying import carries
from labtop.reproduce.environment_now import changes_since
from labtop.reproduce.environment_packages import (
    ACTIVATE,
    LISTED,
    listed_packages,
    locked_packages,
    tool_findings,
)
from labtop.reproduce.packages import REQUIREMENTS, requirements_text
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, Part, Step, stop

Kind = Literal["uv", "pip", "conda", "docker", "current"]
KINDS: tuple[str, ...] = get_args(Kind)

CONDA_EXPLICIT = "conda-explicit.txt"
_IMAGE = re.compile(r"[a-z0-9][\w./:-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
        return Part(tuple(changes_since(record)))
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
        return locked_packages(record)
    return listed_packages(record, with_uv=kind == "uv")


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


def _conda() -> str | None:
    return next((name for name in ("mamba", "conda", "micromamba") if shutil.which(name)), None)


def _conda_part() -> Part:
    tool = _conda()
    lines = (
        f'{tool or "conda"} create -q -y -p "$scratch/venv" --file "$run"/environment/{CONDA_EXPLICIT}',
        *ACTIVATE,
        LISTED,
        f'python -m pip install -q --no-deps -r "$scratch/{REQUIREMENTS}"',
    )
    step = Step(
        "the environment: conda's explicit list, then what pip had installed",
        lines,
        ("a list is for one platform only", "channels may have removed builds"),
    )
    finding = Finding("environment", "ok", "conda's explicit list was kept; its channels are needed")
    return Part((*([] if tool else tool_findings("conda")), finding), (step,))


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
    return Part((*tool_findings("docker"), finding), (step,))
