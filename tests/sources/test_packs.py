"""Runs that lie in packs are as good as those with folders, and a damaged pack costs nothing but time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labtop.model.run import RunRecord, Status
from labtop.query.catalog import Catalog
from labtop.query.editing import edit_runs
from labtop.query.importing import import_runs
from labtop.query.sandbox import Sandbox
from labtop.query.series import load_points, load_series
from labtop.query.sql_fill import CatalogViews
from labtop.query.sql_source import view_source
from labtop.sources.landing import Landing
from labtop.sources.packing import Packing
from labtop.sources.source import Curve, Place, RunRead
from labtop.sources.unpacking import unpack
from labtop.store.reader import read_points
from tests.sources.test_mirror import RISING, look_again, opened, outside, rows, write

__all__ = ["outside"]
pytestmark = pytest.mark.usefixtures("outside")
RUNS = 12


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Runs enough for a pack, each with a loss of its own."""
    for number in range(RUNS):
        write(
            tmp_path / "logs",
            f"r{number:02}",
            RISING.replace("loss 0 0.0", f"loss 0 {number}"),
            params={"lr": number},
            status="finished",
        )
    return tmp_path / "logs"


def folders(tmp_path: Path) -> list[Path]:
    return [path.parent for path in tmp_path.glob("cache/mirrors/*/.runs/*/run.parquet")]


def pack_files(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("cache/mirrors/*/.packs/*"))


def sql(catalog: Catalog, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in Sandbox(CatalogViews(view_source(catalog)), "256MB", 60.0).run(query).rows]


def test_many_runs_lie_in_a_pack_until_their_folders_are_wanted(logs: Path, tmp_path: Path) -> None:
    """The table, records, points by SQL and edits need no folder; the folder of a run is made when it is asked for."""
    catalog = opened(logs, tmp_path)
    assert rows(catalog, "name", "params.lr", "metrics.loss.count") == [
        (f"r{number:02}", number, 10) for number in range(RUNS)
    ]
    run_id = catalog.resolve("r03")
    assert catalog.record(run_id).params == {"lr": 3}
    assert [each.params["lr"] for each in catalog.records(catalog.ids(range(RUNS)))]
    assert sql(catalog, "SELECT count(*), count(DISTINCT run_id), sum(value) FROM metrics") == [
        (10 * RUNS, RUNS, 22.5 * RUNS + sum(range(RUNS)))
    ]
    edit_runs(catalog, [run_id], "tag", {"add": ["good"]})
    assert catalog.record(run_id).life.tags == ("good",)
    assert len(pack_files(tmp_path)) == 2
    assert folders(tmp_path) == []
    folder = catalog.run_folder(run_id)
    assert folder is not None
    assert (folder / "run.parquet").is_file()
    assert [each.resolve() for each in folders(tmp_path)] == [folder.resolve()]
    assert [(each.step, each.value) for each in load_points(catalog, [run_id])][:2] == [
        (0.0, 3.0),
        (1.0, 0.5),
    ]
    assert not look_again(catalog)
    catalog.close()


def test_runs_in_packs_are_known_where_the_table_is_not_remembered(logs: Path, tmp_path: Path) -> None:
    """They have no folders to be listed by; one that was made, and a log that is gone, change nothing of the others."""
    catalog = opened(logs, tmp_path)
    folder = catalog.run_folder(catalog.resolve("r03"))
    assert folder is not None
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]
    catalog.close()
    for each in (tmp_path / "cache").iterdir():
        if each.name != "mirrors":
            shutil.rmtree(each)
    catalog = opened(logs, tmp_path)
    assert len(rows(catalog, "name")) == RUNS
    for gone in logs.glob("r05.*"):
        gone.unlink()
    assert look_again(catalog)
    assert [name for (name,) in rows(catalog, "name")] == [
        f"r{number:02}" for number in range(RUNS) if number != 5
    ]
    catalog.close()


