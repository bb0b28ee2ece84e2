"""The files beside a `.wandb` file: what is only in them where that is empty, missing, cut off, or from before 0.10."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import decode_text, open_regular, read_text
from labtop.formats.json_text import as_number, parse_json, read_json
from labtop.formats.yaml_text import read_written_yaml
from labtop.sources.wandb import layout
from labtop.sources.wandb.facts import Facts
from labtop.sources.wandb.layout import Segment
from labtop.sources.wandb.points import Points

Tree = Any

_LONGEST_LINE = 16 * 2**20
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(===?|@)\s*(\S.*?)\s*")
_EGG = re.compile(r"-e\s+(\S+?)#egg=([\w.-]+)\s*")


class SideFiles:
    """Reads what lies beside a tape into the facts of a run; what is wrong with it goes to `problems`."""

    def __init__(self, segment: Segment, facts: Facts, problems: dict[str, None]) -> None:
        self._segment = segment
        self._facts = facts
        self._problems = problems

    def _read(self, name: str, read: Any) -> Tree:
        """The value of a file; None where there is none, or none that can be read."""
        path = self._segment.side_file(name)
        if path is None:
            return None
        try:
            return read(path)
        except (OSError, InputError) as error:
            self._problems[
                f"{name}: {getattr(error, 'message', '') or getattr(error, 'strerror', '') or error}"
            ] = None
            return None

    def config(self) -> None:
        """Take what the configuration does not have yet from `config.yaml`."""
        found = self._read(layout.CONFIG, read_written_yaml)
        tree, problem = found or (None, "")
        if problem:
            self._problems[f"{layout.CONFIG} {problem}"] = None
        if not isinstance(tree, Mapping):
            return
        for key, value in tree.items():
            is_wrapped = isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "desc"}
            value = value["value"] if is_wrapped else value
            if key == "_wandb" and isinstance(value, Mapping):
                self._facts.own_config = {**value, **self._facts.own_config}
            elif key != "wandb_version" and key not in self._facts.config:
                self._facts.config[key] = value

    def summary(self) -> dict[str, Tree]:
        """The summary of `wandb-summary.json`."""
        tree = self._read(layout.SUMMARY, read_json)
        return dict(tree) if isinstance(tree, Mapping) else {}

    def metadata(self) -> dict[str, Tree]:
        """`wandb-metadata.json`; its environment fills what the facts lack."""
        tree = self._read(layout.METADATA, read_json)
        if not isinstance(tree, Mapping):
            return {}
        for name, value in environment_of(tree).items():
            self._facts.environment.setdefault(name, value)
        return dict(tree)

    def packages(self) -> tuple[dict[str, str], dict[str, str]]:
        """Versions and origins of packages, by `requirements.txt`."""
        found = self._read(layout.REQUIREMENTS, read_text)
        return requirements_of(found.text) if found else ({}, {})

    def history(self, points: Points) -> None:
        """Add the rows of `wandb-history.jsonl`."""
        path = self._segment.side_file(layout.HISTORY)
        if path is not None:
            for row in self._rows(path):
                step = as_number(row.get("_step"))
                rich = points.add_row(row, step)
                if rich:
                    self._facts.media.take(rich, points.step)

    def events(self, points: Points) -> None:
        """Add the measurements of `wandb-events.jsonl`."""
        path = self._segment.side_file(layout.EVENTS)
        if path is not None:
            for row in self._rows(path):
                seconds = as_number(row.get("_timestamp"))
                is_time = seconds is not None and 0 < seconds < 9e12
                points.add_sample(_flat(row).items(), int(seconds * 1e6) if is_time and seconds else None)

    def _rows(self, path: Path) -> Any:
        """The rows of a file of JSON lines, one after the other; a line that is none is told."""
        bad, first_bad = 0, 0
        try:
            with open_regular(path) as file:
                number = 0
                while line := file.readline(_LONGEST_LINE):
                    number += 1
                    text = decode_text(line.strip()).text
                    try:
                        row = parse_json(text) if text else None
                    except InputError:
                        bad, first_bad = bad + 1, first_bad or number
                        continue
                    if isinstance(row, dict):
                        yield row
        except (OSError, InputError) as error:
            self._problems[f"{path.name}: {error}"] = None
        if bad:
            lines = "line is" if bad == 1 else "lines are"
            self._problems[f"{path.name}: {bad} {lines} no JSON (first: line {first_bad})"] = None


def _flat(row: Mapping[str, Tree], above: str = "", depth: int = 0) -> dict[str, Tree]:
    flat: dict[str, Tree] = {}
    for key, value in row.items():
        if isinstance(value, Mapping) and depth < 5:
            flat.update(_flat(value, f"{above}{key}.", depth + 1))
        else:
            flat[f"{above}{key}"] = value
    return flat


def requirements_of(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Versions by package, and where those came from that no index has."""
    versions: dict[str, str] = {}
    origins: dict[str, str] = {}
    for line in text.splitlines():
        if egg := _EGG.fullmatch(line):
            origins[egg[2]] = egg[1]
        elif said := _REQUIREMENT.fullmatch(line):
            if said[2] == "@":
                origins[said[1]] = said[3]
            else:
                versions[said[1]] = said[3]
    return versions, origins


