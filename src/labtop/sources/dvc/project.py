"""What a DVC project says of one run, from its files: metrics, params, points, stages."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from labtop.errors import InputError
from labtop.formats.dvc_files import Pipeline, Stage, locked_stages, pipeline_of
from labtop.formats.json_text import parse_json
from labtop.formats.yaml_text import parse_yaml
from labtop.model.run import Artifact, MetricSummary, RunRecord
from labtop.sources.dvc.tree import WithCache
from labtop.sources.dvc_stages import merged, with_stages
from labtop.sources.dvclive_folder import flat_metrics, parts_of
from labtop.sources.dvclive_points import Header, points
from labtop.sources.side_files import Problems
from labtop.sources.source import Curve

_MOST_PIPELINES = 50
_POINTS = "/plots/metrics/"


@dataclass(slots=True)
class Told:
    """What was read; `lives` are the folders of DVCLive, `files` those with metrics that are none of DVCLive."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, MetricSummary] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    rich: list[Artifact] = field(default_factory=list)
    stages: list[tuple[str, Stage]] = field(default_factory=list)
    pipelines: list[tuple[str, Pipeline]] = field(default_factory=list)
    lives: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add_to(self, record: RunRecord, root: Path, cached: dict[str, str] | None) -> RunRecord:
        """The record with what the stages say."""
        artifacts = {
            name: each for _, pipeline in self.pipelines for name, each in pipeline.artifacts.items()
        }
        return with_stages(record, root, [stage for _, stage in self.stages], artifacts, cached)


def read_project(
    files: WithCache,
    problems: Problems,
    with_metrics: bool,
    is_new: Callable[[str], bool] = lambda _: True,
    has_failed: bool = False,
) -> Told:
    """Read a project. `is_new` tells whether a folder of DVCLive differs from that of the commit before.

    Of several such folders only those that are new count, for a repository may keep what earlier runs wrote. Of a run
    that failed nothing counts that runs write: metrics and what `dvc.lock` says are those of an earlier one.
    """
    told = Told()
    _find_pipelines(files, problems, told)
    paths = files.paths()
    told.lives = _live_folders(paths, told)
    if has_failed:
        told.stages = [(prefix, Stage(stage.name, stage.commands)) for prefix, stage in told.stages]
        _read_params(files, problems, told, ())
        return told
    new = [each for each in told.lives if is_new(each)]
    lives = new or told.lives
    told.files = [
        path for path in _named(told, "metrics") if PurePosixPath(path).parent.as_posix() not in told.lives
    ]
    _read_params(files, problems, told, lives)
    if with_metrics:
        for folder in lives:
            _read_live(files, problems, told, folder, f"{folder}/" if len(lives) > 1 else "")
        add_metrics(files, problems, told)
    return told


def add_metrics(files: WithCache, problems: Problems, told: Told) -> None:
    """Read the files of metrics that are none of DVCLive."""
    for path in told.files:
        _read_metrics(files, problems, told, path, "")


def _find_pipelines(files: WithCache, problems: Problems, told: Told) -> None:
    names = ("dvc.yaml", "dvc.lock")
    folders = dict.fromkeys(
        str(PurePosixPath(each).parent) for each in files.paths() if PurePosixPath(each).name in names
    )
    for folder in list(folders)[:_MOST_PIPELINES]:
        prefix = "" if folder == "." else f"{folder}/"
        stages = locked_stages(_parsed(files, problems, f"{prefix}dvc.lock"))
        files.add(stages, prefix)
        told.stages += ((prefix, stage) for stage in stages)
        told.pipelines.append((prefix, pipeline_of(_parsed(files, problems, f"{prefix}dvc.yaml"), stages)))


def _named(told: Told, what: str) -> list[str]:
    """Paths that pipelines name, from the project's root."""
    found = (prefix + path for prefix, pipeline in told.pipelines for path in getattr(pipeline, what))
    return list(dict.fromkeys(str(PurePosixPath(each)) for each in found))


def _live_folders(paths: Iterable[str], told: Told) -> list[str]:
    found = dict.fromkeys(
        path[: path.index(_POINTS)] for path in paths if _POINTS in path and path.endswith(".tsv")
    )
    for path in (*_named(told, "metrics"), *paths):
        parent = PurePosixPath(path).parent
        if path.endswith("/metrics.json") and parent.name.startswith("dvclive"):
            found.setdefault(parent.as_posix())
    return sorted(found)


def _read_params(files: WithCache, problems: Problems, told: Told, lives: Sequence[str]) -> None:
    there = set(files.paths())
    named = _named(told, "params")
    named += (f"{prefix}params.yaml" for prefix, _ in told.pipelines)
    named += (f"{folder}/params.yaml" for folder in lives)
    trees = []
    for path in dict.fromkeys([*(["params.yaml"] if "params.yaml" in there else []), *named]):
        value = _parsed(files, problems, path)
        if isinstance(value, dict):
            trees.append((path, value))
    told.params = merged({}, trees)


def _read_live(files: WithCache, problems: Problems, told: Told, folder: str, prefix: str) -> None:
    """A folder of DVCLive: points, then what the summary has beside them."""
    inner = [path.removeprefix(f"{folder}/") for path in files.paths() if path.startswith(f"{folder}/")]
    parts = parts_of(inner)
    for name, path in parts.series.items():
        try:
            content = files.content(f"{folder}/{path}") or b""
        except (OSError, InputError) as error:
            problems.add(f"{folder}/{path}: {error}")
            continue
        header = Header.of(content)
        if header is None:
            problems.add(f"{folder}/{path} has no header of DVCLive in its first line")
            continue
        curve, _, wrong = points(content[header.end :], header)
        told.curves[prefix + name] = curve
        for each in wrong:
            problems.add(f"{folder}/{path}: {each}")
    uris = files.uris()
    for path, kind in parts.rich.items():
        told.rich.append(Artifact(name=path, uri=uris.get(f"{folder}/{path}", f"{folder}/{path}"), kind=kind))
    _read_metrics(files, problems, told, f"{folder}/metrics.json", prefix)


def _read_metrics(files: WithCache, problems: Problems, told: Told, path: str, prefix: str) -> None:
    """A file of metrics. A name that another file has told too has the file in front."""
    value = _parsed(files, problems, path)
    if value is None:
        return
    numbers, rest, step = flat_metrics(
        value if isinstance(value, dict) else {PurePosixPath(path).stem: value}
    )
    if step is not None and not path.endswith("/metrics.json"):
        numbers["step"] = MetricSummary(last=step)
    for name, metric in numbers.items():
        name = prefix + name
        if name in told.metrics:
            name = f"{path}:{name}"
        if name not in told.curves:
            told.metrics[name] = metric
    told.summary.update({name: text for name, text in rest.items() if name not in told.summary})


def _parsed(files: WithCache, problems: Problems, path: str) -> Any:
    """The value of a JSON, TOML or YAML file; None where there is none."""
    text = files.text(path)
    if text is None or path.endswith(".py"):
        return None  # params in Python are not run; `dvc.lock` has their values
    try:
        if path.endswith(".json"):
            return parse_json(text)
        if path.endswith(".toml"):
            return tomllib.loads(text)
        return parse_yaml(text, is_core=True)
    except (InputError, tomllib.TOMLDecodeError, RecursionError) as error:
        problems.add(f"{path}: {error}")
        return None
