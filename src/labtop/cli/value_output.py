"""Writes one rich value to stdout: drawn for people, its rows for programs."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from labtop.cli.diagnostics import say
from labtop.cli.output import write_data, write_text
from labtop.errors import InputError
from labtop.model.run import RunRecord
from labtop.query.values import find_value
from labtop.store.values.decoding import read_value
from labtop.views.glyphs import glyphs, locale_is_ascii
from labtop.views.text import clean
from labtop.views.value_canvas import Canvas, Line, Rgb, Span
from labtop.views.values import heading, value_lines, value_sheet

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog

_WIDTH, _HEIGHT = 80, 24  # where stdout is no terminal


def write_value(catalog: Catalog, record: RunRecord, name: str, step: float | None, format_name: str) -> None:
    """Write the value of a name at a step, or the last one.

    Raises:
        InputError: there is none, or its file is damaged.
    """
    artifact = find_value(record, name, step)
    folder = catalog.run_folder(record.id)
    if folder is None:
        raise InputError(f"run {record.id} has no folder of its own", "its values lie where it was recorded")
    value = read_value(folder, artifact)
    if format_name != "table":
        write_data(value_sheet(value, artifact), format_name)
        return
    is_terminal = sys.stdout.isatty()
    size = shutil.get_terminal_size((_WIDTH, _HEIGHT)) if is_terminal else os.terminal_size((_WIDTH, _HEIGHT))
    has_colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    is_ascii = catalog.settings.ascii or locale_is_ascii()
    canvas = Canvas(size.columns, max(size.lines - 3, 8), glyphs(is_ascii), has_colours)
    say(heading(artifact))
    if artifact.kind == "image":
        say(clean(str(folder / str(artifact.path))))
    for line in value_lines(value, canvas):
        write_text(_encoded(line, has_colours) + "\n")


def _encoded(line: Line, has_colours: bool) -> str:
    text = "".join(_span(span) if has_colours else span.text for span in line)
    return text if has_colours else text.rstrip()


def _span(span: Span) -> str:
    codes = [code for code in (_colour(38, span.front), _colour(48, span.behind)) if code]
    if span.quiet:
        codes.append("2")
    return f"\x1b[{';'.join(codes)}m{span.text}\x1b[0m" if codes else span.text


def _colour(kind: int, colour: Rgb | None) -> str:
    """A colour as a terminal is told: of 16 million where it says that it can, else of its 216."""
    if colour is None:
        return ""
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return f"{kind};2;{colour[0]};{colour[1]};{colour[2]}"
    red, green, blue = (min(5, (each + 25) // 51) for each in colour)
    return f"{kind};5;{16 + 36 * red + 6 * green + blue}"
