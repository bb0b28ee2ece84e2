"""The terminal: its size, what it can show, and the way to its clipboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping

from labtop.cli.doctor.line import Line, looked_at
from labtop.tui.clipboard import way_to_clipboard
from labtop.views.glyphs import locale_is_ascii

SECTION = "terminal"
_NARROW, _LOW = 80, 24


def terminal_lines(environment: Mapping[str, str] = os.environ) -> Iterable[Line]:
    """The lines of the section."""
    return looked_at(
        SECTION,
        (
            ("terminal", lambda: _kind(environment)),
            ("colours", lambda: _colours(environment)),
            ("characters", _characters),
            ("tmux", lambda: _tmux(environment)),
            ("clipboard", lambda: _clipboard(environment)),
        ),
    )


def _line(what: str, found: str, advice: str = "") -> Line:
    return Line(SECTION, what, "note" if advice else "well", found, advice)


def _kind(environment: Mapping[str, str]) -> Iterator[Line]:
    kind = environment.get("TERM", "")
    if not kind or kind == "dumb":
        yield _line("kind", kind or "TERM is not set", "the UI needs a terminal; the verbs work everywhere")
    else:
        yield _line("kind", kind)
    if not sys.stdout.isatty():
        yield _line("size", "unknown: stdout is no terminal")
        return
    columns, lines = shutil.get_terminal_size()
    is_small = columns < _NARROW or lines < _LOW
    yield _line(
        "size", f"{columns} × {lines}", f"{_NARROW} × {_LOW} or more reads better" if is_small else ""
    )


def _colours(environment: Mapping[str, str]) -> Iterator[Line]:
    if environment.get("NO_COLOR"):
        yield _line("colours", "none: NO_COLOR is set")
    elif environment.get("COLORTERM") in ("truecolor", "24bit"):
        yield _line("colours", "16 million")
    elif "256" in environment.get("TERM", ""):
        yield _line("colours", "256")
    else:
        yield _line("colours", "16", "export COLORTERM=truecolor if the terminal can show more")


def _characters() -> Iterator[Line]:
    if locale_is_ascii():
        yield _line(
            "characters", "ASCII only, by the locale", "export LANG=C.UTF-8 for curves drawn with finer dots"
        )
    else:
        yield _line("characters", "Unicode")


def _tmux(environment: Mapping[str, str]) -> Iterator[Line]:
    if not environment.get("TMUX"):
        return
    try:
        asked = subprocess.run(
            ["tmux", "show-options", "-sv", "set-clipboard"],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
        clipboard = asked.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        clipboard = ""
    advice = (
        "tmux set -s set-clipboard external, to copy to the terminal's clipboard"
        if clipboard == "off"
        else ""
    )
    yield _line("tmux", f"set-clipboard is {clipboard or 'unknown'}", advice)


def _clipboard(environment: Mapping[str, str]) -> Iterator[Line]:
    way = way_to_clipboard(environment)
    yield _line("clipboard", way, "copied text goes to a file" if way == "none" else "")
