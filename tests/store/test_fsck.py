"""`labtop fsck`: finds what is not as it was written, mends what can be mended, and deletes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.errors import LabtopError, NoStoreError
from labtop.model.run import Artifact, Code, Environment, LockFile, Status, UntrackedFile
from labtop.store import ledger
from labtop.store.checking import Finding
from labtop.store.format import record_parquet
from labtop.store.fsck import Checked, fsck
from labtop.store.layout import MARKER, METRICS, QUARANTINE, RECORD, run_folder, run_folders
from labtop.store.live import read_record_live
from labtop.store.reader import list_point_files, read_points, read_record
from labtop.store.record_file import write_record
from labtop.store.status import BeatHistory, infer_status
from tests.store.runs import new_record, new_writer, seal_now

OLD = 90_000.0  # seconds: more than a day


def sha256(content: bytes) -> str:
    """As records have it."""
    return hashlib.sha256(content).hexdigest()


def age(path: Path, seconds: float = OLD) -> None:
    """As if nobody had touched it for long."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished run in two parts, with a file of each kind."""
    record = new_record()
    writer = new_writer(tmp_path, record)
    folder = run_folder(tmp_path, "p", record.id)
    for step in range(200):
        writer.append(float(step), step, {"a": float(step), "b": -float(step)})
        if step == 100:
            seal_now(writer)
    files = {
        "artifacts/model.pt": b"weights",
        "code/patch.diff": b"--- a\n+++ b\n",
        "code/untracked/.ci/run": b"true\n",
        "environment/uv.lock": b"locked",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    hashes = {name: sha256(content) for name, content in files.items()}
    code = Code(
        patch_sha256=hashes["code/patch.diff"],
        untracked=(UntrackedFile(path=".ci/run", sha256=hashes["code/untracked/.ci/run"], kept=True),),
    )
    environment = Environment(
        lock_file="uv.lock",
        lock_sha256=hashes["environment/uv.lock"],
        lock_files=(LockFile(name="uv.lock", sha256=hashes["environment/uv.lock"]),),
    )
    artifacts = (
        Artifact(name="model", path="artifacts/model.pt", sha256=hashes["artifacts/model.pt"]),
        Artifact(name="far", uri="s3://bucket/x"),
    )
    writer.set_record(replace(writer.record, code=code, environment=environment, artifacts=artifacts))
    writer.close()
    return folder


def parts(folder: Path) -> list[Path]:
    """The sealed parts of a run."""
    return sorted((folder / METRICS).glob("*.parquet"))


def store_of(folder: Path) -> Path:
    """The store a run is in."""
    return folder.parent.parent


def kinds(checked: Checked) -> list[str]:
    """What was found."""
    return sorted(each.kind for each in checked.findings)


def every_file(store: Path) -> dict[str, bytes]:
    """All that is there, by content: nothing may ever get lost."""
    return {str(each.relative_to(store)): each.read_bytes() for each in store.rglob("*") if each.is_file()}


def test_a_whole_store_is_whole(folder: Path) -> None:
    """Nothing is found, and nothing is written."""
    before = every_file(store_of(folder))
    checked = fsck(store_of(folder))
    assert (checked.findings, checked.runs, checked.is_whole) == ((), 1, True)
    fsck(store_of(folder), repair=True)
    assert every_file(store_of(folder)) == before


def test_every_harmful_flip_in_a_part_is_found(folder: Path) -> None:
    """200 of them: what is not found changes no point."""
    path = parts(folder)[0]
    sound = path.read_bytes()
    truth = read_points(folder)[0]
    chance = random.Random(5)
    found = 0
    for _ in range(200):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        checked = fsck(store_of(folder))
        if checked.is_whole:
            assert read_points(folder)[0] == truth
        else:
            found += 1
            assert [each.path for each in checked.findings] == [path]
    assert found > 100
    path.write_bytes(sound)
    assert fsck(store_of(folder)).is_whole


def test_every_harmful_flip_in_a_record_is_found(folder: Path) -> None:
    """The same for run.parquet."""
    path = folder / RECORD
    sound = path.read_bytes()
    truth = read_record(folder)
    chance = random.Random(6)
    found = 0
    for _ in range(100):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        if fsck(store_of(folder)).is_whole:
            assert read_record(folder) == truth
        else:
            found += 1
    assert found > 50


def _remove(path: Path) -> None:
    path.unlink()


def _change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("name", "harm", "kind"),
    [
        ("artifacts/model.pt", _change, "changed"),
        ("artifacts/model.pt", _remove, "missing"),
        ("artifacts/model.pt", _link, "changed"),
        ("code/patch.diff", _change, "changed"),
        ("code/untracked/.ci/run", _remove, "missing"),
        ("environment/uv.lock", _change, "changed"),
        (RECORD, _remove, "missing"),
    ],
)
def test_kept_files_are_compared_with_their_hash(
    name: str, harm: Callable[[Path], None], kind: str, folder: Path
) -> None:
    """Gone, changed, or a link instead of a file."""
    harm(folder / name)
    checked = fsck(store_of(folder))
    assert kinds(checked) == [kind]
    assert checked.findings[0].path == folder / name
    assert not checked.is_whole


