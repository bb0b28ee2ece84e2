"""What the stages of a DVC pipeline add to a run: commands, inputs and outputs with their digests, params."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.dvc_files import Stage, Tracked, locked_stages, pipeline_of
from labtop.formats.files import read_bytes
from labtop.model.run import Artifact, Command, DataInput, RunRecord
from labtop.sources.references import inside, kind_of, reference
from labtop.sources.side_files import Problems, SideFiles

_MOST_UP = 3


_MISSING: Any = object()
_MOST_PARTS = 20


def stage_around(folder: Path, problems: Problems) -> tuple[Path, Stage, Mapping[str, Any]] | None:
    """The stage that writes a folder of metrics, the folder of its `dvc.lock`, and the artifacts of `dvc.yaml`.

    Looks in the folder's parents, and no further up than the root of the DVC project.
    """
    for up in list(folder.parents)[:_MOST_UP]:
        files = SideFiles(up)
        if (up / "dvc.lock").is_file():
            relative = folder.relative_to(up).as_posix()
            for stage in locked_stages(files.yaml("dvc.lock", is_core=True)):
                covering = [out for out in stage.outs if _covers(out.path, relative)]
                if covering and all(is_as_locked(up, out) for out in covering):
                    pipeline = pipeline_of(files.yaml("dvc.yaml", is_core=True))
                    return up, stage, pipeline.artifacts
            for each in files.problems.all():
                problems.add(f"../{each}")
        if (up / ".dvc").is_dir() or (up / ".git").exists():
            break
    return None


def _covers(out: str, folder: str) -> bool:
    """Whether an output is a folder, something in it, or one that it lies in."""
    out = out.rstrip("/")
    return out == folder or out.startswith(f"{folder}/") or folder.startswith(f"{out}/")


def is_as_locked(root: Path, out: Tracked) -> bool:
    """Whether a file is still what a stage wrote; a folder, or one that is not there, counts as such.

    A later run that failed, or ran without DVC, leaves `dvc.lock` behind as it was.
    """
    where = inside(root, out.path)
    if where is None or out.algorithm != "md5" or out.is_folder:
        return True
    try:
        content = read_bytes(where)
    except (OSError, InputError):
        return True
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    # DVC 2 took the digest of text with the line ends of Unix
    plain = hashlib.md5(content.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()
    return out.digest in (digest, plain)


def of_stage(record: RunRecord, found: tuple[Path, Stage, Mapping[str, Any]] | None) -> RunRecord:
    """A record with what the stage that made it says, if there is one."""
    if found is None:
        return record
    root, stage, artifacts = found
    return with_stages(record, root, [stage], artifacts)


def with_stages(
    record: RunRecord,
    root: Path,
    stages: Sequence[Stage],
    artifacts: Mapping[str, Any] | None = None,
    cached: Mapping[str, str] | None = None,
) -> RunRecord:
    """A record with the commands, inputs, outputs and params of stages added to what it has.

    `cached` says where an output lies by its path, for a run whose outputs are no longer in the workspace.
    """
    commands = [line for stage in stages for line in stage.commands]
    produced = {out.path for stage in stages for out in stage.outs}
    inputs: dict[str, DataInput] = {}
    for stage in stages:
        for dep in stage.deps:
            if dep.path not in produced:
                inputs.setdefault(dep.path, data_input(dep))
    outs = [_artifact(root, out, cached) for stage in stages for out in stage.outs]
    return replace(
        record,
        params=merged(record.params, [params for stage in stages for params in stage.params.items()]),
        command=Command(argv=("sh", "-c", " && ".join(commands))) if commands else record.command,
        data=(*record.data, *inputs.values()),
        artifacts=(*record.artifacts, *outs, *_named(root, artifacts or {})),
    )


def data_input(tracked: Tracked) -> DataInput:
    """A dependency as an input with its digest."""
    return DataInput(
        name=tracked.path,
        uri=tracked.path,
        kind="directory" if tracked.is_folder else "file",
        digest=tracked.digest,
        algorithm=tracked.algorithm,
        bytes=tracked.bytes,
        files=tracked.files,
    )


def _artifact(root: Path, out: Tracked, cached: Mapping[str, str] | None) -> Artifact:
    where = inside(root, out.path) if cached is None else cached.get(out.path)
    about: dict[str, str | int | float | bool] = {}
    if out.digest:
        about[out.algorithm or "digest"] = out.digest
    if out.files is not None:
        about["files"] = out.files
    return Artifact(
        name=out.path,
        uri=str(where) if where else out.path,
        kind="directory" if out.is_folder else kind_of(out.path),
        bytes=out.bytes,
        about=about,
    )


def _named(root: Path, artifacts: Mapping[str, Any]) -> Iterable[Artifact]:
    """The `artifacts` of `dvc.yaml`: models and data sets by name."""
    for name, each in artifacts.items():
        path = each.get("path")
        if isinstance(path, str):
            found = reference(root, name, path, kind=str(each.get("type") or "") or None)
            about = {key: str(each[key]) for key in ("desc", "labels") if each.get(key)}
            yield replace(found, about=about)


def merged(params: Mapping[str, Any], more: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Params of several files in one tree. A name that two files give different values has the file in front.

    `dvc.lock` has only those params that a stage uses, and may write the keys of nested ones with dots.
    """
    tree = dict(params)
    for file, values in more:
        for name, value in values.items():
            _add(tree, file, name, value)
    return tree


def _add(tree: dict[str, Any], file: str, name: str, value: Any) -> None:
    there = _at(tree, name)
    if there is _MISSING:
        tree[name] = value
    elif isinstance(value, dict) and isinstance(there, dict):
        for inner, each in value.items():
            _add(tree, file, f"{name}.{inner}", each)
    elif there != value and not (there != there and value != value):  # NaN is the same in both
        tree[f"{file}:{name}"] = value


def _at(tree: Mapping[str, Any], name: str) -> Any:
    """The value of a name with dots, whatever of it are keys."""
    if name in tree:
        return tree[name]
    parts = name.split(".")
    for length in range(1, min(len(parts), _MOST_PARTS)):
        inner = tree.get(".".join(parts[:length]))
        if isinstance(inner, dict) and (found := _at(inner, ".".join(parts[length:]))) is not _MISSING:
            return found
    return _MISSING
