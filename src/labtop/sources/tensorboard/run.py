"""Reads a run of TensorBoard, and makes the record of what its event files told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labtop.model.run import Artifact, Life, RunRecord, Status
from labtop.model.run import Source as Origin
from labtop.sources.folder_names import name_of, phase_of, project_of
from labtop.sources.side_files import epoch_time, last_write
from labtop.sources.source import RunRead, RunRef
from labtop.sources.tensorboard.facts import Facts
from labtop.sources.tensorboard.folders import TRACKER, Part, above, has_phases
from labtop.sources.tensorboard.reading import Reading, RestartedError, in_order, problems_of, recall
from labtop.sources.tensorboard.state import Rich, State, still_valid

_SLACK_S = 5.0
"""Points that come so much later than the end that was told belie it: PyTorch tells the end with the params."""

_MOST_IN_STATE = 200  # files; a run of more is read as a whole each time


def read_run(place: Path, ref: RunRef, parts: list[Part]) -> Iterator[RunRead]:
    """The run of some files, a long one in pieces, from where its last reading ended."""
    files = in_order(parts)
    state = still_valid(ref.state, [(path, began_s) for path, began_s, _ in files])
    is_appended = state is not None
    try:
        for read in _pieces(place, ref, parts, Reading(files, state)):
            yield replace(read, appended=is_appended)
            is_appended = True
    except RestartedError as restarted:
        is_appended = False
        for read in _pieces(place, ref, parts, Reading(files, State(starts=restarted.starts))):
            yield replace(read, appended=is_appended)
            is_appended = True


def _pieces(place: Path, ref: RunRef, parts: list[Part], reading: Reading) -> Iterator[RunRead]:
    paths = [path for part in parts for path in part.files]
    for curves in reading.curves():
        facts = recall(reading)
        yield RunRead(
            key=ref.key,
            record=_record(place, parts, reading, facts),
            curves=curves,
            state=reading.state.encode() if reading.is_over and len(paths) <= _MOST_IN_STATE else None,
            folder=parts[0].folder,
            is_context=_is_about_others(parts[0].folder, facts, reading),
            last_write=last_write(paths),
        )


def _is_about_others(folder: Path, facts: Facts, reading: Reading) -> bool:
    """Whether nothing was logged but what says something of other runs: of trials, or of the phases below."""
    if _has_logged(reading):
        return False
    has_facts = bool(facts.params) or facts.status is not None
    return has_phases(folder) if has_facts else facts.is_definition


def _has_logged(reading: Reading) -> bool:
    """Whether there are points, or anything rich."""
    return reading.state.last_s is not None or bool(reading.state.rich)


def _problems(facts: Facts, reading: Reading) -> tuple[str, ...]:
    """What could not be read; and that nothing was written, lest it look as if something were missing here."""
    told = tuple(problems_of(reading))
    is_told = facts.is_definition or facts.params or facts.status is not None
    if told or is_told or not reading.is_over or _has_logged(reading):
        return told
    return (
        "its event files have nothing but their headers: no point was logged, or it was never written out",
    )


def _record(place: Path, parts: list[Part], reading: Reading, own: Facts) -> RunRecord:
    state, folder = reading.state, parts[0].folder
    facts = own if own.params or own.status else _facts_above(folder) or own
    status, ended_s = _end(facts, state)
    began = [each for each in (*(file.began_s for file in state.files), facts.started_s) if each]
    phase = phase_of(folder)
    return RunRecord(
        id="",
        name=name_of(folder),
        project=project_of(folder),
        status=status,
        started_at=epoch_time(min(began, default=None)),
        ended_at=epoch_time(ended_s),
        params=facts.params,
        life=Life(
            group=facts.group or (name_of(folder.parent) if phase else None),
            job_type=phase,
            notes=facts.notes,
        ),
        artifacts=tuple(_artifact(name, each) for name, each in state.rich.items()),
        source=Origin(
            tracker=TRACKER,
            uri=str(place.absolute()),
            problems=_problems(own, reading),
            texts=facts.texts,
        ),
    )


def _facts_above(folder: Path) -> Facts | None:
    """What a run without points says of its phases, which have folders of their own."""
    parts = above(folder)
    if not parts:
        return None
    reading = Reading(in_order(parts), None)
    try:
        if any(curves for curves in reading.curves()):
            return None
    except RestartedError:
        return None
    return recall(reading)


def _end(facts: Facts, state: State) -> tuple[Status, float | None]:
    """The status that was told, unless points came after it, and when the run ended."""
    if facts.status is None:
        return (Status.UNKNOWN, None) if state.trained_s is None else (Status.FINISHED, state.last_s)
    if state.last_s is not None and facts.status.is_end and state.last_s > facts.said_end_s + _SLACK_S:
        return Status.UNKNOWN, None
    return facts.status, (facts.ended_s or facts.said_end_s or None) if facts.status.is_end else None


def _artifact(name: str, rich: Rich) -> Artifact:
    about: dict[str, str | int | float | bool] = {"count": rich.count}
    if rich.text:
        about["caption"] = rich.text
    tag = name.partition(":")[2] or f"other values ({rich.kind})"
    return Artifact(name=tag, uri=rich.path, kind=rich.kind, step=float(rich.step), about=about)
