"""Ranks that died show in the table, not only in `show`; a run that has ended is looked at once."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.model.run import Process, RunError, Status, Writer
from labtop.query import record_files
from labtop.query.catalog import Catalog
from labtop.store.layout import run_folder
from labtop.store.process import this_boot_id, this_host
from labtop.store.writers import write_writer
from labtop.views.glyphs import UNICODE
from labtop.views.listing import list_runs
from tests.query.runs import column, names, opened, run, store_of

IDS = {"single": "a" * 10, "sound": "b" * 10, "hurt": "c" * 10}


def rank(number: int, **facts: object) -> Writer:
    """One of four ranks, ended well unless told otherwise."""
    who = Writer(writer=f"writer{number:04}", rank=number, world_size=4, status=Status.FINISHED)
    return replace(who, **facts)  # type: ignore[arg-type]  # fields of Writer


def dead_process() -> Process:
    """A process of this machine that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return Process(host=this_host(), pid=child.pid, boot_id=this_boot_id(), pid_started=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A run of one process, a sound one of four ranks, and one of which two died."""
    path = store_of(tmp_path / "s", *(run(name=name, id=run_id) for name, run_id in IDS.items()))
    for number in range(4):
        write_writer(run_folder(path, "digits", IDS["sound"]), rank(number))
    failed = rank(1, status=Status.FAILED, error=RunError(type="ValueError", message="odd"))
    killed = rank(3, status=None, process=dead_process())
    for each in (rank(0), failed, rank(2), killed):
        write_writer(run_folder(path, "digits", IDS["hurt"]), each)
    return path


def test_they_are_counted_in_the_table(store: Path) -> None:
    """As columns that can be filtered by; nothing where one process recorded the run, or none died."""
    catalog = opened(store)
    assert column(catalog, "ranks") == {"single": None, "sound": 4, "hurt": 4}
    assert column(catalog, "dead_ranks") == {"single": None, "sound": None, "hurt": 2}
    assert column(catalog, "problems") == {"single": 0, "sound": 0, "hurt": 3}
    assert names(catalog, "dead_ranks > 0") == ["hurt"]
    problems = catalog.record(IDS["hurt"]).source.problems
    assert problems[0] == "2 of 4 ranks died"
    assert "failed: ValueError: odd" in problems[1]
    assert "ended without a word" in problems[2]


def test_the_column_is_shown_where_it_tells_runs_apart(store: Path) -> None:
    """By itself, beside the name."""
    from labtop.query.request import TableQuery

    catalog = opened(store)
    listing = list_runs(catalog, catalog.select(TableQuery()), None, UNICODE)
    at = listing.titles.index("dead")
    assert sorted(row[at].strip() for row in listing.rows) == ["2", UNICODE.nothing, UNICODE.nothing]


def test_a_run_that_ended_is_looked_at_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next opening takes it from the cache."""
    first = opened(store)
    first.close()
    looked: list[str] = []
    monkeypatch.setattr(record_files, "look_at_ranks", looked.append)
    assert column(opened(store), "dead_ranks")["hurt"] == 2
    assert looked == []


def test_a_rank_that_dies_after_the_end_of_its_run_is_noticed(tmp_path: Path) -> None:
    """Its run is watched until all ranks have said how they ended, or are gone."""
    from datetime import UTC, datetime

    store = store_of(tmp_path / "s", run(id="d" * 10, name="late", ended_at=datetime.now(UTC)))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        here = Process(host=this_host(), pid=child.pid, boot_id=this_boot_id())
        folder = run_folder(store, "digits", "d" * 10)
        write_writer(folder, rank(0))
        write_writer(folder, rank(1, status=None, process=here))
        catalog = opened(store)
        assert column(catalog, "dead_ranks") == {"late": None}
    finally:
        child.communicate(b"\n")
    assert catalog.refresh()
    assert column(catalog, "dead_ranks") == {"late": 1}
    assert not catalog.refresh()


def test_many_runs_are_read_the_same_by_helpers(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Processes that help to read a large store count ranks too."""
    from labtop.query import reading

    monkeypatch.setattr(reading, "FIRST_CHUNK", 0)
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 1)
    catalog = Catalog(store, cache_root=tmp_path / os.urandom(4).hex())
    catalog.refresh()
    assert column(catalog, "dead_ranks") == {"single": None, "sound": None, "hurt": 2}
