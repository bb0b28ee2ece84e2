"""Compares what the command line prints of a folder of logs with what the client that wrote them tells."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from labtop import api
from labtop.model.as_json import record_as_json
from tests.clients.telling import Row, Told
from tests.command import labtop as command

Facts = dict[str, Any]


@dataclass
class Printed:
    """A run as the command line prints it: its line of `ls`, what `show` has of it, its points."""

    listed: Facts
    shown: Facts
    points: dict[str, list[Row]] = field(default_factory=dict)

    def key(self, root: Path, keys: Collection[str]) -> str:
        """The key under which its client tells it."""
        source = self.listed["source"]
        return key_of(source["uri"], source["run_id"], root, keys)


def print_all(folder: Path) -> list[Printed]:
    """All runs of a folder, archived ones too, through `ls` and `metrics`; what `show` prints is read here.

    One run goes through `show` itself, in a process like the others, and must be what is read here.
    """
    listed = [*_lines("ls", folder, "--archived", "--format", "jsonl")]
    with api.open(folder) as store:
        shown = {
            each["id"]: json.loads(json.dumps(record_as_json(store.record(each["id"])))) for each in listed
        }
    runs = {each["id"]: Printed(each, shown[each["id"]]) for each in listed}
    arguments = ("--store", folder, "--format", "jsonl")
    for row in _lines("metrics", *runs, *arguments) if runs else ():
        found = (row["step"], _number(row["value"]), _microseconds(row["time"]))
        runs[row["run_id"]].points.setdefault(row["name"], []).append(found)
    for run in [*runs][:1]:
        (printed,) = _lines("show", run, *arguments)
        assert {name: printed[name] for name in shown[run]} == shown[run]
    return [*runs.values()]


def labtop(*arguments: str | Path) -> str:
    """What the command prints; that it succeeds is asserted."""
    done = command(*arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def _lines(*arguments: str | Path) -> Iterator[Facts]:
    return map(json.loads, labtop(*arguments).splitlines())


def key_of(uri: str | None, run_id: str | None, root: Path, keys: Collection[str]) -> str:
    """The key under which a client tells a run: the tracker's id, or the place."""
    place = Path(uri or "")
    relative = place.relative_to(root).as_posix() if place.is_relative_to(root) else ""
    return next((key for key in (run_id or "", relative) if key in keys), relative)


def differences(run: Printed, told: Told) -> list[str]:
    """What labtop prints otherwise than the client tells, a sentence each; empty where all is the same."""
    shown = run.shown
    facts: list[tuple[str, Any, Any]] = [
        ("name", told.name, shown["name"]),
        ("project", told.project, shown["project"]),
        ("status", told.status, shown["status"]),
        ("group", told.group, shown["group"]),
        ("notes", told.notes, shown["life"]["notes"]),
        (
            "parent",
            None if told.parent is None else bool(told.parent),
            shown["life"]["parent_id"] is not None,
        ),
        ("archived", told.archived, shown["life"]["archived"]),
        ("started", told.started_us, _microseconds(shown["started_at"])),
        ("ended", told.ended_us, _microseconds(shown["ended_at"])),
        (
            "artifacts",
            told.artifacts,
            sorted(each["name"] for each in shown["artifacts"] if each["kind"] != "folder"),
        ),
        (
            "models",
            told.models,
            [[each["name"], each["version"], each["aliases"]] for each in shown["source"]["models"]],
        ),
        ("summary", told.summary, {name: shown["summary"].get(name) for name in told.summary or ()}),
        ("tags", sorted(told.tags or ()), sorted({*shown["tags"]} & {*(told.tags or ())})),
    ]
    said = [
        f"{name}: told {before!r}, printed {now!r}"
        for name, before, now in facts
        if before not in (None, now)
    ]
    same = (
        "id",
        "name",
        "project",
        "status",
        "started_at",
        "ended_at",
        "tags",
        "group",
        "params",
        "metrics",
        "summary",
    )
    said += [
        f"last {name[:80]}: told {value!r}, printed {now!r}"
        for name, value in told.last.items()
        if repr(now := _number(run.listed["metrics"].get(name, {}).get("last"))) != repr(value)
    ]
    said += [f"ls and show differ in {name}" for name in same if run.listed[name] != shown[name]]
    if told.params is not None:
        said += _params(told.params, shown["params"], shown["source"]["texts"])
    return said + _points(told, run) + _summaries(run)


def _params(told: Facts, params: Facts, texts: dict[str, str]) -> list[str]:
    before, now = flat(told), flat(params)
    for name, value in before.items():
        parts = {each for each in now if each.startswith(f"{name}.")}
        if isinstance(value, str) and name not in now and parts:  # a text that labtop took for a mapping
            now[name] = texts.get(
                name, str(_nested({each[len(name) + 1 :]: now.pop(each) for each in parts}))
            )
        elif isinstance(value, str) and name in texts:  # a value whose type was guessed keeps its text
            now[name] = texts[name]
    names = sorted({*before, *now})
    missing = object()
    return [
        f"param {name}: told {before.get(name)!r:.200}, printed {now.get(name)!r:.200}"
        for name in names
        if not _is_same(before.get(name, missing), now.get(name, missing))
    ]


def _is_same(before: Any, now: Any) -> bool:
    """The same value: of one type, or the text that a tracker of texts has of it."""
    if isinstance(before, str) and not isinstance(now, str):
        return before == str(now)
    if isinstance(before, float) and isinstance(now, float) and math.isnan(before):
        return math.isnan(now)
    return type(before) is type(now) and bool(before == now)


def flat(values: Facts, before: str = "") -> Facts:
    """Nested values by dotted names, as the columns of the table have them."""
    found: Facts = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def _nested(values: Facts) -> Facts:
    found: Facts = {}
    for name in sorted(values):
        *outer, last = name.split(".")
        place = found
        for each in outer:
            place = place.setdefault(each, {})
        place[last] = values[name]
    return found


def _points(told: Told, run: Printed) -> list[str]:
    printed = {name: rows for name, rows in run.points.items() if not name.startswith("system/")}
    said = [f"metric {name[:80]}: not told" for name in printed.keys() - told.points.keys()]
    for name, rows in told.points.items():
        before, now = _sorted(rows), _sorted(printed.get(name, []))
        if len(before) != len(now):
            said.append(f"metric {name[:80]}: {len(before)} points told, {len(now)} printed")
            continue
        for row, other in zip(before, now, strict=True):
            is_timely = row[2] is None or (other[2] is not None and abs(row[2] - other[2]) <= 1)
            if not (row[0] == other[0] and repr(row[1]) == repr(other[1]) and is_timely):
                said.append(f"metric {name[:80]}: told {row}, printed {other}")
                break
    return said


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(
        ((step, float(value), time) for step, value, time in rows),
        key=lambda row: (row[0], row[2] or 0, repr(row[1])),
    )


def _summaries(run: Printed) -> list[str]:
    """The summaries that `ls` prints of each metric, against the points of the same run."""
    said = []
    for name, rows in run.points.items():
        summary = run.listed["metrics"].get(name)
        if summary is None:
            said.append(f"metric {name[:80]}: no summary")
            continue
        values = [value for _, value, _ in rows if not math.isnan(value)]
        found: dict[str, float] = {
            "count": len(rows),
            "nan_count": sum(math.isnan(value) for _, value, _ in rows),
        }
        if values:
            found |= {"min": min(values), "max": max(values)}
        said += [
            f"metric {name[:80]}: {key} of ls is {summary[key]!r}, of its points {value!r}"
            for key, value in found.items()
            if float(summary[key]) != value
        ]
    return said


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


def _microseconds(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1e6)
