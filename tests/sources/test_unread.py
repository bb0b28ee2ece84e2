"""Runs that the listing of their place tells of: what a row says is right, and points are read when they count."""

from __future__ import annotations

import math
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labtop.query.catalog import Catalog, SortKey, TableQuery
from labtop.query.frames import rows_frame
from labtop.query.importing import import_runs
from labtop.query.sandbox import Sandbox
from labtop.query.series import load_points
from labtop.query.sql_fill import CatalogViews
from labtop.query.sql_source import view_source
from labtop.sources.mlflow.sql import MlflowSql
from labtop.sources.reading import read_tasks
from tests.sources.same_files import fingerprint
from tests.sources.test_mirror import look_again
from tests.sources.writers.mlflow_files import START, run_id
from tests.sources.writers.mlflow_sql import Database

RUNS = 24
_LARGEST = 1.7976931348623157e308
_TEXTS = (
    "0.1",
    "1e-05",
    "adam",
    "",
    "[1, 2.5]",
    "{'a': {'b': 1}}",
    "nan",
    "-inf",
    "None",
    "True",
    "007",
    "é\n\0x",
    "3",
)
_TAGS = {
    "mlflow.note.content": "a note", "mlflow.source.git.commit": "c0ffee", "mlflow.source.git.dirty": "true",
    "mlflow.parentRunId": run_id(1), "mlflow.docker.image.uri": "image:1", "mlflow.log-model.history": "no JSON",
    "mlflow.runName": "told by a tag", "team": "vision",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of every status, with points out of order, equal steps, NaN and infinities, and params of every kind."""
    chance = random.Random(7)
    database = Database(tmp_path_factory.mktemp("mlflow") / "mlflow.db")
    for number in range(RUNS):
        status = ("FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED")[number % 5 if number > 10 else 0]
        columns: dict[str, Any] = {"status": status, "start_time": START + number // 2 * 1000}
        if number == 3:
            columns["end_time"] = None
        if number == 4:
            columns |= {"lifecycle_stage": "deleted", "name": None}
        if number == 5:
            columns["start_time"] = None
        run = database.run(number, **columns)
        for name in ("lr", "seed", "nested.x", "model/Ü", "random_seed")[: number % 6]:
            database.add("params", key=name, value=chance.choice(_TEXTS), run_uuid=run)
        for key in list(_TAGS)[number % 3 : number % 9]:
            database.add("tags", key=key, value=_TAGS[key], run_uuid=run)
        for key in ("loss", "val/acc", "odd name")[: number % 4]:
            places = [(chance.choice((0.5, 1.5, _LARGEST, -3.0)), START + chance.randrange(3), chance.randrange(5))
                      for _ in range(9)]  # fmt: skip
            database.points(run, key, sorted(set(places), key=lambda _: chance.random()))
        if number % 7 == 1:
            database.points(run, "loss", [(0.0, START + 9, 5)], is_nan=True)
    link = {
        "source_type": "DATASET",
        "source_id": "d",
        "destination_type": "RUN",
        "destination_id": run_id(9),
    }
    database.add("inputs", input_uuid="i", **link)
    database.add("datasets", dataset_uuid="d", name="digits", digest="abc")
    database.last_values()
    return database.path


@pytest.fixture
def logs(whole_database: Path, tmp_path: Path) -> Path:
    """A copy of it, alone in a folder."""
    folder = tmp_path / "logs"
    folder.mkdir()
    shutil.copyfile(whole_database, folder / "mlflow.db")
    return folder


@contextmanager
def opened(logs: Path, cache: Path, lazily: bool = True) -> Iterator[Catalog]:
    catalog = Catalog(logs, cache_root=cache)
    try:
        catalog.read_all(lazily=lazily)
        yield catalog
    finally:
        catalog.close()


def unread(catalog: Catalog) -> int:
    """How many rows were made without the points of their runs."""
    return len(catalog.unread.lacking(None))


def table(catalog: Catalog, points: bool) -> dict[str, dict[str, Any]]:
    """All that the table says of every run, with or without what only points tell."""
    types = catalog._intake.index.table
    hidden = ("row", "_stamp", "_environment")
    keys = sorted(
        each for each in types.types if each not in hidden and (points or not types.is_of_points(each))
    )
    rows = catalog.select(TableQuery(archived=True)).rows
    found = catalog._intake.index.table.cells(rows, keys)
    told = [{key: _plain(each) for key, each in zip(keys, row, strict=True)} for row in found.values()]
    return {row["id"]: row for row in told}


def differing(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> list[object]:
    """What two tables say of runs, where it is not the same."""
    assert first.keys() == second.keys()
    return [
        (run, key, row[key], second[run][key])
        for run, row in first.items()
        for key in row.keys() | second[run].keys()
        if row.get(key) != second[run].get(key)
    ]


def _plain(value: Any) -> Any:
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def sql(catalog: Catalog, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in Sandbox(CatalogViews(view_source(catalog)), "256MB", 60.0).run(query).rows]


def test_a_listed_run_says_what_it_says_when_it_is_read(logs: Path, tmp_path: Path) -> None:
    """Every column but those of points is the same; when points are read these are, too."""
    with opened(logs, tmp_path / "whole", lazily=False) as catalog:
        whole, without_points = table(catalog, points=True), table(catalog, points=False)
        assert unread(catalog) == 0
    with opened(logs, tmp_path / "lazy") as catalog:
        assert unread(catalog) > RUNS / 2
        assert differing(table(catalog, points=False), without_points) == []
        assert unread(catalog) > RUNS / 2
        catalog.unread.read()
        assert unread(catalog) == 0
        assert differing(table(catalog, points=True), whole) == []


_TABLE = """run,lr,opt,seed,loss,val_acc,started,state,tags,notes
a,0.1,adam,1,0.5,0.25,2024-01-01 10:00:00,finished,x;y,first
b,1e-05,"[1, 2]",2,nan,0.5,2024-01-01 11:00:00,failed,,
b,007,sgd,,inf,,,running,z,
,,None,3,,0.75,2024-01-02 11:00:00,finished,,"é, ü"
c,12345678901234567890123,,4,1,1,2024-01-03,killed,,
"""


def test_a_row_that_is_a_run_is_told_whole(tmp_path: Path) -> None:
    """Also of what points tell, for there are none, in an answer that is remembered; its record is read when asked."""
    path = tmp_path / "results.csv"
    path.write_text(_TABLE, "utf-8")
    with opened(path, tmp_path / "whole", lazily=False) as catalog:
        whole, record = table(catalog, points=True), catalog.record(catalog.resolve("a"))
    for _ in range(2):
        with opened(path, tmp_path / "lazy") as catalog:
            assert unread(catalog) == 0
            assert differing(table(catalog, points=True), whole) == []
            assert catalog.resolve("best:-loss") == record.id
            assert catalog.record(record.id) == record
            assert catalog.mirror is not None
            assert catalog.mirror.packs.are_unread >= 3
    catalog = Catalog(path, cache_root=tmp_path / "screen")
    try:
        catalog.refresh()  # as the UI does: what has points is read, which is no row
        assert catalog.mirror is not None
        assert catalog.mirror.packs.are_unread >= 3
        assert differing(table(catalog, points=True), whole) == []
    finally:
        catalog.close()


def test_the_same_where_the_table_is_remembered(logs: Path, tmp_path: Path) -> None:
    """By a later opening, which reads nothing again, and by one that lost its table."""
    before = fingerprint(logs)
    with opened(logs, tmp_path / "cache") as catalog:
        told, count = table(catalog, points=False), unread(catalog)
    with opened(logs, tmp_path / "cache") as catalog:
        assert (differing(table(catalog, points=False), told), unread(catalog)) == ([], count)
    for each in (tmp_path / "cache").iterdir():
        if each.name != "mirrors":
            shutil.rmtree(each)
    with opened(logs, tmp_path / "cache") as catalog:
        assert (differing(table(catalog, points=False), told), unread(catalog)) == ([], count)
    with opened(logs, tmp_path / "cache", lazily=False) as catalog:
        assert unread(catalog) == 0
        assert differing(table(catalog, points=False), told) == []
    assert fingerprint(logs) == before


def test_runs_are_known_where_none_was_read_and_no_table_is_remembered(tmp_path: Path) -> None:
    """As after a process that was killed before it had shown anything."""
    database = Database(tmp_path / "mlflow.db")
    for number in range(3):
        database.run(number)
    killed = Catalog(database.path, cache_root=tmp_path / "cache")
    killed.read_all(lazily=True)
    killed.engine.close()  # nothing else is saved
    with opened(database.path, tmp_path / "cache") as catalog:
        assert len(catalog.select(TableQuery())) == 3
        assert unread(catalog) == 3


ASKED: dict[str, Callable[[Catalog], object]] = {
    "a filter by the least value": lambda each: each.ids(each.select(TableQuery("min(loss) < 1")).rows),
    "a filter by how many points there are": lambda each: each.ids(each.select(TableQuery("points > 10")).rows),
    "a filter by problems": lambda each: each.ids(each.select(TableQuery("problems > 0")).rows),
    "an order": lambda each: each.ids(
        each.select(TableQuery("", (SortKey("metrics.loss.max", True), SortKey("id")))).rows
    ),
    "cells": lambda each: each.cells(
        each.select(TableQuery("", (SortKey("id"),))).rows[:3], ["id", "metrics.loss.mean", "spark.loss"]
    ),
    "a profile": lambda each: each.profile(each.select(TableQuery()), ["metrics.loss.count"]),
    "groups": lambda each: [
        group.values["metrics.loss.min"]
        for group in each.group(each.select(TableQuery("", (SortKey("id"),))), ["params.lr"], ["metrics.loss.min"])
    ],
    "the best run": lambda each: each.resolve("best:-val/acc"),
    "a record": lambda each: each.record(each.resolve("run-7")),
    "records": lambda each: list(each.records(sorted(each.ids(each.select(TableQuery()).rows)))),
    "points": lambda each: load_points(each, [each.resolve("run-7")]),
    "points by SQL": lambda each: sql(
        each, "SELECT run_id, name, count(*), sum(step) FROM metrics GROUP BY ALL ORDER BY ALL"
    ),
    "artifacts by SQL": lambda each: sql(each, "SELECT run_id, name, uri FROM artifacts ORDER BY ALL"),
    "a frame": lambda each: rows_frame(
        each, each.select(TableQuery("", (SortKey("id"),))).rows, {"id": "id", "n": "metrics.loss.count"}
    ).rows(),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_an_answer_that_needs_points_reads_them(what: str, logs: Path, tmp_path: Path) -> None:
    """It is the one that is given when everything was read."""
    with opened(logs, tmp_path / "whole", lazily=False) as catalog:
        whole = ASKED[what](catalog)
    with opened(logs, tmp_path / "lazy") as catalog:
        before = unread(catalog)
        assert repr(ASKED[what](catalog)) == repr(whole)
        assert unread(catalog) < before or what in ("a record", "records")  # these are not kept
    assert whole


def test_only_the_runs_are_read_that_are_looked_at(logs: Path, tmp_path: Path) -> None:
    """The others stay as they were listed, and what was read is remembered."""
    keys = ["metrics.loss.count", "spark.loss"]
    with opened(logs, tmp_path / "cache") as catalog:
        before = unread(catalog)
        rows = catalog.select(TableQuery("run.name = 'run-7' or run.name = 'run-6'")).rows
        counts = catalog.cells(rows, keys)
        assert all(count for count, _ in counts)
        assert unread(catalog) == before - 2
    with opened(logs, tmp_path / "cache") as catalog:
        rows = catalog.select(TableQuery("run.name = 'run-7' or run.name = 'run-6'")).rows
        assert catalog._intake.index.table.cells(rows, keys) == dict(zip(rows, counts, strict=True))
        assert unread(catalog) == before - 2


def test_what_was_read_by_a_process_that_was_killed_is_shown(logs: Path, tmp_path: Path) -> None:
    """The mirror knows of it, and the table that is remembered does not."""
    with opened(logs, tmp_path / "cache"):
        pass
    killed = Catalog(logs, cache_root=tmp_path / "cache")
    killed.read_all(lazily=True)
    killed.run_folder(killed.resolve("run-7"))
    killed.engine.close()  # nothing else is saved
    with opened(logs, tmp_path / "cache") as catalog:
        row = catalog.row_of(catalog.resolve("run-7"))
        assert row is not None
        ((count,),) = catalog._intake.index.table.cells([row], ["points"]).values()
        assert (
            count == sum(each.count for each in catalog.record(catalog.resolve("run-7")).metrics.values()) > 0
        )


def test_a_run_that_changes_before_it_is_read_is_read_as_it_is(logs: Path, tmp_path: Path) -> None:
    """One that gains a point, and one that goes away."""
    with opened(logs, tmp_path / "cache") as catalog:
        database = object.__new__(Database)
        database.path = logs / "mlflow.db"
        first, gone = catalog.resolve("run-7"), catalog.resolve("run-6")
        database.points(run_id(7), "loss", [(0.125, START + 99, 99)])
        database.execute(f"DELETE FROM runs WHERE run_uuid = '{run_id(6)}'")
        database.last_values()
        look_again(catalog)
        assert not catalog.has_run(gone)
        row = catalog.row_of(first)
        assert row is not None
        assert catalog.cells([row], ["metrics.loss", "metrics.loss.min"])[0][0] == 0.125
        assert catalog.record(first).metrics["loss"].last == 0.125
        assert [point.value for point in load_points(catalog, [first], ["loss"])][-1] == 0.125


def test_runs_that_may_be_one_are_read(logs: Path, tmp_path: Path) -> None:
    """Those of a second database with the same runs, and all where another tracker has logs."""
    shutil.copyfile(logs / "mlflow.db", logs / "copy.db")
    with opened(logs, tmp_path / "copies") as catalog:
        assert len(catalog.select(TableQuery(archived=True))) == RUNS
        assert unread(catalog) == 0
        assert catalog.record(catalog.resolve("run-7")).source.also
    (logs / "copy.db").unlink()
    with opened(logs, tmp_path / "one") as catalog:
        assert unread(catalog) > 0
        (logs / "other").mkdir()
        (logs / "other" / "metrics.csv").write_text("epoch,loss\n0,1.0\n1,0.5\n2,0.25\n")
        look_again(catalog)
        assert len(catalog.select(TableQuery(archived=True))) == RUNS + 1
        assert unread(catalog) == 0


def test_runs_that_were_read_alone_are_found_in_the_logs_of_another_tracker(tmp_path: Path) -> None:
    """Which came later: they are read once more, also one that has grown meanwhile."""
    database = Database(tmp_path / "logs.db")
    for number in (1, 2):
        values = [((step * 7 + number) % 5 + step / 10, START + step * 1000, step) for step in range(20)]
        database.points(database.run(number), "loss", values)
    cache = tmp_path / "cache"
    with opened(database.path, cache, lazily=False) as catalog:
        assert len(catalog.select(TableQuery())) == 2
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.move(database.path, logs / "mlflow.db")
    with opened(logs, cache, lazily=False) as catalog:
        assert len(catalog.select(TableQuery())) == 2
        database.path = logs / "mlflow.db"
        database.points(run_id(2), "loss", [(0.5, START + 20_000, 20)])
        for number in (1, 2):
            lines = [f"{step},{(step * 7 + number) % 5 + step / 10}" for step in range(20)]
            (logs / f"run{number}").mkdir()
            (logs / f"run{number}" / "metrics.csv").write_text("\n".join(["step,loss", *lines]) + "\n")
        look_again(catalog)
        told = sorted(
            (len(record.source.also), record.source.tracker, record.metrics["loss"].count)
            for record in catalog.records(catalog.ids(catalog.select(TableQuery()).rows))
        )
        assert told == [(1, "mlflow", 20), (1, "mlflow", 21)]


def test_listed_runs_are_imported_whole(logs: Path, tmp_path: Path) -> None:
    """Into a store of one's own, with their points."""
    with opened(logs, tmp_path / "cache") as catalog:
        run = catalog.resolve("run-7")
        (imported,) = import_runs(catalog, tmp_path / "store", [run])
        assert imported.points == sum(each.count for each in catalog.record(run).metrics.values()) > 0


def test_a_database_without_last_values_is_read(tmp_path: Path) -> None:
    """So is one whose last values are not all there, and one that is damaged."""
    database = Database(tmp_path / "mlflow.db")
    database.points(database.run(1), "loss", [(1.0, START, 0)])
    database.run(2)
    source = MlflowSql()
    refs = list(source.runs(database.path))
    assert [each.key for each in source.listed(database.path, refs)] == [run_id(2)]
    database.last_values()
    assert len(list(source.listed(database.path, refs))) == 2
    database.execute("UPDATE params SET value = CAST(x'ff' AS TEXT)")
    database.execute(f"INSERT INTO params VALUES ('a', CAST(x'ff' AS TEXT), '{run_id(2)}')")
    assert list(source.listed(database.path, refs)) == []
    old = Database(tmp_path / "old.db", "1.0")
    old.run(1)
    assert list(source.listed(old.path, list(source.runs(old.path)))) == []


def test_records_of_many_runs_are_read_at_once(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are decoded at a time: to begin reading takes as long as to read hundreds of runs."""
    monkeypatch.setattr("labtop.query.run_records.RECORDS_AT_ONCE", 5)
    monkeypatch.setattr("labtop.query.run_records._FEW", 2)
    times = []

    def counted(*args: Any) -> Iterator[Any]:
        times.append(args)
        yield from read_tasks(*args)

    monkeypatch.setattr("labtop.sources.mirror.read_tasks", counted)
    with opened(logs, tmp_path / "cache") as catalog:
        before = len(times)
        ids = catalog.ids(catalog.select(TableQuery(archived=True)).rows)
        assert [record.id for record in catalog.records(ids)] == ids
        assert len(ids) == RUNS
        assert len(times) == before + 1


def test_a_run_that_is_asked_for_is_read_before_others(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another thread reads all: its folder does not wait for theirs."""
    catalog = Catalog(logs, cache_root=tmp_path / "cache")
    catalog.read_all(lazily=True)
    wanted = catalog.resolve("run-7")
    assert catalog.mirror is not None
    reading, folder_is_there = threading.Event(), threading.Event()

    def slowly(*args: Any) -> Iterator[Any]:
        for each in read_tasks(*args):
            if each[1].landed is not None and each[1].landed.run_id == wanted:
                continue  # it would be the last of them
            yield each
            reading.set()
            if not folder_is_there.wait(0.02):
                continue

    monkeypatch.setattr("labtop.sources.mirror.read_tasks", slowly)
    everything = threading.Thread(target=lambda: catalog._refresh(None, is_whole=True))
    catalog.unread.is_lazy = False
    everything.start()
    assert reading.wait(60)
    folder = catalog.run_folder(wanted)
    assert folder is not None
    assert (folder / "run.parquet").is_file()
    folder_is_there.set()
    everything.join(60)
    catalog.close()
