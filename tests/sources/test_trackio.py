"""Runs of Trackio: databases of all ages, fragments that wait, and exports."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import ModelVersion, Status
from labtop.sources.source import Listing, RunRead
from labtop.sources.trackio import Trackio, database
from tests.sources.reading import Whole, corpus, listing, read_all, truth
from tests.sources.writers.trackio import WHEN, fragment_record, insert, log, make_database, write_fragment

A, B = "a" * 32, "b" * 32


def runs_of(root: Path) -> dict[str, Whole]:
    return {str(each.read.record.source.run_id): each for each in read_all(Trackio(), root).values()}


def read_again(path: Path, before: RunRead | None = None) -> RunRead:
    """Read the only run of a database, on from where it was read to."""
    source = Trackio()
    (ref,) = source.runs(path)
    state = before.state if before else None
    reads = list(source.read(path, [type(ref)(ref.key, ref.version, ref.size, state)]))
    assert len(reads) == 1
    return reads[0]


def test_corpus_is_read_as_its_truth_says() -> None:
    """Rows, points, first times and last values of real databases; both runs called `dup` are there."""
    runs = read_all(Trackio(), corpus("gen-trackio"))
    for file, told in truth("gen-trackio")["files"].items():
        if not file.endswith(".db"):
            continue
        for run_id, each in told["runs"].items():
            run = runs[f"{file}:{run_id}"]
            assert (run.read.record.name, run.points) == (each["run_name"], each["n_points"])
            last = {name: [curve.steps[-1], curve.values[-1]] for name, curve in run.curves.items()}
            told_last = {name: [float(step), float(value)] for name, (step, value) in each["last"].items()}
            assert repr(dict(sorted(told_last.items()))) == repr(dict(sorted(last.items())))


def test_export_is_the_same_runs_as_the_database() -> None:
    """The static export of the corpus gives the identities, points and configurations of its databases."""
    found: dict[str, list[Whole]] = {}
    for run in read_all(Trackio(), corpus("gen-trackio")).values():
        found.setdefault(run.read.identity, []).append(run)
    assert len(found) == 8
    for first, second in found.values():
        assert first.points == second.points
        assert first.read.record.name == second.read.record.name
        for name, curve in first.curves.items():
            assert list(curve.steps) == list(second.curves[name].steps)
            assert list(curve.times_us) == list(second.curves[name].times_us)
            assert all(
                a == b or (math.isnan(a) and math.isnan(b))
                for a, b in zip(curve.values, second.curves[name].values, strict=True)
            )


def test_every_number_arrives(tmp_path: Path) -> None:
    """Words for NaN and infinities are numbers, mappings are nested, truth values are 0 and 1, system metrics count."""
    path = make_database(tmp_path / "p.db")
    log(
        path,
        A,
        "one",
        [{"loss": "NaN", "n": {"a": 1, "b": {"c": 2}}}, {"loss": "-Infinity", "ok": True, "say": "hi"}],
    )
    insert(
        path,
        "system_metrics",
        [{"run_id": A, "run_name": "one", "timestamp": WHEN, "metrics": {"gpu": {"util": 50}}}],
    )
    run = runs_of(tmp_path)[A]
    assert math.isnan(run.curves["loss"].values[0])
    assert run.curves["loss"].values[1] == -math.inf
    assert list(run.curves["n/b/c"].values) == [2]
    assert list(run.curves["ok"].values) == [1]
    assert list(run.curves["system/gpu/util"].values) == [50]
    assert run.curves["loss"].times_us[1] - run.curves["loss"].times_us[0] == 1_000_000
    assert run.read.record.summary == {"say": "hi"}
    assert run.read.record.status is Status.UNKNOWN


def test_configuration_has_its_places(tmp_path: Path) -> None:
    """Inner keys become group and start, all others stay parameters with their types."""
    path = make_database(tmp_path / "p.db")
    config = {"lr": 0.1, "net": {"depth": 2}, "seed": 5, "_Group": "g", "_Created": WHEN, "_Username": None}
    insert(path, "configs", [{"run_id": A, "run_name": "one", "config": config, "created_at": WHEN}])
    record = runs_of(tmp_path)[A].read.record
    assert record.params == {"lr": 0.1, "net": {"depth": 2}, "seed": 5}
    assert (record.life.group, dict(record.randomness.seeds)) == ("g", {"seed": 5})
    assert record.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_old_database_is_read_by_names(tmp_path: Path) -> None:
    """Before 0.24 a name is the id of a run; its local times are told by the time at which it was made."""
    path = make_database(tmp_path / "p.db", is_old=True)
    insert(
        path,
        "metrics",
        [{"run_name": "one", "timestamp": "2026-01-02T05:34:07", "step": 3, "metrics": {"x": 1}}],
    )
    config = {"lr": 1, "_Created": WHEN}
    insert(path, "configs", [{"run_name": "one", "config": config, "created_at": "2026-01-02T05:34:06"}])
    run = runs_of(tmp_path)["one"]
    assert (run.read.identity, run.read.record.params) == ("", {"lr": 1})
    ahead = datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC).timestamp()
    assert run.curves["x"].times_us[0] == round(ahead * 1e6)
    assert run.curves["x"].steps[0] == 3


def test_a_database_of_the_first_versions_has_points_alone(tmp_path: Path) -> None:
    """0.1 and 0.2 kept no configurations; a table `metrics` with other columns is somebody else's."""
    tables = {
        "p": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT",
        "other": "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, value REAL",
    }
    for name, columns in tables.items():
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as connection:
            connection.execute(f"CREATE TABLE metrics ({columns})")
            connection.commit()
    row = {"run_name": "one", "timestamp": "2025-08-02T05:34:07", "step": 3, "metrics": '{"x": 1.5}'}
    insert(tmp_path / "p.db", "metrics", [row])
    runs = runs_of(tmp_path)
    assert [(name, list(run.curves["x"].values)) for name, run in runs.items()] == [("one", [1.5])]


