"""Finds the run that is to go on, and what it needs for that: its record, and the step after its last."""

from __future__ import annotations

import math
import re
from base64 import b32encode
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from labtop.errors import AmbiguousRunError, InputError, NewerFormatError, UsageError
from labtop.model.run import RunRecord, Status, Writer
from labtop.store.layout import RECORD, is_run_id, run_folders, safe_folder_name
from labtop.store.live import fold_live
from labtop.store.process import is_gone
from labtop.store.reader import is_newer_format, list_point_files, read_log_points, read_record, while_sealing
from labtop.store.writers import read_writers

RESUME_WORDS = ("must", "allow", "never", "auto")
_LATEST_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that goes on in `folder`. `is_alive`: another process still writes its record."""

    folder: Path
    record: RunRecord
    next_step: int
    is_alive: bool


def parse_resume(resume: bool | str | None, run_id: str | None) -> tuple[str | None, str | None]:
    """The word and the run id that `resume=` and `id=` of `init` mean together; a word of None is a new run.

    Raises:
        UsageError: two ids.
    """
    if resume is None or resume is False:
        return None, run_id
    if resume is True:
        return ("allow" if run_id else "auto"), run_id
    word = str(resume)
    if word in RESUME_WORDS:
        return word, run_id
    if run_id not in (None, word):
        raise UsageError(f"resume={word!r} and id={run_id!r} name two runs", "give one of them")
    return "must", word


def as_run_id(store: Path, text: str) -> str:
    """The run id that a text means: itself, the one run it is the beginning of, or one made from a free text.

    Other trackers take any text for an id; the same text always gives the same one.

    Raises:
        AmbiguousRunError: several runs begin so.
    """
    if is_run_id(text):
        return text
    begin_so = [folder.name for folder in run_folders(store) if folder.name.startswith(text)] if text else []
    if len(begin_so) > 1:
        raise AmbiguousRunError(
            f"several runs begin with {text!r}: {', '.join(begin_so[:5])}", "give more of it"
        )
    if begin_so:
        return begin_so[0]
    return b32encode(sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().lower()[:10]


def find_run(store: Path, run_id: str) -> Path | None:
    """The folder of the run with this id, in whatever project."""
    return next((folder for folder in run_folders(store) if folder.name == run_id), None)


def find_unfinished(store: Path, project: str, job: str | None = None) -> Path | None:
    """The newest run of a project that did not finish and that no process records any more.

    `job`: only one that this job of a scheduler recorded, for the jobs of an array are requeued all at once.
    """
    home = store / safe_folder_name(project)
    records = sorted(home.glob(f"*/{RECORD}"), key=_modified, reverse=True) if home.is_dir() else []
    for path in records[:_LATEST_LOOKED_AT]:
        try:
            record = read_record(path.parent)
        except InputError:
            continue
        is_of_job = job is None or job == job_of(record)
        if is_of_job and record.status is not Status.FINISHED and not is_alive(record):
            return path.parent
    return None


def job_of(record: RunRecord) -> str | None:
    """The job of a scheduler that recorded a run: `slurm:81234`."""
    words = re.search(r"slurm:[0-9]+(_[0-9]+)?", record.command.launch or "")
    return words.group() if words else None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def take_up(folder: Path) -> Resumed:
    """Read what a run left, and open its record again.

    Raises:
        NewerFormatError: it was written by a newer labtop.
        InputError: the record is damaged.
    """
    as_of_ns = int(_modified(folder / RECORD) * 1e9) - 1000  # a double is exact to a quarter of a microsecond
    # a process that was killed had not summed up its last second
    record = fold_live(read_record(folder), folder, as_of_ns=as_of_ns)
    if is_newer_format(record):
        raise NewerFormatError(f"run {record.id} was written by a newer labtop", "update labtop to resume it")
    alive = is_alive(record)
    next_step = _last_step(folder, record) + 1
    before = f"{record.status} at step {next_step - 1}" if next_step else str(record.status)
    if record.ended_at:
        before += f", {record.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    life = replace(record.life, resumed_from=before, exit_code=None, signal=None, error=None)
    opened = replace(record, status=Status.RUNNING, ended_at=None, life=life)
    return Resumed(folder, opened, next_step, alive)


def as_joined(resumed: Resumed, who: Writer) -> Resumed:
    """What another process of the same attempt took up or began a moment ago: its end is no earlier end.

    Steps go on where that process said; the summaries of ranks that stood in are theirs to tell.
    """
    before = read_record(resumed.folder)
    if who.ends_run and not _is_of_attempt(before, who, resumed.folder):
        return replace(resumed, next_step=who.first_step)  # the others have not written the record yet
    life = replace(resumed.record.life, resumed_from=before.life.resumed_from)
    record = replace(resumed.record, life=life)
    if not who.ends_run:
        return replace(resumed, record=record)
    record = replace(record, metrics=before.metrics, life=replace(life, written=before.life.written))
    return replace(resumed, record=record, next_step=who.first_step)


def _is_of_attempt(record: RunRecord, who: Writer, folder: Path) -> bool:
    """Whether a process of this start of the launch wrote the record."""
    return record.life.process in [each.process for each in read_writers(folder) if each.launch == who.launch]


def is_alive(record: RunRecord) -> bool:
    """Whether the process that records a run is there, as far as it can be seen from here."""
    if record.status.is_end or record.life.process is None:
        return False
    return is_gone(record.life.process) is False


def _last_step(folder: Path, record: RunRecord) -> int:
    """The highest step that was logged, also by a process that was killed before it could sum up; -1 for none."""
    folded = fold_live(record, folder)  # what was sealed after the record was written, too
    steps = [metric.last_step for metric in folded.metrics.values() if metric.last_step is not None]
    steps += while_sealing(lambda: _logged_steps(folder))
    return math.floor(max((step for step in steps if math.isfinite(step)), default=-1))


def _logged_steps(folder: Path) -> list[float]:
    return [point.step for log in list_point_files(folder).logs for point in read_log_points(log)[0]]
