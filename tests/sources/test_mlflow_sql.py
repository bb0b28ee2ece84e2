"""MLflow's databases: every age of the schema, what only they know, growth and damage."""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from labtop.errors import InputError
from labtop.model.run import ModelVersion, Status
from labtop.sources.mlflow import sql, sql_many, sql_points
from labtop.sources.mlflow.files import MlflowFiles
from labtop.sources.mlflow.sql import MlflowSql
from labtop.sources.source import Curve, Listing, RunRead, RunRef
from tests.sources.reading import places, read_all
from tests.sources.same_files import fingerprint
from tests.sources.writers.mlflow_files import START, run_id, write_experiment, write_run
from tests.sources.writers.mlflow_sql import AGES, Database

SOURCE = MlflowSql()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database as MLflow makes it today."""
    return Database(tmp_path / "mlflow.db")


def _reads(path: Path) -> dict[str, RunRead]:
    return {each.key: each for each in SOURCE.read(path, list(SOURCE.runs(path)))}


@pytest.mark.parametrize("age", AGES)
def test_databases_of_every_age_are_read(tmp_path: Path, age: str) -> None:
    """Runs, params, tags and points; steps are rows where there was no step yet."""
    database = Database(tmp_path / "any name.sqlite", age)
    for number in (1, 2):
        run = database.run(number)
        database.add("params", key="lr", value="0.10", run_uuid=run)
        database.add("tags", key="team", value="vision", run_uuid=run)
        database.points(run, "val/f1 score", [(0.5, START, 4), (0.25, START + 1, 2), (1e308, START + 2, 6)])
        database.points(run, "a", [(number, START, 0)])
    database.run(3)
    whole = read_all(SOURCE, tmp_path)
    assert {each.read.record.source.run_id for each in whole.values()} == {run_id(1), run_id(2), run_id(3)}
    for number in (1, 2):
        each = whole[f"any name.sqlite:{run_id(number)}"]
        record, curve = each.read.record, each.curves["val/f1 score"]
        assert (record.name, record.project, record.status) == (f"run-{number}", "digits", Status.FINISHED)
        assert record.params == {"lr": 0.1}
        assert record.source.texts == {"lr": "0.10"}
        assert record.life.tags == ("mlflow.user=me", "team=vision")
        assert (record.code.commit, record.command.entry_point) == ("c0ffee", "train.py")
        ordered = [(0, 0.5), (1, 0.25), (2, 1e308)] if age == "0.9" else [(2, 0.25), (4, 0.5), (6, 1e308)]
        assert [*zip(curve.steps, curve.values, strict=True)] == ordered
        assert sorted(curve.times_us) == [START * 1000, (START + 1) * 1000, (START + 2) * 1000]
        assert [*each.curves["a"].values] == [number]
    assert whole[f"any name.sqlite:{run_id(3)}"].curves == {}


def test_nan_and_infinities_are_what_was_logged(database: Database) -> None:
    """A flag, and the largest doubles; NULL in some old ones."""
    run = database.run()
    largest = 1.7976931348623157e308
    database.points(run, "m", [(0.0, START, 0)], is_nan=True)
    database.points(run, "m", [(largest, START, 1), (-largest, START, 2), (0.0, START, 3)])
    values = _reads(database.path)[run].curves["m"].values
    assert math.isnan(values[0])
    assert [*values[1:]] == [math.inf, -math.inf, 0.0]
    old = Database(database.path.with_name("old.db"), "1.0")
    old.points(old.run(), "m", [(None, START, 0), (1.0, START, 1)])
    values = _reads(old.path)[run].curves["m"].values
    assert math.isnan(values[0])
    assert values[1] == 1


def test_points_come_in_the_order_of_mlflow(database: Database) -> None:
    """By step, then time, then value; steps beyond any double are told."""
    run = database.run()
    rows = [(9.0, START, 10), (1.0, START + 2, 5), (2.0, START + 1, 5), (7.0, START, -1), (8.0, START, 10)]
    database.points(run, "m", rows)
    database.points(run, "big", [(1.0, START, 2**53 + 1)])
    read = _reads(database.path)[run]
    curve = read.curves["m"]
    assert [*zip(curve.steps, curve.values, strict=True)] == [(-1, 7), (5, 2), (5, 1), (10, 8), (10, 9)]
    assert read.record.source.problems == ("metric big: steps beyond 2^53 are rounded",)


def test_values_that_are_no_numbers_cost_their_points(database: Database) -> None:
    """SQLite keeps whatever was put into a column."""
    run = database.run()
    database.points(run, "m", [(1.0, START, 0), (2.0, START, 1)])
    database.execute("UPDATE metrics SET value = 'what' WHERE step = 0")
    database.execute("UPDATE metrics SET timestamp = 'when' WHERE step = 1")
    read = _reads(database.path)[run]
    assert [*read.curves["m"].values] == [2]
    assert read.record.source.problems == ("metric m: 1 rows hold no number",)


def test_a_run_in_a_store_and_in_two_databases_is_one(tmp_path: Path) -> None:
    """Its identity says so, and the same curves are read of all."""
    rows = [(float(step % 7), START + step, step) for step in range(20)]
    lines = "".join(f"{time} {value} {step}\n" for value, time, step in rows)
    write_run(write_experiment(tmp_path / "mlruns", "0", "digits"), 5, metrics={"m": lines})
    (from_files,) = read_all(MlflowFiles(), tmp_path).values()
    for name in ("a.db", "b.db"):
        database = Database(tmp_path / name)
        database.points(database.run(5), "m", rows)
        (read,) = _reads(tmp_path / name).values()
        assert read.identity == from_files.read.identity == f"mlflow:{run_id(5)}"
        assert read.curves["m"] == from_files.curves["m"]


def test_data_sets_models_and_versions_belong_to_their_run(database: Database) -> None:
    """Inputs with context, models of MLflow 3, versions with stages and aliases."""
    run = database.run(1)
    database.add(
        "datasets",
        dataset_uuid="d",
        name="train",
        digest="4f2a",
        dataset_source_type="hugging_face",
        dataset_source='{"path": "imdb"}',
        dataset_profile='{"num_rows": 5}',
    )
    database.add(
        "inputs",
        input_uuid="i",
        source_type="DATASET",
        source_id="d",
        destination_type="RUN",
        destination_id=run,
    )
    database.add("input_tags", input_uuid="i", name="mlflow.data.context", value="training")
    database.add(
        "logged_models", model_id="m-1", name="net", artifact_location="/m", status=2, source_run_id=run
    )
    database.add("model_versions", name="digits", version=10, run_id=run, current_stage="None")
    database.add("model_versions", name="digits", version=9, run_id=run, current_stage="Staging")
    database.add("model_versions", name="digits", version=8, run_id=run, current_stage="Deleted_Internal")
    database.add("registered_model_aliases", name="digits", alias="best", version=10)
    record = _reads(database.path)[run].record
    (data,) = record.data
    assert (data.name, data.uri, data.kind, data.rows, data.split) == (
        "train",
        "imdb",
        "hugging_face",
        5,
        "training",
    )
    assert [(each.name, each.uri, each.about["status"]) for each in record.artifacts] == [
        ("net", "/m", "READY")
    ]
    assert record.source.models == (
        ModelVersion(name="digits", version="9", stage="Staging"),
        ModelVersion(name="digits", version="10", aliases=("best",)),
    )


def test_what_was_deleted_is_archived_and_what_runs_tells_since_when(database: Database) -> None:
    """A deleted run, a deleted experiment; the last point of one that has not ended."""
    database.add("experiments", experiment_id=4, name="gone", lifecycle_stage="deleted")
    database.run(1, lifecycle_stage="deleted")
    database.run(2, experiment_id=4)
    database.points(database.run(3, status="RUNNING", end_time=None), "m", [(1.0, START + 5000, 0)])
    database.run(4, status="SCHEDULED", end_time=None)
    reads = _reads(database.path)
    assert [reads[run_id(number)].record.life.archived for number in (1, 2, 3)] == [True, True, False]
    assert reads[run_id(2)].record.project == "gone"
    assert (reads[run_id(3)].record.status, reads[run_id(3)].last_write) == (Status.RUNNING, START / 1000 + 5)
    assert (reads[run_id(4)].record.status, reads[run_id(4)].last_write) == (Status.UNKNOWN, START / 1000)


def test_artifacts_beside_the_database_are_listed(database: Database) -> None:
    """`mlruns/` that a database's runs write to is no file store, and holds their files."""
    run = database.run(1)
    other = database.run(2)
    folder = database.path.parent / "mlruns" / "0" / run / "artifacts"
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text("x")
    reads = _reads(database.path)
    assert [(each.name, each.bytes) for each in reads[run].record.artifacts] == [("model.txt", 1)]
    (elsewhere,) = reads[other].record.artifacts
    assert (elsewhere.kind, elsewhere.uri) == ("folder", f"s3://bucket/0/{other}/artifacts")
    assert read_all(MlflowFiles(), database.path.parent) == {}