def test_what_is_linked_to_a_run_arrives(tmp_path: Path) -> None:
    """Artifacts that a run made or used, registered versions, alerts and rich values are listed by reference."""
    path = make_database(tmp_path / "myproject.db")
    digest = "c" * 64
    log(path, A, "one", [{"img": {"_type": "trackio.image", "file_path": "p/one/0/x.png", "caption": "cat"},
                          "h": {"_type": "trackio.histogram", "bins": [0, 1], "values": [3]},
                          "bad": {"_type": "trackio.image", "file_path": "../../x"}}])  # fmt: skip
    insert(path, "alerts", [{"run_id": A, "run_name": "one", "title": "NaN!", "level": "error", "step": 4}])
    insert(path, "artifacts", [{"name": "net", "type": "model"}])
    manifest = [{"path": "m.bin", "digest": digest, "size": 9}]
    insert(
        path, "artifact_versions", [{"artifact_id": 1, "version": 0, "manifest": manifest, "size_bytes": 9}]
    )
    link = {"run_id": A, "run_name": "one", "artifact_version_id": 1, "direction": "output"}
    insert(path, "run_artifact_links", [link, {**link, "direction": "input", "run_id": None}])
    registry = tmp_path / "registry-models.db"
    with closing(sqlite3.connect(registry)) as connection:
        connection.executescript("""
            CREATE TABLE collections (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE collection_links (id INTEGER PRIMARY KEY, collection_id INTEGER, collection_version INTEGER,
                source_project TEXT, source_artifact TEXT, source_version INTEGER);
            CREATE TABLE collection_aliases (collection_id INTEGER, alias TEXT, link_id INTEGER);
            INSERT INTO collections VALUES (1, 'churn');
            INSERT INTO collection_links VALUES (1, 1, 7, 'my project', 'net', 0);
            INSERT INTO collection_aliases VALUES (1, 'prod', 1);
        """)
    record = runs_of(tmp_path)[A].read.record
    found = {each.name: each for each in record.artifacts}
    assert found["img"].uri == str(tmp_path / "media" / "p" / "one" / "0" / "x.png")
    assert found["bad"].uri == "../../x"
    assert found["h"].kind == "histogram"
    assert (found["NaN!"].kind, found["NaN!"].step) == ("alert", 4)
    assert (found["net:v0/m.bin"].sha256, found["net:v0/m.bin"].bytes) == (digest, 9)
    assert record.data[0].name == "net:v0"
    assert record.source.models == (ModelVersion(name="models/churn", version="7", aliases=("prod",)),)
    assert record.project == "my project"


def test_growing_run_is_read_on(tmp_path: Path) -> None:
    """What was read is not read again; when rows are gone everything is."""
    path = make_database(tmp_path / "p.db")
    log(path, A, "one", [{"x": 1}, {"x": 2}])
    first = read_again(path)
    log(path, A, "one", [{"x": 3}], 2)
    second = read_again(path, first)
    assert (first.appended, second.appended, list(second.curves["x"].values)) == (False, True, [3])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM metrics WHERE step = 0")
        connection.commit()
    third = read_again(path, second)
    assert (third.appended, list(third.curves["x"].values)) == (False, [2, 3])


def test_version_changes_with_any_table(tmp_path: Path) -> None:
    """A run is read again after a log call, an alert or another name."""
    path = make_database(tmp_path / "p.db")
    log(path, A, "one", [{"x": 1}])
    seen = {next(iter(Trackio().runs(path))).version}
    insert(path, "alerts", [{"run_id": A, "run_name": "one", "title": "t", "level": "info"}])
    seen.add(next(iter(Trackio().runs(path))).version)
    log(path, A, "one", [{"x": 1}], 1)
    seen.add(next(iter(Trackio().runs(path))).version)
    assert len(seen) == 3


