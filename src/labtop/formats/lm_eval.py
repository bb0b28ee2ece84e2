"""Result files of lm-evaluation-harness, of all its layouts: scores by task and metric, and what is said beside them.

Since 0.4 a score is `results[task]["acc,none"]`, its error `"acc_stderr,none"`; before, `"acc"` and `"acc_stderr"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from labtop.formats.json_text import as_number

_START = re.compile(rb'\s*\{\s*"results"\s*:\s*\{')
_NO_SCORES = ("alias", "name", "sample_len", "sample_count")
_ENVIRONMENT = re.compile(r"^(?P<key>[A-Za-z][\w /.-]*?): (?P<value>.+)$", re.MULTILINE)
_GPU = re.compile(r"^GPU \d+: (?P<name>.+)$", re.MULTILINE)
_PACKAGE = re.compile(r"^\[(?:pip3?|conda)\] (?P<name>[\w.-]+)(?:==|\s+)(?P<version>[\w.+!-]+)", re.MULTILINE)


class Score(NamedTuple):
    """A score of a task; `goal` is "max" or "min" where it is told."""

    name: str
    value: float
    goal: str | None


def begins_as_results(content: bytes) -> bool:
    """Whether the beginning of a file is that of a result file."""
    return _START.match(content.removeprefix(b"\xef\xbb\xbf")) is not None


def is_results(value: Any) -> bool:
    """Whether a JSON value is a result file: scores by task, with the versions of tasks or a configuration."""
    if not isinstance(value, dict) or not isinstance(value.get("results"), dict):
        return False
    has_more = isinstance(value.get("versions"), dict) or isinstance(value.get("config"), dict)
    return has_more and all(isinstance(each, dict) for each in value["results"].values())


def scores(value: Mapping[str, Any]) -> Iterator[Score]:
    """All scores as `task/metric`, with `,filter` behind where it is not `none`; errors are `task/metric_stderr`."""
    better = value.get("higher_is_better")
    found: dict[str, Score] = {}
    for part in ("results", "groups"):
        tasks = value.get(part)
        for task, metrics in tasks.items() if isinstance(tasks, dict) else ():
            for key, told in metrics.items() if isinstance(metrics, dict) else ():
                number = None if key in _NO_SCORES or isinstance(told, bool) else as_number(told)
                if number is not None:
                    metric, _, kind = key.partition(",")
                    name = f"{task}/{metric}" if kind in ("", "none") else f"{task}/{metric},{kind}"
                    found.setdefault(name, Score(name, number, _goal(better, task, metric)))
    yield from found.values()


def _goal(better: Any, task: str, metric: str) -> str | None:
    told = better.get(task) if isinstance(better, dict) else None
    is_higher = told.get(metric) if isinstance(told, dict) else None
    return {True: "max", False: "min"}.get(is_higher) if isinstance(is_higher, bool) else None


def model_arguments(text: str) -> dict[str, str]:
    """The arguments of a model: `pretrained=gpt2,dtype=float`. Empty for a text that is none."""
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    return {key.strip(): value for key, _, value in pairs} if all(mark for _, mark, _ in pairs) else {}


class Machine(NamedTuple):
    """What `pretty_env_info` says."""

    facts: Mapping[str, str]
    gpus: tuple[str, ...]
    packages: Mapping[str, str]


def machine(text: Any) -> Machine:
    """The environment as PyTorch's `collect_env` prints it."""
    if not isinstance(text, str):
        return Machine({}, (), {})
    text = text[:200_000]
    facts = {each["key"]: each["value"].strip() for each in _ENVIRONMENT.finditer(text)}
    packages = {each["name"]: each["version"] for each in _PACKAGE.finditer(text)}
    return Machine(facts, tuple(each["name"].strip() for each in _GPU.finditer(text)), packages)
