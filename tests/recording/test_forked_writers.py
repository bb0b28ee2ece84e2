"""A child after `fork()` is a writer of its own, known by its role, and leaves the record to its parent."""

from __future__ import annotations

from pathlib import Path

from labtop.store.layout import run_folders
from labtop.store.reader import read_points
from labtop.store.writers import read_writers
from tests.recording.conftest import RunScript, only_record

SCRIPT = """
import os, labtop
run = labtop.init(config={"lr": 0.1})
run.log({"x": 1.0})
child = os.fork()
if child == 0:
    run.log({"x": 2.0})
    run.finish()
    os._exit(0)
os.waitpid(child, 0)
run.log({"x": 3.0})
run.finish()
print(os.getpid())
"""


def test_a_child_is_listed_as_one_and_leaves_the_record(folder: Path, run_script: RunScript) -> None:
    """Its points have a writer of the role child; the record is its parent's."""
    done = run_script(SCRIPT)
    assert done.returncode == 0, done.stderr
    (run,) = run_folders(folder / "runs")
    points, problems = read_points(run)
    assert problems == ()
    writer_of = {each.value: each.writer for each in points}
    assert sorted(writer_of) == [1.0, 2.0, 3.0]
    assert writer_of[1.0] == writer_of[3.0] != writer_of[2.0]
    assert {each.writer: each.role for each in read_writers(run)}[writer_of[2.0]] == "child"
    process = only_record(folder / "runs").life.process
    assert process is not None
    assert str(process.pid) in done.stdout
