"""Pythons of other trackers, each in an environment of its own: a developer's, or one that is made for the tests.

`$LABTOP_PEERS/<name>` is used where that is set; `none` or nothing skips the tests. Otherwise the client is installed
into `.pytest_cache/peers/`, at the versions of `tests/clients/pins/`, once for all sessions: while other tests run,
where the session is a whole one. A folder without its marker is one whose installation was cut short; it is made again.

    python -m tests.sources.peers NAME…     install them, as a session does in the background
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PINS = {
    "mlflow": "mlflow",
    "wandb": "wandb",
    "trackio": "trackio",
    "tensorboard": "light",
    "sacred": "light",
    "hydra": "light",
    "dvc": "dvc",
}
"""The file with the versions of each client that can be installed; those that share a file share an environment."""

PATIENCE_S = 180.0
_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = dict(os.environ)  # tests are shut off from it
_PEERS = _ENVIRONMENT.get("LABTOP_PEERS")
_SESSION = _ENVIRONMENT.get("PYTEST_XDIST_TESTRUNUID") or f"process {os.getpid()}"
_BACKGROUND_NICENESS = 5  # other tests come first


def peer(name: str) -> Path:
    """The Python that has a client; the test is skipped, with the reason, where there is none."""
    if _PEERS is not None:
        python = Path(_PEERS) / name / "bin" / "python"
        if _PEERS in ("", "none") or not python.exists():
            pytest.skip(f"no Python in $LABTOP_PEERS/{name}")
        return python
    reason = _install(name, _SESSION)
    if reason:
        pytest.skip(reason)
    return _folder(name) / "bin" / "python"


def begin_installing(names: set[str]) -> subprocess.Popen[bytes] | None:
    """Install clients in the background; None where there is nothing to do. The session has to end it."""
    missing = sorted({PINS[name]: name for name in names if name in PINS and not _is_there(name)}.values())
    if _PEERS is not None or not missing or os.name != "posix":
        return None
    program = [sys.executable, "-m", "tests.sources.peers", *missing]
    return subprocess.Popen(
        program,
        cwd=_ROOT,
        env={**_ENVIRONMENT, "PYTEST_XDIST_TESTRUNUID": _SESSION},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(installing: subprocess.Popen[bytes]) -> None:
    """End what was begun in the background, and all that it started."""
    if installing.poll() is None:
        os.killpg(installing.pid, signal.SIGKILL)
    installing.wait()


def _folder(name: str) -> Path:
    """Where a client is installed: another place for other versions and for another Python."""
    made_of = f"{(_pins(name)).read_text('utf-8')}\n{sys.version}\n{sys.base_prefix}\n{_ROOT}"
    return (
        _ROOT
        / ".pytest_cache"
        / "peers"
        / f"{PINS[name]}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    )


def _pins(name: str) -> Path:
    return _ROOT / "tests" / "clients" / "pins" / f"{PINS[name]}.txt"


def _marker(name: str) -> Path:
    return _folder(name) / "installed"


def _is_there(name: str) -> bool:
    return _marker(name).exists()


def _install(name: str, session: str) -> str:
    """Install a client if it is not there; the reason if that cannot be, which holds for the session."""
    if name not in PINS:
        return f"{name} is not installed for the tests: make $LABTOP_PEERS/{name}"
    if _is_there(name):
        return ""
    if os.name != "posix":
        return "the clients are installed on Linux and macOS only"
    failed = _folder(name).with_suffix(".failed")
    try:
        failed.parent.mkdir(parents=True, exist_ok=True)
        with _lock(_folder(name).with_suffix(".lock")) as is_mine:
            if _is_there(name):
                return ""
            told = failed.read_text("utf-8").partition("\n") if failed.exists() else ("", "", "")
            if told[0] == session:
                return told[2]
            reason = _make(name) if is_mine else f"{name} was not installed within {PATIENCE_S:.0f} s"
            if reason and is_mine:
                failed.write_text(f"{session}\n{reason}", "utf-8")
            return reason
    except OSError as error:
        return f"{name} cannot be installed: {error}"


def _make(name: str) -> str:
    """Make the environment; the reason if that fails. The marker is written last."""
    folder = _folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    has_pip = (
        subprocess.run([sys.executable, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    )
    options = [
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--no-input",
        "--disable-pip-version-check",
        "--retries",
        "1",
    ]
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if has_pip else [str(python), "-m", "pip"]
    steps = [
        [sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), str(folder)],
        [*pip, "install", *options, "--requirement", str(_pins(name))],
    ]
    until = time.monotonic() + PATIENCE_S
    for step in steps:
        try:
            done = subprocess.run(
                step,
                env=_ENVIRONMENT,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=max(until - time.monotonic(), 1),
            )
        except subprocess.TimeoutExpired:
            return f"{name} was not installed within {PATIENCE_S:.0f} s"
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            return f"{name} cannot be installed: {said[-1] if said else done.returncode}"
    _marker(name).touch()
    return ""


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Hold a file's lock; False where another process held it for too long. The system frees that of a killed one."""
    import fcntl

    until = time.monotonic() + PATIENCE_S
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    yield False
                    return
                time.sleep(0.1)
        yield True


if __name__ == "__main__":
    os.nice(_BACKGROUND_NICENESS)
    for each in sys.argv[1:]:
        _install(each, _SESSION)
