"""What a program prints is kept, and printed as before."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import pytest

import labtop
from labtop.recording.capture.redact import LINE_LIMIT, Redactor
from labtop.recording.output import OutputLog
from labtop.recording.redrawn import RedrawnLines
from tests.recording.conftest import RunScript


def test_both_streams_are_kept_in_order(folder: Path, run_script: RunScript) -> None:
    """And reach the terminal all the same; also through a handler that held the stream before."""
    code = """
import logging, sys, labtop
logging.basicConfig(stream=sys.stderr, format="%(message)s", level="INFO")
run = labtop.init()
print("one"); print("two", file=sys.stderr); logging.info("three"); print("fo", end=""); print("ur")
print("no newline", end="")
"""
    done = run_script(code)
    (log,) = (folder / "runs").glob("*/*/output.log")
    assert log.read_text() == "one\ntwo\nthree\nfour\nno newline"
    assert done.stdout == "one\nfour\nno newline"
    assert done.stderr == "two\nthree\n"


def test_streams_stay_what_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same object, terminal or not, same encoding."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with labtop.init() as run:
        assert sys.stdout is terminal
        assert sys.stdout.isatty()
        print("hello")
    print("after")
    assert terminal.getvalue() == "hello\nafter\n"
    assert (run.folder / "output.log").read_text() == "hello\n"


def test_a_wrapper_put_over_ours_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tool's, which goes on calling us."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    with labtop.init():
        inner = stream.write
        monkeypatch.setattr(stream, "write", lambda text: inner(text.upper()))
    print("after")
    assert stream.getvalue() == "AFTER\n"


def log_of(tmp_path: Path, *pieces: str, max_bytes: int = 10**6) -> str:
    """The file after some writes to stdout."""
    tmp_path.mkdir(exist_ok=True)
    log = OutputLog(tmp_path / "output.log", Redactor(), max_bytes)
    for piece in pieces:
        log.take("stdout", piece)
    log.close()
    return (tmp_path / "output.log").read_bytes().decode()


def test_of_a_progress_bar_the_last_state_is_kept(tmp_path: Path) -> None:
    """What was drawn over within a second is not."""
    assert log_of(tmp_path, "\r 10%", "\r 20%", "\r100%\r\n", "done\n") == "100%\r\ndone\n"
    assert log_of(tmp_path / "b", "10%\r", "20%\r", "done\n", "30%\r", "\n") == "done\n30%\r\n"
    assert log_of(tmp_path / "c", "10%\r", "20%\r", "30%") == "20%\r30%"


def test_a_bar_of_a_month_stays_small() -> None:
    """Drawn ten times a second; the states that are kept get rarer."""
    now = 0.0
    redrawn = RedrawnLines(lambda: now)
    kept = 0
    for _ in range(200_000):
        now += 13.0  # 200,000 of its 26 million states
        kept += len(redrawn.thin("an hour of 30 days\r"))
    assert 100 < kept // 19 < 1000


def test_of_a_bar_of_several_lines_the_last_state_is_kept() -> None:
    """As rich and nested tqdm draw them, ten times a second for an hour; what is printed afterwards is whole."""
    now = 0.0
    redrawn = RedrawnLines(lambda: now)
    kept = redrawn.thin("before\n")
    for at in range(36_000):
        now += 0.1
        kept += redrawn.thin(f"\r\x1b[2K\x1b[1A\x1b[2Kepoch {at}\nstep {at}\r" if at else "epoch 0\nstep 0\r")
    kept += redrawn.thin("\n")
    for at in range(5):
        now += 1
        kept += redrawn.thin(f"line {at}\n")
    kept += redrawn.rest()
    assert kept.startswith("before\n")
    assert kept.count("epoch") < 1000
    assert "epoch 35999\nstep 35999\n" in kept
    assert kept.endswith("".join(f"line {at}\n" for at in range(5)))


def test_a_secret_in_two_writes_is_one_line(tmp_path: Path) -> None:
    """Redaction sees whole lines."""
    token = "ghp_" + "a1B2" * 9
    assert log_of(tmp_path, "key " + token[:10], token[10:] + "\n") == "key ${GITHUB_TOKEN}\n"


def test_a_private_key_over_many_lines_is_taken_out(tmp_path: Path) -> None:
    """Line by line as it is printed."""
    pem = [
        "-----BEGIN PRIVATE" + " KEY-----\n",
        "canary\n",
        "canary\n",
        "-----END PRIVATE" + " KEY-----\n",
        "after\n",
    ]
    assert log_of(tmp_path, *pem) == "${PRIVATE_KEY}after\n"


def test_the_size_has_an_end(tmp_path: Path) -> None:
    """Which says so, once."""
    text = log_of(tmp_path, *["0123456789\n"] * 20, max_bytes=50)
    assert text.startswith("0123456789\n" * 4)
    assert text.count("output.log ends here") == 1
    assert len(text) < 150


def test_an_end_that_falls_between_two_writes_is_told(tmp_path: Path) -> None:
    """The first filled the log to its last byte, the second found no room: it says so like any other."""
    log = OutputLog(tmp_path / "output.log", Redactor(), 20)
    for _ in range(3):
        log.take("stdout", "123456789\n")
    log.close()
    text = (tmp_path / "output.log").read_text()
    assert text.startswith("123456789\n" * 2)
    assert text.count("output.log ends here") == 1


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    """Memory stays bounded."""
    text = log_of(tmp_path, *["x" * 10_000] * 40, "\n")
    assert LINE_LIMIT < len(text) < 2 * LINE_LIMIT
    assert "characters cut" in text


def test_lone_surrogates_can_be_written(tmp_path: Path) -> None:
    """As escapes."""
    assert log_of(tmp_path, "a\udcffb\n") == "a\\udcffb\n"


def test_a_full_disk_never_stops_a_print(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said at the end."""
    with labtop.init() as run:
        assert run.output is not None
        import os

        log = run.output.log
        assert isinstance(log, OutputLog)
        os.close(log._descriptor)
        log._descriptor = os.open("/dev/full", os.O_WRONLY)
        print("hello")
    assert "hello" in capsys.readouterr().out
    assert run.output.log.problem is not None
    assert "No space left" in run.output.log.problem


def test_capture_can_be_switched_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the setting."""
    monkeypatch.setenv("LABTOP_CAPTURE_OUTPUT", "false")
    with labtop.init() as run:
        logging.getLogger("x").debug("y")
    assert not (run.folder / "output.log").exists()


def test_many_lines_at_once_are_kept_as_one_by_one(tmp_path: Path) -> None:
    """Most of a large piece is looked at whole; secrets, keys and long lines in it are found all the same."""
    token = "ghp_" + "a1B2" * 9
    odd = [f"token {token}", "-----BEGIN RSA PRIVATE KEY-----", "abc", "-----END RSA PRIVATE KEY-----", "https://a:b@c/d",
           "x" * (LINE_LIMIT + 9), "password=hunter2hunter2", "a\rb", f"eyJ {token}"]  # fmt: skip
    lines = [f"step {at} of 1000" for at in range(1000)]
    for at, line in enumerate(odd):
        lines.insert(at * 97 + at % 3, line)
    kept = []
    for name, pieces in (("whole", ["\n".join(lines) + "\n"]), ("single", [f"{line}\n" for line in lines])):
        log = OutputLog(tmp_path / name, Redactor.build({}, ()), 10**7)
        for piece in pieces:
            log.take("stdout", piece)
        log.close()
        kept.append((tmp_path / name).read_text())
    assert kept[0] == kept[1]
    assert token not in kept[0]
    assert "step 999 of 1000" in kept[0]
