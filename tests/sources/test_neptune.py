"""Runs of Neptune, from what its exporter writes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import ModelVersion, Status
from labtop.sources.neptune import Neptune
from labtop.sources.neptune import source as neptune_source
from labtop.sources.source import Curve, Listing
from tests.sources.reading import Whole, corpus, read_all, truth
from tests.sources.writers.neptune import Row, safe, write_run

WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def facts(name: str = "first", **others: Any) -> list[Row]:
    return [
        ("sys/name", "string", name, None),
        ("sys/creation_time", "datetime", WHEN, None),
        *((path.replace("__", "/"), kind, value, None) for path, (kind, value) in others.items()),
    ]


def series(path: str, values: list[float | None], first: float = 0) -> list[Row]:
    return [(path, "float_series", value, first + index) for index, value in enumerate(values)]


def only(root: Path) -> Whole:
    (run,) = read_all(Neptune(), root).values()
    return run


def test_corpus_is_read_as_its_truth_says() -> None:
    """Names, projects, params, points and last values of a real export are those that the exporter was given."""
    runs = {
        run.read.record.source.run_id: run
        for run in read_all(Neptune(), corpus("gen-neptune-exporter")).values()
    }
    told = truth("gen-neptune-exporter")
    assert len(runs) == told["n_runs"]
    assert sum(run.points for run in runs.values()) == told["n_points"]
    for each in told["runs"]:
        run, record = runs[each["run_id"]], runs[each["run_id"]].read.record
        assert (record.name, record.project, run.points) == (each["name"], each["project"], each["n_points"])
        assert record.started_at == datetime.fromisoformat(each["created"])
        assert json.loads(json.dumps(record.params)) == each["params"]
        assert {name: [c.steps[-1], c.values[-1]] for name, c in run.curves.items()} == each["last"]


def test_facts_have_their_places(tmp_path: Path) -> None:
    """What Neptune knows of a run is told where labtop tells it, everything else is a parameter."""
    rows = facts(
        sys__custom_run_id=("string", "mine"),
        sys__failed=("bool", True),
        sys__tags=("string_set", ["a", "β"]),
        sys__description=("string", "why"),
        sys__forking__parent=("string", "SAN-1"),
        sys__forking__step=("float", 7.0),
        sys__trashed=("bool", True),
        monitoring__4af__hostname=("string", "gpu-3"),
        parameters__lr=("float", 0.1),
        parameters__net__layers=("string", "[64, 64]"),
        parameters__seed=("int", 3),
        dataset__version=("string", "v2"),
    )
    write_run(tmp_path / "data", "me/p", "SAN-2", [rows])
    run = only(tmp_path)
    record = run.read.record
    assert (record.name, record.status, record.started_at) == ("first", Status.FAILED, WHEN)
    assert record.life.tags == ("a", "β")
    assert (record.life.notes, record.life.archived) == ("why", True)
    assert (record.life.parent_id, record.life.fork_step) == ("neptune:me/p/SAN-1", 7)
    assert record.params == {
        "lr": 0.1, "net": {"layers": [64, 64]}, "seed": 3, "dataset": {"version": "v2"}
    }  # fmt: skip
    assert record.life.process is not None
    assert record.life.process.host == "gpu-3"
    assert dict(record.randomness.seeds) == {"seed": 3}
    assert run.read.identity == "neptune:me/p/SAN-2"


def test_every_point_arrives(tmp_path: Path) -> None:
    """Points keep their order, fractional steps, times and infinities; a null is NaN; parts follow one another."""
    first = [
        *facts(),
        *series("metrics/loss", [1.0, None, math.inf], 0.5),
        *series("monitoring/4af/cpu", [50.0]),
    ]
    second = series("metrics/loss", [0.25], 9)
    write_run(tmp_path / "data", "me/p", "SAN-2", [first, second])
    run = only(tmp_path)
    loss = run.curves["loss"]
    assert list(loss.steps) == [0.5, 1.5, 2.5, 9]
    assert loss.values[0] == 1
    assert math.isnan(loss.values[1])
    assert list(loss.values[2:]) == [math.inf, 0.25]
    assert loss.times_us[3] == round(datetime(2024, 1, 1, 0, 0, 9, tzinfo=UTC).timestamp()) * 1_000_000
    assert list(run.curves["system/cpu"].values) == [50]


def test_name_space_stays_where_two_would_be_one(tmp_path: Path) -> None:
    """`metrics/loss` beside `loss`, and `params/lr` beside `lr`, keep their whole names."""
    rows = facts(params__lr=("float", 0.1), lr=("float", 0.2))
    rows += [*series("metrics/loss", [1.0]), *series("loss", [2.0])]
    write_run(tmp_path / "data", "me/p", "SAN-2", [rows])
    run = only(tmp_path)
    assert set(run.curves) == {"metrics/loss", "loss"}
    assert run.read.record.params == {"params": {"lr": 0.1}, "lr": 0.2}


def test_long_run_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run longer than what is held at a time is read in pieces that together are all of it."""
    monkeypatch.setattr(neptune_source, "_PIECE", 60)
    rows = [*facts(), *series("metrics/loss", [float(each) for each in range(500)])]
    write_run(tmp_path / "data", "me/p", "SAN-2", [rows])
    source = Neptune()
    place = next(
        iter(
            source.detect(Listing(tmp_path / "data" / safe("me/p"), (f"{safe('SAN-2')}_part_0.parquet",), ()))
        )
    )
    reads = list(source.read(place.path, list(source.runs(place.path))))
    assert [each.appended for each in reads] == [False, *[True] * (len(reads) - 1)]
    assert len(reads) > 3
    assert [value for each in reads for value in each.curves.get("loss", Curve()).values] == [*range(500)]
    assert reads[-1].record.name == "first"


