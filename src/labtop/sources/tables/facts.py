"""What a row tells of its run beside parameters and results: status, times, tags, notes, group, commit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from labtop.formats.date_text import ISO, form_of, micro_of
from labtop.formats.table_file import TableFile
from labtop.model.run import Status
from labtop.sources.tables import looks
from labtop.sources.tables.words import FACTS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = {
    Status.FINISHED: "finished complete completed success succeeded done terminated",
    Status.FAILED: "failed fail error errored",
    Status.KILLED: "killed interrupted canceled cancelled stopped pruned preempted",
    Status.CRASHED: "crashed",
    Status.RUNNING: "running started",
    Status.UNKNOWN: "pending queued waiting scheduled",
}
_STATUS = {word: status for status, words in _WORDS.items() for word in words.split()}
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def facts_of(table: TableFile, by_plain: Mapping[str, str], run: str | None) -> dict[str, str]:
    """Which column tells what, as far as its cells are of that kind."""
    found: dict[str, str] = {}
    for role, words in FACTS.items():
        for name in (by_plain[word] for word in words if word in by_plain):
            if name != run and _fits(table, role, name):
                found[role] = name
                break
    if run is None or looks.is_number(table, run) or run.lower().endswith("id"):
        return found
    found.pop("name", None)  # the runs have names
    return found


def _fits(table: TableFile, role: str, name: str) -> bool:
    cells = looks.cells(table, name)
    if role in ("started", "ended"):
        return looks.is_time(table, name)
    if role == "status":
        return bool(cells) and all(str(cell).strip().lower() in _STATUS for cell in cells)
    if role == "commit":
        return bool(cells) and all(_COMMIT.fullmatch(str(cell)) for cell in cells)
    return bool(cells) and not looks.is_number(table, name)


def status_of(cell: Any) -> Status:
    """The status that a word says."""
    return _STATUS.get(str(cell).strip().lower(), Status.UNKNOWN)


def is_said_whole(cell: Any) -> bool:
    """Whether our word for the status says all that the table's does: `pruned` is more than killed."""
    return str(cell).strip().lower() in {
        *Status,
        "complete",
        "completed",
        "success",
        "succeeded",
        "fail",
        "error",
    }


def tags_of(cell: Any) -> tuple[str, ...]:
    """The tags of a cell: a list, also as JSON, or words between commas."""
    if isinstance(cell, str):
        text = cell.strip()
        if text.startswith("["):
            try:
                cell = json.loads(text.replace("'", '"'))
            except (ValueError, RecursionError):
                cell = text.strip("[]").replace("'", "").split(",")
        else:
            cell = text.split(",")
    words = cell if isinstance(cell, list | tuple) else [cell]
    return tuple(dict.fromkeys(text for each in words if (text := str(each).strip())))


def time_forms(table: TableFile, names: Mapping[str, str]) -> dict[str, str]:
    """How the times of a run are written, by role."""
    forms = {}
    for role in ("started", "ended"):
        if role in names:
            texts = [cell for cell in looks.cells(table, names[role]) if isinstance(cell, str)]
            forms[role] = (form_of(texts) if texts else None) or ISO
    return forms


def time_of(cell: Any, form: str = ISO) -> datetime | None:
    """The time that a cell says: a real one, a text, or a number whose size tells its unit."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
    micro = micro_of(str(cell), form)
    if micro is None:
        number = looks.number(cell)
        if number is None or not 0 < number < 1e19:
            return None
        micro = round(
            number * (1e6 if number < 1e11 else 1e3 if number < 1e14 else 1 if number < 1e17 else 1e-3)
        )
    try:
        return _EPOCH + timedelta(microseconds=micro)
    except OverflowError:
        return None
