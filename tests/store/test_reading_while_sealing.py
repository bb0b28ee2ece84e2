"""Readers while a writer seals its logs and removes them: the counts are those of what was logged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from labtop.query.catalog import Catalog
from labtop.query.series import load_series
from labtop.settings import Settings
from labtop.store.layout import run_folder
from labtop.store.reader import read_log_points, read_points, while_sealing
from labtop.store.writer import RunWriter
from tests.store.runs import new_record, new_writer, seal_now

QUERIES = 1000
SEALS = 6  # of one run: each query opens every part


class Sealer:
    """Logs and seals in a thread of its own; `low` and `high` enclose how many points there are at a moment."""

    def __init__(self, writer: RunWriter) -> None:
        self.low = self.high = 0
        self._writer = writer
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        for seal in range(SEALS):
            for step in range(15):
                self.high += 1
                self._writer.append(float(15 * seal + step), 1, {"a": 1.0})
                self.low += 1
            seal_now(self._writer)


def count_while_sealing(store: Path, count: Callable[[Path, str], int], queries: int) -> int:
    """Compare counts with the truth until so many were made while something was sealed; gives how many."""
    made = 0
    while made < queries:
        record = new_record()
        writer = new_writer(store, record)
        writer.flush()
        sealer = Sealer(writer)
        sealer.thread.start()
        while sealer.thread.is_alive():
            low = sealer.low
            counted = count(run_folder(store, "p", record.id), record.id)
            assert low <= counted <= sealer.high
            made += 1
        sealer.thread.join()
        assert count(run_folder(store, "p", record.id), record.id) == 15 * SEALS
        writer.close()
    return made


def test_a_thousand_queries_while_logs_are_sealed(tmp_path: Path) -> None:
    """No point is missed, none counts twice, and no file is called damaged."""

    def count(folder: Path, _: str) -> int:
        points, problems = read_points(folder)
        assert problems == ()
        assert len({each.seq for each in points}) == len(points)
        return len(points)

    assert count_while_sealing(tmp_path, count, QUERIES) >= QUERIES


def test_curves_while_logs_are_sealed(tmp_path: Path) -> None:
    """The same through the query engine, as the UI reads them."""
    writer = new_writer(tmp_path)
    writer.close()
    catalog = Catalog(tmp_path, Settings())

    def count(folder: Path, run_id: str) -> int:
        if catalog.row_of(run_id) is None:
            catalog.refresh()
        found = load_series(catalog, [run_id], ["a"])
        assert all(each.problems == () for each in found)
        return sum(map(len, found))

    assert count_while_sealing(tmp_path, count, 5) >= 5
    catalog.close()


def test_a_log_that_is_never_there_is_not_looked_for_forever(tmp_path: Path) -> None:
    """It is listed twenty times; then it is an error."""
    tries: list[int] = []

    def read() -> None:
        tries.append(1)
        read_log_points(tmp_path / "w-00001.wal")

    with pytest.raises(FileNotFoundError):
        while_sealing(read)
    assert len(tries) == 20
