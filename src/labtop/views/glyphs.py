"""The characters labtop draws with: one set for terminals that know Unicode, one in plain ASCII.

No emoji, and where there is a choice nothing whose width depends on the terminal's language.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, eq=False)
class Glyphs:
    """One set of characters; each is one cell wide unless its name says otherwise."""

    is_ascii: bool
    spark: str  # eight levels, low to high
    spark_nan: str
    nothing: str  # a value that is not there
    ellipsis: str
    lower_is_better: str
    higher_is_better: str
    ascending: str
    descending: str
    delta: str
    plus_minus: str  # with the spaces around it
    rule: str  # between panes
    baseline: str
    group: str
    more_left: str
    more_right: str
    markers: str  # one shape a marked run
    status: Mapping[str, str]


UNICODE = Glyphs(
    is_ascii=False,
    spark="▁▂▃▄▅▆▇█",
    spark_nan="✕",
    nothing="–",
    ellipsis="…",
    lower_is_better="↓",
    higher_is_better="↑",
    ascending="▴",
    descending="▾",
    delta="Δ",
    plus_minus=" ± ",
    rule="│",
    baseline="⌂",
    group="▸",
    more_left="‹",
    more_right="›",
    markers="▴✦▾✚◂❖▸✱",
    status={
        "running": "▸",
        "finished": "✓",
        "failed": "✗",
        "killed": "⊘",
        "crashed": "!",
        "lost": "?",
        "unknown": "-",
    },
)

ASCII = Glyphs(
    is_ascii=True,
    spark="_.,-=+*#",
    spark_nan="!",
    nothing="-",
    ellipsis="~",
    lower_is_better="v",
    higher_is_better="^",
    ascending="^",
    descending="v",
    delta="d",
    plus_minus=" +- ",
    rule="|",
    baseline="<",
    group=">",
    more_left="<",
    more_right=">",
    markers="o*v+<#>%",
    status={
        "running": ">",
        "finished": "+",
        "failed": "x",
        "killed": "k",
        "crashed": "!",
        "lost": "?",
        "unknown": "-",
    },
)

MARKER_COLOURS = (
    "color(208)",
    "color(74)",
    "color(36)",
    "color(175)",
    "color(178)",
    "color(68)",
    "color(167)",
    "color(246)",
)
"""One colour a marker shape, from the 256 of a terminal (short to send): told apart by every kind of colour vision,
readable on light and on dark."""


def glyphs(ascii: bool = False) -> Glyphs:
    """The set to draw with."""
    return ASCII if ascii else UNICODE


def marker(number: int, ascii: bool = False) -> tuple[str, str]:
    """Shape and colour of the marked run with this number; they repeat after 8 × 8 in pairs that differ."""
    shapes = glyphs(ascii).markers
    turn, at = divmod(number, len(shapes))
    return shapes[at], MARKER_COLOURS[(at + turn) % len(MARKER_COLOURS)]


_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")  # what Python puts into LC_CTYPE by itself where it finds LANG=C


def locale_is_ascii() -> bool:
    """Whether the locale of the environment can show ASCII only, as LANG=C does; without any locale it may not."""
    names = {name: os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")}
    if not names["LC_ALL"] and names["LC_CTYPE"] in _COERCED and names["LANG"]:
        names["LC_CTYPE"] = ""
    named = next((name for name in names.values() if name), "")
    language, _, encoding = named.partition("@")[0].partition(".")
    if not encoding:
        return language in ("C", "POSIX")
    return encoding.lower().replace("-", "").replace("_", "") in ("ascii", "usascii", "ansix3.41968", "646")


_PLAIN = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", ASCII.spark, strict=True)),
        **dict.fromkeys("─━═╌╍┄┅┈┉╴╶╸╺╼╾▔▀‐‑‒–—―−⎯", "-"),
        **dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻╽╿▏▎▍▕▌▐", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "+"),
        **dict.fromkeys("▋▊▉░▒▓■▪◼●▉", "#"),
        **dict.fromkeys("·•∙⋅", "."),
        "…": "~", "±": "~", "×": "x",
        "✕": "x", "Δ": "d", "↓": "v", "↑": "^", "←": "<", "→": ">", "▴": "^", "▾": "v", "⇡": "^", "⇣": "_",
        "◂": "<", "▸": ">", "‹": "<", "›": ">", "✓": "+", "✗": "x", "⊘": "k", "✦": "*", "✚": "+", "❖": "#", "✱": "%",
        "▲": "^", "▼": "v", "◀": "<", "▶": ">", "≤": "<", "≥": ">", "≈": "~", "‘": "'", "’": "'", "“": '"', "”": '"',
        "⏎": "$", "⌂": "<", "\u00a0": " ",
    }
)  # fmt: skip


@lru_cache(8192)
def to_ascii(text: str) -> str:
    """`text` in ASCII without a change of its width in cells: the safety net under what was drawn otherwise.

    What has no likeness becomes "?", two of them for a wide character, nothing for a combining mark.
    """
    if text.isascii():
        return text
    return "".join(each if each.isascii() else "?" * _cells(each) for each in text.translate(_PLAIN))


@lru_cache(4096)
def _cells(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