def test_a_record_that_names_files_elsewhere_opens_none(folder: Path, tmp_path: Path) -> None:
    """A record is data: its paths may be anything."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    names = ("../../../secret", str(secret), "a\0b", "artifacts/../../../../etc/passwd")
    evil = tuple(Artifact(name="x", path=name, sha256="0" * 64) for name in names)
    write_record(folder, replace(read_record(folder), artifacts=evil))
    reasons = [each.reason for each in fsck(store_of(folder)).findings]
    assert len(reasons) == 4
    assert all("is not in the run's folder" in each for each in reasons)


def test_missing_points_are_named_by_their_numbers(folder: Path) -> None:
    """A part in the middle was removed: the others' numbers tell."""
    parts(folder)[0].unlink()
    (finding,) = fsck(store_of(folder)).findings
    assert finding.kind == "missing"
    assert "points 0 to " in finding.reason
    (last,) = parts(folder)
    last.unlink()
    (finding,) = fsck(store_of(folder)).findings
    assert "points 0 to 399" in finding.reason


def test_points_that_the_record_says_were_dropped_are_not_missing(folder: Path) -> None:
    """It is known and told already."""
    parts(folder)[0].unlink()
    record = read_record(folder)
    write_record(folder, replace(record, life=replace(record.life, dropped=400)))
    assert fsck(store_of(folder)).is_whole


def test_a_part_of_another_run_is_found(folder: Path) -> None:
    """Copied to the wrong place."""
    other = new_record()
    writer = new_writer(store_of(folder), other)
    writer.append(0.0, 0, {"a": 1.0})
    writer.close()
    (part,) = parts(run_folder(store_of(folder), "p", other.id))
    shutil.copy(part, parts(folder)[0].with_name(part.name))
    (finding,) = fsck(store_of(folder)).findings
    assert "points of run" in finding.reason


def test_a_changed_ledger_is_found(folder: Path) -> None:
    """And never repaired: it is the evidence."""
    store = store_of(folder)
    for tag in ("x", "y", "z"):
        ledger.append(store, "tag", folder.name, {"add": [tag]})
    path = store / "ledger" / f"{2:020d}.json"
    path.write_bytes(path.read_bytes().replace(b'"y"', b'"q"'))
    checked = fsck(store, repair=True)
    assert kinds(checked) == ["damaged"]
    assert not checked.is_whole


# -- mending -----------------------------------------------------------------------------------------------------


def mend(store: Path) -> list[Finding]:
    """Repair, and see that no byte was lost."""
    before = set(every_file(store).values())
    checked = fsck(store, repair=True)
    assert before <= set(every_file(store).values())
    return list(checked.findings)


def test_a_damaged_part_goes_to_the_quarantine(folder: Path) -> None:
    """With a note; readers name it no more; what it held is missing, and that is still told."""
    path = parts(folder)[0]
    path.write_bytes(path.read_bytes()[:-9])
    (finding,) = mend(store_of(folder))
    assert finding.mended.startswith(f"moved to {QUARANTINE}/p/{folder.name}/metrics/{path.name}")
    aside = store_of(folder) / QUARANTINE / "p" / folder.name / METRICS
    note = json.loads((aside / f"{path.name}.note.json").read_text())
    assert note["from"] == f"p/{folder.name}/metrics/{path.name}"
    assert "damaged" in note["reason"] or "cut" in note["reason"]
    assert list_point_files(folder).problems == ()
    assert kinds(fsck(store_of(folder))) == ["missing"]
    assert [each.parent.name for each in run_folders(store_of(folder))] == ["p"]


