"""What becomes of the attributes of a Neptune run that are no series of numbers.

`sys/` is what Neptune itself knows (name, times, tags, forks); a name space that is called for parameters or metrics is
taken off where nothing else would get the same name; all other values are parameters under their own path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import Artifact, Command, Life, Process, Randomness, RunRecord, Source, Status, Value

Attributes = Mapping[str, Any]
"""Path → value, of one run."""

_PARAM_SPACES = ("parameters", "params", "hyperparameters", "hparams", "config")
_METRIC_SPACES = ("metrics",)
_SYSTEM = "monitoring/"
_PLAIN = {"sys/size", "sys/id", "sys/custom_run_id", "sys/name", "sys/creation_time", "sys/modification_time",
          "sys/ping_time", "sys/running_time", "sys/monitoring_time", "sys/failed", "sys/state", "sys/tags",
          "sys/group_tags", "sys/description", "sys/trashed", "sys/archived", "sys/forking/parent",
          "sys/forking/step", "sys/forking/depth", "sys/hostname", "source_code/entrypoint"}  # fmt: skip
_SEEDS = ("seed", "random_seed")


def metric_names(paths: Iterable[str]) -> Mapping[str, str]:
    """The name of the metric for each attribute of numbers: `metrics/loss` is `loss` unless there is a `loss` too.

    What Neptune measured of the machine (`monitoring/<process>/cpu`) is under `system/`; the process is named where
    there are several.
    """
    known = sorted(set(paths))
    processes = {each.split("/")[1] for each in known if each.startswith(_SYSTEM) and each.count("/") > 1}
    names: dict[str, str] = {}
    for path in known:
        space, _, rest = path.partition("/")
        if space == "monitoring" and rest:
            process, _, kind = rest.partition("/")
            names[path] = f"system/{kind}" if kind and len(processes) == 1 else f"system/{rest or process}"
        elif space in _METRIC_SPACES and rest and rest not in known:
            names[path] = rest
        else:
            names[path] = path
    return names


def build_record(
    title: str, project: str, attributes: Attributes, artifacts: Iterable[Artifact], source: Source
) -> RunRecord:
    """The record of a run from what was read. `title` stands for a name that is not told."""
    texts: dict[str, str] = {}
    params = _params(attributes, texts)
    failed, state = attributes.get("sys/failed"), str(attributes.get("sys/state", "")).lower()
    is_over = state not in ("active", "running")
    return RunRecord(
        id="",
        name=_text(attributes, "sys/name") or _text(attributes, "sys/custom_run_id") or title,
        project=project,
        status=_status(failed, state),
        started_at=_time(attributes, "sys/creation_time"),
        ended_at=_time(attributes, "sys/ping_time") if is_over else None,
        params=params,
        life=_life(project, attributes),
        command=Command(entry_point=_text(attributes, "source_code/entrypoint") or None),
        randomness=Randomness(seeds=_seeds(params)),
        artifacts=tuple(artifacts),
        source=replace(source, texts=texts),
    )


def identity_of(project: str, run_id: str) -> str:
    """Names a run wherever its export lies."""
    return f"neptune:{project}/{run_id}" if project and run_id else ""


def _status(failed: Any, state: str) -> Status:
    """Neptune tells whether a run failed, and (old ones) whether it is active; one that did neither is over."""
    if failed is True:
        return Status.FAILED
    if state in ("active", "running"):
        return Status.RUNNING
    return Status.FINISHED if failed is False or state in ("inactive", "idle") else Status.UNKNOWN


def _life(project: str, attributes: Attributes) -> Life:
    parent, step = _text(attributes, "sys/forking/parent"), attributes.get("sys/forking/step")
    groups, tags = attributes.get("sys/group_tags") or (), attributes.get("sys/tags") or ()
    hosts = [str(value) for path, value in attributes.items() if _is_of_process(path, "hostname")]
    host = _text(attributes, "sys/hostname") or (hosts[0] if hosts else "")
    return Life(
        group=", ".join(map(str, groups)) or None,
        tags=tuple(map(str, tags)),
        notes=_text(attributes, "sys/description"),
        parent_id=identity_of(project, parent) or None,
        fork_step=float(step) if isinstance(step, int | float) else None,
        process=Process(host=host) if host else None,
        archived=any(attributes.get(f"sys/{word}") is True for word in ("trashed", "archived")),
    )


def _is_of_process(path: str, word: str) -> bool:
    return path.startswith(_SYSTEM) and path.endswith(f"/{word}")


def _params(attributes: Attributes, texts: dict[str, str]) -> dict[str, Value]:
    """All values that say nothing which has a place of its own, nested as their paths are.

    Neptune has types for all but lists and mappings, which its client makes text of: those are had again from it.
    """
    kept = [path for path in attributes if path not in _PLAIN and not path.startswith(_SYSTEM)]
    tree: dict[str, Value] = {}
    for path in kept:
        space, _, rest = path.partition("/")
        is_bare = space in _PARAM_SPACES and bool(rest) and not _is_taken(rest, path, attributes)
        name, value = rest if is_bare else path, attributes[path]
        if isinstance(value, str) and value[:1] in "[{(":
            text, value = value, typed(value)
            if not is_kept(text, value):
                texts[name.replace("/", ".")] = text
        _put(tree, name, value)
    return tree


def _is_taken(rest: str, path: str, attributes: Attributes) -> bool:
    """Whether another attribute would have the same name."""
    others = (f"{space}/{rest}" for space in _PARAM_SPACES)
    return rest in attributes or any(other != path and other in attributes for other in others)


def _put(tree: dict[str, Value], path: str, value: Any) -> None:
    """Nest a value; where a name stands for a value and a space at once, the rest of the path stays one name."""
    plain: Value = value.isoformat() if isinstance(value, datetime) else value
    at, parts = tree, path.split("/")
    for index, part in enumerate(parts[:-1]):
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            at["/".join(parts[index:])] = plain
            return
        at = inner
    if isinstance(at.get(parts[-1]), dict):
        at[f"{parts[-1]}/"] = plain
    else:
        at[parts[-1]] = plain


def _seeds(params: Mapping[str, Value]) -> dict[str, int]:
    found = ((name, params.get(name)) for name in _SEEDS)
    return {name: value for name, value in found if isinstance(value, int) and not isinstance(value, bool)}


def _text(attributes: Attributes, path: str) -> str:
    value = attributes.get(path)
    return "" if value is None else str(value)


def _time(attributes: Attributes, path: str) -> datetime | None:
    value = attributes.get(path)
    return value if isinstance(value, datetime) else None