def test_a_run_from_a_pack_is_as_one_that_was_read_alone(logs: Path, tmp_path: Path) -> None:
    """Record, points and the names of its files' kinds are the same, whichever way it came."""
    (tmp_path / "one").mkdir()
    for name in ("r05.toy", "r05.json"):
        shutil.copy2(logs / name, tmp_path / "one" / name)
    packed, alone = opened(logs, tmp_path), opened(tmp_path / "one", tmp_path)
    told = []
    for catalog in (packed, alone):
        run_id = catalog.resolve("r05")
        record = catalog.record(run_id)
        (series,) = load_series(catalog, [run_id], ["loss"])
        points = [(each.step, each.time_us, each.value) for each in load_points(catalog, [run_id])]
        told.append((record.params, record.metrics, record.status, record.life, points, len(series)))
        part = catalog.point_files(run_id).parts
        assert len(part) == 1
    assert told[0] == told[1]
    packed.close()
    alone.close()


def test_packed_runs_are_imported(logs: Path, tmp_path: Path) -> None:
    """Into a store of one's own, with their points."""
    catalog = opened(logs, tmp_path)
    store = tmp_path / "store"
    assert len(list(import_runs(catalog, store, catalog.ids(range(RUNS))))) == RUNS
    catalog.close()
    mine = Catalog(store, cache_root=tmp_path / "cache")
    mine.refresh()
    assert sql(mine, "SELECT count(*) FROM points") == [(10 * RUNS,)]
    mine.close()


def test_a_run_that_goes_on_leaves_its_pack(logs: Path, tmp_path: Path) -> None:
    """What is appended joins its points; by SQL none is there twice, and the others stay where they are."""
    catalog = opened(logs, tmp_path)
    with (logs / "r04.toy").open("a") as file:
        file.write("loss 10 -3 1600000010\n")
    assert look_again(catalog)
    assert len(folders(tmp_path)) == 1
    assert sql(catalog, "SELECT count(*), min(value) FROM points") == [(10 * RUNS + 1, -3.0)]
    run_id = catalog.resolve("r04")
    assert [each.step for each in load_points(catalog, [run_id])] == list(range(11))
    assert catalog.record(run_id).metrics["loss"].count == 11
    catalog.close()
    again = opened(logs, tmp_path)
    assert sql(again, "SELECT count(*) FROM points") == [(10 * RUNS + 1,)]
    again.close()


def test_a_run_that_is_read_anew_leaves_its_pack(tmp_path: Path) -> None:
    """Also when its folder was made meanwhile: of the old points none is left."""
    packing = Packing(tmp_path)
    landing = Landing(tmp_path, "toy", Place(tmp_path), packing)
    record = RunRecord(id="", name="a", project="p", status=Status.FINISHED)
    old, new = Curve(), Curve()
    old.add(0, 1.0)
    new.add(0, 2.0)
    assert landing.land("1", RunRead(key="a", record=record, curves={"loss": old}), None) is None
    (packed,) = packing.write()
    unpack(tmp_path, [packed])
    landed = landing.land("2", RunRead(key="a", record=record, curves={"loss": new}), packed)
    assert landed is not None
    assert landed.pack == ""
    assert [each.value for each in read_points(tmp_path / landed.folder)[0]] == [2.0]


def test_runs_that_are_gone_take_their_pack_away(logs: Path, tmp_path: Path) -> None:
    """A pack stays as long as one of its runs is there."""
    catalog = opened(logs, tmp_path)
    paths = sorted(logs.iterdir())
    for path in paths[2:]:
        path.unlink()
    look_again(catalog)
    assert rows(catalog, "name") == [("r00",)]
    assert sql(catalog, "SELECT count(*) FROM points") == [(10,)]
    for path in paths[:2]:
        path.unlink()
    look_again(catalog)
    assert rows(catalog, "name") == []
    assert pack_files(tmp_path) == []
    catalog.close()


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_a_damaged_pack_is_made_again(logs: Path, tmp_path: Path, which: int, damage: str) -> None:
    """Cut, removed or with other bytes, before it is opened or while it is open: every run is whole again."""
    catalog = opened(logs, tmp_path)
    hurt(pack_files(tmp_path)[which], damage)
    run_id = catalog.resolve("r07")
    assert [each.value for each in load_points(catalog, [run_id])][:2] == [7.0, 0.5]
    catalog.close()
    shutil.rmtree(tmp_path / "cache", ignore_errors=False)
    opened(logs, tmp_path).close()
    for index in tmp_path.glob("cache/**/index.parquet"):
        index.unlink()
    hurt(pack_files(tmp_path)[which], damage)
    again = opened(logs, tmp_path)
    assert len(rows(again, "name")) == RUNS
    run_id = again.resolve("r07")
    assert again.record(run_id).params == {"lr": 7}
    assert [each.value for each in load_points(again, [run_id])][:2] == [7.0, 0.5]
    again.close()