def test_a_damaged_record_is_made_again_from_the_points(folder: Path) -> None:
    """Metrics are exact; how it ended nobody knows, and the record says where it comes from."""
    truth = read_record(folder)
    (folder / RECORD).write_bytes((folder / RECORD).read_bytes()[:-20])
    (finding,) = mend(store_of(folder))
    assert "made again from 400 points" in finding.mended
    record = read_record(folder)
    assert record.metrics == truth.metrics
    assert (record.id, record.project, record.life.written) == (truth.id, "p", truth.life.written)
    assert "made again" in record.source.problems[0]
    assert infer_status(record, BeatHistory()) is Status.LOST
    assert fsck(store_of(folder)).is_whole


def test_a_missing_record_is_made_again_too(folder: Path) -> None:
    """Unless the run may just be beginning."""
    (folder / RECORD).unlink()
    log = new_writer(store_of(folder), replace(new_record(), id=folder.name), owns_record=False)
    log.append(0.0, 0, {"a": 1.0})
    assert "may still be going on" in mend(store_of(folder))[0].mended
    log.close()
    assert "made again from 401 points" in mend(store_of(folder))[0].mended


def crashed(store: Path, points: int = 30) -> Path:
    """A run whose process is gone, with an open log."""
    record = new_record()
    process = record.life.process
    assert process is not None
    record = replace(record, life=replace(record.life, process=replace(process, boot_id="another")))
    writer = new_writer(store, record)
    for step in range(points):
        writer.append(float(step), step, {"a": float(step)})
        if step == 10:
            writer.flush()
    return run_folder(store, "p", record.id)


def test_the_log_of_a_run_that_died_is_sealed(tmp_path: Path) -> None:
    """Its points are in a part, the log in the quarantine, and the reader's summaries stay exact."""
    folder = crashed(tmp_path)
    before, live = read_points(folder), read_record_live(folder)
    assert kinds(fsck(tmp_path)) == ["unsealed"]
    assert fsck(tmp_path).is_whole
    (finding,) = mend(tmp_path)
    assert finding.mended.startswith("sealed 30 points")
    assert read_points(folder) == before
    assert read_record_live(folder).metrics == live.metrics
    assert not list(folder.glob("metrics/*.wal"))
    assert fsck(tmp_path).findings == ()


