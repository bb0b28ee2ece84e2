"""Run folders of Sacred, those of the corpus and ones written here."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labtop.formats.jsonpickle_text import plain
from labtop.model.run import Status
from labtop.sources.sacred import SacredSource
from labtop.sources.source import RunRead
from tests.sources.reading import corpus, listing, read_all, truth
from tests.sources.same_files import fingerprint
from tests.sources.writers.sacred import series, write_run

STATUS = {"COMPLETED": Status.FINISHED, "FAILED": Status.FAILED, "INTERRUPTED": Status.KILLED}


def read(folder: Path) -> RunRead:
    source = SacredSource()
    (place,) = source.detect(listing(folder))
    (found,) = source.read(place.path, list(source.runs(place.path)))
    return found


def same(one: Any, other: Any) -> bool:
    return bool(one == other) or str(float(one)) == str(float(other))


def test_the_corpus_is_read_as_an_independent_reader_found_it() -> None:
    """Status, times, config, result, and count, last step and last value of every metric."""
    root = corpus("gen-sacred")
    before = fingerprint(root)
    runs = read_all(SacredSource(), root)
    told = truth("gen-sacred")
    assert len(runs) == told["n_runs"]
    assert sum(run.points for run in runs.values()) == told["n_metric_points"]
    for each in told["runs"]:
        run = runs[f"{each['dir']}:."]
        record = run.read.record
        assert record.status is STATUS[each["status"]]
        assert record.project == each["experiment"]
        assert record.started_at == datetime.fromisoformat(each["start"]).replace(tzinfo=UTC)
        assert record.ended_at == datetime.fromisoformat(each["stop"]).replace(tzinfo=UTC)
        assert record.life.job_type == each["command"]
        assert record.params == each["config"]
        assert run.points == each["n_metric_points"]
        if each["result"] is not None:
            assert same(record.summary["result"], each["result"])
        for name, (step, value) in each["metrics_last"].items():
            assert run.curves[name].steps[-1] == step
            assert same(run.curves[name].values[-1], value)
        assert record.source.problems == ()
    failed = runs["5:."].read.record.life.error
    assert failed is not None
    assert (failed.type, failed.message, failed.where) == ("RuntimeError", "boom ✗", "gen_misc.py:50 in main")
    assert fingerprint(root) == before


def test_series_in_info_are_curves_and_the_rest_is_summary(tmp_path: Path) -> None:
    """Pairs `name`/`name_T` with numpy values wrapped by jsonpickle."""
    wrapped = [
        {"py/object": "numpy.float64", "dtype": "float64", "value": value} for value in (0.5, math.nan)
    ]
    info = {"loss": wrapped, "loss_T": [0, 200], "note": "x", "short": [1.0], "short_T": [1, 2]}
    found = read(write_run(tmp_path / "1", info=info, metrics={}))
    assert list(found.curves["loss"].steps) == [0, 200]
    assert found.curves["loss"].values[0] == 0.5
    assert math.isnan(found.curves["loss"].values[1])
    assert list(found.curves["short"].values) == [1.0]
    assert found.record.summary == {"note": "x"}
    assert any("'short' has 1 values and 2 steps" in each for each in found.record.source.problems)


def test_code_packages_machine_and_files_are_told(tmp_path: Path) -> None:
    """Repositories, dependencies, GPUs, resources with the MD5 in their name, artifacts by reference."""
    digest = "0123456789abcdef0123456789abcdef"
    run = {
        "experiment": {
            "name": "digits",
            "mainfile": "train.py",
            "base_dir": "/home/me",
            "dependencies": ["numpy==2.0", ["torch", "2.1"]],
            "repositories": [{"url": "git@host:me/digits.git", "commit": "a" * 40, "dirty": True}],
            "sources": [["train.py", f"_sources/train_{digest}.py"]],
        },
        "host": {
            "hostname": "box", "cpu": "Some CPU", "os": ["Linux", "Linux-6.1"], "python_version": "3.11.7",
            "gpus": {"driver_version": "550", "gpus": [{"model": "A100", "total_memory": 1024}]},
            "ENV": {"CUDA_VISIBLE_DEVICES": "0"},
        },
        "artifacts": ["model.pt", "../../etc/passwd"],
        "resources": [["/data/train.csv", f"/runs/_resources/train_{digest}.csv"]],
        "meta": {"command": "main", "options": {"--comment": "first try", "--beat-interval": "5"}},
    }  # fmt: skip
    folder = write_run(tmp_path / "1", run, metrics={})
    (folder / "model.pt").write_bytes(b"12345")
    record = read(folder).record
    assert (record.code.commit, record.code.dirty) == ("a" * 40, True)
    assert record.environment.packages == {"numpy": "2.0", "torch": "2.1"}
    assert record.environment.variables == {"CUDA_VISIBLE_DEVICES": "0"}
    assert record.hardware.cpu == "Some CPU"
    assert [(gpu.name, gpu.memory_bytes, gpu.driver) for gpu in record.hardware.gpus] == [
        ("A100", 2**30, "550")
    ]
    assert [(data.uri, data.digest) for data in record.data] == [("/data/train.csv", digest)]
    model, outside, source = record.artifacts
    assert (model.bytes, model.kind) == (5, "model")
    assert (outside.uri, outside.bytes) == ("../../etc/passwd", None)
    assert source.uri == str(tmp_path / f"_sources/train_{digest}.py")
    assert record.life.notes == "first try"
    assert record.life.beat is not None
    assert record.life.beat.interval_s == 5
    assert record.randomness.seeds == {"sacred": 7}


def test_what_still_claims_to_run_has_its_last_heartbeat(tmp_path: Path) -> None:
    """A copied folder does not make a run of last year alive."""
    found = read(write_run(tmp_path / "1", {"status": "RUNNING", "stop_time": None}))
    assert found.record.status is Status.RUNNING
    assert found.last_write == datetime(2026, 1, 2, 3, 5, 4, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", ["run.json", "config.json", "metrics.json", "info.json"])
def test_a_file_cut_anywhere_costs_no_more_than_itself(tmp_path: Path, name: str) -> None:
    """Truncated at many places, empty, with NUL bytes behind it, and no text at all."""
    whole = write_run(tmp_path / "whole", metrics={"loss": series([1.0, 0.5])}, info={"a": [1], "a_T": [0]})
    content = (whole / name).read_bytes()
    damaged = [content[:cut] for cut in range(0, len(content), max(1, len(content) // 12))]
    damaged += [content + b"\0" * 50, b"\xff\xfe" + b"\xd8" * 9, b"\x80" * 40, b"[]", b"3", b"[" * 100_000]
    for at, each in enumerate(damaged):
        folder = write_run(
            tmp_path / str(at), metrics={"loss": series([1.0, 0.5])}, info={"a": [1], "a_T": [0]}
        )
        (folder / name).write_bytes(each)
        found = read(folder)
        assert found.record.source.problems, (name, each[:60])
        assert name == "metrics.json" or list(found.curves["loss"].values) == [1.0, 0.5]
        assert name == "config.json" or found.record.params == {"seed": 7}


def test_what_stands_before_a_cut_is_read(tmp_path: Path) -> None:
    """Of a `metrics.json` that was being written when the disk filled up."""
    folder = write_run(tmp_path / "1", metrics={"a": series([1.0, 0.5]), "b": series([3.0, 2.0, 1.5])})
    content = (folder / "metrics.json").read_text("utf-8")
    (folder / "metrics.json").write_text(content[: content.rindex("2.0") + 5], "utf-8")
    found = read(folder)
    assert list(found.curves["a"].values) == [1.0, 0.5]
    assert list(found.curves["b"].values) == [3.0, 2.0]
    assert any("metrics.json" in each and "before that" in each for each in found.record.source.problems)


def test_only_folders_of_sacred_are_claimed(tmp_path: Path) -> None:
    """Somebody else's `run.json` is left alone."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text('{"name": "mine"}', "utf-8")
    (other / "config.json").write_text("{}", "utf-8")
    assert list(SacredSource().detect(listing(other))) == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"py/tuple": [1, {"py/set": [2]}]}, [1, [2]]),
        ({"py/object": "numpy.ndarray", "dtype": "float64", "values": [[1.0], [2.0]]}, [[1.0], [2.0]]),
        (
            {"py/object": "numpy.ndarray", "dtype": "int64", "byteorder": "<", "shape": [3],
             "values": "eJxjZIAAJijNDKUBAGgABw=="},
            [1, 2, 3],
        ),
        ({"py/object": "numpy.ndarray", "dtype": "float64", "values": "!!", "shape": [3]}, "array of float64 [3]"),
        (
            {"py/reduce": [{"py/function": "numpy.core.multiarray.scalar"}, {"py/tuple": [
                {"py/reduce": [{"py/type": "numpy.dtype"}, {"py/tuple": ["f8", False, True]}]},
                {"py/b64": "AAAAAAAA+D8="}]}]},
            1.5,
        ),
        (
            {"py/reduce": [{"py/function": "numpy.core.multiarray.scalar"}, {"py/tuple": [
                {"py/id": 3}, {"py/b64": "AAAAAAAA+D8="}]}]},
            1.5,
        ),
        ({"py/type": "torch.nn.ReLU"}, "torch.nn.ReLU"),
        ({"json://1": {"py/id": 4}, "json://[": 1}, {"1": None, "json://[": 1}),
        ({"py/object": "a.B", "x": 1}, {"x": 1}),
        ({"py/object": "a.B"}, "a.B"),
        ({"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["false"]}]}, None),
    ],
)  # fmt: skip
def test_the_wrapping_of_jsonpickle_comes_off(written: Any, value: Any) -> None:
    """Tuples, arrays, classes, keys that are no text; nothing is called."""
    assert plain(written) == value
