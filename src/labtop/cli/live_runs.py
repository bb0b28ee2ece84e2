"""What `labtop ls --live` looks at, again and again: the same runs and columns as without it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from labtop.cli.asked_runs import Asked, groups_of, how_many, json_of, listing_of
from labtop.cli.diagnostics import INTERRUPTED
from labtop.cli.following import follow_as_lines, follow_on_screen
from labtop.cli.opening import open_catalog
from labtop.cli.output import ellipsis, sheet_table, write_json
from labtop.cli.text_table import TextTable
from labtop.errors import UsageError
from labtop.query.catalog import Catalog, Selection
from labtop.views.export import Sheet
from labtop.views.text import clean


def follow_runs(asked: Asked) -> int:
    """Follow runs until Ctrl-C, and give its exit code. Raises UsageError where they cannot be shown."""
    as_lines = asked.format_name == "jsonl" and asked.group_by is None and asked.columns is None
    if not as_lines and not (asked.format_name == "table" and sys.stdout.isatty()):
        raise UsageError(
            "--live shows a table on a terminal, or runs as lines",
            "for a program: --live --format jsonl, without --columns and --group-by",
        )
    with open_catalog(asked.path, asked.store) as catalog:
        every_s = max(0.2, catalog.settings.refresh_s)
        try:
            if as_lines:
                follow_as_lines(
                    lambda: _runs(catalog, asked), lambda told: write_json(told, "jsonl"), every_s
                )
            else:
                follow_on_screen(lambda width: _lines(catalog, asked, width), every_s)
        except KeyboardInterrupt:  # click would print an empty line for it
            return INTERRUPTED


def _now(catalog: Catalog, asked: Asked) -> tuple[Selection, Selection]:
    """The runs that are asked for, and those within the limit."""
    catalog.refresh()
    found = asked.select(catalog)
    return found, Selection(found.revision, found.rows[: asked.limit], found.total)


def _runs(catalog: Catalog, asked: Asked) -> Sequence[dict[str, Any]]:
    return list(json_of(catalog, _now(catalog, asked)[1]))


def _lines(catalog: Catalog, asked: Asked, width: int) -> list[str]:
    """The table cut to a width, and how many runs there are."""
    found, shown = _now(catalog, asked)
    if asked.group_by is not None:
        sheet = groups_of(catalog, found, asked)
        table = sheet_table(Sheet(sheet.columns, sheet.rows[: asked.limit], sheet.name))
        words = f"{len(sheet.rows)} groups of {len(found)} runs"
    else:
        listing = listing_of(catalog, shown, asked)
        table = TextTable(listing.titles, listing.rows, listing.right)
        words = how_many(listing, len(found), found.total)
    lines, left_out = table.lines(width, ellipsis())
    if left_out:
        words = f"{words}; {len(left_out)} columns do not fit"
    return [*lines, clean(words)[: width - 1]]
