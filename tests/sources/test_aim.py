"""Aim repositories: the database alone, and what another Python with Aim's package says."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.sources.aim import client
from labtop.sources.aim.record import metric_name
from labtop.sources.aim.source import AimSource
from labtop.sources.source import RunRead
from tests.sources.peers import peer
from tests.sources.reading import corpus, places, read_all, truth
from tests.sources.same_files import fingerprint
from tests.sources.writers.aim import write_chunks, write_repository

FIRST, SECOND = "1cebaac2c6e84457a01c8c26", "5c5f83455b064c69a2ba7524"


@pytest.fixture(autouse=True)
def no_other_aim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test names is asked, whatever is installed here."""
    monkeypatch.setattr("labtop.sources.aim.client.importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("LABTOP_AIM_PYTHON", raising=False)


def read(root: Path) -> dict[str, RunRead]:
    return {
        whole.read.key: replace(whole.read, curves=whole.curves)
        for whole in read_all(AimSource(), root).values()
    }


def fake_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A program in the place of a Python with `aim`, which answers as `body` says; `name` is the run asked for."""
    script = tmp_path / "answers.py"
    script.write_text(
        f"import sys, json, os, time\nfor name in map(str.strip, sys.stdin):\n    {body}\n", "utf-8"
    )
    program = tmp_path / "python-with-aim"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -u "{script}" "$6"\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("LABTOP_AIM_PYTHON", str(program))


def test_the_database_alone_tells_names_times_tags_and_notes(tmp_path: Path) -> None:
    """And one sentence says what needs Aim's package, and how it is found."""
    place = write_repository(tmp_path / "project", [FIRST, SECOND])
    before = fingerprint(tmp_path)
    assert [each.path for each in places(AimSource(), tmp_path)] == [place]
    runs = read(tmp_path)
    record = runs[FIRST].record
    assert runs[FIRST].identity == f"aim:{FIRST}"
    assert (record.name, record.project, record.status) == ("run 1", "digits é", Status.FINISHED)
    assert record.started_at == datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert record.ended_at == datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC)
    assert (record.life.tags, record.life.notes) == (("β", "good"), "about it\n\nfirst\n\nsecond")
    assert (runs[SECOND].record.life.archived, runs[SECOND].record.status) == (True, Status.UNKNOWN)
    (said,) = record.source.problems
    assert "LABTOP_AIM_PYTHON" in said
    assert fingerprint(tmp_path) == before


def test_an_old_database_a_damaged_one_and_none_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """Missing columns and tables say nothing; runs that only the store knows are listed."""
    old = write_repository(tmp_path / "old", [FIRST], is_old=True)
    assert read(old.parent)[FIRST].record.name == "run 1"
    damaged = write_repository(tmp_path / "damaged", [FIRST])
    write_chunks(damaged, FIRST)
    content = (damaged / "run_metadata.sqlite").read_bytes()
    for broken in (b"", content[:700], b"\0" * 5000, content[:4096] + os.urandom(len(content) - 4096)):
        (damaged / "run_metadata.sqlite").write_bytes(broken)
        record = read(damaged.parent)[FIRST].record
        assert any("run_metadata.sqlite" in each for each in record.source.problems)
    (damaged / "run_metadata.sqlite").unlink()
    assert list(read(damaged.parent)) == [FIRST]


def test_a_row_without_a_hash_is_named(tmp_path: Path) -> None:
    """As damage leaves it; the other runs say that one is missing."""
    place = write_repository(tmp_path, [FIRST, SECOND])
    with closing(sqlite3.connect(place / "run_metadata.sqlite")) as connection:
        connection.execute("UPDATE run SET hash = NULL WHERE hash = ?", [SECOND])
        connection.commit()
    (whole,) = read_all(AimSource(), tmp_path).values()
    assert any("has no hash" in each for each in whole.read.record.source.problems)