def test_long_run_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run longer than what is held at a time is all there, in order."""
    monkeypatch.setattr(database, "_PIECE", 10)
    path = make_database(tmp_path / "p.db")
    log(path, A, "one", [{"x": each} for each in range(35)])
    assert list(runs_of(tmp_path)[A].curves["x"].values) == [*range(35)]


def test_fragments_join_their_database(tmp_path: Path) -> None:
    """What waits in the inbox belongs to its run; what was folded in already is not counted twice."""
    path = make_database(tmp_path / "myproject.db")
    log(path, A, "one", [{"x": 0}, {"x": 1}])
    records = [fragment_record("my project", "one", A, step, {"x": step}) for step in (1, 2)]
    records.append(fragment_record("my project", "two", B, 0, {"x": 5}, config={"lr": 1}))
    write_fragment(tmp_path / "inbox", records)
    runs = runs_of(tmp_path)
    assert list(runs[A].curves["x"].values) == [0, 1, 2]
    assert (runs[B].read.record.project, runs[B].read.record.params) == ("my project", {"lr": 1})
    assert len(runs) == 2


def test_inbox_alone_is_read(tmp_path: Path) -> None:
    """Fragments of a project without a database are runs; a half-written line is told."""
    path = write_fragment(tmp_path / "inbox", [fragment_record("my project", "one", A, 0, {"x": 1})])
    with path.open("a") as file:
        file.write('{"kind": "met')
    run = runs_of(tmp_path)[A]
    assert (run.read.record.project, run.points) == ("my project", 1)
    assert "1 lines are no JSON" in run.read.record.source.problems[0]


def test_project_exported_beside_its_database_is_no_second_one(tmp_path: Path) -> None:
    """Parquet tables beside a database are its export; without it they are read."""
    import pyarrow as pa
    from pyarrow import parquet

    path = make_database(tmp_path / "p.db")
    log(path, A, "one", [{"x": 1}])
    rows = {
        "id": [1],
        "run_id": [A],
        "run_name": ["one"],
        "timestamp": [WHEN],
        "step": [0],
        "x": [1.0],
        "n": [{"a": 2}],
    }
    parquet.write_table(pa.table(rows), tmp_path / "p.parquet")
    configs = {
        "id": [1],
        "run_id": [A],
        "run_name": ["one"],
        "created_at": [WHEN],
        "lr": [0.1],
        "gone": [None],
    }
    parquet.write_table(pa.table(configs), tmp_path / "p_configs.parquet")
    assert len(read_all(Trackio(), tmp_path)) == 1
    for each in tmp_path.glob("p.[dl]*"):
        each.unlink()
    run = runs_of(tmp_path)[A]
    assert (run.read.record.project, run.read.record.params) == ("p", {"lr": 0.1})
    assert {name: list(curve.values) for name, curve in run.curves.items()} == {"x": [1], "n/a": [2]}


@pytest.mark.parametrize(
    "damage", [b"", b"SQLite format 3\0", b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_other_files_are_not_claimed(tmp_path: Path, damage: bytes) -> None:
    """Databases of others, and what only has their name, are nobody's runs here."""
    (tmp_path / "x.db").write_bytes(damage)
    (tmp_path / "x.lock").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE metrics (a)")
        connection.commit()
    assert read_all(Trackio(), tmp_path) == {}


def test_damaged_rows_cost_themselves(tmp_path: Path) -> None:
    """A row that is no JSON is told; the others are read."""
    path = make_database(tmp_path / "p.db")
    insert(path, "metrics", [
        {"run_id": A, "run_name": "one", "timestamp": "?", "step": 0, "metrics": b"{\"x\": "},
        {"run_id": A, "run_name": "one", "timestamp": "?", "step": 1, "metrics": b'{"x": 1, "caf\xe9": 2}'},
    ])  # fmt: skip
    run = runs_of(tmp_path)[A]
    assert (run.points, run.read.record.source.problems) == (2, ("metrics: 1 rows are no JSON",))


def test_truncated_database_ends_with_an_error_or_runs(tmp_path: Path) -> None:
    """Whatever was cut off, nothing but what sources may raise is raised."""
    from labtop.errors import InputError

    path = make_database(tmp_path / "p.db")
    log(path, A, "one", [{"x": each, "pad": "x" * 200} for each in range(200)])
    whole = path.read_bytes()
    for cut in range(0, len(whole), max(1, len(whole) // 12)):
        path.write_bytes(whole[:cut])
        try:
            read_all(Trackio(), tmp_path)
        except InputError:
            continue


def test_nothing_is_written(tmp_path: Path) -> None:
    """Reading a database whose log holds the newest rows leaves every file as it was."""
    path = make_database(tmp_path / "p.db")
    writer: Any
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(
            "INSERT INTO metrics (run_id, run_name, timestamp, step, metrics) VALUES (?, 'one', '', 0, '{\"x\": 1}')",
            [A],
        )
        writer.commit()
        before = {
            each.name: hashlib.sha256(each.read_bytes()).digest() for each in sorted(tmp_path.iterdir())
        }
        assert runs_of(tmp_path)[A].points == 1
        after = {each.name: hashlib.sha256(each.read_bytes()).digest() for each in sorted(tmp_path.iterdir())}
    assert before == after


def test_named_database_opens(tmp_path: Path) -> None:
    """A database that a person names is a place, whatever lies beside it."""
    path = make_database(tmp_path / "p.db")
    found = list(Trackio().detect(Listing(tmp_path, ("p.db",), (), is_named=True)))
    assert [each.path for each in found] == [path]
    assert [each.path for each in Trackio().detect(listing(tmp_path))] == [path]
