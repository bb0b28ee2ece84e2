"""The end of what a run printed, as clean lines."""

from __future__ import annotations

import re
from pathlib import Path

from labtop.views.facts import Section
from labtop.views.numbers import size
from labtop.views.text import clean

OUTPUT_TAIL_BYTES = 200_000
OUTPUT_TAIL_LINES = 2_000

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


def output_tail(folder: Path | None) -> Section | None:
    """The end of what the process printed. Reads at most 200 kB; None where nothing was kept."""
    if folder is None:
        return None
    path = folder / "output.log"
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, total - OUTPUT_TAIL_BYTES))
            data = file.read(OUTPUT_TAIL_BYTES)
    except OSError:
        return None
    lines = readable_lines(data.decode("utf-8", "surrogateescape"))
    is_cut = total > len(data) or len(lines) > OUTPUT_TAIL_LINES
    if total > len(data):
        lines = lines[1:]
    note = f"the last {min(len(lines), OUTPUT_TAIL_LINES)} lines of {size(total)}" if is_cut else ""
    return Section("Output", lines=tuple(lines[-OUTPUT_TAIL_LINES:]), note=note) if lines else None


def readable_lines(text: str) -> list[str]:
    """Printed text as clean lines: colours dropped, and what a progress bar wrote over as lines of their own."""
    lines = _COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    return [clean(line.replace("\t", "    "), 2_000) for line in lines] if lines != [""] else []
