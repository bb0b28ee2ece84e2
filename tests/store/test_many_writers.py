"""Many processes at once in one store: forked children, each with writers of its own."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from labtop.model.run import Status, Writer
from labtop.store.layout import create_store, run_folders
from labtop.store.reader import read_points, read_record
from labtop.store.writer import RunWriter
from labtop.store.writers import owner, read_writers
from tests.store.runs import new_record, new_writer

RANKS = 32
PROCESSES, RUNS_EACH = 8, 25


def in_children(count: int, work: Callable[[int], None]) -> None:
    """Do something in `count` processes at once; all of them must end well."""
    import pyarrow.parquet  # noqa: F401 - once, and not in each of them

    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            try:
                work(number)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * count


def test_32_ranks_at_once(tmp_path: Path) -> None:
    """They all begin the same run together: one record, rank 0's; every point, by its writer."""
    store = tmp_path / "s"
    create_store(store)
    record = new_record()
    folder = store / "p" / record.id

    def rank(number: int) -> None:
        who = Writer(rank=number, world_size=RANKS, wants_record=True, ends_run=True, launch="one")
        writer = RunWriter(folder, record, who=who)
        for step in range(50):
            writer.append(step, step, {"loss": number * 1000.0 + step, f"only/{number}": 1.0})
        writer.flush()
        assert writer.close(Status.FINISHED)

    in_children(RANKS, rank)
    found, writers = read_record(folder), read_writers(folder)
    points, problems = read_points(folder)
    assert (len(points), problems) == (RANKS * 100, ())
    assert (found.status, found.metrics["loss"].count, found.metrics["loss"].max) == (
        Status.FINISHED,
        50,
        49.0,
    )
    assert len(writers) == RANKS
    best = owner(writers)
    assert best is not None
    assert best.rank == 0
    by_writer = {each.writer: each.rank for each in writers}
    assert all(by_writer[point.writer] == point.value // 1000 for point in points if point.name == "loss")


def test_many_writers_in_one_store_lose_no_run(tmp_path: Path) -> None:
    """Hundreds of runs that begin and end at the same time; all are listed, all points are there."""
    from labtop.query.catalog import Catalog, TableQuery

    store = tmp_path / "s"
    create_store(store)

    def several(number: int) -> None:
        open_runs = []
        for at in range(RUNS_EACH):
            writer = new_writer(store, new_record(f"p{(number + at) % 5}"), durability="process")
            writer.append(0, 1, {"loss": number + 0.0, "acc": 1.0})
            open_runs.append(writer)
        for writer in open_runs:
            writer.append(1, 2, {"loss": 0.0, "acc": 1.0})
            assert writer.close(Status.FINISHED)

    in_children(PROCESSES, several)
    folders = list(run_folders(store))
    assert len(folders) == PROCESSES * RUNS_EACH
    assert {len(read_points(folder)[0]) for folder in folders} == {4}
    catalog = Catalog(store)
    catalog.refresh()
    assert len(catalog.select(TableQuery())) == PROCESSES * RUNS_EACH
    assert catalog.problems == ()
    catalog.close()
