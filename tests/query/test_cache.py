"""What is remembered of a store: used when it can be, rebuilt when it cannot, never believed too much."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Environment, Status
from labtop.query.cache import Cache
from labtop.query.catalog import Catalog, SortKey, TableQuery
from labtop.settings import cache_folder
from labtop.store.process import this_host
from tests.query.runs import column, living, names, opened, run, store_of
from tests.stores import write_run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    records = [
        run(
            {"n": n, "model": {"width": n}},
            {"m": float(n), "k": 1.0},
            name=str(n),
            minute=n,
            environment=Environment(python="3.11", packages={"torch": f"2.{n}.0"}),
        )
        for n in range(5)
    ]
    return store_of(tmp_path / "s", *records)


def remember(store: Path) -> None:
    """Open a store, close it, and take away what its records say."""
    opened(store).close()


def poison(store: Path) -> None:
    """Make every record unreadable without touching a project folder: what is still right came from the cache."""
    for path in store.glob("*/*/run.parquet"):
        path.write_bytes(b"poison")


def index_files(root: Path | None = None) -> list[Path]:
    return sorted((root or cache_folder()).glob("*/*/index.parquet"))


def test_the_second_opening_reads_no_record(store: Path) -> None:
    """Everything but live runs comes from one file, derived columns too."""
    remember(store)
    poison(store)
    catalog = opened(store)
    assert catalog.problems == ()
    assert names(catalog, "n > 1", sort=(SortKey("metrics.m.max"),)) == ["2", "3", "4"]
    assert column(catalog, "spark.m")["3"] == "3           "
    assert column(catalog, "params.model.width") == {str(n): n for n in range(5)}
    assert [each.name for each in catalog.columns()][-4:] == ["n", "model.width", "m", "k"]


def test_rows_can_be_seen_before_they_are_in_memory(store: Path) -> None:
    """The first progress of a warm opening already has rows, sorted and with sparklines."""
    remember(store)
    catalog = Catalog(store)
    seen: list[object] = []
    catalog.refresh(
        lambda done, total: seen.append(
            (
                done,
                total,
                catalog.cells(catalog.select(TableQuery()).rows[:2], ["name", "spark.m", "metrics.m"]),
            )
        )
    )
    assert seen == [(5, 5, [("4", "3           ", 4.0), ("3", "3           ", 3.0)])]


def test_new_runs_join_what_is_remembered(store: Path) -> None:
    """A run that came while labtop was closed is read, the others are not."""
    remember(store)
    poison(store)
    write_run(store, run({"n": 9, "new": "x"}, {"m": 9.0, "z": 1.0}, name="new", minute=9))
    for _ in range(2):
        catalog = opened(store)
        assert names(catalog, sort=(SortKey("metrics.m", True),)) == ["new", "4", "3", "2", "1", "0"]
        assert column(catalog, "metrics.m.min")["new"] == 9.0
        assert column(catalog, "metrics.m.min")["2"] == 2.0
        assert column(catalog, "metrics.z.max") == {"new": 1.0, **{str(n): None for n in range(5)}}
        catalog.close()


def test_removed_runs_are_not_remembered(store: Path) -> None:
    """What went away while labtop was closed is gone."""
    remember(store)
    shutil.rmtree(next(store.glob("digits/*")))
    assert len(names(opened(store))) == 4


def test_types_widen_over_what_is_remembered(store: Path) -> None:
    """A param that was an integer yesterday and is a text today keeps both."""
    remember(store)
    poison(store)
    write_run(store, run({"n": "many", "model": {"width": 0.5}}, name="new"))
    catalog = opened(store)
    assert column(catalog, "params.n") == {**{str(n): str(n) for n in range(5)}, "new": '"many"'}
    assert column(catalog, "params.model.width")["3"] == 3.0
    assert names(catalog, "n = many") == ["new"]


def test_live_runs_are_read_again(tmp_path: Path) -> None:
    """What had not ended is never believed; what crashed is, until its record moves."""
    from labtop.model.run import Process

    gone = living(host=this_host(), boot_id="another boot")
    records = [
        run({"n": 1}, name="live", id="a" * 10, status=Status.RUNNING, ended_at=None, life=living()),
        run({"n": 1}, name="crashed", id="b" * 10, status=Status.RUNNING, ended_at=None, life=gone),
    ]
    assert isinstance(gone.process, Process)
    store = store_of(tmp_path / "s", *records)
    remember(store)
    write_run(store, run({"n": 2}, name="live", id="a" * 10))
    catalog = opened(store)
    assert column(catalog, "status") == {"live": "finished", "crashed": "crashed"}
    assert column(catalog, "params.n") == {"live": 2, "crashed": 1}
    catalog.close()
    write_run(store, run({"n": 3}, name="crashed", id="b" * 10))
    catalog = opened(store)
    assert column(catalog, "status") == {"live": "finished", "crashed": "finished"}
    assert column(catalog, "params.n") == {"live": 2, "crashed": 3}


def test_damage_that_is_mended_is_noticed_later(store: Path) -> None:
    """A record that could not be read is tried again at the next opening."""
    victim = next(store.glob("digits/*/run.parquet"))
    content = victim.read_bytes()
    victim.write_bytes(b"")
    remember(store)
    assert [each.path for each in opened(store).problems] == [str(victim)]
    victim.write_bytes(content)
    catalog = opened(store)
    assert (len(names(catalog)), catalog.problems) == (5, ())


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1", None], ids=["empty", "garbage", "flipped"])
def test_a_damaged_cache_is_made_again(store: Path, content: bytes | None) -> None:
    """What is remembered can only help."""
    remember(store)
    (path,) = index_files()
    whole = path.read_bytes()
    for at in range(4, len(whole) - 8, max(len(whole) // 5, 1)):
        damaged = (
            content
            if content is not None
            else whole[:at] + bytes(255 - b for b in whole[at : at + 40]) + whole[at + 40 :]
        )
        path.write_bytes(damaged)
        catalog = opened(store)
        assert len(names(catalog)) == 5
        assert column(catalog, "params.n") == {str(n): n for n in range(5)}
        catalog.engine.close()
        if content is not None:
            break


def test_a_cache_of_another_version_is_not_used(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that mean something else would be lies."""
    from labtop.query import cache

    remember(store)
    poison(store)
    monkeypatch.setattr(cache, "SCHEMA", 10_000)
    catalog = opened(store)
    assert (names(catalog), len(catalog.problems)) == ([], 5)


