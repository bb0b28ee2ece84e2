"""Stores that grow, change, break and go away while they are open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.model.run import Beat, Life, Process, Status
from labtop.query import record_files
from labtop.query.catalog import Catalog, TableQuery
from labtop.store.layout import MARKER, create_store
from labtop.store.ledger import append
from labtop.store.process import this_boot_id, this_host
from labtop.store.writer import RunWriter
from tests.query.runs import column, living, names, opened, run, store_of, summary
from tests.stores import write_run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return store_of(
        tmp_path / "s", *(run({"n": n}, name=str(n), minute=n, id=f"{'abcde'[n]}" * 10) for n in range(3))
    )


def test_nothing_new_is_no_change(store: Path) -> None:
    """A second look finds nothing and moves nothing."""
    catalog = opened(store)
    revision = catalog.revision
    assert not catalog.refresh()
    assert catalog.revision == revision


def test_a_new_run_appears_and_the_others_keep_their_rows(store: Path) -> None:
    """Row numbers are for the life of a catalog."""
    catalog = opened(store)
    rows = {run_id * 10: catalog.row_of(run_id * 10) for run_id in "abc"}
    revision = catalog.revision
    write_run(store, run({"n": 9, "new": "x"}, name="new", minute=9))
    write_run(store, run(name="elsewhere", project="other project", minute=10))
    assert catalog.refresh()
    assert catalog.revision > revision
    assert names(catalog) == ["elsewhere", "new", "2", "1", "0"]
    assert {run_id: catalog.row_of(run_id) for run_id in rows} == rows


def test_a_removed_run_goes_and_its_number_is_not_used_again(store: Path) -> None:
    """What is deleted by hand leaves the table."""
    catalog = opened(store)
    rows = catalog.select(TableQuery()).rows
    shutil.rmtree(store / "digits" / ("b" * 10))
    assert catalog.refresh()
    assert names(catalog) == ["2", "0"]
    write_run(store, run(name="new", minute=9))
    catalog.refresh()
    new = catalog.row_of(catalog.resolve("new"))
    assert new not in rows
    shutil.rmtree(store / "digits")
    assert catalog.refresh()
    assert names(catalog) == []


def test_a_finished_run_that_was_resumed_is_noticed(store: Path) -> None:
    """Ended records don't change, but if one does, it is seen in time."""
    catalog = opened(store)
    write_run(store, run({"n": 100}, name="0 again", id="a" * 10))
    assert catalog.refresh()
    assert column(catalog, "params.n")["0 again"] == 100
    assert catalog.row_of("a" * 10) in catalog.select(TableQuery()).rows


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"PAR1", "cut"),
        (b"x" * 500, "not a Parquet file"),
        (b"PAR1" + b"x" * 500 + b"PAR1", ""),
    ],
)
def test_a_damaged_record_is_a_problem_and_all_else_is_there(
    store: Path, content: bytes, reason: str
) -> None:
    """One bad file hides nothing; once mended it is there."""
    path = store / "digits" / ("b" * 10) / "run.parquet"
    good = path.read_bytes()
    path.write_bytes(content)
    catalog = opened(store)
    assert names(catalog) == ["2", "0"]
    (problem,) = catalog.problems
    assert problem.path == str(path)
    assert reason in problem.reason
    assert not catalog.refresh()
    path.write_bytes(good)
    assert catalog.refresh()
    assert names(catalog) == ["2", "1", "0"]
    assert catalog.problems == ()


