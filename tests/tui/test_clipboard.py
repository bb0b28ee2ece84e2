"""Copying: which way it takes, and that what arrives is clean."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from labtop.tui import clipboard
from labtop.tui.run_edits import shell_line

OSC52 = {"TERM": "xterm-256color"}


def _payload(written: str) -> str:
    return base64.b64decode(written.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()


def test_osc52_outside_of_tmux() -> None:
    """The terminal is asked, and it is said that it was."""
    written: list[str] = []
    assert "OSC 52" in clipboard.copy("lr=0.1", written.append, OSC52)
    assert _payload(written[0]) == "lr=0.1"


def test_tmux_is_given_the_text(tmp_path: Path) -> None:
    """In tmux, its own buffer; nothing is written to the terminal."""
    fake = tmp_path / "tmux"
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/buffer\n')
    fake.chmod(0o755)
    written: list[str] = []
    how = clipboard.copy(
        "a b", written.append, {"TMUX": "/x,1,0", "PATH": f"{tmp_path}:/bin:/usr/bin", **OSC52}
    )
    assert how == "copied through tmux"
    assert written == []
    assert (tmp_path / "buffer").read_text() == "a b"
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"


def test_a_tmux_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next way is tried."""
    fake = tmp_path / "tmux"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr(clipboard, "TMUX_TIMEOUT_S", 0.1)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    written: list[str] = []
    assert "OSC 52" in clipboard.copy(
        "a", written.append, {"TMUX": "1", "PATH": f"{tmp_path}:/bin:/usr/bin", **OSC52}
    )
    assert written


@pytest.mark.parametrize(
    "environ", [{"TERM": "linux"}, {"TERM": "xterm", "TERM_PROGRAM": "Apple_Terminal"}, {}]
)
def test_a_terminal_without_a_clipboard_gets_a_file(environ: dict[str, str]) -> None:
    """Only its owner can read it, and the message names it."""
    how = clipboard.copy("secret", None, environ)
    path = Path(how.removeprefix("written to ").partition(",")[0])
    assert path.read_text() == "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_text_too_long_for_osc52_goes_into_a_file() -> None:
    """Terminals drop a long sequence whole."""
    written: list[str] = []
    assert clipboard.copy("x" * 80_000, written.append, OSC52).startswith("written to")
    assert written == []


def test_screen_gets_the_sequence_wrapped() -> None:
    """GNU screen passes on DCS in short pieces."""
    written: list[str] = []
    clipboard.copy("x" * 1000, written.append, {**OSC52, "STY": "1"})
    assert written[0].startswith("\x1bP\x1b]52;c;")
    assert all(len(piece) < 768 for piece in written[0].split("\x1bP"))


def test_what_is_copied_holds_nothing_that_acts() -> None:
    """Escapes, bidirectional marks and the end of a bracketed paste are made visible; line ends stay."""
    cleaned = clipboard.clean_for_paste("a\x1b[201~; rm -rf ~\r\nb\u202ec\rd")
    assert "\x1b" not in cleaned
    assert "\u202e" not in cleaned
    assert cleaned.split("\n")[0].startswith("a␛[201~")
    assert len(cleaned.split("\n")) == 3


def test_a_command_is_one_line_that_a_shell_reads_back() -> None:
    """Newlines and escapes are quoted in ASCII."""
    line = shell_line(["python", "train.py", "--name", "a b", "--note", "x\n\x1b]52;c;y"])
    assert line == r"python train.py --name 'a b' --note $'x\x0a\x1b]52;c;y'"