def test_a_damaged_log_is_sealed_with_what_is_whole(tmp_path: Path) -> None:
    """The bad frame is lost and named; the log is kept in the quarantine."""
    folder = crashed(tmp_path)
    (log,) = folder.glob("metrics/*.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    found = mend(tmp_path)
    assert sorted(each.kind for each in found) == ["damaged", "unsealed"]
    assert len(read_points(folder)[0]) == 29
    assert kinds(fsck(tmp_path)) == ["missing"]


def test_the_log_of_a_living_run_is_left_alone(tmp_path: Path) -> None:
    """However long it was silent: its process is there."""
    writer = new_writer(tmp_path)
    writer.append(0.0, 0, {"a": 1.0})
    writer.flush()
    (folder,) = run_folders(tmp_path)
    (log,) = folder.glob("metrics/*.wal")
    age(log)
    assert fsck(tmp_path, repair=True).findings == ()
    writer.append(1.0, 1, {"a": 2.0})
    writer.close()
    assert len(read_points(folder)[0]) == 2


def test_a_rank_that_outlives_its_run_is_left_alone(folder: Path) -> None:
    """For ten minutes; then nobody seals its log."""
    rank = new_writer(store_of(folder), replace(new_record(), id=folder.name), owns_record=False)
    rank.append(0.0, 0, {"a": 1.0})
    assert fsck(store_of(folder), repair=True).findings == ()
    (log,) = folder.glob("metrics/*.wal")
    age(log, 700)
    assert [each.kind for each in mend(store_of(folder))] == ["unsealed"]
    rank.append(1.0, 1, {"a": 2.0})  # it lives after all: nothing is lost, nothing doubled
    rank.close()
    points, _ = read_points(folder)
    assert len([each for each in points if each.writer == rank.writer]) == 2


def test_leftovers_are_put_aside(folder: Path) -> None:
    """Old drafts, a log beside its part, a run that never began, one that never arrived; young ones stay."""
    store = store_of(folder)
    drafts = [
        folder / f".{RECORD}.77-3.tmp",
        folder / METRICS / ".w-00001.parquet.12-1.tmp",
        folder / "artifacts/.88-deadbeef.tmp",
        folder / "code/.patch.diff.99.tmp",
        store / f".{MARKER}.5-abcdef.tmp",
    ]
    for draft in drafts:
        draft.write_bytes(f"draft {draft.name}".encode())
        age(draft)
    young = folder / METRICS / ".w-00002.parquet.12-2.tmp"
    young.write_bytes(b"young")
    log = parts(folder)[0].with_suffix(".wal")
    log.write_bytes(b"was sealed")
    age(log)
    empty = store / "p" / "abcdefghij"
    empty.mkdir()
    age(empty)
    arriving = store / "p" / ".bbbbbbbbbb.12345678.sync"
    arriving.mkdir()
    (arriving / "x").write_bytes(b"half")
    age(arriving)
    checked = fsck(store)
    assert checked.is_whole
    assert kinds(checked) == ["leftover"] * 8
    mend(store)
    assert young.exists()
    assert not any(each.exists() for each in (*drafts, log, empty, arriving))
    assert fsck(store).findings == ()
    assert (store / QUARANTINE / "p/.bbbbbbbbbb.12345678.sync/x").read_bytes() == b"half"


def test_the_same_file_may_be_put_aside_twice(folder: Path) -> None:
    """Under another name."""
    path = parts(folder)[0]
    for content in (b"bad", b"worse"):
        path.write_bytes(content)
        mend(store_of(folder))
    aside = store_of(folder) / QUARANTINE / "p" / folder.name / METRICS
    assert {each.read_bytes() for each in aside.glob("*.parquet*") if "note" not in each.name} == {
        b"bad",
        b"worse",
    }


def test_what_a_newer_labtop_wrote_is_left_alone(folder: Path) -> None:
    """It is checked as far as it is understood; repair refuses a newer store."""
    write_record(folder, replace(read_record(folder), format=99))
    parts(folder)[0].write_bytes(b"")
    before = every_file(store_of(folder))
    (finding,) = fsck(store_of(folder), repair=True).findings
    assert "newer" in finding.mended
    assert every_file(store_of(folder)) == before
    (store_of(folder) / MARKER).write_text('{"format": 99, "store_id": "x"}')
    with pytest.raises(LabtopError, match="format 99"):
        fsck(store_of(folder), repair=True)


def test_readers_are_told_what_a_check_found(folder: Path) -> None:
    """An event in the ledger, once, and taken back when it is mended."""
    store = store_of(folder)
    sound = parts(folder)[0].read_bytes()
    parts(folder)[0].write_bytes(sound[:-30])
    for _ in range(3):
        fsck(store)
    (event,) = ledger.read_events(store).events
    assert event.run_id == folder.name
    assert len(event.payload["problems"]) == 1
    (folder / METRICS / Path(event.payload["problems"][0].split(":")[0]).name).write_bytes(sound)
    fsck(store)
    assert ledger.read_events(store).events[1].payload == {"problems": []}


def test_a_store_that_cannot_be_written_to_is_checked_all_the_same(folder: Path) -> None:
    """It cannot be told in the ledger, and repair fails with an error."""
    path = parts(folder)[0]
    path.write_bytes(b"")
    (store_of(folder) / "ledger").write_text("in the way")
    (store_of(folder) / QUARANTINE).write_text("in the way")
    assert kinds(fsck(store_of(folder))) == ["damaged"]
    with pytest.raises(OSError, match=QUARANTINE):
        fsck(store_of(folder), repair=True)
    assert path.exists()
    with pytest.raises(NoStoreError):
        fsck(folder / "artifacts")


def test_records_of_every_shape_can_be_checked(folder: Path) -> None:
    """A group that cannot be decoded is damage, not a crash."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / RECORD)
    at = table.schema.get_field_index("code")
    table = table.set_column(at, "code", pyarrow.array(["{broken"]))
    pyarrow.parquet.write_table(table, folder / RECORD)
    assert "damaged" in kinds(fsck(store_of(folder)))
    (folder / RECORD).write_bytes(record_parquet(replace(new_record(), id="other")))
    assert any("record of run other" in each.reason for each in fsck(store_of(folder)).findings)