def test_a_copy_of_a_store_is_not_taken_for_it(store: Path) -> None:
    """Both have one id; what is remembered of one says nothing of the other."""
    copy = store.with_name("copy")
    shutil.copytree(store, copy)
    remember(store)
    write_run(copy, run({"n": 100}, name="only here"))
    (copy / "digits" / next(copy.glob("digits/*")).name / "run.parquet").write_bytes(b"")
    catalog = opened(copy)
    assert len(names(catalog)) == 5
    assert len(catalog.problems) == 1
    catalog.close()
    assert len(index_files()) == 2
    assert len(names(opened(store))) == 5


def test_without_a_cache_folder_all_works(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file where the folder should be, or a folder that cannot be written, only costs time."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        catalog = opened(store)
        assert len(names(catalog, "n >= 0 and env.packages.torch = '2.1.0' or n > 0")) == 4
        catalog.close()


def test_a_cache_deleted_while_it_is_used_costs_nothing_but_time(store: Path) -> None:
    """Columns that were to be loaded from it are read from the records."""
    remember(store)
    catalog = opened(store)
    shutil.rmtree(cache_folder())
    catalog.cells(catalog.select(TableQuery()).rows, ["spark.m"])
    catalog.refresh()
    assert column(catalog, "metrics.m.max") == {str(n): float(n) for n in range(5)}
    assert names(catalog, "env.packages.torch = '2.3.0'") == ["3"]
    catalog.close()
    poison(store)
    assert len(names(opened(store))) == 5


def test_a_cache_replaced_while_it_is_used_gives_no_wrong_value(store: Path) -> None:
    """Another labtop wrote it with other rows in other places: values still belong to their runs."""
    remember(store)
    first = opened(store)
    for n in range(5, 9):
        write_run(store, run({"n": n}, {"m": float(n)}, name=str(n), minute=20 - n))
    remember(store)
    assert column(first, "metrics.m.max") == {str(n): float(n) for n in range(5)}
    first.refresh()
    assert column(first, "metrics.m.max") == {str(n): float(n) for n in range(9)}
    assert column(first, "spark.m")["7"] == "3           "


def test_two_processes_open_and_remember_at_once(tmp_path: Path) -> None:
    """Neither breaks the other, and what is left can be used."""
    store = store_of(
        tmp_path / "s", *(run({"n": n}, {"m": float(n)}, name=str(n), minute=n) for n in range(40))
    )
    code = """
import sys
from pathlib import Path
from labtop.query.catalog import Catalog, TableQuery
for _ in range(2):
    catalog = Catalog(Path(sys.argv[1]))
    catalog.refresh()
    rows = catalog.select(TableQuery()).rows
    assert [v[0] for v in catalog.cells(rows, ["metrics.m.max"])] == [float(n) for n in range(39, -1, -1)]
    catalog._intake.cached.save()
    catalog.close()
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(store)], env=os.environ.copy()) for _ in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    poison(store)
    catalog = opened(store)
    assert (len(names(catalog)), catalog.problems) == (40, ())
    assert [path.name for path in index_files()[0].parent.iterdir() if path.suffix == ".tmp"] == []


def test_a_checksum_that_comes_late_is_made_right(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process puts its file there between ours and our checksum: what is left can be used."""
    from labtop.query import cache

    remember(store)
    first = opened(store)
    write_run(store, run({"n": 9}, name="new", minute=9))
    second = opened(store)
    crc32 = cache._crc32
    saved: list[bool] = []

    def interrupted(path: Path) -> str:
        checksum = crc32(path)
        if not saved:
            saved.append(True)
            assert second._intake.cached.save()
        return checksum

    with monkeypatch.context() as late:
        late.setattr(cache, "_crc32", interrupted)
        assert first._intake.cached.save()
    poison(store)
    again = opened(store)
    assert (len(names(again)), again.problems) == (6, ())


def test_what_another_cache_lacks_is_read_again(store: Path) -> None:
    """Another labtop that saw fewer runs wrote its file: ours are not lost with it."""
    remember(store)
    first = opened(store)
    away = next(store.glob("digits/*"))
    hidden = store.with_name(away.name)
    away.rename(hidden)
    other = opened(store)
    assert other._intake.cached.save()
    hidden.rename(away)
    os.utime(store / "digits", ns=(first._intake._known._times["digits"],) * 2)
    assert not first._intake.cached.save()
    first.refresh()
    assert len(names(first)) == 5
    assert first._intake.cached.save()
    poison(store)
    assert len(names(opened(store))) == 5


def test_edits_are_remembered_with_their_place_in_the_ledger(store: Path) -> None:
    """Old events are not read again."""
    from labtop.store.ledger import append

    run_id = next(store.glob("digits/*")).name
    append(store, "rename", run_id, {"name": "renamed"})
    remember(store)
    poison(store)
    for path in (store / "ledger").iterdir():
        path.write_text("poison")
    catalog = opened(store)
    assert "renamed" in names(catalog)
    assert catalog.problems == ()
    assert catalog._intake.index.edits.last == {str(store): 1}


def test_little_news_is_not_written_at_once(store: Path) -> None:
    """A large index is not rewritten for a single run; on closing it is."""
    remember(store)
    before = index_files()[0].stat().st_mtime_ns
    catalog = opened(store)
    write_run(store, run(name="new"))
    catalog.refresh()
    assert index_files()[0].stat().st_mtime_ns == before
    catalog.close()
    assert index_files()[0].stat().st_mtime_ns > before
    catalog = opened(store)
    catalog.close()
    unchanged = index_files()[0].stat().st_mtime_ns
    opened(store).close()
    assert index_files()[0].stat().st_mtime_ns == unchanged


@pytest.mark.parametrize("store_id", ["../../evil", "a/b", "x" * 500, "\x00", ""])
def test_no_store_id_leads_out_of_the_cache_folder(tmp_path: Path, store_id: str) -> None:
    """The marker is data like all else."""
    root = tmp_path / "root"
    folder = Cache(root, store_id, tmp_path).folder
    assert folder.resolve().is_relative_to(root.resolve())
    assert len(folder.relative_to(root).parts) == 2
