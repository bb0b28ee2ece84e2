"""One run of Aim as a record: the row of the database, and what Aim's package says beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.model.run import Artifact, Code, Command, Environment, Life, RunRecord, Source, Status
from labtop.sources.aim.client import AimProcess
from labtop.sources.aim.database import Row
from labtop.sources.side_files import Problems, epoch_time, last_write
from labtop.sources.source import NO_TIME, Curve, RunRead

_SYSTEM = "__system__"
_SYSTEM_PARAMS = "__system_params"
_KINDS = {
    "images": "image",
    "distributions": "histogram",
    "texts": "text",
    "audios": "audio",
    "figures": "plot",
}


@dataclass(slots=True)
class _Told:
    """What Aim's package said of a run."""

    is_known: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    end_time: datetime | None = None
    curves: dict[str, Curve] = field(default_factory=dict)
    others: list[Artifact] = field(default_factory=list)


def read_run(
    place: Path, row: Row, process: AimProcess | None, files: list[Path], problems: Problems
) -> RunRead:
    """A run; `files` are those of its store. Without a process only the database speaks."""
    told = _Told()
    if process is not None:
        try:
            for each in process.ask(row.hash):
                _take(told, each, place, problems)
        except InputError as error:
            problems.add(error.message)
    ended = told.end_time or row.finalized_at
    system = told.attributes.pop(_SYSTEM_PARAMS, None)
    record = RunRecord(
        id="",
        name=row.name,
        project=row.experiment,
        status=Status.FINISHED if ended else Status.RUNNING if told.is_known else Status.UNKNOWN,
        started_at=row.created_at,
        ended_at=ended,
        params=told.attributes,
        life=Life(
            tags=row.tags,
            notes="\n\n".join(each for each in (row.description, *row.notes) if each),
            archived=row.is_archived,
        ),
        **_surroundings(_mapping(system)),
        artifacts=tuple(told.others),
        source=Source(tracker="aim", uri=str(place), run_id=row.hash, problems=problems.all()),
    )
    return RunRead(
        key=row.hash,
        record=record,
        identity=f"aim:{row.hash}",
        curves=told.curves,
        last_write=last_write(files),
    )


def _take(told: _Told, line: Mapping[str, Any], place: Path, problems: Problems) -> None:
    """One line of what the process says."""
    context = line.get("context")
    context = context if isinstance(context, dict) else {}
    if "attributes" in line:
        told.is_known = True
        told.attributes = line["attributes"] if isinstance(line["attributes"], dict) else {}
        told.end_time = epoch_time(line.get("end_time"))
    elif "metric" in line:
        name = metric_name(str(line["metric"]), context)
        if "error" in line:
            problems.add(f"{name}: {line['error']}")
            return
        curve = told.curves.setdefault(name, Curve())
        times = line.get("times") or []
        for at, (step, value) in enumerate(zip(line["steps"], line["values"], strict=False)):
            if value is not None:
                when = epoch_time(times[at]) if at < len(times) else None
                curve.add(
                    float(at) if step is None else step, value, _microseconds(times[at]) if when else NO_TIME
                )
    elif "other" in line:
        kind = str(line.get("kind"))
        told.others.append(
            Artifact(
                name=metric_name(str(line["other"]), context),
                uri=str(place),
                kind=_KINDS.get(kind, kind),
                step=line["step"] if isinstance(line.get("step"), int | float) else None,
            )
        )
    elif "error" in line:
        problems.add(f"the aim package cannot read it: {line['error']}")


def metric_name(name: str, context: Mapping[str, Any]) -> str:
    """A name with its context: `loss` of `{subset: val}` is `val/loss`, any other context stands in brackets."""
    rest = {key: value for key, value in context.items() if key != "subset"}
    subset = context.get("subset")
    shown = f"system/{name[len(_SYSTEM) :]}" if name.startswith(_SYSTEM) else name
    if subset not in (None, ""):
        shown = f"{subset}/{shown}"
    return shown + ("[" + ", ".join(f"{key}={rest[key]}" for key in sorted(rest)) + "]" if rest else "")


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def _surroundings(system: Mapping[str, Any]) -> dict[str, Any]:
    """Packages, commit and command, where the run logged them (`log_system_params`)."""
    git = _mapping(system.get("git_info"))
    arguments = system.get("arguments")
    return {
        "environment": Environment(
            packages={name: str(version) for name, version in _mapping(system.get("packages")).items()}
        ),
        "code": Code(
            commit=_text(_mapping(git.get("commit")).get("hash")),
            branch=_text(git.get("branch")),
            remote=_text(git.get("remote_origin_url")),
        ),
        "command": Command(
            argv=tuple(map(str, arguments)) if isinstance(arguments, list) else (),
            executable=_text(system.get("executable")),
        ),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
