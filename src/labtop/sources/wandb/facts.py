"""What the records of a W&B run say of it beside its numbers, folded as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from labtop.formats import wandb_records as w
from labtop.formats import wandb_shapes as shapes
from labtop.formats.json_text import as_number
from labtop.sources.wandb.media import Media

if TYPE_CHECKING:
    from labtop.formats.wandb_columns import Plain

Tree = Any

_GOALS = {1: "min", 2: "max"}
_LONGEST_PATH = 50
_MOST_ALERTS = 1000


@dataclass
class Facts:
    """All that is known of a run so far. `texts` hold what the last record said, by `wandb_records`' names of fields.

    Attributes:
        summary: JSON text by encoded name, None for what was removed; in the order in which it was set.
        exit: the exit record of the last process; None while there is none.
        start_us: when the first process started.
        artifact_project: where its artifacts went: a run that has its project from the settings says none itself.
    """

    run: dict[str, Tree] = field(default_factory=dict)
    environment: dict[str, Tree] = field(default_factory=dict)
    telemetry: dict[str, str] = field(default_factory=dict)
    config: dict[str, Tree] = field(default_factory=dict)
    own_config: dict[str, Tree] = field(default_factory=dict)
    summary: dict[bytes, bytes | None] = field(default_factory=dict)
    goals: dict[str, str] = field(default_factory=dict)
    glob_goals: dict[str, str] = field(default_factory=dict)
    logged: dict[str, dict[str, Tree]] = field(default_factory=dict)
    used: dict[str, dict[str, Tree]] = field(default_factory=dict)
    alerts: list[dict[str, Tree]] = field(default_factory=list)
    files: dict[str, None] = field(default_factory=dict)
    media: Media = field(default_factory=Media)
    exit: dict[str, Tree] | None = None
    start_us: int | None = None
    artifact_project: str = ""

    def begin_process(self) -> None:
        """Another process takes the run up: the end of the one before counts no more."""
        self.exit = None

    def take(self, kind: int, message: bytes) -> None:
        """Fold a record of one of `wandb_records.KINDS` but histories and statistics. Raises ProtobufError."""
        if kind == shapes.SUMMARY:
            self.take_summary(message)
        elif kind == shapes.CONFIG:
            self._take_config(message)
        elif kind == shapes.RUN:
            self._take_run(message)
        elif kind in shapes.SHAPES:
            said = w.decode(message, shapes.SHAPES[kind])
            _TAKERS[kind](self, said)

    def take_summary(self, message: bytes) -> None:
        """Fold a summary. Raises ProtobufError."""
        for name, text in w.named_values(message):
            self.summary.pop(name, None)
            self.summary[name] = text
        for name, _ in w.named_values(message, w.REMOVALS):
            self.summary.pop(name, None)
            self.summary[name] = None

    def take_summaries(self, plain: Plain, first: int, end: int) -> None:
        """Fold those of the summaries that are numbered from `first` to before `end`."""
        import numpy as np

        _, items = plain.between(first, end)
        codes = plain.codes[items]
        last = np.full(len(plain.names), -1)
        last[codes] = np.arange(items.start, items.stop)
        for code in np.argsort(last)[np.count_nonzero(last < 0) :].tolist():
            name = plain.names[code]
            self.summary.pop(name, None)
            self.summary[name] = plain.texts[int(last[code])].as_py()

    def summary_tree(self) -> dict[str, Tree]:
        """The summary as it stands, nested as it was set."""
        tree: dict[str, Tree] = {}
        for name, text in self.summary.items():
            path = w.path_of(name)
            if text is None:
                _remove(tree, path)
            else:
                _set(tree, path, w.value_of(text))
        return tree

    def unlogged(self, last: Mapping[str, float]) -> list[tuple[bytes, bytes | None]]:
        """What of the summary is more than the last values of metrics; `last` are those."""
        return [
            (name, text)
            for name, text in self.summary.items()
            if text is None or not _is_last("/".join(w.path_of(name)), text, last)
        ]

    def goal_of(self, name: str) -> str | None:
        """Whether a metric is to be small or large, where the script told."""
        if name in self.goals:
            return self.goals[name]
        return next((goal for glob, goal in self.glob_goals.items() if fnmatchcase(name, glob)), None)

    def _take_run(self, message: bytes) -> None:
        said = w.decode(message, shapes.SHAPES[shapes.RUN])
        self.telemetry.update(said.pop("telemetry", {}))
        config, summary = said.pop("config", b""), said.pop("summary", b"")
        start = w.time_us(said.get("start"))
        self.start_us = start if self.start_us is None else self.start_us
        self.run.update({name: value for name, value in said.items() if value not in ("", [])})
        self._take_config(config)
        if summary:
            self.take_summary(summary)

    def _take_config(self, message: bytes) -> None:
        for name, text in w.named_values(message):
            self.set_config(w.path_of(name), w.value_of(text))
        for name, _ in w.named_values(message, w.REMOVALS):
            _remove(self.config, w.path_of(name))

    def set_config(self, path: tuple[str, ...], value: Tree) -> None:
        """Set a value of the configuration; what W&B keeps there for itself goes to `own_config`."""
        if path[:1] == ("_wandb",):
            if isinstance(value, Mapping) and len(path) == 1:
                self.own_config.update(value)
            else:
                _set(self.own_config, path[1:], value)
        else:
            _set(self.config, path, value)

    def _take_exit(self, said: dict[str, Tree]) -> None:
        self.exit = said

    def _take_environment(self, said: dict[str, Tree]) -> None:
        self.environment.update({name: value for name, value in said.items() if value not in ("", [], {})})

    def _take_metric(self, said: dict[str, Tree]) -> None:
        goal = _GOALS.get(said.get("goal", 0))
        if goal is not None:
            if said.get("name"):
                self.goals[_joined(said["name"])] = goal
            elif said.get("glob"):
                self.glob_goals[said["glob"]] = goal

    def _take_telemetry(self, said: dict[str, Tree]) -> None:
        self.telemetry.update({name: text for name, text in said.items() if text})

    def _take_files(self, said: dict[str, Tree]) -> None:
        self.files.update((each["path"], None) for each in said["files"] if each.get("path"))

    def _take_artifact(self, said: dict[str, Tree]) -> None:
        if said.get("run") == self.run.get("id"):
            self.artifact_project = said.get("project", "") or self.artifact_project
        key = f"{said.get('name', '')}\0{said.get('digest', '')}"
        before = self.logged.get(key, {})
        # logged once more it has got other aliases, as when it is linked to a registry
        for name in ("aliases", "tags"):
            said[name] = list(dict.fromkeys((*before.get(name, ()), *said.get(name, ()))))
        self.logged[key] = said

    def _take_alert(self, said: dict[str, Tree]) -> None:
        if len(self.alerts) < _MOST_ALERTS:
            self.alerts.append(said)

    def _take_use(self, said: dict[str, Tree]) -> None:
        self.used[f"{said.get('name', '')}\0{said.get('id', '')}"] = said


_TAKERS = {
    shapes.EXIT: Facts._take_exit,
    shapes.ENVIRONMENT: Facts._take_environment,
    shapes.METRIC: Facts._take_metric,
    shapes.TELEMETRY: Facts._take_telemetry,
    shapes.FILES: Facts._take_files,
    shapes.ARTIFACT: Facts._take_artifact,
    shapes.ALERT: Facts._take_alert,
    shapes.USE_ARTIFACT: Facts._take_use,
}


def _is_last(name: str, text: bytes, last: Mapping[str, float]) -> bool:
    if name in ("_step", "_timestamp", "_runtime"):
        return True
    logged = last.get(name)
    if logged is None:
        return False
    try:
        value = float(text)
    except ValueError:
        number = as_number(said := w.value_of(text))
        value = number if number is not None else float(said) if isinstance(said, bool) else logged + 1
    return value == logged or (value != value and logged != logged)


def _joined(name: str) -> str:
    """The name of a metric as its points have it: `define_metric` escapes dots, and parts nested names by them."""
    return (
        "/".join(part.replace("\0", ".") for part in name.replace("\\.", "\0").split("."))
        if "\\" in name
        else name
    )


def _set(tree: dict[str, Tree], path: tuple[str, ...], value: Tree) -> None:
    """Set what lies at a path, in place of what is no mapping on the way."""
    if not path or len(path) > _LONGEST_PATH:
        return
    for part in path[:-1]:
        below = tree.get(part)
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    tree[path[-1]] = value


def _remove(tree: dict[str, Tree], path: tuple[str, ...]) -> None:
    for part in path[:-1]:
        below = tree.get(part)
        if not isinstance(below, dict):
            return
        tree = below
    if path:
        tree.pop(path[-1], None)