def test_a_run_without_artifacts_lists_none(database: Database) -> None:
    """Its folder would lie below the database, or beside those of its experiment; elsewhere it may be there."""
    home = database.path.parent
    addresses = [
        f"{home}/art/1",
        f"file://{home}/art/2",
        "/other/machine/art",
        f"{home}/../up",
        "mlflow-artifacts:/0/x",
    ]
    runs = [database.run(number, artifact_uri=each) for number, each in enumerate(addresses)]
    (home / "art" / "2").mkdir(parents=True)
    (home / "art" / "2" / "a.txt").write_text("x")
    reads = {key: each.record.artifacts for key, each in _reads(database.path).items()}
    told = [[(each.name, each.kind) for each in reads[run]] for run in runs]
    away = [("artifacts", "folder")]
    assert told == [[], [("a.txt", "file")], away, away, away]
    (home / "mlruns" / "0").mkdir(parents=True)
    reads = {key: each.record.artifacts for key, each in _reads(database.path).items()}
    assert not reads[runs[4]]


def test_some_runs_can_be_read_and_those_that_are_gone_are_left_out(database: Database) -> None:
    """Whatever refs are given, in any order."""
    for number in range(5):
        database.points(database.run(number), "m", [(float(number), START, 0)])
    wanted = [RunRef(run_id(number), "") for number in (3, 99, 1)]
    assert [each.key for each in SOURCE.read(database.path, wanted)] == [run_id(3), run_id(1)]