def test_rich_values_are_listed_by_reference(tmp_path: Path) -> None:
    """Files lie beside the data, or are named as told; series of texts and histograms are listed, not lost."""
    rows = facts(model=("file", "SAN-2/model.bin"), evil=("file", "../../etc/passwd"))
    rows += [("log", "string_series", "hello", 0), ("log", "string_series", "there", 1)]
    rows += [("h", "histogram_series", {"type": "COUNTING", "edges": [0.0, 1.0], "values": [3.0]}, 0)]
    write_run(tmp_path / "data", "me/p", "SAN-2", [rows])
    (tmp_path / "files" / safe("me/p")).mkdir(parents=True)
    found = {each.name: each for each in only(tmp_path).read.record.artifacts}
    assert found["model"].uri == str(tmp_path / "files" / safe("me/p") / "SAN-2" / "model.bin")
    assert found["evil"].uri == "../../etc/passwd"
    assert (found["log"].kind, found["log"].about["rows"], found["h"].kind) == ("text", 2, "histogram")


def test_unfinished_export_is_shown_and_told(tmp_path: Path) -> None:
    """A run without part 0 is not hidden: what is there is shown, and that it is not all."""
    (part,) = write_run(tmp_path / "data", "me/p", "SAN-2", [series("metrics/loss", [1.0])], [1])
    part.with_name(f"{safe('SAN-3')}_part_0.parquet.tmp").write_bytes(b"PAR1")
    runs = {each.read.record.name: each for each in read_all(Neptune(), tmp_path).values()}
    assert runs["SAN-2"].points == 1
    assert runs["SAN-3"].points == 0
    assert all("not finished" in each.read.record.source.problems[0] for each in runs.values())


def test_missing_part_is_told(tmp_path: Path) -> None:
    """A gap in the numbers of parts is a problem of the run."""
    write_run(tmp_path / "data", "me/p", "SAN-2", [facts(), series("loss", [1.0])], [0, 2])
    assert only(tmp_path).read.record.source.problems == ("parts are missing: 1",)


def test_registered_versions_come_to_their_run(tmp_path: Path) -> None:
    """A version of a model that says `run/id` is shown with that run; the registry's tables are no runs."""
    write_run(tmp_path / "data", "me/p", "SAN-2", [facts()])
    scope = tmp_path / "model_data"
    version = [("sys/id", "string", "SAN-MOD-4", None), ("sys/stage", "string", "production", None),
               ("run/id", "string", "SAN-2", None)]  # fmt: skip
    (path,) = write_run(scope, "me/p", "SAN-MOD-4", [version])
    (path.parent / "model_versions").mkdir()
    path.rename(path.parent / "model_versions" / path.name)
    record = only(tmp_path).read.record
    assert record.source.models == (ModelVersion(name="SAN-MOD", version="4", stage="production"),)


@pytest.mark.parametrize("cut", [0, 1, 100, 2000, -1, -9, -400])
def test_truncated_file_costs_no_more_than_itself(tmp_path: Path, cut: int) -> None:
    """A cut part is named; the other parts and runs are read."""
    parts = write_run(tmp_path / "data", "me/p", "SAN-2", [facts(), series("loss", [1.0] * 200)])
    write_run(tmp_path / "data", "me/p", "SAN-3", [facts("other")])
    parts[1].write_bytes(parts[1].read_bytes()[:cut])
    runs = {each.read.record.source.run_id: each for each in read_all(Neptune(), tmp_path).values()}
    assert runs["SAN-2"].read.record.name == "first"
    assert parts[1].name in runs["SAN-2"].read.record.source.problems[0]
    assert runs["SAN-3"].read.record.source.problems == ()


def test_flipped_bytes_never_raise(tmp_path: Path) -> None:
    """Whatever byte is wrong, reading ends with a run and its problems."""
    (part,) = write_run(tmp_path / "data", "me/p", "SAN-2", [[*facts(), *series("loss", [1.0] * 60)]])
    whole = part.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert len(read_all(Neptune(), tmp_path)) == 1


def test_other_parquet_files_are_not_claimed(tmp_path: Path) -> None:
    """A Parquet file that is no export is nobody's run here, named or not."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"step": [1], "loss": [0.5]}), tmp_path / "run_part_0.parquet")
    assert read_all(Neptune(), tmp_path) == {}
    assert list(Neptune().detect(Listing(tmp_path, ("run_part_0.parquet",), (), is_named=True))) == []


def test_single_renamed_file_opens(tmp_path: Path) -> None:
    """A part that a person renamed and names is read for its columns."""
    (part,) = write_run(tmp_path, "me/p", "SAN-2", [[*facts(), *series("loss", [1.0])]])
    part.rename(tmp_path / "mine.parquet")
    source = Neptune()
    (place,) = source.detect(Listing(tmp_path, ("mine.parquet",), (), is_named=True))
    (read,) = source.read(place.path, list(source.runs(place.path)))
    assert (read.record.name, len(read.curves["loss"])) == ("first", 1)