def test_another_python_is_asked_about_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run's files are laid out for it; values of all kinds come back; nothing of the repository changes."""
    place = write_repository(tmp_path / "project", [FIRST, SECOND])
    write_chunks(place, FIRST)
    write_chunks(place, SECOND)
    body = """there = sorted(os.listdir(os.path.join(sys.argv[1], ".aim", "seqs", "chunks", name)))
    for part in ("meta", "seqs"):
        open(os.path.join(sys.argv[1], ".aim", part, "chunks", name, "LOG"), "w").write("rocks was here")
    print(json.dumps({"attributes": {"lr": 0.1, "files": there}, "end_time": 1767323106.5}))
    for at in range(2):
        print(json.dumps({"metric": "loss", "context": {"subset": "val"}, "steps": [at], "values": [float("nan")],
                          "times": [1767323045.25]}))
    print(json.dumps({"metric": "__system__cpu", "context": {}, "steps": [0], "values": [12.5], "times": [None]}))
    print(json.dumps({"metric": "bad", "context": {}, "error": "KeyError: 1"}))
    print(json.dumps({"other": "sample", "kind": "images", "context": {}, "step": 3}))
    print(json.dumps({"end": name}))"""
    fake_python(tmp_path, monkeypatch, body)
    before = fingerprint(place)
    found = read(tmp_path / "project")[SECOND]
    assert found.record.params == {"lr": 0.1, "files": ["000008.log", "000009.sst", "CURRENT"]}
    assert found.record.status is Status.FINISHED
    assert list(found.curves["val/loss"].steps) == [0, 1]
    assert set(found.curves["val/loss"].times_us) == {1767323045250000}
    assert list(found.curves["system/cpu"].values) == [12.5]
    assert [(each.name, each.kind, each.step) for each in found.record.artifacts] == [("sample", "image", 3)]
    assert found.record.source.problems == ("bad: KeyError: 1",)
    assert fingerprint(place) == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit('ModuleNotFoundError: no aim')", "no aim"),
        ("print('garbage'); sys.stdout.flush(); time.sleep(9)", "the aim package cannot read it"),
        ("time.sleep(60)", "said nothing for"),
        (
            "print(json.dumps({'error': 'RocksIOError: cut'})); print(json.dumps({'end': name}))",
            "RocksIOError: cut",
        ),
    ],
)
def test_a_process_that_fails_costs_metrics_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    """It may end, print something else, or hang."""
    monkeypatch.setattr(client, "SILENT_S", 1.0)
    write_chunks(write_repository(tmp_path / "project", [FIRST]), FIRST)
    fake_python(tmp_path, monkeypatch, body)
    record = read(tmp_path / "project")[FIRST].record
    assert record.name == "run 1"
    assert any(said in each for each in record.source.problems)


def test_a_python_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is shown."""
    write_chunks(write_repository(tmp_path / "project", [FIRST]), FIRST)
    monkeypatch.setenv("LABTOP_AIM_PYTHON", str(tmp_path / "nowhere"))
    assert any(
        "nowhere cannot be run" in each for each in read(tmp_path / "project")[FIRST].record.source.problems
    )


def test_the_python_of_the_command_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first line of the script that pip wrote."""
    command = tmp_path / "aim"
    command.write_text(f"#!{sys.executable}\n", "utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert client.find_python() == sys.executable


@pytest.mark.parametrize(
    ("name", "context", "shown"),
    [
        ("loss", {}, "loss"),
        ("loss", {"subset": "val"}, "val/loss"),
        ("loss", {"subset": "val", "fold": 2, "a": "b"}, "val/loss[a=b, fold=2]"),
        ("__system__gpu", {"gpu": 0}, "system/gpu[gpu=0]"),
    ],
)
def test_a_context_becomes_part_of_the_name(name: str, context: dict[str, object], shown: str) -> None:
    """So that series of one name stay apart."""
    assert metric_name(name, context) == shown


@pytest.mark.client("aim")
def test_the_corpus_is_read_as_aim_itself_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs of a repository that was never indexed, with every point; the repository stays as it was."""
    root = corpus("gen-aim")
    monkeypatch.setenv("LABTOP_AIM_PYTHON", str(peer("aim")))
    before = fingerprint(root)
    runs = read(root)
    told = truth("gen-aim-dev")
    assert len(runs) == told["n_runs"]
    for each in told["runs"]:
        found = runs[each["hash"]]
        record = found.record
        assert (record.name, record.project, record.life.tags) == (
            each["name"],
            each["experiment"],
            tuple(each["tags"]),
        )
        assert record.life.archived is each["archived"]
        assert record.params == each["params"]
        assert record.started_at is not None
        assert record.started_at.timestamp() == pytest.approx(each["created_at"], abs=1e-6)
        assert record.ended_at is not None
        assert record.ended_at.timestamp() == pytest.approx(each["end_time"], abs=1e-6)
        assert sum(map(len, found.curves.values())) == each["n_points"]
        for name, last in each["metrics"].items():
            metric, _, context = name.partition("|")
            subset = context.split('"')[3]
            curve = found.curves[f"{subset}/{metric}"]
            assert (len(curve), curve.steps[-1]) == (last["n"], last["last_step"])
            assert str(curve.values[-1]) == str(float(last["last"]))
    assert fingerprint(root) == before