def hurt(path: Path, damage: str) -> None:
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 3
        path.write_bytes(
            content[:middle]
            + bytes(each ^ 0x5A for each in content[middle : middle + 64])
            + content[middle + 64 :]
        )


def test_two_trackers_of_packed_runs_are_one_run(logs: Path, tmp_path: Path) -> None:
    """Runs that lie in packs are merged as others are."""
    for number in range(RUNS):
        for kind in ("a", "b"):
            write(
                tmp_path / "both",
                f"{kind}{number:02}",
                "loss 0 1 1600000000\n" if kind == "a" else "acc 0 1\nacc 1 2\n",
                own=f"x{number}",
                tracker=kind,
                status="finished",
            )
    catalog = opened(tmp_path / "both", tmp_path)
    assert rows(catalog, "metrics.loss.count", "metrics.acc.count") == [(1, 2)] * RUNS
    assert sql(catalog, "SELECT count(*) FROM points") == [(3 * RUNS,)]
    catalog.close()


START = """
import sys
import time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from labtop.query.catalog import Catalog
Catalog(Path(sys.argv[2]), cache_root=Path(sys.argv[3])).refresh()
"""


def test_a_first_reading_that_is_killed_leaves_nothing_wrong(logs: Path, tmp_path: Path) -> None:
    """Killed when its first pack is there: the next one to open the logs sees every run whole, once."""
    for number in range(RUNS, 60):
        write(logs, f"r{number}", RISING, status="finished")
    said = [str(tmp_path / "site"), str(logs), str(tmp_path / "cache")]
    process = subprocess.Popen([sys.executable, "-c", START, *said])
    while process.poll() is None and not pack_files(tmp_path):
        time.sleep(0.01)
    process.kill()
    process.wait()
    catalog = opened(logs, tmp_path)
    assert len(rows(catalog, "name")) == 60
    assert sql(catalog, "SELECT count(*), count(DISTINCT run_id) FROM points") == [(600, 60)]
    assert all(
        (each / "run.parquet").is_file() for each in catalog.folders.make(catalog.ids(range(3))).values()
    )
    catalog.close()


def test_a_folder_that_a_killed_process_left_is_not_taken_for_the_run(tmp_path: Path) -> None:
    """What is in the pack counts: an older reading of the run may lie where its folder belongs."""
    record = RunRecord(id="", name="a", project="p", status=Status.FINISHED)
    old, new = Curve(), Curve()
    old.add(0, 1.0)
    new.add(0, 2.0)
    left = Landing(tmp_path, "toy", Place(tmp_path)).land(
        "1", RunRead(key="a", record=record, curves={"loss": old}), None
    )
    packing = Packing(tmp_path)
    Landing(tmp_path, "toy", Place(tmp_path), packing).land(
        "2", RunRead(key="a", record=record, curves={"loss": new}), None
    )
    (packed,) = packing.write()
    assert left is not None
    assert packed.folder == left.folder
    unpack(tmp_path, [packed])
    assert [each.value for each in read_points(tmp_path / packed.folder)[0]] == [2.0]


def test_files_of_a_packed_run_come_with_its_folder(tmp_path: Path) -> None:
    """Small ones are copied into it, what the run printed is linked."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "diff.patch").write_text("+1\n")
    (logs / "out.log").write_text("hello\n")
    record = RunRecord(id="", name="a", project="p", status=Status.FINISHED)
    read = RunRead(
        key="a",
        record=record,
        kept={"code/patch.diff": logs / "diff.patch"},
        output=logs / "out.log",
        folder=logs,
    )
    packing = Packing(tmp_path / "mirror")
    (tmp_path / "mirror").mkdir()
    assert Landing(tmp_path / "mirror", "toy", Place(logs), packing).land("1", read, None) is None
    (packed,) = packing.write()
    unpack(tmp_path / "mirror", [packed])
    folder = tmp_path / "mirror" / packed.folder
    assert (folder / "code" / "patch.diff").read_text() == "+1\n"
    assert (folder / "output.log").read_text() == "hello\n"
