"""What `dvc.yaml` and `dvc.lock` say: stages with commands, inputs, outputs and params; which files hold metrics.

Schema of `dvc.lock`: 1.0 is a mapping of stages, 2.0 has `schema` and `stages`. Paths are as written, relative to the
folder of the file, and never opened here. Values that a template makes (`${…}`) become patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TEMPLATE = re.compile(r"\\\$\\\{.*?\\\}")
DIRECTORY = ".dir"
"""How the MD5 of a folder ends."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A file or folder that a stage read or wrote, as locked."""

    path: str
    digest: str | None = None
    algorithm: str | None = None
    bytes: int | None = None
    files: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.files is not None or (self.digest or "").endswith(DIRECTORY)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as it was last run. `params` is by the file that they stand in."""

    name: str
    commands: tuple[str, ...] = ()
    deps: tuple[Tracked, ...] = ()
    outs: tuple[Tracked, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What `dvc.yaml` names: paths of files with metrics, params and plots, and what it calls artifacts."""

    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


def locked_stages(lock: Any) -> tuple[Stage, ...]:
    """The stages of a parsed `dvc.lock`; what is no stage is left out."""
    if not isinstance(lock, dict):
        return ()
    stages = lock.get("stages") if "schema" in lock or isinstance(lock.get("stages"), dict) else lock
    found = []
    for name, each in stages.items() if isinstance(stages, dict) else ():
        if isinstance(each, dict) and any(key in each for key in ("cmd", "deps", "outs", "params")):
            params = each.get("params")
            found.append(
                Stage(
                    name=name,
                    commands=_commands(each.get("cmd")),
                    deps=tuple(_tracked(each.get("deps"))),
                    outs=tuple(_tracked(each.get("outs"))),
                    params={file: values for file, values in params.items() if isinstance(values, dict)}
                    if isinstance(params, dict)
                    else {},
                )
            )
    return tuple(found)


def _commands(cmd: Any) -> tuple[str, ...]:
    return tuple(map(str, cmd)) if isinstance(cmd, list) else (str(cmd),) if cmd else ()


def _tracked(listed: Any) -> Iterator[Tracked]:
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict) or not isinstance(each.get("path"), str):
            continue
        algorithm = next((name for name in ("md5", "etag", "checksum", "version_id") if each.get(name)), None)
        yield Tracked(
            path=each["path"],
            digest=str(each[algorithm]) if algorithm else None,
            algorithm=algorithm,
            bytes=_integer(each.get("size")),
            files=_integer(each.get("nfiles")),
        )


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None


def pipeline_of(value: Any, stages: Sequence[Stage] = ()) -> Pipeline:
    """What a parsed `dvc.yaml` names; templates are filled in from the outputs of the locked `stages`."""
    if not isinstance(value, dict):
        return Pipeline()
    outs = [out.path for stage in stages for out in stage.outs]
    metrics = list(_paths(value.get("metrics")))
    params = list(_paths(value.get("params")))
    plots = list(_paths(value.get("plots")))
    listed = value.get("stages")
    for each in _bodies(listed):
        folder = str(each.get("wdir") or "").strip("./")
        prefix = f"{folder}/" if folder and "${" not in folder else ""
        metrics += (prefix + path for path in _paths(each.get("metrics")))
        plots += (prefix + path for path in _paths(each.get("plots")))
        params += (prefix + path for path in _param_files(each.get("params")))
    artifacts = value.get("artifacts")
    return Pipeline(
        metrics=_filled(metrics, outs),
        params=_filled(params, []),
        plots=_filled(plots, outs),
        artifacts={name: each for name, each in artifacts.items() if isinstance(each, dict)}
        if isinstance(artifacts, dict)
        else {},
        stages=tuple(listed) if isinstance(listed, dict) else (),
    )


def _bodies(stages: Any) -> Iterator[Mapping[str, Any]]:
    """Stages, and what `foreach` and `matrix` make stages of."""
    for each in stages.values() if isinstance(stages, dict) else ():
        if isinstance(each, dict):
            body = each.get("do")
            yield body if isinstance(body, dict) else each


def _paths(listed: Any) -> Iterator[str]:
    """The paths of a list; an entry may be a mapping of a path to what is said of it."""
    entries = [{path: about} for path, about in listed.items()] if isinstance(listed, dict) else listed
    for each in entries if isinstance(entries, list) else []:
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield from (path for path in each if isinstance(path, str))


def _param_files(listed: Any) -> Iterator[str]:
    """Files with params of a stage: a text is a key of the default file, a mapping has a file as its key."""
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            yield from (path for path in each if isinstance(path, str))


def _filled(paths: Sequence[str], outs: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for path in paths:
        path = path.removeprefix("./")
        if "${" not in path:
            found.setdefault(path.rstrip("/"))
            continue
        pattern = re.compile(_TEMPLATE.sub("[^/]+", re.escape(path)))
        for out in outs:
            if pattern.fullmatch(out):
                found.setdefault(out)
    return tuple(found)
