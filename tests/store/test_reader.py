"""Reading one run: one bad file hides nothing."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from labtop.errors import InputError
from labtop.model.run import Life, Status
from labtop.store.layout import METRICS, RECORD
from labtop.store.live import fold_live, read_record_live
from labtop.store.reader import check_parquet, list_point_files, read_part_points, read_points, read_record
from labtop.store.wal import encode_header, encode_points
from tests.store.runs import new_record, new_writer
from tests.stores import Point, build_store, summarise, write_run

POINTS: list[Point] = [("loss", float(step), step, 1.0 / (step + 1)) for step in range(500)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that has ended, in one part."""
    return write_run(
        tmp_path, replace(new_record(), status=Status.FINISHED, metrics=summarise(POINTS)), POINTS
    )


def part_of(folder: Path) -> Path:
    """The one part of a run."""
    return next((folder / METRICS).glob("*.parquet"))


def damage(path: Path, kind: str) -> None:
    """Make a Parquet file into something else."""
    content = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        damaged = {
            "empty": b"",
            "tiny": b"PAR1",
            "cut": content[: len(content) // 2],
            "without its end": content[:-1],
            "foreign": b"%PDF-1.4" + content,
            "with a mad footer": content[:-8] + b"\xff\xff\xff\xffPAR1",
            "with a footer of noise": content[:-200] + bytes(192) + content[-8:],
        }[kind]
        path.write_bytes(damaged)


KINDS = [
    "folder", "pipe", "empty", "tiny", "cut", "without its end", "foreign", "with a mad footer",
    "with a footer of noise",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_record_is_an_error_with_its_path(kind: str, folder: Path) -> None:
    """And the run can still be told from its folder and its points."""
    damage(folder / RECORD, kind)
    with pytest.raises(InputError, match=RECORD):
        read_record(folder)
    record = read_record_live(folder)
    assert (record.id, record.project, record.status) == (folder.name, "p", Status.UNKNOWN)
    assert record.metrics["loss"].count == 500
    assert RECORD in record.source.problems[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_part_is_named_and_the_rest_is_read(kind: str, folder: Path) -> None:
    """The other part's points are given."""
    path = part_of(folder)
    (folder / RECORD).unlink()
    record = replace(new_record(), id=folder.name)
    write_run(folder.parent.parent, record, [("other", 0.0, 0, 1.0)], writer="v" * 10)
    damage(path, kind)
    points, problems = read_points(folder)
    assert [each.name for each in points] == ["other"]
    assert [each.path for each in problems] == [path]
    assert problems[0].reason


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "with a footer of noise"])
def test_the_cheap_check_finds_what_an_engine_would_choke_on(kind: str, folder: Path) -> None:
    """Sixteen bytes tell; a footer of noise is found by who opens it."""
    path = part_of(folder)
    assert check_parquet(path) is None
    damage(path, kind)
    assert check_parquet(path)
    assert check_parquet(path.with_name("none.parquet"))
    assert list_point_files(folder).parts == ()


def test_a_part_cut_anywhere_is_found(folder: Path) -> None:
    """At 200 places, the footer among them."""
    path = part_of(folder)
    content = path.read_bytes()
    for length in {*range(len(content) - 100, len(content)), *range(0, len(content), len(content) // 100)}:
        path.write_bytes(content[:length])
        with pytest.raises(InputError):
            read_part_points(path)


def test_flipped_bits_in_a_part_make_no_wrong_value(folder: Path) -> None:
    """Page checksums find them, or the change is harmless."""
    path = part_of(folder)
    content = path.read_bytes()
    chance = random.Random(3)
    truth = {(each.seq, each.step, each.value) for each in read_part_points(path)}
    found = 0
    for _ in range(150):
        damaged = bytearray(content)
        damaged[chance.randrange(len(content) * 3 // 4)] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            points = read_part_points(path)
        except InputError:
            found += 1
        else:
            assert {(each.seq, each.step, each.value) for each in points} <= truth
    assert found > 75


@pytest.mark.parametrize("rows", [0, 2])
def test_a_record_has_one_row(rows: int, folder: Path) -> None:
    """Anything else is somebody else's file."""
    table = pyarrow.Table.from_pylist(
        [{"id": "abcdefghij"}] * rows, schema=pyarrow.schema([("id", pyarrow.string())])
    )
    pyarrow.parquet.write_table(table, folder / RECORD)
    with pytest.raises(InputError, match="not the record of one run"):
        read_record(folder)


def test_a_part_with_other_columns_is_an_error(folder: Path) -> None:
    """Not a crash."""
    pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), part_of(folder))
    with pytest.raises(InputError):
        read_part_points(part_of(folder))


def test_drafts_and_unknown_files_are_passed_over(folder: Path) -> None:
    """Leftovers of a crash or a network file system harm nothing."""
    for name in (".x.parquet.12-1.tmp", ".nfs0001", "x.tmp", "notes.txt", ".w-00009.wal"):
        (folder / METRICS / name).write_bytes(b"junk")
    (folder / f".{RECORD}.77-3.tmp").write_bytes(b"junk")
    points, problems = read_points(folder)
    assert len(points) == 500
    assert problems == ()


def test_a_run_without_points_is_fine(tmp_path: Path) -> None:
    """No folder `metrics`, or an empty one."""
    folder = write_run(tmp_path, new_record())
    assert read_points(folder) == ([], ())
    (folder / METRICS).rmdir()
    assert read_points(folder) == ([], ())
    (folder / METRICS).write_text("a file")
    assert read_points(folder)[1][0].path == folder / METRICS


def test_damage_in_a_log_is_named_with_its_offset(folder: Path) -> None:
    """And its other frames are read."""
    header = encode_header("r", "v")
    good = encode_points(1, 1, 1.0, {"loss": 1.0})
    (folder / METRICS / "v-00001.wal").write_bytes(header + b"junk" + good)
    points, problems = read_points(folder)
    assert len(points) == 501
    assert f"at byte {len(header)}" in problems[0].reason


# folding what the writer had not


def test_a_run_that_ended_is_not_folded(folder: Path) -> None:
    """Its record is the last word."""
    record = read_record(folder)
    assert fold_live(record, folder, as_of_ns=0) is record


def test_points_sealed_after_the_record_was_written_are_folded(tmp_path: Path) -> None:
    """The writer died, or could not write, between sealing and its record."""
    record = replace(new_record(), metrics=summarise(POINTS[:100]), life=Life(written={"w" * 10: 100}))
    folder = write_run(tmp_path, record, POINTS)
    os.utime(folder / RECORD, ns=(0, 0))
    assert read_record_live(folder).metrics == summarise(POINTS)
    os.utime(part_of(folder), ns=(0, 0))  # older than the record: that has it all
    assert read_record_live(folder).metrics == record.metrics


def test_an_engine_may_read_the_parts(tmp_path: Path) -> None:
    """The terminal UI has no pyarrow."""
    folder = write_run(tmp_path, replace(new_record(), life=Life(written={"w" * 10: 0})), POINTS)
    read: list[Path] = []

    def read_part(path: Path) -> list[object]:
        read.append(path)
        return []

    fold_live(read_record(folder), folder, as_of_ns=0, read_part=read_part)  # type: ignore[arg-type]  # gives nothing
    assert read == [part_of(folder)]


def test_a_log_rewritten_after_a_fault_counts_once(tmp_path: Path) -> None:
    """The broken log and the one that took its place may both be there."""
    writer = new_writer(tmp_path)
    for step in range(10):
        writer.append(float(step), step, {"loss": 1.0})
    folder = next(tmp_path.glob("*/*/metrics")).parent
    wal = next((folder / METRICS).glob("*.wal"))
    wal.with_name(wal.name.replace("00001", "00002")).write_bytes(wal.read_bytes())
    assert len(read_points(folder)[0]) == 10
    before = replace(new_record(), life=Life(written={writer.writer: 0}))
    assert fold_live(before, folder).metrics["loss"].count == 10
    writer.flush()
    assert read_record_live(folder).metrics["loss"].count == 10
    writer.close()


def test_synthetic_stores_are_plausible(tmp_path: Path) -> None:
    """What other tests stand on: seeds, groups, states, NaN, points that agree with the summaries."""
    store = build_store(tmp_path / "s", runs=60, points=45)
    again = build_store(tmp_path / "again", runs=60, points=0)
    folders = sorted(each.parent for each in store.glob("*/*/run.parquet"))
    records = [read_record(each) for each in folders]
    assert [each.name for each in folders] == sorted(
        each.parent.name for each in again.glob("*/*/run.parquet")
    )
    assert len({each.environment.lock_sha256 for each in records}) == 3
    assert len({each.life.group for each in records}) == 12
    assert {each.params["seed"] for each in records} == set(range(5))
    assert any(each.metrics["val/loss"].nan_count for each in records)
    assert len({each.status for each in records}) >= 3
    for folder, record in zip(folders[:5], records[:5], strict=True):
        points = [(each.name, each.step, each.time_us, each.value) for each in read_points(folder)[0]]
        found = summarise(points, {"val/acc": "max", "val/loss": "min", "train/loss": "min"})
        assert repr(found) == repr(record.metrics)