def environment_of(metadata: Mapping[str, Tree]) -> dict[str, Tree]:
    """What `wandb-metadata.json` of any age says, by the names of the environment record."""
    git, memory, cpu = (_mapping(metadata.get(name)) for name in ("git", "memory", "cpu"))
    gpus = metadata.get("gpu_nvidia", metadata.get("gpuNvidia", metadata.get("gpu_devices")))
    said: dict[str, Tree] = {
        "os": _text(metadata.get("os")),
        "python": _text(metadata.get("python")),
        "docker": _text(metadata.get("docker")),
        "args": [each if isinstance(each, str) else json.dumps(each) for each in _list(metadata.get("args"))],
        "program": _text(metadata.get("program")),
        "code_path": _text(metadata.get("codePath")),
        "code_path_local": _text(metadata.get("codePathLocal")),
        "root": _text(metadata.get("root")),
        "host": _text(metadata.get("host")),
        "user": _text(metadata.get("username")),
        "executable": _text(metadata.get("executable")),
        "git": {"remote": _text(git.get("remote")), "commit": _text(git.get("commit"))} if git else None,
        "cores": _whole(metadata.get("cpu_count", metadata.get("cpuCount", cpu.get("count")))),
        "threads": _whole(
            metadata.get("cpu_count_logical", metadata.get("cpuCountLogical", cpu.get("countLogical")))
        ),
        "gpu": _text(metadata.get("gpu", metadata.get("gpuType"))),
        "gpus": _whole(metadata.get("gpu_count", metadata.get("gpuCount", metadata.get("gpucount")))),
        "memory": {"total": _memory(memory.get("total"))} if memory.get("total") is not None else None,
        "cuda": _text(metadata.get("cudaVersion", metadata.get("cuda"))),
        "nvidia": [_gpu(each) for each in _list(gpus) if isinstance(each, Mapping)],
        "slurm": [
            {"key": str(key), "value": str(value)} for key, value in _mapping(metadata.get("slurm")).items()
        ],
    }
    return {name: value for name, value in said.items() if value not in (None, "", [], {})}


def _gpu(said: Mapping[str, Tree]) -> dict[str, Tree]:
    memory = _whole(said.get("memoryTotal", said.get("memory_total")))
    gpu = {"name": _text(said.get("name")), "memory": memory, "architecture": _text(said.get("architecture"))}
    gpu["uuid"] = _text(said.get("uuid"))
    return {name: value for name, value in gpu.items() if value is not None}


def _memory(total: Tree) -> int | None:
    """Bytes: new files have them as text, older ones gigabytes."""
    number = as_number(total) if not isinstance(total, str) else _whole(total)
    if number is None or not 0 < number < 1e18:
        return None
    return int(number) if number > 1e6 else int(number * 2**30)


def _mapping(value: Tree) -> Mapping[str, Tree]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Tree) -> list[Tree]:
    return value if isinstance(value, list) else []


def _text(value: Tree) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: Tree) -> int | None:
    """A whole number, also where it is text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def time_of(text: Tree) -> datetime | None:
    """A time of metadata, which is UTC where it does not say otherwise."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
