"""`labtop doctor` tells what is well here and what is not, and never fails on a strange machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labtop.cli.doctor.capture import capture_lines
from labtop.cli.doctor.line import Line, looked_at
from labtop.cli.doctor.stores import file_system, store_lines
from labtop.cli.doctor.terminals import terminal_lines
from labtop.settings import Settings
from tests.command import labtop
from tests.recording.conftest import git
from tests.stores import build_store


def found(lines: Any) -> dict[str, Line]:
    return {each.what: each for each in lines}


def test_every_section_is_there(tmp_path: Path) -> None:
    """As a table for people and as JSON, of a folder in which nothing has happened yet; nothing is made there."""
    table = labtop("doctor", cwd=tmp_path)
    assert (table.returncode, table.stderr) == (0, "")
    for section in ("capture", "store", "terminal", "versions", "settings"):
        assert f"\n{section}\n" in f"\n{table.stdout}"
    assert [*tmp_path.iterdir()] == []
    lines = json.loads(labtop("doctor", "--format", "json", cwd=tmp_path).stdout)
    assert set(lines[0]) == {"section", "what", "state", "found", "advice"}
    assert {each["state"] for each in lines} <= {"well", "note", "ill"}
    assert all(each["advice"] for each in lines if each["state"] != "well")
    assert next(each for each in lines if each["what"] == "duckdb")["found"].count(".") == 2


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    """Is the one thing that gives another exit code."""
    done = labtop("doctor", tmp_path / "nothing")
    assert (done.returncode, done.stdout) == (3, "")
    assert "No such file or directory" in done.stderr


def test_a_store_with_a_damaged_record(tmp_path: Path) -> None:
    """Is told with what to do; the exit code stays 0: looking has worked."""
    store = build_store(tmp_path / "runs", runs=3, points=0)
    record = next(store.glob("*/*/run.parquet"))
    record.write_bytes(record.read_bytes()[:-5])
    done = labtop("doctor", store)
    assert done.returncode == 0
    assert "- damaged" in done.stdout
    assert record.parent.name in done.stdout
    assert f"labtop fsck {store}" in done.stdout
    lines = found(store_lines(store, Settings()))
    assert (lines["runs"].found, lines["format"].found, lines["writable"].state) == ("3", "1", "well")


def test_a_store_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told before the first run."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    line = found(store_lines(tmp_path / "runs", Settings()))["place"]
    assert (line.state, line.advice) == ("ill", "name another with --store, or in $LABTOP_STORE")


def test_runs_that_wait_in_the_spool(tmp_path: Path) -> None:
    """Are counted."""
    code = "import labtop; labtop.init(mode='offline').finish()"
    spool = tmp_path / "spool"
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "LABTOP_SPOOL": str(spool)}
    )
    line = found(store_lines(tmp_path / "runs", Settings(spool=str(spool))))["spool"]
    assert (line.state, line.found, line.advice) == ("note", f"1 run waits in {spool}", "labtop sync")


def test_file_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The innermost mount counts; one over the net is worth knowing."""
    import psutil

    class Mount:
        def __init__(self, mountpoint: Path, fstype: str) -> None:
            self.mountpoint, self.fstype = str(mountpoint), fstype

    mounts = [Mount(Path("/"), "ext4"), Mount(tmp_path, "nfs4"), Mount(tmp_path / "x", "tmpfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert (file_system(tmp_path / "runs"), file_system(Path("/etc"))) == ("nfs4", "ext4")
    line = found(store_lines(tmp_path / "runs", Settings()))["file system"]
    assert (line.state, line.found) == ("note", "nfs4")


def test_what_is_captured_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an empty one to one with everything; the advice goes as things get well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert found(capture_lines(Settings()))["git"].advice.startswith("git init")
    git(tmp_path, "init", "-q", "-b", "main")
    assert found(capture_lines(Settings()))["commit"].advice.startswith("git commit")
    (tmp_path / "a.py").write_text("1\n")
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "numpy"\nversion = "0.1"\n')
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "x")
    git(tmp_path, "remote", "add", "origin", "https://example.org/x.git")
    (tmp_path / "a.py").write_text("2\n")
    monkeypatch.setenv("MY_TOKEN", "x")
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    lines = found(capture_lines(Settings()))
    assert "with changes" in lines["commit"].found
    assert lines["remote"].state == lines["PYTHONHASHSEED"].state == "well"
    assert lines["lock file"].found == "uv.lock"
    assert "0.1 is locked" in lines["installed or locked"].found
    assert "x" not in lines["secrets"].found.split()
    assert found(capture_lines(Settings(capture_code=False)))["code"].state == "note"


def test_a_container_that_says_its_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag alone is worth a word, a digest is well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert "LABTOP_CONTAINER_IMAGE" in found(capture_lines(Settings()))["container"].advice
    monkeypatch.setenv("LABTOP_CONTAINER_IMAGE", "me/train:1")
    assert "a tag moves" in found(capture_lines(Settings()))["container"].advice
    monkeypatch.setenv("LABTOP_CONTAINER_DIGEST", "sha256:" + "a" * 64)
    assert found(capture_lines(Settings()))["container"].state == "well"


@pytest.mark.parametrize(
    ("environment", "what", "text", "state"),
    [
        ({"TERM": "dumb"}, "kind", "dumb", "note"),
        ({"TERM": "xterm-256color"}, "colours", "256", "well"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "colours", "16 million", "well"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "colours", "none: NO_COLOR is set", "well"),
        ({"TERM": "xterm"}, "colours", "16", "note"),
        ({"TERM": "xterm"}, "clipboard", "OSC 52", "well"),
        ({"TERM": "linux"}, "clipboard", "none", "note"),
        ({"TERM": "screen", "TMUX": "/no/such/socket,1,0"}, "tmux", "set-clipboard is unknown", "well"),
    ],
)
def test_terminals(environment: dict[str, str], what: str, text: str, state: str) -> None:
    """By what the environment says of them."""
    line = found(terminal_lines(environment))[what]
    assert (line.found, line.state) == (text, state)


def test_a_look_that_fails_is_a_line() -> None:
    """And the next ones go on."""

    def fails() -> Any:
        yield Line("x", "lost with the rest", "well", "")
        raise ZeroDivisionError("strange machine")

    lines = list(looked_at("x", (("first", fails), ("second", lambda: [Line("x", "second", "well", "")]))))
    assert [(each.what, each.state) for each in lines] == [("first", "note"), ("second", "well")]
    assert "strange machine" in lines[0].found


def test_settings_with_their_origin(tmp_path: Path) -> None:
    """A file that cannot be read is told, and the rest is looked at with the defaults."""
    file = tmp_path / "settings.toml"
    file.write_text('theme = "dark"\nredact = ["CORP-[0-9]+"]\n')
    done = labtop("doctor", cwd=tmp_path, LABTOP_SETTINGS=str(file), LABTOP_STRICT="1")
    assert f"dark (by {file})" in done.stdout
    assert "on (by environment)" in done.stdout
    assert "CORP" not in done.stdout
    file.write_text("theme = [broken")
    done = labtop("doctor", cwd=tmp_path, LABTOP_SETTINGS=str(file))
    assert done.returncode == 0
    assert "cannot read the settings file" in done.stdout
