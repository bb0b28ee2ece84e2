"""MLflow's words for statuses, times and values, in numbers or text as its stores of all ages have them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from labtop.model.run import Status

NOTE = "mlflow.note.content"
RUN_NAME = "mlflow.runName"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
COMMIT = "mlflow.source.git.commit"
BRANCH = "mlflow.source.git.branch"
REMOTE = "mlflow.source.git.repoURL"
OLD_REMOTE = "mlflow.gitRepoURL"
DIRTY = "mlflow.source.git.dirty"
IMAGE = "mlflow.docker.image.uri"
MODEL_HISTORY = "mlflow.log-model.history"
TABLES = "mlflow.loggedArtifacts"
CONTEXT = "mlflow.data.context"

DELETED = "deleted"
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_SOURCE_TYPES = {1: "NOTEBOOK", 2: "JOB", 3: "PROJECT", 4: "LOCAL", 5: "UNKNOWN"}
_MODEL_STATUSES = {1: "PENDING", 2: "READY", 3: "FAILED"}
_OURS = {
    "RUNNING": Status.RUNNING,
    "FINISHED": Status.FINISHED,
    "FAILED": Status.FAILED,
    "KILLED": Status.KILLED,
}
_ORDINARY_MS = range(1, 4 * 10**12)  # until the year 2096
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_RUN_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def status_of(word: Any) -> Status:
    """The status that a number or word of MLflow stands for. One that only waits to run is unknown."""
    return _OURS.get(_word(word, _STATUSES), Status.UNKNOWN)


def source_type_of(word: Any) -> str:
    """NOTEBOOK, JOB, PROJECT, LOCAL; empty where it is not known."""
    found = _word(word, _SOURCE_TYPES)
    return "" if found == "UNKNOWN" else found


def model_status_of(word: Any) -> str:
    """PENDING, READY or FAILED."""
    return _word(word, _MODEL_STATUSES)


def _word(word: Any, names: dict[int, str]) -> str:
    """A word of MLflow, from what may be its number, also as text."""
    if isinstance(word, int) and not isinstance(word, bool):
        return names.get(word, "")
    text = str(word or "").strip()
    return names.get(int(text), "") if text.isdecimal() and len(text) < 3 else text.upper()


def time_of(milliseconds: Any) -> datetime | None:
    """A moment from milliseconds since 1970; None for what is none."""
    number = number_of(milliseconds)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def micros_of(milliseconds: Any) -> int | None:
    """The same in microseconds since 1970."""
    if type(milliseconds) is int and milliseconds in _ORDINARY_MS:
        return milliseconds * 1000
    moment = time_of(milliseconds)
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def number_of(value: Any) -> int | None:
    """A whole number, also from a text of digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    try:
        return int(value) if isinstance(value, str | float) else None
    except (ValueError, OverflowError):
        return None


def text_of(value: Any) -> str:
    """A value as text; empty for none."""
    return "" if value is None else value if isinstance(value, str) else str(value)


def identity_of(run_id: str) -> str:
    """What makes it the same run in every store; empty where the id is not one that MLflow makes."""
    return f"mlflow:{run_id}" if _RUN_ID.fullmatch(run_id) else ""


def is_run_id(name: str) -> bool:
    """Whether a name is an id as MLflow gives to runs."""
    return _RUN_ID.fullmatch(name) is not None


def json_of(text: Any, problems: list[str], where: str) -> Any:
    """The value of a JSON text in a tag or a column; None, with a line in `problems`, where it is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        problems.append(f"{where} holds no JSON")
        return None
