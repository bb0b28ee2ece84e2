"""Children of `multiprocessing` that log: how they end, and that what they alone log is told."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labtop.model.run import Randomness, Status, Writer
from labtop.recording.capture.seeds import randomness_now
from labtop.store.layout import run_folders
from labtop.store.writers import read_writers
from tests.recording.conftest import RunScript, only_record

PROGRAM = """
import multiprocessing as mp, os, sys, labtop

def work(at):
    for step in range(3):
        labtop.log({"child/x": at * 10.0 + step}, step=step)
    if at == 3:
        raise ValueError("no more")

if __name__ == "__main__":
    run = labtop.init(project="p", store="runs")
    if sys.argv[1] == "spawn":
        os.environ.update(run.invite())
    context = mp.get_context(sys.argv[1].removesuffix("-pool"))
    if sys.argv[1].endswith("-pool"):
        with context.Pool(2) as pool:  # leaving it kills its workers
            pool.map(work, range(2))
    else:
        for at in (2, 3):
            child = context.Process(target=work, args=(at,))
            child.start()
            child.join()
    run.log({"loss": 1.0})
    run.finish()
"""


def children_of(folder: Path) -> list[Writer]:
    """The writers of the one run but for its owner, in the order in which they began."""
    (home,) = run_folders(folder / "runs")
    found = [each for each in read_writers(home) if each.role in ("child", "worker")]
    return sorted(found, key=lambda each: each.began_at or 0.0)


needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")


@pytest.mark.parametrize("how", [pytest.param("fork", marks=needs_fork), "spawn"])
def test_a_child_that_ends_says_how(folder: Path, run_script: RunScript, how: str) -> None:
    """Well, or by an exception; a metric that only children log has a summary."""
    done = run_script(PROGRAM, how)
    assert done.returncode == 0, done.stderr
    well, failed = children_of(folder)
    assert (well.status, failed.status) == (Status.FINISHED, Status.FAILED)
    assert failed.error is None or (failed.error.type, failed.error.message) == ("ValueError", "no more")
    assert only_record(folder / "runs").metrics["child/x"].count == 3


@needs_fork
def test_what_killed_children_logged_is_told(folder: Path, run_script: RunScript) -> None:
    """The workers of a pool are killed when it is left: their points count all the same."""
    done = run_script(PROGRAM, "fork-pool")
    assert done.returncode == 0, done.stderr
    assert only_record(folder / "runs").metrics["child/x"].count in (3, 6)
    assert only_record(folder / "runs").metrics["loss"].last == 1.0


def test_a_seed_that_torch_drew_itself_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer versions begin with random bits, older ones with a number of their own; people write smaller ones."""
    seeds = {}
    for number in (67280421310721, 7695965948136761747, -(2**60), 42):
        torch = SimpleNamespace(__name__="torch", initial_seed=lambda number=number: number)
        monkeypatch.setitem(sys.modules, "torch", torch)
        seeds[number] = randomness_now(Randomness(), frozenset()).seeds.get("torch")
    assert list(seeds.values()) == [None, None, None, 42]