def test_a_version_changes_with_whatever_is_read(database: Database) -> None:
    """Points that are not the latest too, tags written over, names, registry; and of one run only."""
    run, other = database.run(1), database.run(2)
    database.add("tags", key="t", value="1", run_uuid=run)
    database.points(run, "m", [(1.0, START, 10)])
    before = {ref.key: ref.version for ref in SOURCE.runs(database.path)}
    for statement in (
        f"INSERT INTO metrics VALUES ('m', 2.0, {START}, '{run}', 5, 0)",
        f"INSERT INTO params VALUES ('p', '1', '{run}')",
        f"UPDATE tags SET value = '2' WHERE run_uuid = '{run}'",
        f"UPDATE runs SET status = 'FAILED' WHERE run_uuid = '{run}'",
        f"INSERT INTO model_versions (name, version, run_id, current_stage) VALUES ('m', 1, '{run}', 'None')",
        "UPDATE model_versions SET current_stage = 'Production'",
        "INSERT INTO registered_model_aliases VALUES ('best', 1, 'm')",
        f"INSERT INTO inputs VALUES ('i', 'DATASET', 'd', 'RUN', '{run}')",
    ):
        database.execute(statement)
        after = {ref.key: ref.version for ref in SOURCE.runs(database.path)}
        assert after[run] != before[run], statement
        assert after[other] == before[other], statement
        before = after


def _again(database: Database, before: RunRead) -> RunRead:
    (ref,) = SOURCE.runs(database.path)
    (read,) = SOURCE.read(database.path, [RunRef(ref.key, ref.version, ref.size, before.state)])
    return read


