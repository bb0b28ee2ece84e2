"""Brings back the configuration files that a run was started with, where the code does not bring them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labtop.model.run import ConfigFile, RunRecord
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, Part, Step
from labtop.reproduce.tree_paths import is_inside

_OUTPUTS = "config/hydra-"  # what Hydra wrote, and will write again


def plan_config_files(record: RunRecord, run_folder: Path | None) -> Part:
    """Findings, and a step that puts a kept file where the tree has none."""
    files = [each for each in record.command.config_files if not (each.kept or "").startswith(_OUTPUTS)]
    if not files:
        return Part()
    findings = tuple(_finding(each, run_folder) for each in files)
    lines = tuple(line for each in files for line in _lines(each, run_folder))
    step = Step("configuration files", lines, ("the tree may hold another version of one",))
    return Part(findings, (step,) if lines else ())


def _kept(each: ConfigFile, run_folder: Path | None) -> bool:
    return bool(run_folder and each.kept and is_inside(each.kept) and (run_folder / each.kept).is_file())


def _finding(each: ConfigFile, run_folder: Path | None) -> Finding:
    if is_inside(each.path):
        if not _kept(each, run_folder):
            return Finding(
                "configuration",
                "warn",
                f"{each.path} was not kept: {each.reason or 'it is not with the run'}",
            )
        if each.reason:
            return Finding("configuration", "warn", f"{each.path} was kept, and {each.reason}: fill them in")
        return Finding("configuration", "ok", f"{each.path} was kept")
    try:
        same = each.reason == "" and hashlib.sha256(Path(each.path).read_bytes()).hexdigest() == each.sha256
    except (OSError, ValueError):
        return Finding(
            "configuration", "missing", f"{each.path} is not here; {each.kept or 'no copy'} is with the run"
        )
    if same:
        return Finding("configuration", "ok", f"{each.path} is here and holds the same")
    return Finding("configuration", "warn", f"{each.path} is here; that it holds the same is not known")


def _lines(each: ConfigFile, run_folder: Path | None) -> Iterator[str]:
    if is_inside(each.path) and _kept(each, run_folder):
        target = f'"$tree"/{quote(each.path)}'
        folder = f'"$tree"/{quote(PurePosixPath(each.path).parent.as_posix())}'
        yield f'[ -e {target} ] || {{ mkdir -p -- {folder} && cp -- "$run"/{quote(str(each.kept))} {target}; }}'
