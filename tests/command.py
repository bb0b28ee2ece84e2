"""The `labtop` command as a process of its own: forked off one that has imported what most verbs need.

Importing takes two thirds of the time of a verb, and the tests run some two hundred. What a process gets when it starts
is as always: its folder, its environment, its arguments, and standard output and error of its own. Elsewhere than on
Linux, and where a test sets variables that Python reads as it starts, a whole process is started.

    python -m tests.command    is the process that the others are forked off
"""

from __future__ import annotations

import atexit
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
_ROOT = Path(__file__).parents[1]
_PACKAGES = ("cli", "views", "analysis", "reproduce", "query", "sources", "store", "formats", "model")
_WITH_THREADS = {"labtop.query.frames"}  # imports Polars
_LONGEST = 200_000  # bytes of a line and its environment
Done = subprocess.CompletedProcess[str]


def labtop(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command, to its end."""
    line = [*map(str, arguments)]
    server = None if environment else _server()
    if server is not None:
        return _forked(server, line, cwd or Path.cwd())
    return subprocess.run(
        [sys.executable, "-m", "labtop", *line],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=PATIENCE_S,
        check=False,
    )


def _forked(server: socket.socket, line: list[str], cwd: Path) -> Done:
    asked = json.dumps({"line": line, "cwd": str(cwd), "environment": dict(os.environ)}).encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        socket.send_fds(server, [asked], [out.fileno(), err.fileno()])
        try:
            code = int(server.recv(100))
        except TimeoutError as error:
            _server.cache_clear()  # its answer would be taken for that to the next question
            raise subprocess.TimeoutExpired(line, PATIENCE_S) from error
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(line, code, *texts)


@cache
def _server() -> socket.socket | None:
    """The other end of a process that forks, and ends with this one; None where none can be had."""
    if sys.platform != "linux":
        return None
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = [sys.executable, "-m", "tests.command", str(its.fileno())]
    process = subprocess.Popen(
        program,
        cwd=_ROOT,
        pass_fds=[its.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    its.close()
    ours.settimeout(PATIENCE_S)

    def end() -> None:
        ours.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    atexit.register(end)
    return ours if ours.recv(100) == b"ready" else None


def _serve(asking: socket.socket) -> dict[str, Any]:
    """Fork for each question and answer with the exit code; returns in the child, with what is asked of it."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(asking, _LONGEST, 2)
        if not asked:
            os._exit(0)
        child = os.fork()
        if child == 0:
            asking.close()
            for number, descriptor in enumerate(descriptors, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            found: dict[str, Any] = json.loads(asked)
            return found
        for descriptor in descriptors:
            os.close(descriptor)
        asking.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _prepare() -> None:
    """Import what verbs import, but nothing that starts a thread: a fork would not take it along."""
    for name in ("duckdb", "git", "msgspec", "numpy", "platformdirs.unix", "psutil", "rich.console"):
        import_module(name)
    for package in _PACKAGES:
        path = import_module(f"labtop.{package}").__path__
        for module in pkgutil.walk_packages(path, f"labtop.{package}."):
            if module.name not in _WITH_THREADS:
                import_module(module.name)


def main() -> None:
    """Serve; and in each child be the command."""
    _prepare()
    asking = socket.socket(fileno=int(sys.argv[1]))
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        return  # another version of a package starts threads when it is imported
    asking.send(b"ready")
    asked = _serve(asking)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv = [str(_ROOT / "src" / "labtop" / "__main__.py"), *asked["line"]]
    sys.path[0] = asked["cwd"]
    from labtop.cli.entry import main as labtop_main

    labtop_main()


if __name__ == "__main__":
    main()
