"""A comparison as lines for people: a column a run, what is long folded, nothing left out."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labtop.analysis.compare import Comparison
from labtop.views.comparison import Entry, FactWriter, entries_of
from labtop.views.glyphs import glyphs
from labtop.views.text import clean

RUN_WIDTH = (
    14  # cells that a run gets at least; where there are more runs than fit they come in several tables
)
KEY_SHARE = 3  # the keys get at most this part of the width
_ENDLESS = 100_000


def diff_lines(comparison: Comparison, width: int | None, ascii: bool, is_bold: bool) -> list[str]:
    """The rows below their sections; runs that don't fit beside each other follow, each time beside the first one.

    `width` in cells, None for as wide as it takes.
    """
    entries = [each for each in entries_of(comparison, ascii=ascii) if each.kind != "branch"]
    others = range(1, len(comparison.run_ids))
    fitting = len(others)
    if width is not None:
        fitting = max(1, (width - width // KEY_SHARE) // (RUN_WIDTH + 2) - 1)
    lines: list[str] = []
    for start in range(0, len(others), fitting):
        table = _table(comparison, entries, (0, *others[start : start + fitting]), width, ascii)
        lines += ([""] if lines else []) + _printed(table, width, is_bold)
    return lines


def _table(
    comparison: Comparison, entries: Sequence[Entry], runs: Sequence[int], width: int | None, ascii: bool
) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", overflow="fold", max_width=None if width is None else width // KEY_SHARE)
    for run in runs:
        name = f"{clean(comparison.run_names[run])} ({comparison.run_ids[run][:4]})"
        table.add_column(Text(name), overflow="fold", min_width=min(RUN_WIDTH, len(name)))
    signs = glyphs(ascii)
    for entry in entries:
        if entry.row is None:
            table.add_row(Text(entry.label, "bold"), Text(entry.note))
            continue
        writer = FactWriter.of(entry.row, signs)
        cells = (writer.cell(run) for run in runs)
        key = clean(entry.row.key) + (f" ({entry.row.note})" if entry.row.note else "")
        table.add_row(Text(f"  {key}"), *(Text(f"{each.text}  {each.note}".rstrip()) for each in cells))
    return table


def _printed(table: Table, width: int | None, is_bold: bool) -> list[str]:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width or _ENDLESS,
        color_system="standard" if is_bold else None,
        force_terminal=is_bold,
        legacy_windows=False,
    )
    console.print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]
