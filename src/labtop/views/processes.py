"""The processes that recorded a run, one line each: what became of them comes before what went well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from labtop.model.run import RunRecord, Status, Writer
from labtop.views.text import clean

_MOST = 40
_GOOD = (None, Status.FINISHED)


class ProcessLine(NamedTuple):
    """One process: a label, how it stands, more about it, and how that is meant."""

    label: str
    value: str
    note: str = ""
    tone: Literal["", "bad", "quiet"] = ""


def process_lines(record: RunRecord) -> Iterator[ProcessLine]:
    """The writers of a run; nothing for a run of one process."""
    writers = sorted(record.writers, key=lambda each: each.status in _GOOD)
    for each in writers[:_MOST]:
        yield _line(each)
    if len(writers) > _MOST:
        yield ProcessLine("", f"and {len(writers) - _MOST} more", "they ended well or still run", "quiet")


def _line(writer: Writer) -> ProcessLine:
    label = f"rank {writer.rank}" if writer.role == "rank" and writer.rank is not None else writer.role
    if writer.world_size and writer.role == "rank":
        label += f" of {writer.world_size}"
    status = str(writer.status or "running")
    words = [status]
    if writer.signal:
        words.append(f"by {clean(writer.signal, 40)}")
    if writer.exit_code:
        words.append(f"exit code {writer.exit_code}")
    if writer.error:
        words.append(clean(f"{writer.error.type}: {writer.error.message}", 300))
    notes = []
    if writer.process is not None:
        notes.append(f"process {writer.process.pid} on {clean(writer.process.host or '?', 80)}")
    if writer.generation:
        notes.append(f"restart {writer.generation}")
    notes.append(f"writer {clean(writer.writer, 20)}")
    tone: Literal["", "bad"] = "" if writer.status in _GOOD else "bad"
    return ProcessLine(label, ", ".join(words), "  ".join(notes), tone)
