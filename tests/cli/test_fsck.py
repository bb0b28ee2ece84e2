"""`labtop fsck` as people use it: what it says, its exit codes, and where the damage shows."""

from __future__ import annotations

from pathlib import Path

import labtop
from labtop.store.layout import run_folder, run_folders
from tests.cli.test_main import lines_of
from tests.command import labtop as command
from tests.store.runs import new_record, new_writer


def test_damage_is_told_and_shown(tmp_path: Path) -> None:
    """0 for a whole store, 1 for a damaged one; then the run has a problem that `show` and `ls` tell."""
    store = tmp_path / "runs"
    record = new_record()
    writer = new_writer(store, record)
    writer.append(0.0, 0, {"a": 1.0})
    writer.close()
    whole = command("fsck", store)
    assert (whole.returncode, whole.stdout) == (0, "")
    assert "1 run checked: all is whole" in whole.stderr
    (folder,) = run_folders(store)
    (part,) = folder.glob("metrics/*.parquet")
    part.write_bytes(part.read_bytes()[:-5])
    done = command("fsck", store, "--format", "jsonl")
    assert done.returncode == 1
    (row,) = lines_of(done.stdout)
    assert (row["run"], row["kind"], row["file"]) == (
        record.id,
        "damaged",
        f"p/{record.id}/metrics/{part.name}",
    )
    assert "1 damaged" in done.stderr
    shown = command("show", record.id, "--store", store)
    assert f"metrics/{part.name}: cut" in shown.stdout
    with labtop.open(store) as opened:
        assert opened.runs(where="problems > 0")["id"].to_list() == [record.id]
    mended = command("fsck", store, "--repair")
    assert "1 mended" in mended.stderr
    assert "quarantine/" in mended.stdout
    assert mended.returncode == 1  # the points are gone, and that is still told
    assert not labtop.fsck(store).is_whole


def test_a_damaged_part_hides_no_other_file(tmp_path: Path) -> None:
    """Cut, empty, or a folder: `ls` is as before; `metrics` names it, gives all other points, and exits with 3."""
    store = tmp_path / "runs"
    records = [new_record(), new_record()]
    for record in records:
        writer = new_writer(store, record)
        writer.append(0.0, 0, {"a": 1.0})
        writer.close()
    sound, damaged = (record.id for record in records)
    metrics = run_folder(store, "p", damaged) / "metrics"
    (part,) = metrics.iterdir()
    (metrics / "xxxxxxxxxx-00001.parquet").write_bytes(part.read_bytes()[:-40])
    (metrics / "yyyyyyyyyy-00001.parquet").write_bytes(b"")
    (metrics / "zzzzzzzzzz-00001.parquet").mkdir()
    listed = command("ls", store, "--format", "jsonl")
    assert (listed.returncode, len(lines_of(listed.stdout))) == (0, 2)
    assert command("metrics", sound, "--store", store).returncode == 0
    shown = command("metrics", damaged, "--store", store, "--format", "jsonl")
    assert shown.returncode == 3
    assert [each["value"] for each in lines_of(shown.stdout)] == [1.0]
    assert [shown.stderr.count(name) for name in ("cut", "empty", "a folder")] == [1, 1, 1]


def test_a_path_that_is_no_store_is_an_input_error(tmp_path: Path) -> None:
    """3, not 1: nothing was checked."""
    assert command("fsck", tmp_path / "nowhere").returncode == 3
