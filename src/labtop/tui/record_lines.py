"""Sections of facts about a run as lines of text, for the Run screen and the previews beside the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from labtop.tui.widgets.line_view import Line
from labtop.views.facts import Fact, MetricRow, Section, Tone
from labtop.views.glyphs import Glyphs
from labtop.views.spark import draw_spark
from labtop.views.text import clean

TONES: dict[Tone, str] = {
    "": "",
    "quiet": "dim",
    "good": "lab.good",
    "bad": "lab.bad",
    "warning": "lab.warning",
    "differs": "bold",
}
INDENT = "  "
WIDEST_LABEL = 40
OPENS = "\0value "
"""What the key of a line begins with that opens a rich value; no label holds that character."""


def section_lines(sections: Sequence[Section], width: int, glyphs: Glyphs) -> list[Line]:
    """All lines of some sections, for a pane of `width` cells; a free line between two sections."""
    lines: list[Line] = []
    for section in sections:
        if lines:
            lines.append(Line(Text(), is_heading=True))
        title = Text(section.title, "bold", no_wrap=True, end="")
        if section.note:
            title.append(f"  {section.note}", "not bold dim")
        lines.append(Line(title, is_heading=True))
        lines += _fact_lines(section.facts, width)
        lines += _metric_lines(section.metrics, width, glyphs)
        lines += [Line(Text(INDENT + each, no_wrap=True, end="")) for each in section.lines]
    return lines


def _fact_lines(facts: Sequence[Fact], width: int) -> Iterator[Line]:
    # cleaned where they are made, and once more at the last door before the terminal
    facts = [
        Fact(clean(each.label), clean(each.value), clean(each.note), each.tone, each.opens) for each in facts
    ]
    labels = min(max((cell_len(fact.label) for fact in facts), default=0), WIDEST_LABEL, max(6, width // 3))
    for fact in facts:
        head = Text(INDENT, no_wrap=True, end="")
        if labels:
            label = (
                fact.label if cell_len(fact.label) <= labels else set_cell_size(fact.label, labels - 1) + "…"
            )
            head.append(set_cell_size(label, labels), "dim")
            head.append("  ")
        room = max(8, width - head.cell_len)
        pieces = wrapped(fact.value, room)
        for number, piece in enumerate(pieces):
            line = head.copy() if number == 0 else Text(" " * head.cell_len, no_wrap=True, end="")
            line.append(piece, TONES[fact.tone])
            is_last = number == len(pieces) - 1
            if is_last and fact.note and line.cell_len + 2 + cell_len(fact.note) <= width:
                line.append(f"  {fact.note}", "dim")
                yield Line(line, key_of(fact))
                continue
            yield Line(line, key_of(fact))
            if is_last and fact.note:
                for more in wrapped(fact.note, room):
                    yield Line(Text(" " * head.cell_len + more, "dim", no_wrap=True, end=""), key_of(fact))


def key_of(fact: Fact) -> str:
    """What choosing a fact's line means: its label, or the rich value that it opens."""
    return f"{OPENS}{fact.opens}" if fact.opens else fact.label


def _metric_lines(rows: Sequence[MetricRow], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Name, last, delta, best, curve, range: as many of them as fit, the least telling left out first."""
    if not rows:
        return
    names = min(max(cell_len(row.name) for row in rows), 32, max(8, width // 3))
    columns: list[tuple[str, list[str]]] = [("last", [row.last for row in rows])]
    optional: list[tuple[str, list[str]]] = [
        (glyphs.delta, [row.delta for row in rows]),
        ("best", [row.best for row in rows]),
        ("min", [row.low for row in rows]),
        ("max", [row.high for row in rows]),
        ("points", [row.count for row in rows]),
        ("", [row.nan for row in rows]),
    ]
    spark = max(8, min(24, width // 5))
    used = len(INDENT) + names + 2 + _width(columns[0]) + 2 + spark
    for each in optional:
        if any(each[1]) and used + 2 + _width(each) <= width:
            columns.append(each)
            used += 2 + _width(each)
    header = Text(INDENT + " " * names, "dim", no_wrap=True, end="")
    for column in columns:
        header.append("  " + column[0].rjust(_width(column)))
    yield Line(header, is_heading=True)
    for at, row in enumerate(rows):
        name = row.name if cell_len(row.name) <= names else set_cell_size(row.name, names - 1) + "…"
        line = Text(INDENT + set_cell_size(name, names), no_wrap=True, end="")
        for column in columns:
            is_delta = column[0] == glyphs.delta
            style = TONES[row.delta_tone] if is_delta else "lab.bad" if column[0] == "" else ""
            line.append("  " + column[1][at].rjust(_width(column)), style)
        line.append("  ")
        line.append(draw_spark(row.spark, spark, glyphs), "lab.spark")
        yield Line(line, row.name)


def _width(column: tuple[str, list[str]]) -> int:
    title, texts = column
    return max(cell_len(title), *(cell_len(text) for text in texts))


_BREAKS = re.compile(r"(?<=[ /\\\\,;&=])")


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells, broken at spaces, in a long word behind a slash, comma or the like."""
    if cell_len(text) <= width:
        return [text]
    lines, line = [], ""
    for word in re.split(r"(?<= )", text):
        if cell_len(line + word.rstrip()) <= width:
            line += word
            continue
        if line and cell_len(word.rstrip()) <= width:
            lines.append(line.rstrip())
            line = word
            continue
        for piece in _BREAKS.split(word):  # a path, say: it begins where the line ends
            if cell_len(line + piece.rstrip()) > width:
                if line:
                    lines.append(line.rstrip())
                    line = ""
                *whole, piece = _hard_broken(piece, width)
                lines += whole
            line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _hard_broken(text: str, width: int) -> list[str]:
    """Pieces of a text without a place to break it at; the last one may be short."""
    pieces = [""]
    for character in text:
        if cell_len(pieces[-1] + character) > width and pieces[-1]:
            pieces.append("")
        pieces[-1] += character
    return pieces