def test_a_run_that_grows_is_read_on_from_its_last_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rows alone come; all do where rows got other numbers or a step comes before those known."""
    monkeypatch.setattr(sql_points, "_WORTH", 1)
    run = database.run(1)
    database.points(run, "m", [(1.0, START, 0), (2.0, START, 1)])
    first = _reads(database.path)[run]
    assert (first.appended, len(first.curves["m"])) == (False, 2)
    database.points(run, "m", [(3.0, START, 2)])
    database.points(run, "new", [(1.0, START, 0)])
    second = _again(database, first)
    assert (second.appended, [*second.curves["m"].values], len(second.curves["new"])) == (True, [3], 1)
    nothing = _again(database, second)
    assert (nothing.appended, nothing.curves) == (True, {})
    database.points(run, "m", [(4.0, START, 1)])
    third = _again(database, nothing)
    assert (third.appended, len(third.curves["m"])) == (False, 4)
    database.execute("DELETE FROM metrics WHERE value = 2.0")
    assert len(_again(database, third).curves["m"]) == 3
    for state in (b"", b"[]", b"{}", b"[1, 2, 3]", b'["a", 1, {}]', b"\xff"):
        read = _again(database, RunRead(key=run, record=third.record, state=state))
        assert (read.appended, len(read.curves["m"])) == (False, 3)


@pytest.mark.parametrize("age", ["1.5", "3"])
def test_long_runs_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: str) -> None:
    """Every point once."""
    monkeypatch.setattr(sql_points, "_PIECE", 10)
    database = Database(tmp_path / "mlflow.db", age)
    run = database.run(1)
    database.points(run, "a", [(float(step), START, step) for step in range(25)])
    database.points(run, "b", [(float(step), START, step) for step in range(5)])
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert [*whole.curves["a"].values] == [*range(25)]
    assert [*whole.curves["b"].values] == [*range(5)]
    assert len(list(SOURCE.read(database.path, list(SOURCE.runs(database.path))))) > 1


def test_other_databases_are_not_claimed(tmp_path: Path) -> None:
    """Tables of the same names with other columns; files that only end so; what is named like anything."""
    with closing(sqlite3.connect(tmp_path / "mine.db")) as connection:
        connection.executescript(
            "CREATE TABLE runs (id, name); CREATE TABLE experiments (id); CREATE TABLE metrics (a)"
        )
    (tmp_path / "text.db").write_text("experiments runs")
    (tmp_path / "empty.sqlite").write_bytes(b"")
    Database(tmp_path / "notes.txt")
    assert places(SOURCE, tmp_path) == []
    named = Listing(tmp_path, ("notes.txt",), (), is_named=True)
    assert [each.path.name for each in SOURCE.detect(named)] == ["notes.txt"]


def test_nothing_is_written_and_what_is_in_the_log_is_read(database: Database, tmp_path: Path) -> None:
    """A database in WAL mode that its writer still holds open."""
    run = database.run(1)
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO metrics VALUES ('m', 2.0, ?, ?, 0, 0)", [START, run])
        connection.commit()
        before = fingerprint(tmp_path)
        assert [each.path for each in places(SOURCE, tmp_path)] == [database.path]
        assert [*_reads(database.path)[run].curves["m"].values] == [2]
        assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("age", ["1.5", "3"])
def test_damage_costs_what_it_damages(tmp_path: Path, age: str) -> None:
    """Pages full of rubbish, bits flipped, files cut off: runs that can be read are read, else a reason is given."""
    database = Database(tmp_path / "mlflow.db", age)
    for number in range(30):
        run = database.run(number)
        with closing(sqlite3.connect(database.path)) as connection:
            rows = [("m", step * 0.5, START + step, run, step, 0) for step in range(60)]
            connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.commit()
    whole = database.path.read_bytes()
    chance = random.Random(0)
    points = 0
    for case in range(60):
        content = bytearray(whole)
        if case % 3 == 0:
            at = chance.randrange(1, len(content) // 4096) * 4096
            content[at : at + 4096] = chance.randbytes(4096)
        elif case % 3 == 1:
            for _ in range(20):
                content[chance.randrange(4096, len(content))] ^= 1 << chance.randrange(8)
        else:
            del content[chance.randrange(4096, len(content)) :]
        database.path.write_bytes(content)
        with contextlib.suppress(InputError):
            points += sum(
                len(each) for read in _reads(database.path).values() for each in read.curves.values()
            )
    assert points > 60 * 30 * 60 * 0.3


@pytest.mark.parametrize("age", ["1.5", "1.23", "3"])
def test_many_runs_at_once_are_the_same_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    """Runs that were logged one after the other and at once, with NaN, infinities, and steps in any order."""
    database = Database(tmp_path / "mlflow.db", age)
    chance = random.Random(3)
    runs = [database.run(number) for number in range(40)]
    largest = 1.7976931348623157e308
    rows = [
        (
            f"m{n % 3}",
            chance.choice((largest, -largest, 0.0, 1.0, chance.random())),
            START + n,
            runs[n // 300] if n < 6000 else chance.choice(runs[20:]),
            n % 300 if n % 50 else chance.randrange(300),
            int(n % 97 == 0),
        )
        for n in range(12_000)
    ]
    with closing(sqlite3.connect(database.path)) as connection:
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    seen: list[int] = []
    many = sql_many.points_of_many

    def counted(*arguments: Any) -> dict[str, dict[str, Curve]]:
        found = many(*arguments)
        seen.append(len(found))
        return found

    monkeypatch.setattr(sql, "points_of_many", counted)
    at_once = {key: (repr(each.curves), each.state) for key, each in _reads(database.path).items()}
    assert seen == [40]
    monkeypatch.setattr(sql, "points_of_many", lambda *_: {})
    assert {key: (repr(each.curves), each.state) for key, each in _reads(database.path).items()} == at_once
    assert (
        sum(len(each) for read in _reads(database.path).values() for each in read.curves.values()) == 12_000
    )
    assert seen == [40]


def test_runs_far_apart_are_read_one_by_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of many: the pages between them are not looked at."""
    for number in range(30):
        rows = [(float(step), START, step) for step in range(100)]
        database.points(database.run(number), "m", rows)
    monkeypatch.setattr(sql_many, "read_cells", lambda *_: pytest.fail("all pages were read"))
    refs = {ref.key: ref for ref in SOURCE.runs(database.path)}
    reads = list(SOURCE.read(database.path, [refs[run_id(0)], refs[run_id(29)]]))
    assert [len(each.curves["m"]) for each in reads] == [100, 100]