def test_a_record_with_a_broken_inside_is_found_among_many(tmp_path: Path) -> None:
    """A file that passes the check and still cannot be read is found by halving."""
    store = store_of(tmp_path / "s", *(run(name=f"{n:02}", minute=n) for n in range(40)))
    victim = sorted((store / "digits").iterdir())[23] / "run.parquet"
    content = bytearray(victim.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[footer : footer + 40] = b"\xff" * 40  # its length and its mark stay
    victim.write_bytes(content)
    catalog = opened(store)
    assert len(names(catalog)) == 39
    assert [each.path for each in catalog.problems] == [str(victim)]


def test_foreign_things_in_a_store_are_passed_over(store: Path) -> None:
    """Files, folders and leftovers that are no runs do no harm."""
    (store / "digits" / "notes.txt").write_text("x")
    (store / "digits" / "not-a-run").mkdir()
    (store / "digits" / ("f" * 10)).mkdir()
    (store / ".hidden").mkdir()
    (store / "packs").mkdir()
    (store / "digits" / ("a" * 10) / ".run.parquet.123.tmp").write_bytes(b"draft")
    catalog = opened(store)
    assert names(catalog) == ["2", "1", "0"]
    assert catalog.problems == ()


def test_a_folder_in_place_of_a_record_is_a_problem(store: Path) -> None:
    """A directory named run.parquet is said, not stumbled over."""
    folder = store / "digits" / ("f" * 10)
    (folder / "run.parquet").mkdir(parents=True)
    catalog = opened(store)
    assert [each.reason for each in catalog.problems] == ["a folder"]
    assert len(names(catalog)) == 3


def test_a_run_without_a_record_is_told_from_its_log(store: Path) -> None:
    """Points that were logged before the first record are not lost, and the missing record is said."""
    folder = store / "digits" / ("f" * 10)
    writer = RunWriter(folder, run(id="f" * 10, status=Status.RUNNING, ended_at=None))
    writer.append(1.0, 1_000_000, {"loss": 0.25})
    (folder / "run.parquet").unlink(missing_ok=True)
    shutil.copytree(folder, folder.with_name("g" * 10))
    writer.close()
    shutil.rmtree(folder)
    (folder.with_name("g" * 10) / "run.parquet").unlink(missing_ok=True)
    catalog = opened(store)
    assert ["is missing" in each.reason for each in catalog.problems] == [True]
    assert column(catalog, "metrics.loss")["g" * 10] == 0.25
    assert column(catalog, "status")["g" * 10] == "unknown"


def test_a_store_that_goes_away_keeps_its_rows_and_comes_back(store: Path) -> None:
    """An unmounted store is said, and nothing is forgotten."""
    catalog = opened(store)
    away = store.with_name("away")
    store.rename(away)
    assert catalog.refresh()
    assert names(catalog) == ["2", "1", "0"]
    assert "what is shown was read before" in catalog.problems[0].reason
    store.mkdir()  # an empty mount point is no empty store
    catalog.refresh()
    assert names(catalog) == ["2", "1", "0"]
    assert MARKER in catalog.problems[0].reason
    store.rmdir()
    away.rename(store)
    write_run(store, run(name="new", minute=9))
    assert catalog.refresh()
    assert catalog.problems == ()
    assert names(catalog) == ["new", "2", "1", "0"]


def test_a_copied_run_is_shown_once_and_said(store: Path) -> None:
    """Two folders with one run are not two runs."""
    shutil.copytree(store / "digits" / ("a" * 10), store / "copies" / ("a" * 10))
    catalog = opened(store)
    assert len(names(catalog)) == 3
    assert ["the same run as" in each.reason for each in catalog.problems] == [True]


def test_a_newer_format_is_shown_and_said(store: Path) -> None:
    """A store of tomorrow opens as far as it is understood."""
    (store / MARKER).write_text('{"format": 2, "store_id": "x", "novelty": 1}')
    catalog = opened(store)
    assert len(names(catalog)) == 3
    assert "format 2" in catalog.problems[0].reason


def test_rows_appear_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the progress can already see rows."""
    from labtop.query import reading

    monkeypatch.setattr(reading, "FIRST_CHUNK", 2)
    monkeypatch.setattr(reading, "CHUNK", 3)
    catalog = Catalog(store_of(tmp_path / "s", *(run({f"p{n}": 1}, name=str(n)) for n in range(8))))
    seen: list[tuple[int, int, int, int]] = []
    catalog.refresh(lambda done, total: seen.append((done, total, len(names(catalog)), catalog.revision)))
    assert [each[:3] for each in seen] == [(2, 8, 2), (5, 8, 5), (8, 8, 8)]
    assert len({each[3] for each in seen}) == 3


# Runs without an end


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RunWriter]:
    """A run that is being recorded by this process."""
    create_store(tmp_path / "live")
    record = run(
        name="live",
        status=Status.RUNNING,
        ended_at=None,
        life=Life(beat=Beat(interval_s=1), process=_me()),
    )
    writer = RunWriter(tmp_path / "live" / "digits" / record.id, record)
    yield writer
    writer.close()


def _me() -> Process:
    from labtop.store.process import this_process

    return this_process()


def test_a_live_run_is_seen_up_to_its_last_point(tmp_path: Path, writer: RunWriter) -> None:
    """Points that no record knows yet are in the table: folded from the log, exactly."""
    writer.append(0.0, 1, {"loss": 3.0})
    catalog = opened(tmp_path / "live")
    assert column(catalog, "status") == {"live": "running"}
    for step, value in enumerate((2.0, 1.0, 4.0), 1):
        writer.append(float(step), step, {"loss": value})
        assert catalog.refresh()
        assert column(catalog, "metrics.loss") == {"live": value}
    row = catalog.row_of(catalog.resolve("live"))
    assert row is not None
    keys = [
        "metrics.loss.count",
        "metrics.loss.min",
        "metrics.loss.max",
        "metrics.loss.mean",
        "metrics.loss.first",
    ]
    assert catalog.cells([row], keys) == [(4, 1.0, 4.0, 2.5, 3.0)]
    assert catalog.record(catalog.resolve("live")).metrics["loss"].last == 4.0


def test_a_process_that_is_gone_means_crashed(tmp_path: Path) -> None:
    """On this host the reader need not wait; a run on another host gets the benefit of the doubt."""
    gone = Process(host=this_host(), pid=2**22 + 1, boot_id=this_boot_id(), pid_started=1.0)
    far = Process(host="elsewhere", pid=1, boot_id="x", pid_started=1.0)
    store = store_of(
        tmp_path / "s",
        *(
            run(
                name=name,
                status=Status.RUNNING,
                ended_at=None,
                life=Life(beat=Beat(counter=3), process=process),
            )
            for name, process in (("crashed", gone), ("running", far))
        ),
    )
    catalog = opened(store)
    assert column(catalog, "status") == {"crashed": "crashed", "running": "running"}
    assert catalog.record(catalog.resolve("crashed")).status is Status.CRASHED


def test_a_beat_that_stops_means_lost_until_it_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Age is what this reader saw on its own clock."""
    now = [1000.0]
    far = Process(host="elsewhere", pid=1, boot_id="x", pid_started=1.0)
    record = run(
        name="far", status=Status.RUNNING, ended_at=None, life=Life(beat=Beat(counter=3), process=far)
    )
    store = store_of(tmp_path / "s", record)
    catalog = Catalog(store)
    monkeypatch.setattr(catalog._intake.index.live.beats, "_clock", lambda: now[0])
    catalog.refresh()
    assert column(catalog, "status") == {"far": "running"}
    now[0] += 100
    assert not catalog.refresh()
    now[0] += 100
    assert catalog.refresh()
    assert column(catalog, "status") == {"far": "lost"}
    write_run(store, replace(record, life=replace(record.life, beat=Beat(counter=4))))
    assert catalog.refresh()
    assert column(catalog, "status") == {"far": "running"}
    write_run(store, replace(record, status=Status.FINISHED, ended_at=record.started_at))
    assert catalog.refresh()
    assert column(catalog, "status") == {"far": "finished"}


def test_many_looks_at_a_live_run_leave_no_dead_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is replaced again and again does not pile up."""
    from labtop.query import fresh_rows

    monkeypatch.setattr(fresh_rows, "_MOST_DEAD", 4)
    record = run({"n": 0}, name="live", status=Status.RUNNING, ended_at=None)
    store = store_of(tmp_path / "s", record)
    catalog = opened(store)
    for n in range(1, 11):
        write_run(store, replace(record, params={"n": n}))
        assert catalog.refresh()
    assert column(catalog, "params.n") == {"live": 10}
    assert sum(catalog._intake.index.table._fresh.dead.values()) <= 5


def test_a_run_that_changes_again_and_again_is_as_when_read_anew(tmp_path: Path) -> None:
    """Only what differs is written; what comes, goes, widens or was edited meanwhile is right all the same."""
    live = run(
        {"n": 1, "x": 1}, name="live", id="a" * 10, status=Status.RUNNING, ended_at=None, life=living()
    )
    # what another run has makes the types of columns the same for whoever reads later
    store = store_of(tmp_path / "s", live, run({"n": 1, "x": 1}, name="other"))
    catalog = opened(store)
    changes: list[dict[str, object]] = [
        {"metrics": {"loss": summary(1.0)}},
        {"metrics": {"loss": summary(float("nan")), "acc": summary(0.5)}},
        {"params": {"n": 1, "x": "text", "new": [1, 2]}},
        {"name": "other 'name' \x00", "life": replace(live.life, tags=("a", "b"), notes="n")},
        {"params": {"n": 2.5}, "life": live.life},
        {"status": Status.FINISHED, "ended_at": live.started_at},
    ]
    record = live
    for at, change in enumerate(changes):
        record = replace(record, **change)  # type: ignore[arg-type]
        write_run(store, record)
        if at == 2:
            append(store, "tag", "a" * 10, {"add": ["edited"]})
        assert catalog.refresh()
        anew = Catalog(store, cache_root=tmp_path / str(at))
        anew.refresh()
        keys = [each.key for each in catalog.columns() if each.key != "duration_s"]
        keys += ["spark" + key.removeprefix("metrics") for key in keys if key.startswith("metrics.")]
        rows = [each.row_of("a" * 10) or 0 for each in (catalog, anew)]
        assert repr(catalog.cells(rows[:1], keys)) == repr(anew.cells(rows[1:], keys))
        anew.close()


def test_an_idle_refresh_opens_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking again is O(projects and live runs); a new run costs itself alone."""
    store = store_of(tmp_path / "s", *(run(name=str(n)) for n in range(100)))
    os.utime(store / "digits", (1, 1))
    catalog = opened(store)
    opened_files: list[str] = []
    check = record_files.check_record

    def watched(path: str) -> tuple[int, str | None]:
        opened_files.append(path)
        return check(path)

    monkeypatch.setattr(record_files, "check_record", watched)
    for _ in range(3):
        assert not catalog.refresh()
    assert opened_files == []
    write_run(store, run(name="new"))
    assert catalog.refresh()
    assert len(opened_files) == 1
