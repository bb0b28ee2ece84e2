"""Runs recorded in real git repositories, for the tests of plans."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from labtop.model.run import Command, Environment, Randomness, RunRecord
from labtop.recording.capture.code import capture_code, with_bundle
from labtop.recording.capture.code_capture import CodeCapture
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import Repository

ARGV = (
    "--lr",
    "0.1",
    "",
    "a b",
    "it's",
    'say "hi"',
    "$(touch evil)",
    "`id`",
    "line\nend",
    "tab\t",
    "é\udcff",
    "--x=;y",
)

SHOW = """
import os, sys
with open(os.environ["ARGV_OUT"], "wb") as out:
    out.write(b"\\0".join(os.fsencode(each) for each in (os.getcwd(), *sys.argv)))
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git and give what it printed."""
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def snapshot(tree: Path) -> dict[str, tuple[bool, bytes]]:
    """Every file of a tree: whether it is executable, and its bytes (of a link, where it leads)."""
    found = {}
    for path in sorted(tree.rglob("*")):
        if ".git" in path.relative_to(tree).parts or path.is_dir():
            continue
        is_link = path.is_symlink()
        content = str(path.readlink()).encode() if is_link else path.read_bytes()
        found[path.relative_to(tree).as_posix()] = (
            not is_link and bool(path.stat().st_mode & 0o100),
            content,
        )
    return found


def make_repository(folder: Path, remote: Path | None = None) -> None:
    """Two commits; with a remote, the first one is pushed and the second is not."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "exp").mkdir()
    (folder / "exp" / "show.py").write_text(SHOW)
    (folder / "gone.txt").write_text("will be removed\n")
    (folder / "model.py").write_text("".join(f"line {n}\n" for n in range(50)))
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 4)
    (folder / "link").symlink_to("model.py")
    (folder / ".gitignore").write_text("data/\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    if remote is not None:
        git(folder, "clone", "-q", "--bare", str(folder), str(remote))
        git(folder, "remote", "add", "origin", str(remote))
        git(folder, "fetch", "-q", "origin")
    (folder / "second.py").write_text("second = 2\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "second")


def make_dirty(folder: Path) -> None:
    """Changes of every kind: edited, binary, removed, made executable, and files git does not know."""
    text = (folder / "model.py").read_text()
    (folder / "model.py").write_text(text.replace("line 7\n", "line seven\n") + "no end")
    (folder / "weights.bin").write_bytes(bytes(range(255, -1, -1)) * 4)
    (folder / "gone.txt").unlink()
    (folder / "second.py").chmod(0o755)
    (folder / "notes").mkdir()
    (folder / "notes" / "it's new.txt").write_text("untracked\n")
    (folder / "tool.sh").write_text("#!/bin/sh\necho tool\n")
    (folder / "tool.sh").chmod(0o755)


@dataclass(frozen=True)
class RecordedRun:
    """A record, its folder in a store, and the tree as it was."""

    record: RunRecord
    folder: Path
    tree: dict[str, tuple[bool, bytes]]


def record_run(repository: Path, store: Path, run_id: str = "k7f2aaaaaa") -> RecordedRun:
    """Record the code of a run, and a command with nasty arguments in the folder `exp`."""
    folder = store / "digits" / run_id
    (folder / "code").mkdir(parents=True)
    top = Repository.around(repository)
    assert top is not None
    capture = CodeCapture(folder=folder / "code", redactor=Redactor())
    code = with_bundle(capture_code(top, capture), top, capture)
    record = RunRecord(
        id=run_id,
        name="a run\nrm -rf ~",
        project="digits",
        code=code,
        command=Command(
            argv=(sys.executable, "show.py", *ARGV),
            cwd="exp",
            executable=sys.executable,
            entry_point="exp/show.py",
        ),
        environment=Environment(variables={"OMP_NUM_THREADS": "2", "SLURM_JOB_ID": "7", "A=$(x)": "1"}),
        randomness=Randomness(seeds={"python": 3}, flags={"PYTHONHASHSEED": "5"}),
    )
    return RecordedRun(record, folder, snapshot(repository))
