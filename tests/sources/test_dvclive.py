"""DVCLive folders, those of the corpus and ones written here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtop.sources.dvclive import DvcLiveSource
from labtop.sources.finding import survey
from labtop.sources.source import RunRead
from tests.sources.reading import corpus, listing, places, read_all, truth
from tests.sources.same_files import fingerprint
from tests.sources.writers.dvclive import write_points, write_run

LOCK = """
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {path: data.csv, hash: md5, md5: 0123456789abcdef0123456789abcdef, size: 12}
    - {path: images, md5: 0123456789abcdef0123456789abcdef.dir, size: 99, nfiles: 3}
    params: {params.yaml: {train.epochs: 5}}
    outs:
    - {path: model.pt, hash: md5, md5: fedcba9876543210fedcba9876543210, size: 7}
    - {path: dvclive/metrics.json, hash: md5, md5: METRICS, size: 8}
"""


def read(folder: Path, state: bytes | None = None) -> RunRead:
    source = DvcLiveSource()
    (place,) = source.detect(listing(folder))
    refs = [replace(ref, state=state) for ref in source.runs(place.path)]
    (found,) = source.read(place.path, refs)
    return found


def test_the_corpus_is_read_as_its_generator_logged_it() -> None:
    """Points and last values of every run, NaN and infinity among them; params with their types."""
    root = corpus("gen-dvclive")
    before = fingerprint(root)
    runs = read_all(DvcLiveSource(), root)
    told = truth("gen-dvclive.gen")["runs"]
    assert len(runs) == len(told)
    for each in told:
        run = runs[f"{each['dir']}:."]
        for name, value in each.get("last", {}).items():
            assert len(run.curves[name]) == each["n_steps"]
            assert str(run.curves[name].values[-1]) == str(float(value))
        if "val_last" in each:
            assert str(run.curves["val/loss é"].values[-1]) == str(float(each["val_last"]))
        if "lr" in each:
            assert run.read.record.params["lr"] == each["lr"]
        assert run.points == each.get("n_points", run.points)
        assert run.read.record.source.problems == ()
    assert [each.kind for each in runs["run-0:."].read.record.artifacts] == ["plot"]
    assert fingerprint(root) == before


@pytest.mark.parametrize("inner", ["plots/metrics", "plots/scalars", "scalars", "."])
def test_layouts_of_all_ages_are_found(tmp_path: Path, inner: str) -> None:
    """The first clients wrote tables into the folder itself, with the summary beside it, and always a timestamp."""
    folder = tmp_path / "dvclive"
    write_points(folder / inner, "train/loss", [1.0, "nan"], timestamp=1_767_323_045_000)
    write_points(folder / inner, "acc", [0.5], timestamp=1_767_323_045_000)
    (tmp_path / "dvclive.json").write_text(json.dumps({"step": 1, "only": "inf"}), "utf-8")
    assert [each.path for each in places(DvcLiveSource(), tmp_path)] == [folder]
    assert [(each.source, each.place.path) for each in survey(tmp_path).found] == [("dvclive", folder)]
    found = read(folder)
    assert {name: len(curve) for name, curve in found.curves.items()} == {"train/loss": 2, "acc": 1}
    assert found.record.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert list(found.curves["train/loss"].times_us) == [1_767_323_045_000_000, 1_767_323_046_000_000]
    assert found.record.metrics["only"].last == float("inf")
    assert found.record.metrics["only"].last_step == 1


def test_what_came_since_is_read_on_and_what_was_rewritten_is_read_again(tmp_path: Path) -> None:
    """A half-written last line waits; a new metric comes whole; a shorter file begins from its head."""
    folder = write_run(tmp_path / "live", {"loss": [3.0, 2.0]})
    table = folder / "plots" / "metrics" / "loss.tsv"
    first = read(folder)
    with table.open("a") as file:
        file.write("2\t1.5\n3\t1.")
    write_points(folder / "plots" / "metrics", "acc", [0.1, 0.2])
    second = read(folder, first.state)
    assert second.appended
    assert list(second.curves["loss"].steps) == [2]
    assert list(second.curves["acc"].values) == [0.1, 0.2]
    with table.open("a") as file:
        file.write("25\n")
    third = read(folder, second.state)
    assert (list(third.curves["loss"].values), len(third.curves["acc"])) == ([1.25], 0)
    table.write_text("step\tloss\n0\t9.0\n", "utf-8")
    again = read(folder, third.state)
    assert not again.appended
    assert list(again.curves["loss"].values) == [9.0]
    assert list(again.curves["acc"].values) == [0.1, 0.2]
    assert not read(folder, b"nonsense").appended


def test_the_stage_that_wrote_the_folder_is_told(tmp_path: Path) -> None:
    """Its command, inputs with digests, outputs, and the params that it used."""
    write_run(tmp_path / "dvclive", {"loss": [1.0]})
    digest = hashlib.md5((tmp_path / "dvclive" / "metrics.json").read_bytes()).hexdigest()
    (tmp_path / "dvc.lock").write_text(LOCK.replace("METRICS", digest), "utf-8")
    (tmp_path / "dvc.yaml").write_text(
        "artifacts:\n  best: {path: model.pt, type: model, desc: good}\n", "utf-8"
    )
    record = read(tmp_path / "dvclive").record
    assert record.name == tmp_path.name
    assert record.command.argv == ("sh", "-c", "python train.py")
    assert [(each.name, each.kind, each.files, each.bytes) for each in record.data] == [
        ("data.csv", "file", None, 12),
        ("images", "directory", 3, 99),
    ]
    assert record.params == {"lr": 0.1, "train.epochs": 5}
    assert [(each.name, each.kind) for each in record.artifacts] == [
        ("model.pt", "model"),
        ("dvclive/metrics.json", "file"),
        ("best", "model"),
    ]
    (tmp_path / "dvclive" / "metrics.json").write_text('{"loss": 7, "step": 0}', "utf-8")  # by a later run
    assert read(tmp_path / "dvclive").record.data == ()


@pytest.mark.parametrize(
    ("content", "values", "said"),
    [
        (b"", [], True),
        (b"step\tloss\n", [], False),
        (b"step\tloss\r\n0\t1\r\n1\t2\r\n", [1, 2], False),
        (b"\xef\xbb\xbfstep\tloss\n0\t1\n", [1], False),
        (b"step\tloss\n0\t1\n\0\0\0\0\n2\t3\n", [1, 3], True),
        (b"step\tloss\n0\t1\nx\t2\n1\n1\t2\t3\n2\ttwo\n3\t4\n", [1, 2, 4], True),
        (b"\x80\x81\x82", [], True),
        (b"a,b\n1,2\n", [], True),
    ],
)
def test_damaged_tables_cost_what_is_damaged(
    tmp_path: Path, content: bytes, values: list[float], said: bool
) -> None:
    """Empty, CRLF, BOM, NUL bytes, lines of too few or many cells, no table at all."""
    folder = write_run(tmp_path / "live", {"acc": [1.0]})
    (folder / "plots" / "metrics" / "loss.tsv").write_bytes(content)
    found = read(folder)
    assert list(found.curves["loss"].values) == values
    assert list(found.curves["acc"].values) == [1.0]
    assert bool(found.record.source.problems) is said


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """A folder of plots, and tables that are somebody's data."""
    (tmp_path / "data" / "plots").mkdir(parents=True)
    (tmp_path / "data" / "metrics.json").write_text("{}", "utf-8")
    (tmp_path / "data" / "words.tsv").write_text("word\tcount\na\t1\n", "utf-8")
    assert places(DvcLiveSource(), tmp_path) == []


def test_params_have_the_types_that_dvclive_gave_them(tmp_path: Path) -> None:
    """DVCLive writes YAML 1.2: small numbers without a point, and words that were truth values in YAML 1.1."""
    folder = tmp_path / "dvclive"
    (folder / "plots" / "metrics").mkdir(parents=True)
    (folder / "plots" / "metrics" / "loss.tsv").write_text("step\tloss\n0\t1e-07\n")
    (folder / "metrics.json").write_text('{"loss": 1e-07, "step": 0}')
    (folder / "params.yaml").write_text("lr: 1e-05\ns: yes\ntext: '1e-3'\n")
    (run,) = read_all(DvcLiveSource(), tmp_path).values()
    assert run.read.record.params == {"lr": 1e-05, "s": "yes", "text": "1e-3"}
