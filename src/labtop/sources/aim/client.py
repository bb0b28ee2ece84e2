"""Asks Aim's package, in a process of its own, what a copy of a repository holds.

The repository itself is never opened: RocksDB writes a log wherever it opens a database. Files that RocksDB never
changes again (`*.sst`) are linked into the copy, all others are copied, one run at a time.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from labtop.errors import InputError
from labtop.settings import Settings

SILENT_S = 120.0
"""How long the process may say nothing; its first import takes some seconds."""
_LONGEST_LINE = 64 * 2**20
_PARTS = ("meta", "seqs")
_NAMES = ("aim", "aim.exe")


def find_python() -> str | None:
    """The Python that has `aim`: that of the settings, this one, or that of the command `aim`. None: there is none."""
    told = Settings.load().aim_python
    if told:
        return told
    if importlib.util.find_spec("aim") is not None:
        return sys.executable
    command = shutil.which("aim")
    return _interpreter_of(Path(command)) if command else None


def _interpreter_of(script: Path) -> str | None:
    """The Python that a command written by pip is for: in its first line, or beside it."""
    try:
        with script.open("rb") as file:
            line = file.readline(4096)
    except OSError:
        return None
    named = os.fsdecode(line[2:].strip()) if line.startswith(b"#!") else ""
    beside = [script.resolve().with_name(name) for name in ("python", "python.exe")]
    for each in (Path(named) if named and " " not in named else None, *beside):
        if each is not None and each.is_file():
            return str(each)
    return None


class AimProcess:
    """A process that reads runs of a copy of the repository. Made by `opened`."""

    def __init__(self, process: subprocess.Popen[bytes], source: Path, copy: Path, said: IO[bytes]) -> None:
        self._process = process
        self._source = source
        self._copy = copy
        self._said = said
        self._is_late = False

    def ask(self, name: str) -> Iterator[dict[str, Any]]:
        """What Aim says of a run. Raises InputError where the process ends or says nothing for too long."""
        self._lay_out(name)
        try:
            yield from self._answers(name)
        finally:
            for part in _PARTS:
                shutil.rmtree(self._copy / ".aim" / part / "chunks" / name, ignore_errors=True)

    def _answers(self, name: str) -> Iterator[dict[str, Any]]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(name.encode() + b"\n")
            stdin.flush()
        except OSError:
            raise InputError(self._ended()) from None
        while True:
            timer = threading.Timer(SILENT_S, self._stop)
            timer.start()
            try:
                line = stdout.readline(_LONGEST_LINE)
            finally:
                timer.cancel()
            try:
                told = json.loads(line)
            except ValueError:
                raise InputError(self._ended()) from None
            if not isinstance(told, dict) or "end" in told:
                return
            yield told

    def _stop(self) -> None:
        self._is_late = True
        self._process.kill()

    def _ended(self) -> str:
        if self._is_late:
            return f"the aim package said nothing for {SILENT_S:.0f} s"
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 4096))
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return f"the aim package cannot read it: {lines[-1][:300] if lines else 'its process ended'}"

    def _lay_out(self, name: str) -> None:
        """The two databases of a run, as a copy that shares what never changes."""
        for part in _PARTS:
            source, target = (root / part / "chunks" / name for root in (self._source, self._copy / ".aim"))
            target.mkdir(parents=True, exist_ok=True)
            try:
                there = [each for each in source.iterdir() if each.is_file() and not each.is_symlink()]
            except OSError:
                continue
            for each in there:
                if each.name != "LOCK":
                    _take(each, target / each.name)


def _take(source: Path, target: Path) -> None:
    try:
        if source.suffix == ".sst":
            target.symlink_to(source.resolve())
            return
    except (OSError, NotImplementedError):
        pass  # a system without links
    try:
        shutil.copyfile(source, target)
    except OSError:
        pass  # compaction took it away; RocksDB tells what it misses


@contextmanager
def opened(python: str, repository: Path) -> Iterator[AimProcess]:
    """A process that reads runs of `repository`, an `.aim` folder. Raises InputError where it cannot be started."""
    with tempfile.TemporaryDirectory(prefix="labtop-", ignore_cleanup_errors=True) as name:
        copy = Path(name) / "repository"
        for part in _PARTS:
            (copy / ".aim" / part / "chunks").mkdir(parents=True)
        for each in repository.glob("run_metadata.sqlite*"):
            if each.is_file() and not each.is_symlink():
                shutil.copyfile(each, copy / ".aim" / each.name)
        if (repository / "VERSION").is_file():
            shutil.copyfile(repository / "VERSION", copy / ".aim" / "VERSION")
        with tempfile.TemporaryFile() as said:
            process = _start(python, copy, Path(name), said)
            try:
                yield AimProcess(process, repository, copy, said)
            finally:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        try:
                            stream.close()
                        except OSError:
                            pass


def _start(python: str, copy: Path, home: Path, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the process, isolated from the user's paths and folders; it may send nothing to anyone."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIM_"))
    }
    environment |= {"HOME": str(home), "AIM_UI_TELEMETRY_ENABLED": "0", "PYTHONIOENCODING": "utf-8"}
    script = Path(__file__).with_name("dump.py")
    try:
        return subprocess.Popen(
            [python, "-I", "-B", "-X", "utf8", str(script), str(copy)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=home,
            env=environment,
        )
    except OSError as error:
        raise InputError(f"{python} cannot be run: {error.strerror}") from error
