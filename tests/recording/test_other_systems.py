"""Recording and reading where a system lacks what Linux has: no fork, no fcntl, no /proc, folders that nobody opens.

These run on Linux with all that taken away from labtop; macOS and Windows are not among the machines of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from labtop.model.run import Status
from labtop.store.reader import read_points
from tests.recording.conftest import only_record

PATIENCE_S = 120

LESS = """
import builtins, io, os, pathlib, shutil, signal, sys
import click, duckdb, git, msgspec, numpy, platformdirs, psutil, pyarrow.compute, pyarrow.parquet, rich.console
import asyncio, concurrent.futures.process, multiprocessing.pool, socket, subprocess, tempfile, threading

for name in ("termios", "fcntl", "pty", "tty", "resource", "pwd", "grp"):
    sys.modules[name] = None
for name in (
    "fork", "forkpty", "register_at_fork", "posix_spawn", "setsid", "setpgid", "getpgrp", "killpg", "openpty", "pread",
    "get_blocking", "set_blocking", "getuid", "geteuid", "fdatasync", "statvfs", "fchmod", "chown", "sysconf", "uname",
    "sched_getaffinity", "getloadavg", "mkfifo", "O_CLOEXEC", "O_DIRECTORY", "O_NONBLOCK", "O_NOFOLLOW",
):
    if hasattr(os, name):
        delattr(os, name)
for name in (
    "sigwait", "sigwaitinfo", "pthread_sigmask", "SIGWINCH", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGHUP", "SIGQUIT",
    "SIGKILL", "SIGSTOP", "SIGCONT", "SIGCHLD", "SIGALRM", "setitimer",
):
    if hasattr(signal, name):
        delattr(signal, name)
os.supports_dir_fd, shutil._use_fd_functions = set(), False
opened, read = os.open, open

def open_no_folder(path, flags, mode=0o777):
    if os.path.isdir(path):
        raise PermissionError(13, "a folder is not opened here", os.fspath(path))
    return opened(path, flags, mode)

def open_no_proc(path, *words, **more):
    frame, is_ours = sys._getframe(1), False
    for _ in range(4):
        is_ours = is_ours or frame is not None and f"{os.sep}labtop{os.sep}" in frame.f_code.co_filename
        frame = frame and frame.f_back
    if is_ours and not isinstance(path, int) and str(path).startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "no such file", str(path))
    return read(path, *words, **more)

os.open, builtins.open, io.open = open_no_folder, open_no_proc, open_no_proc
"""

RECORD = """
import labtop
os.makedirs("made/inner", exist_ok=True)
pathlib.Path("made/inner/file.csv").write_text("a\\n1\\n")
for mode in ("online", "offline"):
    with labtop.init(project="p", config={"lr": 0.1}, mode=mode) as run:
        print("printed")
        for step in range(100):
            run.log({"loss": float(step)})
        run.use_data("made")
        run.log_artifact("made")
        run.log({"words": labtop.Text("said")})
"""

VERBS = """
from labtop.cli.main import main
for words in ("sync --format jsonl", "ls --format jsonl", "fsck"):
    try:
        main(words.split())
    except SystemExit as end:
        if end.code:
            raise
"""


def less(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process to which all that is taken away."""
    return subprocess.run(
        [sys.executable, "-c", LESS + code, *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **environment},
    )


def test_a_run_is_recorded_synced_listed_and_checked(folder: Path) -> None:
    """Points, files, values, output and facts; `sync` brings what was offline, `ls` reads it, `fsck` finds no harm."""
    home = {"LABTOP_SPOOL": str(folder / "spool")}
    done = less(RECORD, **home)
    assert (done.returncode, done.stdout) == (0, "printed\nprinted\n"), done.stderr
    assert "failed" not in done.stderr
    record = only_record(folder / "runs")
    (place,) = (folder / "runs/p").glob("[!.]*")
    assert (record.status, record.metrics["loss"].count) == (Status.FINISHED, 100)
    assert len(read_points(place)[0]) == 100
    assert [each.kind for each in record.artifacts] == ["file", "text"]
    assert record.data[0].digest
    assert record.environment.python
    assert "printed" in (place / "output.log").read_text()
    read = less(VERBS, **home)
    synced, *listed = [json.loads(line) for line in read.stdout.splitlines()]
    assert synced["state"] == "moved", read.stderr
    assert [each["status"] for each in listed] == ["finished", "finished"]
    assert "2 runs checked: all is whole" in read.stderr
    assert list((folder / "spool").rglob(".*.lock")) == []


def test_a_lock_of_a_file_is_waited_for(tmp_path: Path) -> None:
    """While another process holds it, every try fails."""
    (tmp_path / "run").mkdir()
    code = """
import types
tries = []
def locking(descriptor, mode, count):
    tries.append(1)
    if len(tries) < 3:
        raise OSError(36, "locked")
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
from labtop.store.run_lock import alone_with
with alone_with(pathlib.Path(sys.argv[1])):
    print(len(tries), pathlib.Path(sys.argv[1]).with_name(".run.lock").exists())
"""
    done = less(code, str(tmp_path / "run"))
    assert done.stdout == "3 True\n", done.stderr
