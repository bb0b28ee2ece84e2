"""Commands with plain pipes, as on Windows: without termios, fcntl and all that only POSIX has.

These run on POSIX with those modules and functions taken away; Windows itself is not among the machines of the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.recording.wrapped.plain import as_exit_code
from labtop.store.layout import run_folders
from labtop.store.reader import read_points
from tests.wrapped.conftest import PATIENCE_S, output_of, record_of

BARE = """
import os, signal, subprocess, sys, tempfile, shutil, pathlib, psutil
for name in ("termios", "fcntl", "pty", "tty"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "setsid", "setpgid", "getpgrp", "tcgetpgrp", "killpg",
             "openpty", "WIFSIGNALED", "WTERMSIG", "WEXITSTATUS", "WCOREDUMP", "get_blocking", "set_blocking", "pread",
             "fdatasync", "statvfs", "O_CLOEXEC", "O_DIRECTORY", "O_NONBLOCK", "O_NOFOLLOW"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("sigwait", "sigwaitinfo", "pthread_sigmask", "set_wakeup_fd", "SIGWINCH", "SIGUSR1", "SIGUSR2", "SIGTSTP"):
    if hasattr(signal, name):
        delattr(signal, name)
from labtop.cli.run_line import main
sys.exit(main(sys.argv[1:]))
"""


def bare(*words: str) -> list[str]:
    """The line of `labtop run WORDS…` on a system without terminals."""
    return [sys.executable, "-c", BARE, *words]


def ran(*words: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run it with pipes."""
    return subprocess.run(
        bare(*words), input=stdin, capture_output=True, timeout=PATIENCE_S, env={**os.environ, **environment}
    )


def test_a_command_is_recorded(folder: Path) -> None:
    """Streams apart and byte for byte, stdin handed on, metrics, the exit code."""
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())\n"
    code += "print('loss=0.5', file=sys.stderr); sys.exit(3)"
    content = bytes(range(256)) * 2000 + b"\n"
    done = ran("--metrics", "stderr", "--param", "lr=0.1", "--", sys.executable, "-c", code, stdin=content)
    assert (done.returncode, done.stdout, done.stderr) == (3, content, b"loss=0.5\n")
    record = record_of(folder)
    assert (record.status, record.life.exit_code, record.params) == (Status.FAILED, 3, {"lr": 0.1})
    assert record.metrics["loss"].last == 0.5
    assert record.environment.os
    assert "loss=0.5" in output_of(folder)


def test_streams_that_are_one_keep_their_order(folder: Path) -> None:
    """`> log 2>&1`."""
    code = "import os\nfor at in range(200): os.write(1 + at % 2, b'%d\\n' % at)"
    with (folder / "log").open("wb") as log:
        line = bare("--", sys.executable, "-c", code)
        subprocess.run(line, stdout=log, stderr=subprocess.STDOUT, check=True, timeout=PATIENCE_S)
    assert (folder / "log").read_text().split() == [str(at) for at in range(200)]


def test_commands_that_cannot_be_started(folder: Path) -> None:
    """127 and 126, a sentence and a failed run; disabled too."""
    (folder / "plain.txt").write_text("no program")
    missing, forbidden = ran("--", "no-such-program", "x"), ran("--", "./plain.txt")
    assert (missing.returncode, forbidden.returncode) == (127, 126)
    assert missing.stderr == b"labtop: cannot start 'no-such-program': no such command\n"
    assert len(list(run_folders(folder / "runs"))) == 2
    assert ran("--", "no-such-program", LABTOP_MODE="disabled").returncode == 127
    assert ran("--", sys.executable, "-c", "exit(4)", LABTOP_MODE="disabled").returncode == 4


def test_an_init_inside_joins(folder: Path) -> None:
    """The command is told the run in its environment."""
    code = "import labtop; run = labtop.init(config={'lr': 0.2}); run.log({'x': 1.0})"
    done = ran("--", sys.executable, "-c", code)
    assert (done.returncode, done.stderr) == (0, b"")
    (home,) = run_folders(folder / "runs")
    assert record_of(folder).params == {"lr": 0.2}
    assert [each.value for each in read_points(home)[0] if each.name == "x"] == [1.0]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_is_passed_on(folder: Path, name: str) -> None:
    """The command ends as it likes; the run was killed, by that signal."""
    code = "import signal, sys, time\nfor each in (signal.SIGINT, signal.SIGTERM):\n"
    code += "    signal.signal(each, lambda *_: sys.exit(5))\nprint('ready', flush=True)\ntime.sleep(60)"
    started = subprocess.Popen(bare("--", sys.executable, "-c", code), stdout=subprocess.PIPE)
    assert started.stdout is not None
    with started.stdout as stdout:
        assert stdout.readline() == b"ready\n"
        started.send_signal(getattr(signal, name))
        assert started.wait(PATIENCE_S) == 5
    life = record_of(folder).life
    assert (record_of(folder).status, life.signal, life.exit_code) == (Status.KILLED, name, 5)


def test_a_command_that_dies(folder: Path) -> None:
    """128 and the signal."""
    done = ran("--", "sh", "-c", "kill -KILL $$")
    assert (done.returncode, record_of(folder).status) == (137, Status.KILLED)


def test_a_process_left_behind_does_not_hold_it_up(folder: Path) -> None:
    """What was written before the end is there."""
    go = folder / "go"
    done = ran("--", "sh", "-c", f"(while [ ! -e {go} ]; do sleep 0.05; done) & echo now")
    go.touch()
    assert (done.returncode, done.stdout) == (0, b"now\n")


@pytest.mark.parametrize(
    ("code", "left_with"), [(0, 0), (7, 7), (-9, 137), (0xC000013A, -1073741510), (0xFFFFFFFF, -1)]
)
def test_exit_codes(code: int, left_with: int) -> None:
    """Windows has 32 bits for them, and so has `sys.exit` there, with a sign."""
    assert as_exit_code(code) == left_with
