from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import labtop
import labtop.sources
from labtop.query.catalog import Catalog, TableQuery
from labtop.query.editing import edit_runs
from labtop.query.series import load_points
from labtop.sources.source import RunRef, Source, stamp
from labtop.store.layout import create_store
from tests.sources.outside import install


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A source of another package is installed."""
    install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    _forget()
    yield
    _forget()


def _forget() -> None:
    for each in (labtop.sources._outside, labtop.sources.source_names, labtop.sources.load_source):
        each.cache_clear()
    sys.modules.pop("toylogs", None)


def write(folder: Path, name: str, lines: str, **known: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if known:
        (folder / f"{name}.json").write_text(json.dumps(known))
    path = folder / f"{name}.toy"
    path.write_text(lines)
    return path


def opened(root: Path, tmp_path: Path) -> Catalog:
    catalog = Catalog(root, cache_root=tmp_path / "cache")
    catalog.refresh()
    return catalog


def rows(catalog: Catalog, *keys: str) -> list[tuple[object, ...]]:
    selection = catalog.select(TableQuery())
    return sorted(catalog.cells(selection.rows, keys), key=str)


def look_again(catalog: Catalog) -> bool:
    """Refresh as if a while had passed since everything was last looked for."""
    assert catalog.mirror is not None
    catalog.mirror._survey_due = 0
    for known in catalog.mirror._places.values():
        known.due = 0
    return catalog.refresh()


RISING = "".join(f"loss {step} {step * 0.5} {1_600_000_000 + step}\n" for step in range(10))


@pytest.mark.usefixtures("outside")
def test_logs_are_opened_where_they_lie(tmp_path: Path) -> None:
    """What a source tells of runs is in the table, in the record and in the points, and nothing is made up."""
    write(tmp_path / "logs" / "deep", "a", RISING, params={"lr": 0.1}, status="finished")
    write(tmp_path / "logs", "b", "loss 0 nan\nacc 1 0.5\n")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "project", "status", "tracker", "params.lr", "metrics.loss.count") == [
        ("a", "toys", "finished", "toy", 0.1, 10),
        ("b", "toys", "unknown", "toy", None, 1),
    ]
    (point,) = load_points(catalog, [catalog.resolve("b")], ["loss"])
    assert math.isnan(point.value)
    assert point.time_us is None
    assert catalog.record(catalog.resolve("b")).started_at is None
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_run_that_grows_is_read_on(tmp_path: Path) -> None:
    """Appended points join those that were read, and summaries go on, without reading anything twice."""
    path = write(tmp_path / "logs", "a", RISING)
    catalog = opened(tmp_path / "logs", tmp_path)
    with path.open("a") as file:
        file.write("loss 10 -3 1600000010\nacc 10 1\n")
    assert look_again(catalog)
    run_id = catalog.resolve("a")
    assert rows(catalog, "metrics.loss", "metrics.loss.count", "metrics.loss.min", "metrics.acc") == [
        (-3.0, 11, -3.0, 1.0)
    ]
    assert [each.step for each in load_points(catalog, [run_id], ["loss"])] == list(range(11))
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_what_was_read_is_remembered(tmp_path: Path) -> None:
    """Opened again, nothing is read anew; a file that is gone takes its run away."""
    path = write(tmp_path / "logs", "a", RISING)
    write(tmp_path / "logs", "b", RISING)
    opened(tmp_path / "logs", tmp_path).close()
    records = {each: each.stat().st_mtime_ns for each in tmp_path.glob("cache/mirrors/*/.runs/*/run.parquet")}
    assert len(records) == 2
    catalog = opened(tmp_path / "logs", tmp_path)
    assert {each: each.stat().st_mtime_ns for each in records} == records
    path.unlink()
    path.with_suffix(".json").unlink(missing_ok=True)
    assert look_again(catalog)
    assert rows(catalog, "name") == [("b",)]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_mistake_in_one_run_hides_no_other(tmp_path: Path) -> None:
    """A run whose reading breaks off is named among the problems; the others are there."""
    for name in "abc":
        write(tmp_path / "logs", name, RISING, **({"crash": True} if name == "b" else {}))
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name") == [("a",), ("c",)]
    (problem,) = catalog.problems
    assert problem.path.endswith("logs: b.toy")
    assert "a mistake" in problem.reason
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_many_runs_are_read_by_processes(tmp_path: Path) -> None:
    """Every run is there once, also when a process dies of one of them: that one costs nothing else."""
    for number in range(60):
        write(tmp_path / "logs", f"r{number:02}", RISING, **({"dies": True} if number == 7 else {}))
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "metrics.loss.count") == [
        (f"r{number:02}", 10) for number in range(60) if number != 7
    ]
    (problem,) = catalog.problems
    assert "r07.toy" in problem.path
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_two_labtops_share_what_was_read(tmp_path: Path) -> None:
    """While one is reading, another shows what there is; both see all in the end."""
    write(tmp_path / "logs", "a", RISING)
    first, second = opened(tmp_path / "logs", tmp_path), opened(tmp_path / "logs", tmp_path)
    write(tmp_path / "logs", "b", RISING)
    look_again(first)
    second.refresh()
    assert rows(first, "name") == rows(second, "name") == [("a",), ("b",)]
    first.close()
    second.close()


@pytest.mark.usefixtures("outside")
def test_an_answer_waits_for_the_process_that_reads(tmp_path: Path) -> None:
    """What asks once gets all runs, not those that another labtop has come to so far."""
    fcntl = pytest.importorskip("fcntl")
    write(tmp_path / "logs", "a", RISING)
    catalog = Catalog(tmp_path / "logs", cache_root=tmp_path / "cache")
    assert catalog.mirror is not None
    lock = os.open(catalog.mirror.store / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)  # as a process has it that reads
    answer = threading.Thread(target=catalog.read_all)
    answer.start()
    while not catalog.mirror.is_read_elsewhere:
        answer.join(0.01)
    os.close(lock)
    answer.join(60)
    assert rows(catalog, "name") == [("a",)]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_one_identity_is_one_run(tmp_path: Path) -> None:
    """A run in two places is shown once, from where it has more points; the other place is told."""
    write(tmp_path / "logs" / "old", "a", "loss 0 1\n", identity="toy:1", project="old")
    write(tmp_path / "logs" / "new", "a", "loss 0 1\nloss 1 2\n", identity="toy:1", project="new")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "project", "metrics.loss.count") == [("new", 2)]
    assert catalog.problems == ()
    (also,) = catalog.record(catalog.resolve("a")).source.also
    assert also.endswith("logs/old")
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_two_trackers_of_one_folder_are_one_run(tmp_path: Path) -> None:
    """What each knows of the run is in one record, and the points of both are there."""
    write(tmp_path / "logs", "a", "loss 0 1 1600000000\n", own="x", params={"lr": 1}, tracker="csv")
    write(
        tmp_path / "logs",
        "b",
        "acc 0 1\nacc 1 2\n",
        own="x",
        params={"depth": 2},
        tracker="tb",
        status="failed",
    )
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "params.lr", "params.depth", "metrics.loss", "metrics.acc.count", "status") == [
        (1, 2, 1.0, 2, "failed")
    ]
    (run_id,) = (row[0] for row in rows(catalog, "id"))
    assert [each.name for each in load_points(catalog, [str(run_id)])] == ["acc", "acc", "loss"]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_equal_curves_of_two_trackers_are_one_run(tmp_path: Path) -> None:
    """Values agree as TensorBoard keeps them, under other names; a rerun with other values stays apart."""
    wave = [math.sin(step) / 3 for step in range(12)]
    narrow = [float(f"{value:.7g}") for value in wave]
    write(
        tmp_path / "logs",
        "a",
        "".join(f"loss {at} {value!r}\n" for at, value in enumerate(wave)),
        tracker="csv",
    )
    write(
        tmp_path / "logs" / "tb",
        "b",
        "".join(f"train/loss {at} {value!r}\n" for at, value in enumerate(wave)),
        tracker="tb",
    )
    write(
        tmp_path / "logs",
        "c",
        "".join(f"loss {at} {-value!r}\n" for at, value in enumerate(narrow)),
        tracker="tb",
    )
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "metrics.loss.count", "metrics.train/loss.count") == [(12, 12), (12, None)]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_shared_schedule_makes_no_twins(tmp_path: Path) -> None:
    """A learning rate that falls alike in two runs says nothing."""
    fall = "".join(f"lr {step} {1 / (step + 1)}\n" for step in range(12))
    write(tmp_path / "logs", "a", fall, tracker="csv")
    write(tmp_path / "logs", "b", fall, tracker="tb")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert len(rows(catalog, "id")) == 2
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_context_joins_the_runs_below_it(tmp_path: Path) -> None:
    """A configuration is a run of its own only while there is no run in its folder."""
    write(tmp_path / "logs", "ctx", "", context=True, own="out", params={"lr": 3}, tracker="conf")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "params.lr") == [("ctx", 3)]
    write(tmp_path / "logs", "a", RISING, own="out/version_0")
    write(tmp_path / "logs", "b", RISING, own="out/version_1")
    write(tmp_path / "logs", "c", RISING, own="elsewhere")
    look_again(catalog)
    assert rows(catalog, "name", "params.lr") == [("a", 3), ("b", 3), ("c", None)]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_zombies_are_lost(tmp_path: Path) -> None:
    """A run that says it is running is lost when its last point is old, however new its file is."""
    write(tmp_path / "logs", "old", RISING, status="running")
    write(tmp_path / "logs", "new", f"loss 0 1 {time.time()}\n", status="running")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "status") == [("new", "running"), ("old", "lost")]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_parents_are_found(tmp_path: Path) -> None:
    """The identity of a parent becomes the id that labtop gives it."""
    write(tmp_path / "logs", "child", RISING, parent="toy:p")
    write(tmp_path / "logs", "parent", RISING, identity="toy:p")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert catalog.record(catalog.resolve("child")).life.parent_id == catalog.resolve("parent")
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_stores_and_logs_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores of labtop below a folder are shown with the logs beside them; each edit goes where it belongs."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    write(tmp_path / "all" / "logs", "a", RISING)
    code = "import labtop\nwith labtop.init(project='p', name='ours') as run: run.log({'loss': 1})"
    store = tmp_path / "all" / "runs"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "LABTOP_STORE": str(store)}, cwd=tmp_path
    )
    catalog = opened(tmp_path / "all", tmp_path)
    assert rows(catalog, "name", "tracker") == [("a", "toy"), ("ours", "labtop")]
    edit_runs(catalog, [catalog.resolve("a"), catalog.resolve("ours")], "tag", {"add": ["kept"]})
    assert rows(catalog, "name", "tags") == [("a", ["kept"]), ("ours", ["kept"])]
    assert len(list((store / "ledger").iterdir())) == 1
    catalog.close()
    again = opened(tmp_path / "all", tmp_path)
    assert rows(again, "tags") == [(["kept"],), (["kept"],)]
    again.close()


@pytest.mark.usefixtures("outside")
def test_sources_are_never_written_to(tmp_path: Path) -> None:
    """Opening, editing and closing leaves every file and folder as it was."""
    path = write(tmp_path / "logs", "a", RISING)
    before = (
        sorted(each.name for each in (tmp_path / "logs").iterdir()),
        path.read_bytes(),
        path.stat().st_mtime_ns,
    )
    catalog = opened(tmp_path / "logs", tmp_path)
    catalog.close()
    assert (
        sorted(each.name for each in (tmp_path / "logs").iterdir()),
        path.read_bytes(),
        path.stat().st_mtime_ns,
    ) == before


@pytest.mark.usefixtures("outside")
def test_a_cache_that_is_gone_is_made_again(tmp_path: Path) -> None:
    """The mirror holds nothing that is not in the logs."""
    write(tmp_path / "logs", "a", RISING)
    opened(tmp_path / "logs", tmp_path).close()
    shutil.rmtree(tmp_path / "cache")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "metrics.loss.count") == [("a", 10)]
    catalog.close()


def test_an_empty_store_beside_nothing_is_a_store(tmp_path: Path) -> None:
    """A folder whose only content is one store means that store."""
    create_store(tmp_path / "x" / "runs")
    from labtop.api import find_runs

    assert find_runs(tmp_path / "x").path == tmp_path / "x" / "runs"


@pytest.mark.usefixtures("outside")
def test_a_place_that_changes_is_looked_at_more_often(tmp_path: Path) -> None:
    """All places together get a small share of the time; one where points came in a moment ago gets its own."""
    path = write(tmp_path / "logs" / "a", "a", RISING)
    write(tmp_path / "logs" / "b", "b", RISING)
    catalog = opened(tmp_path / "logs", tmp_path)
    with path.open("a") as file:
        file.write("loss 10 -3\n")
    assert look_again(catalog)
    mirror = catalog.mirror
    assert mirror is not None
    moving, still = sorted(mirror._places.values(), key=lambda each: each.found.place.path)
    for known in (moving, still):
        mirror._wait(known, 0.1)
    now = time.monotonic()
    assert moving.due - now <= 0.1 / 0.05
    assert still.due - now >= 0.2 / 0.03
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_merged_run_is_whole_for_fsck(tmp_path: Path) -> None:
    """Where a metric is taken from one of two trackers, no number of a point of the other is missing in a copy."""
    write(tmp_path / "logs", "a", "loss 0 1\nacc 0 1\nloss 1 2\n", own="x", tracker="csv")
    write(tmp_path / "logs", "b", "acc 0 1\nacc 1 2\nval 0 3\n", own="x", tracker="tb")
    (done,) = labtop.import_runs(tmp_path / "logs", tmp_path / "runs")
    assert (done.state, done.points) == ("imported", 5)
    checked = labtop.fsck(tmp_path / "runs")
    assert checked.findings == ()


@pytest.mark.usefixtures("outside")
def test_a_place_that_did_not_change_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a source can tell; once something changed, or a run could not be kept, it is listed again."""
    path = write(tmp_path / "logs", "a", RISING)
    source = type(labtop.sources.load_source("toy"))
    listed: list[Path] = []
    list_runs = source.runs
    monkeypatch.setattr(source, "version_of", lambda _, place: stamp(place / "a.toy"), raising=False)

    def runs(self: Source, place: Path) -> Iterable[RunRef]:
        listed.append(place)
        return list_runs(self, place)

    monkeypatch.setattr(source, "runs", runs)
    catalog = opened(tmp_path / "logs", tmp_path)
    look_again(catalog)
    catalog.close()
    catalog = opened(tmp_path / "logs", tmp_path)
    assert len(listed) == 1
    with path.open("a") as file:
        file.write("loss 10 1\n")
    look_again(catalog)
    assert rows(catalog, "metrics.loss.count") == [(11,)]
    assert len(listed) == 2
    catalog.close()
    for record in tmp_path.glob("cache/mirrors/*/.runs/*/run.parquet"):
        record.unlink()
    catalog = opened(tmp_path / "logs", tmp_path)
    assert len(listed) == 3
    assert rows(catalog, "metrics.loss.count") == [(11,)]
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_a_place_that_could_not_be_listed_is_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was busy for a moment has its runs back, though it is the same as before."""
    write(tmp_path / "logs", "a", RISING)
    source = type(labtop.sources.load_source("toy"))
    list_runs = source.runs
    monkeypatch.setattr(source, "version_of", lambda *_: "same", raising=False)
    with monkeypatch.context() as busy:
        busy.setattr(source, "runs", lambda *_: 1 / 0)
        catalog = opened(tmp_path / "logs", tmp_path)
        assert rows(catalog, "name") == []
    look_again(catalog)
    assert rows(catalog, "name") == [("a",)]
    assert source.runs is list_runs
    catalog.close()


@pytest.mark.usefixtures("outside")
def test_logs_are_read_where_no_cache_can_be(tmp_path: Path) -> None:
    """The cache's path is a file: a sentence says so, the runs are there, and nothing is left behind."""
    write(tmp_path / "logs", "a", RISING)
    (tmp_path / "cache").write_text("no folder")
    catalog = opened(tmp_path / "logs", tmp_path)
    assert rows(catalog, "name", "metrics.loss.count") == [("a", 10)]
    assert str(tmp_path / "cache") in catalog.notice
    kept = catalog.path
    catalog.close()
    assert not kept.exists()


@pytest.mark.usefixtures("outside")
def test_a_cache_that_is_emptied_meanwhile_is_made_again(tmp_path: Path) -> None:
    """Who tidies the cache while labtop is open takes no run away."""
    write(tmp_path / "logs", "a", RISING)
    catalog = opened(tmp_path / "logs", tmp_path)
    shutil.rmtree(tmp_path / "cache")
    catalog.refresh()
    assert rows(catalog, "name", "metrics.loss.count") == [("a", 10)]
    assert load_points(catalog, catalog.ids(catalog.select(TableQuery()).rows))[0].name == "loss"
    catalog.close()
