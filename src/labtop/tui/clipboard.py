"""Copies text to where a person can paste it, and says which way it took.

In tmux through tmux itself, which a default tmux passes on to the terminal; else with OSC 52, which most terminals
know and nobody acknowledges; else into a file. What is copied is clean: a paste runs nothing and hides nothing.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from labtop.settings import cache_folder
from labtop.views.text import clean

TMUX_TIMEOUT_S = 2.0
OSC52_LIMIT = 74_000  # bytes of base64; xterm and others drop a longer sequence whole
NO_OSC52 = ("linux", "dumb", "vt100", "vt220", "ansi")
"""Kinds of terminal that would print the sequence or drop it."""


def clean_for_paste(text: str) -> str:
    """`text` without anything that acts when it is pasted; line ends stay."""
    return "\n".join(clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def copy(text: str, write: Callable[[str], object] | None, environ: Mapping[str, str] = os.environ) -> str:
    """Copy `text` and say how. `write` sends to the terminal; may block for some seconds, so call it in a thread."""
    text = clean_for_paste(text)
    if environ.get("TMUX") and _copy_with_tmux(text, environ):
        return "copied through tmux"
    payload = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if write is not None and _knows_osc52(environ) and len(payload) <= OSC52_LIMIT:
        write(_osc52(payload, environ))
        return "sent to the terminal's clipboard (OSC 52)"
    path = _copy_to_file(text)
    return f"written to {path}, as this terminal has no clipboard for it"


def way_to_clipboard(environ: Mapping[str, str] = os.environ) -> str:
    """How `copy` would go about it: "tmux", "OSC 52" or "none", which is a file."""
    if environ.get("TMUX") and shutil.which("tmux"):
        return "tmux"
    return "OSC 52" if _knows_osc52(environ) else "none"


def _copy_with_tmux(text: str, environ: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode("utf-8", "replace"),
            env=dict(environ),
            timeout=TMUX_TIMEOUT_S,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _knows_osc52(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "dumb") not in NO_OSC52 and environ.get("TERM_PROGRAM") != "Apple_Terminal"


def _osc52(payload: str, environ: Mapping[str, str]) -> str:
    sequence = f"\x1b]52;c;{payload}\x07"
    if not environ.get("STY"):
        return sequence
    # GNU screen passes on what is wrapped in DCS, in pieces of at most 768 bytes
    pieces = [sequence[at : at + 700] for at in range(0, len(sequence), 700)]
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def _copy_to_file(text: str) -> Path:
    path = cache_folder() / "clipboard.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
