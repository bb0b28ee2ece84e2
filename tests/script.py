"""A Python script as a process of its own: forked off one that has imported what a recorded script needs.

Importing takes most of the time of a script that records one short run. What a script gets when it starts is as always:
its folder, its environment, its arguments, a `__main__` of its own, and pipes for what it prints. Nothing of a run has
happened before the fork, and pyarrow, which starts a thread and is imported late by labtop, is not there. Elsewhere
than on Linux, and where a test sets variables that are read as a process starts, a whole process is started.

    python -m tests.script    is the process that the others are forked off
"""

from __future__ import annotations

import atexit
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).parents[1]
_PREPARED = ("git", "labtop.recording.run", "msgspec", "platformdirs.unix", "psutil", "numpy")
_SELDOM = ("labtop.recording.system", "labtop.recording.wrapped")  # what few scripts need
_AT_THE_START = ("DYLD_", "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "OMP_", "OPENBLAS_", "PYTHON")
_LONGEST = 200_000  # bytes of a line and its environment
Done = subprocess.CompletedProcess[str]


def run_script(
    name: str, *arguments: str, environment: Mapping[str, str], timeout_s: float, is_prepared: bool
) -> Done:
    """Run a script of the working folder, to its end.

    Arguments:
        is_prepared: whether libraries may have been imported before, NumPy among them.
    """
    server = _server() if is_prepared else None
    if server is None or _at_the_start(environment) != server.at_the_start:
        command = [sys.executable, name, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, env={**environment}, check=False
        )
    return server.run([name, *arguments], environment, timeout_s)


def _at_the_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that are read when a process starts, or when a library is loaded."""
    return {name: value for name, value in environment.items() if name.startswith(_AT_THE_START)}


class _Server:
    """The process that forks, one script at a time."""

    def __init__(self) -> None:
        self.at_the_start = _at_the_start(os.environ)
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.script", str(its.fileno())],
            cwd=_ROOT,
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        its.close()
        atexit.register(self.end)
        self.is_ready = self._socket.recv(100) == b"ready"

    def run(self, line: list[str], environment: Mapping[str, str], timeout_s: float) -> Done:
        asked = json.dumps({"line": line, "cwd": str(Path.cwd()), "environment": {**environment}}).encode()
        pipes = [os.pipe(), os.pipe()]
        try:
            socket.send_fds(self._socket, [asked], [ours for _, ours in pipes])
        finally:
            for _, ours in pipes:
                os.close(ours)
        until = time.monotonic() + timeout_s
        try:
            out, err = _read_all([reading for reading, _ in pipes], until)
            self._socket.settimeout(max(until - time.monotonic(), 0.1))
            code = int(self._socket.recv(100))
        except TimeoutError as error:
            self.end()
            _server.cache_clear()
            raise subprocess.TimeoutExpired(line, timeout_s) from error
        finally:
            for reading, _ in pipes:
                os.close(reading)
        return subprocess.CompletedProcess(line, code, out, err)

    def end(self) -> None:
        """End the process, and a script that still runs."""
        self._socket.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@cache
def _server() -> _Server | None:
    """The process of this one's scripts; None where none can be had."""
    if sys.platform != "linux":
        return None
    server = _Server()
    return server if server.is_ready else None


def _read_all(descriptors: list[int], until: float) -> list[str]:
    """What comes through pipes until nobody writes there any more."""
    found: dict[int, bytes] = dict.fromkeys(descriptors, b"")
    with selectors.DefaultSelector() as selector:
        for each in descriptors:
            selector.register(each, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > until:
                raise TimeoutError
            for key, _ in selector.select(1.0):
                part = os.read(key.fd, 65536)
                found[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
    return [data.decode().replace("\r\n", "\n") for data in found.values()]


def _prepare() -> None:
    """Import what a recorded script imports, but nothing that starts a thread: a fork would not take it along."""
    for name in _PREPARED:
        import_module(name)
    package = import_module("labtop.recording")
    for module in pkgutil.walk_packages(package.__path__, "labtop.recording."):
        if not module.name.startswith(_SELDOM):
            import_module(module.name)


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


def _become(asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Be a process that was started with a script: its code and the names it begins with."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv = asked["line"]
    sys.orig_argv = [sys.executable, *sys.argv]
    name = sys.argv[0]
    sys.path[0] = str(Path(name).resolve().parent)
    path = str(Path(name).absolute())
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    return compile(Path(path).read_bytes(), path, "exec"), module.__dict__


def main() -> tuple[Any, dict[str, Any]]:
    """Serve; and in each child say what to run."""
    _prepare()
    asking = socket.socket(fileno=int(sys.argv[1]))
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        sys.exit(1)  # another version of a package starts threads when it is imported
    asking.send(b"ready")
    return _become(_serve(asking))


if __name__ == "__main__":
    exec(*main())
