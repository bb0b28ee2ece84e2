"""Verbs over logs that were made to harm: in whole processes with little memory, everything at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources.writers.every import SAMPLES
from tests.sources.writers.nasty import NASTY

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="pipes, holes and limits of memory as on Linux"
)

_MEMORY = 3 * 2**30
_OBEYED = re.compile(
    rb"[\0-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)
_START = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
runpy.run_module("labtop", run_name="__main__")
"""


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `logs`, sound ones and all that is nasty; `executed` beside them must not appear."""
    top = tmp_path_factory.mktemp("hostile")
    for name in ("mlflow", "trackio"):
        (top / "logs" / name).mkdir(parents=True)
        SAMPLES[name](top / "logs" / name)
    cut = top / "logs" / "trackio" / "digits.db"
    os.truncate(cut, cut.stat().st_size * 3 // 4)
    for name, write in NASTY.items():
        write(top / "logs" / name, top / "executed")
    return top


def _labtop(top: Path, *arguments: str) -> tuple[int, bytes]:
    kept = {f"XDG_{each}_HOME": str(top / each.lower()) for each in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [sys.executable, "-c", _START, *arguments],
        capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **kept}, timeout=240, cwd=top,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr[-2000:]
    assert _OBEYED.findall(done.stderr) == []
    return done.returncode, done.stdout


def _state(root: Path) -> dict[str, tuple[int, int, int]]:
    found = {str(each): each.lstat() for each in root.rglob("*")}
    return {path: (status.st_mode, status.st_size, status.st_mtime_ns) for path, status in found.items()}


def test_verbs_survive_everything_at_once(top: Path) -> None:
    """The sound runs are there, what is damaged is named; nothing is executed, written or sent to the terminal."""
    logs = str(top / "logs")
    before = _state(top / "logs")
    code, out = _labtop(top, "ls", logs, "--format", "json")
    assert code == 3
    assert _OBEYED.findall(out) == []
    runs = json.loads(out)
    sound = [each for each in runs if "logs/mlflow/" in each["source"]["uri"]]
    assert [each["metrics"]["loss"]["count"] for each in sound] == [24] * 3
    hurt = [each for each in runs if each["source"]["uri"].endswith("digits.db")]
    assert [any("cut short" in problem for problem in each["problems"]) for each in hurt] == [True] * 3
    assert any("\x1b" in each["name"] for each in runs)
    for arguments in (("doctor", logs), ("import", logs, "--store", "imported")):
        code, out = _labtop(top, *arguments)
        assert code in (0, 3), arguments
        assert _OBEYED.findall(out) == [], arguments
        if arguments[0] == "doctor":
            assert b"digits.db is cut short" in out
            assert b"special/hole/h/mlflow.db: is no SQLite database" in out
    assert _state(top / "logs") == before
    assert not (top / "executed").exists()
