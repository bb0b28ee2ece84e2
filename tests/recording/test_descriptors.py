"""`capture_output="fd"`: what child processes, C and forks print is kept, and reaches its place as ever."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import labtop
from labtop.store.layout import run_folders
from tests.recording.conftest import only_record
from tests.store.runs import wait_for

PRINTS = """
import ctypes, os, subprocess, sys, labtop
print("before")
run = labtop.init(project="p", store="runs", capture_output="fd")
print("python", os.isatty(1), os.isatty(2), flush=True)
os.system("echo system")
subprocess.run(["sh", "-c", "echo child; echo error >&2"])
libc = ctypes.CDLL(None)
libc.puts(b"from C")
libc.fflush(None)
os.write(1, b"raw \\xff\\n")
if os.fork() == 0:
    print("forked", flush=True)
    os._exit(0)
os.wait()
print("api_key=verysecretvalue1234")
libc.printf(b"left in C's buffer\\n")
"""
EXPECTED = ["system", "child", "from C", "raw \\xff", "forked", "left in C's buffer"]
FINISH = "run.finish()\nprint('after')\n"


def script(code: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a script in pipes."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, **(environment or {})})


def kept(folder: Path) -> list[str]:
    """The lines of the log of the only run."""
    (run,) = run_folders(folder / "runs")
    return (run / "output.log").read_text().splitlines()


def test_everything_is_kept_and_passed_on(folder: Path) -> None:
    """Of the run alone, without secrets, and nothing else than before reaches the pipes."""
    done = script(PRINTS + FINISH)
    assert done.returncode == 0, done.stderr
    lines = kept(folder)
    assert [each for each in lines if each in EXPECTED] == EXPECTED
    assert "python False False" in lines
    assert "error" in lines
    assert "verysecretvalue1234" not in "\n".join(lines)
    assert not {"before", "after"} & {*lines}
    printed = done.stdout.splitlines()
    assert sorted(printed) == sorted([
        b"before", b"python False False", b"system", b"child", b"from C", b"raw \xff", b"forked",
        b"api_key=verysecretvalue1234", b"left in C's buffer", b"after",
    ])  # fmt: skip
    assert done.stderr == b"error\n"
    assert only_record(folder / "runs").life.degraded is None


@pytest.mark.parametrize(
    "end", ["", "os._exit(3)\n", "os.kill(os.getpid(), 9)\n"], ids=["end", "exit", "kill"]
)
def test_nothing_is_lost_however_it_ends(folder: Path, end: str) -> None:
    """The helper reads what was printed to the last byte; also of a child that goes on alone."""
    code = PRINTS.replace("libc.printf", "libc.puts") + "sys.stdout.flush(); libc.fflush(None)\n"
    code += "os.system('echo last')\n"
    done = script(code + end)
    assert {b"last", b"forked", b"from C"} <= {*done.stdout.splitlines()}
    wait_for(lambda: "last" in kept(folder))


def test_a_terminal_stays_one(folder: Path) -> None:
    """`isatty` is true for children too, the size is right and follows, and no byte is changed on its way."""
    code = PRINTS + (
        "subprocess.run([sys.executable, '-c', 'import os; print(os.isatty(1), *os.get_terminal_size(1))'])\n"
        + FINISH
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            printed += data
    os.close(ours)
    assert process.returncode == 0
    lines = kept(folder)
    assert "python True True" in lines
    assert [each for each in lines if each in (*EXPECTED, "error")] == [*EXPECTED[:2], "error", *EXPECTED[2:]]
    assert "True 0 0" in lines  # the terminal of this test has no size
    assert printed.startswith(
        b"before\r\npython True True\r\nsystem\r\nchild\r\nerror\r\nfrom C\r\nraw \xff\r\n"
    )
    assert printed.endswith(b"after\r\n")


def test_a_child_that_goes_on_after_the_run(folder: Path) -> None:
    """It is not killed by a pipe that nobody reads, and what it prints arrives; the log has ended."""
    code = """
import subprocess, labtop
run = labtop.init(project="p", store="runs", capture_output="fd")
print("mine", flush=True)
child = subprocess.Popen(["sh", "-c", "read line; echo late && echo well"], stdin=subprocess.PIPE)
run.finish()
child.communicate(b"\\n")
assert child.returncode == 0
"""
    done = script(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [b"mine", b"late", b"well"]
    assert kept(folder) == ["mine"]


def test_the_helper_dies(folder: Path) -> None:
    """Printing goes on, nobody hangs or gets a broken pipe, and the record says that output is missing."""
    code = """
import os, signal, subprocess, sys, time, labtop
run = labtop.init(project="p", store="runs", capture_output="fd")
print("early", flush=True)
os.kill(run.output._helper.pid, signal.SIGKILL)
while not run.output.problem:  # noticed by a thread
    time.sleep(0.01)
subprocess.run(["sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo a line of a child $i; i=$((i+1)); done"], check=True)
print("mine", flush=True)
run.finish()
print("after")
"""
    done = script(code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert b"mine" in lines
    assert b"after" in lines
    assert lines.count(b"a line of a child 2999") == 1
    assert "output.log is not complete" in str(only_record(folder / "runs").life.degraded)


def test_streams_that_are_no_descriptors(folder: Path) -> None:
    """As in a notebook: what Python prints is kept beside what comes through the descriptors."""
    code = """
import io, os, sys, labtop
sys.stdout = io.StringIO()
run = labtop.init(project="p", store="runs", capture_output="fd")
print("in memory")
os.system("echo system")
run.finish()
assert sys.stdout.getvalue() == "in memory\\n"
"""
    done = script(code)
    assert done.returncode == 0, done.stderr
    assert sorted(kept(folder)) == ["in memory", "system"]


def test_closed_descriptors(folder: Path) -> None:
    """A daemon has none: then what Python prints is kept as ever, and the record says what is not."""
    code = (
        "import os; os.close(1)\n"
        + PRINTS.partition('print("python"')[0].replace('print("before")\n', "")
        + FINISH
    )
    assert script(code.replace("print('after')", "")).returncode == 0
    assert "what child processes print is not kept" in str(only_record(folder / "runs").life.degraded)


def test_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By environment, for a script that is not changed."""
    code = "import os, labtop\nwith labtop.init(project='p', store='runs'):\n    os.system('echo system')\n"
    assert script(code).returncode == 0
    assert kept(folder) == []
    assert script(code.replace("'runs'", "'other'"), {"LABTOP_CAPTURE_OUTPUT": "fd"}).returncode == 0
    (run,) = run_folders(folder / "other")
    assert (run / "output.log").read_text() == "system\n"
    monkeypatch.setenv("LABTOP_CAPTURE_OUTPUT", "terminal")
    with pytest.raises(labtop.UsageError, match="capture_output"):
        labtop.init()


def test_ctrl_c_is_not_for_the_helper(folder: Path) -> None:
    """A signal to the whole group ends the run, and what was printed on the way out is kept."""
    code = """
import os, signal, labtop
run = labtop.init(project="p", store="runs", capture_output="fd")
try:
    os.killpg(0, signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    os.system("echo stopped")
"""
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode != -signal.SIGKILL
    assert printed == b"stopped\n"
    wait_for(lambda: kept(folder) == ["stopped"])
