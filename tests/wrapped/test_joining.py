"""A `labtop.init()` inside of `labtop run` joins the run; the command's end is the run's end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labtop.model.run import RunRecord, Status
from labtop.store.layout import run_folders
from labtop.store.reader import read_points, read_record
from tests.wrapped.conftest import RunLine, output_of, record_of

PROGRAM = """
import sys, time, labtop
run = labtop.init(name="inner", config={"lr": 0.1, "width": 8}, tags=["b"], group="g")
run.seed(3)
run.log({"loss": 0.5}); run.log({"loss": 0.25})
run.summary["best"] = 0.25
"""


def test_what_init_says_is_the_run_s(line: RunLine, folder: Path) -> None:
    """Parameters, tags, seeds, metrics and summary come in; the command and its end stay."""
    (folder / "train.py").write_text(PROGRAM + "run.finish()\nprint('after', flush=True)\ntime.sleep(0.3)\n")
    words = ("--param", "lr=0.5", "--param", "note=x", "--tag", "a", "--metrics", "stdout")
    done = line(*words, "--", "sh", "-c", f"echo acc=1; {sys.executable} train.py; exit 3")
    record = record_of(folder)
    assert (done.returncode, done.stderr) == (3, b"")
    assert record.params == {"lr": 0.1, "note": "x", "width": 8}
    assert (set(record.life.tags), record.life.group, record.summary) == ({"a", "b"}, "g", {"best": 0.25})
    assert record.randomness.seeds["python"] == 3
    assert (record.status, record.life.exit_code, record.life.error) == (Status.FAILED, 3, None)
    assert record.command.argv[:2] == ("sh", "-c")
    assert record.metrics["loss"].last == 0.25
    assert record.metrics["acc"].last == 1
    assert output_of(folder) == "acc=1\nafter\n"  # once
    assert record.ended_at is not None


def test_a_name_of_the_line_stays(line: RunLine, folder: Path) -> None:
    """The person said it for this run; without one, the program's counts."""
    (folder / "train.py").write_text(PROGRAM)
    line("--name", "outer", "--store", "a", "--", sys.executable, "train.py")
    line("--store", "b", "--", sys.executable, "train.py")
    names = [read_record(home).name for store in "ab" for home in run_folders(folder / store)]
    assert names == ["outer", "inner"]


def test_an_exception_inside_is_kept(line: RunLine, folder: Path) -> None:
    """Its type, message and line, with the command's exit code."""
    (folder / "train.py").write_text(PROGRAM + "raise ValueError('diverged')\n")
    done = line("--", sys.executable, "train.py")
    record = record_of(folder)
    assert (done.returncode, record.status, record.life.exit_code) == (1, Status.FAILED, 1)
    assert record.life.error is not None
    assert (record.life.error.type, record.life.error.message) == ("ValueError", "diverged")
    assert record.life.error.where.startswith("train.py:")


def test_a_program_that_is_killed_leaves_all_its_points(line: RunLine, folder: Path) -> None:
    """The record of the run is written by labtop, with their summaries."""
    (folder / "train.py").write_text(PROGRAM + "import os\nos.kill(os.getpid(), 9)\n")
    done = line("--", sys.executable, "train.py")
    record = record_of(folder)
    (home,) = run_folders(folder / "runs")
    assert (done.returncode, record.status, record.life.signal) == (-9, Status.KILLED, "SIGKILL")
    assert [point.value for point in read_points(home)[0]] == [0.5, 0.25]
    assert record.metrics["loss"].count == 2
    assert record.params["width"] == 8


def test_a_second_init_is_a_child_run(line: RunLine, folder: Path) -> None:
    """A loop over configurations: the first joins, the others are runs of their own, with the run as their parent."""
    code = "import labtop\nfor at in range(3):\n"
    code += "    run = labtop.init(config={'at': at}); run.log({'x': at}); run.finish()\n"
    line("--name", "outer", "--", sys.executable, "-c", code)
    runs = [read_record(home) for home in run_folders(folder / "runs")]
    (outer,) = (run for run in runs if run.name == "outer")
    assert sorted(_at(run) for run in runs) == [0, 1, 2]
    assert _at(outer) == 0
    assert [run.life.parent_id for run in runs if run is not outer] == [outer.id] * 2
    assert all(run.status is Status.FINISHED for run in runs)


def _at(run: RunRecord) -> int:
    at = run.params["at"]
    assert isinstance(at, int)
    return at


@pytest.mark.parametrize("at_once", [False, True])
def test_several_programs_of_a_script(line: RunLine, folder: Path, at_once: bool) -> None:
    """All their metrics are there; one after another, or at once."""
    for name in "ab":
        (folder / f"{name}.py").write_text(
            f"import labtop\nwith labtop.init() as run: run.log({{'{name}': 1.0}})\n"
        )
    sign = "&" if at_once else ";"
    done = line("--", "sh", "-c", f"{sys.executable} a.py {sign} {sys.executable} b.py; wait")
    runs = [read_record(home) for home in run_folders(folder / "runs")]
    assert done.returncode == 0
    assert {name for run in runs for name in run.metrics} == {"a", "b"}
