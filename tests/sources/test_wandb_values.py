"""What the records of a `.wandb` file say arrives: points, configuration, summary, end, surroundings, rich values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labtop.model.run import Gpu, MetricSummary, RunRecord, Status
from labtop.sources.source import Curve
from labtop.sources.wandb import WandbSource
from tests.sources.reading import Whole, read_all
from tests.sources.writers.wandb_log import (
    Field,
    end,
    item,
    message,
    record,
    row,
    run,
    stats,
    summary,
    write_run,
)


def _read(tmp_path: Path, records: Iterable[bytes]) -> Whole:
    write_run(tmp_path / "wandb", records)
    (whole,) = read_all(WandbSource(), tmp_path).values()
    return whole


def _record(tmp_path: Path, records: Iterable[bytes]) -> RunRecord:
    return _read(tmp_path, records).read.record


def _points(curve: Curve) -> list[tuple[float, float]]:
    return list(zip(curve.steps, curve.values, strict=True))


def test_points_of_both_ways_to_name(tmp_path: Path) -> None:
    """Old SDKs write a key, current ones its parts; a point is a point, with its step and time."""
    rows = [row(0, {"loss": 1.5}, nested=False), row(7, {"loss": 0.5}), row(8, {"loss": 2})]
    whole = _read(tmp_path, [run(), *rows])
    assert _points(whole.curves["loss"]) == [(0, 1.5), (7, 0.5), (8, 2)]
    assert list(whole.curves["loss"].times_us) == [(1_700_000_000 + step) * 1_000_000 for step in (0, 7, 8)]
    assert set(whole.curves) == {"loss"}


def test_numbers_that_are_none_in_json(tmp_path: Path) -> None:
    """NaN and infinities come as words or bare; booleans count as 0 and 1; null is no point."""
    raw = message(
        (1, item(("x",), None, raw="NaN")), (1, item(("y",), None, raw="-Infinity")), (2, message((1, 1)))
    )
    rows = [
        row(0, {"x": "NaN", "y": "Infinity", "ok": True, "none": None}),
        record(2, raw),
        row(2, {"ok": False}),
    ]
    whole = _read(tmp_path, [run(), *rows])
    assert [*map(math.isnan, whole.curves["x"].values)] == [True, True]
    assert _points(whole.curves["y"]) == [(0, math.inf), (1, -math.inf)]
    assert _points(whole.curves["ok"]) == [(0, 1), (2, 0)]
    assert "none" not in whole.curves


def test_nested_values_and_dots(tmp_path: Path) -> None:
    """`{"a": {"b": 1}}` is `a/b`, whoever wrote it; a dot in a name stays."""
    parts = message((1, item(("a", "b"), 2.0)), (1, item(("a.b",), 3.0)))
    whole = _read(tmp_path, [run(), row(0, {"a": {"b": 1.0}, "a.b": 4.0}, nested=False), record(2, parts)])
    assert list(whole.curves["a/b"].values) == [1, 2]
    assert list(whole.curves["a.b"].values) == [4, 3]


def test_steps_that_are_not_said(tmp_path: Path) -> None:
    """A row without a step has the number of its record's step field, or its own from 0."""
    bare = record(2, message((1, item(("x",), 1.0))))
    stepped = record(2, message((1, item(("x",), 2.0)), (2, message((1, 40)))))
    whole = _read(tmp_path, [run(), bare, stepped, bare])
    assert list(whole.curves["x"].steps) == [0, 40, 2]


def test_step_whose_bytes_look_like_a_value(tmp_path: Path) -> None:
    """Step 130 is written with the two bytes before every value; names may hold them too."""
    rows = [row(step, {"x": float(step), "\u0082\u0001": 1.0}) for step in range(120, 140)]
    whole = _read(tmp_path, [run(), *rows])
    assert _points(whole.curves["x"]) == [(step, step) for step in range(120, 140)]
    assert len(whole.curves["\u0082\u0001"]) == 20


def test_long_rows_and_long_numbers(tmp_path: Path) -> None:
    """Rows of more than 16 KiB, names and numbers of more than 127 bytes."""
    values = {f"{'metric' * 30}/{number}": number + 0.123456789012345 for number in range(300)}
    long = message((1, item(("long",), None, raw="1." + "0" * 300)), (2, message((1, 1))))
    whole = _read(tmp_path, [run(), row(0, values), record(2, long)])
    assert {name: curve.values[0] for name, curve in whole.curves.items()} == {**values, "long": 1.0}


def test_system_metrics(tmp_path: Path) -> None:
    """Measurements of the machine lie under `system/`, with their times."""
    whole = _read(
        tmp_path,
        [run(), stats(1_700_000_010, {"gpu.0.temp": 60.0}), stats(1_700_000_020, {"gpu.0.temp": 61})],
    )
    curve = whole.curves["system/gpu.0.temp"]
    assert _points(curve) == [(0, 60), (1, 61)]
    assert list(curve.times_us) == [1_700_000_010_000_000, 1_700_000_020_000_000]


def test_configuration(tmp_path: Path) -> None:
    """The configuration keeps its types, its nesting and a dot in a name; later records change and remove."""
    changes = message((1, item("lr", 0.2)), (1, item(("model", "width"), 8)), (2, message((1, "gone"))))
    config: dict[str, Any] = {
        "lr": 0.1,
        "a.b": 1,
        "a": {"b": [1, None, "x"]},
        "gone": True,
        "_wandb": {"python_version": "3.8.1"},
    }
    made = _record(tmp_path, [run(**config), record(5, changes)])
    assert made.params == {"lr": 0.2, "a.b": 1, "a": {"b": [1, None, "x"]}, "model": {"width": 8}}
    assert made.environment.python == "3.8.1"


def test_summary(tmp_path: Path) -> None:
    """The summary holds what was set, not the last values of metrics over again; what was removed is gone."""
    made = _record(
        tmp_path,
        [
            run(),
            row(0, {"loss": 1.0, "acc": 0.5}),
            summary(
                {
                    "loss": 1.0,
                    "acc": 0.9,
                    "best": 0.25,
                    "word": "good",
                    "gone": 1,
                    "_runtime": 3,
                    "_wandb": {},
                }
            ),
            summary({"deep": {"x": 1}}, removed=["gone"]),
        ],
    )
    assert made.summary == {"acc": 0.9, "best": 0.25, "word": "good", "deep": {"x": 1}}
    assert made.metrics == {"best": MetricSummary(last=0.25), "deep/x": MetricSummary(last=1.0)}


def test_goals(tmp_path: Path) -> None:
    """`define_metric` tells whether a metric is to be small or large, also for many at once."""
    goals = [record(12, message((1, "acc"), (8, 2))), record(12, message((2, "val/*"), (8, 1)))]
    made = _record(tmp_path, [run(), *goals, row(0, {"acc": 0.5, "val/loss": 1.0, "x": 1.0})])
    assert made.metrics == {"acc": MetricSummary(goal="max"), "val/loss": MetricSummary(goal="min")}


def test_ends(tmp_path: Path) -> None:
    """The exit code tells how a run ended, and when; without one it claims to be running."""
    assert _record(tmp_path / "a", [run(), end(0, 60)]).status is Status.FINISHED
    failed = _record(tmp_path / "b", [run(), row(5, {"x": 1.0}), end(1)])
    assert (failed.status, failed.life.exit_code) == (Status.FAILED, 1)
    assert failed.ended_at == datetime.fromtimestamp(1_700_000_005, UTC)
    running = _record(tmp_path / "c", [run(), row(0, {"x": 1.0})])
    assert (running.status, running.ended_at) == (Status.RUNNING, None)


def test_about_the_run(tmp_path: Path) -> None:
    """Name, project, group, kind, tags, notes, start, fork and commit."""
    fields = [
        (2, "me"),
        (6, "sweep 1"),
        (7, "train"),
        (8, "first ✓"),
        (9, "two\nlines"),
        (10, "a"),
        (10, "b"),
    ]
    git = (21, message((1, "git@example.org:a/b.git"), (2, "f" * 40)))
    fork = (23, message((1, "p4r3nt0a"), (2, 100.0), (3, "_step")))
    whole = _read(tmp_path, [run("k3x9q0ab", *fields, git, fork)])
    made, life = whole.read.record, whole.read.record.life
    assert (made.name, made.project, made.source.run_id) == ("first ✓", "digits", "k3x9q0ab")
    assert (life.group, life.job_type, life.tags, life.notes) == (
        "sweep 1",
        "train",
        ("a", "b"),
        "two\nlines",
    )
    assert (life.parent_id, life.fork_step) == ("wandb:p4r3nt0a", 100.0)
    assert (made.code.commit, made.code.remote) == ("f" * 40, "git@example.org:a/b.git")
    assert made.started_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_run_of_a_sweep(tmp_path: Path) -> None:
    """The runs of a sweep are a group, unless they were given another."""
    assert _record(tmp_path / "a", [run("k3x9q0ab", (12, "s1"))]).life.group == "sweep-s1"
    assert _record(tmp_path / "b", [run("k3x9q0ab", (12, "s1"), (6, "mine"))]).life.group == "mine"


def test_surroundings(tmp_path: Path) -> None:
    """Command, software and machine."""
    gpu = message((1, "NVIDIA A100"), (2, 42 * 2**30), (4, "Ampere"), (5, "GPU-1"))
    said = message(
        (1, "Linux-6.1"), (2, "CPython 3.11.7"), (5, "--lr"), (5, "0.1"), (6, "/src/train.py"), (7, "train.py"),
        (11, "/src"), (12, "node-1"), (14, "/usr/bin/python"), (16, 8), (17, 16), (21, message((1, 2**35))),
        (24, gpu), (24, gpu), (25, "12.4"), (27, message((1, "job_id"), (2, "77"))),
    )  # fmt: skip
    made = _record(tmp_path, [run(), record(26, said)])
    assert made.command.argv == ("/usr/bin/python", "/src/train.py", "--lr", "0.1")
    assert (made.command.entry_point, made.command.cwd) == ("train.py", "/src")
    assert (made.command.launcher, made.command.launch) == ("slurm", "slurm:77")
    assert (made.environment.python, made.environment.implementation) == ("3.11.7", "CPython")
    assert (made.hardware.cores, made.hardware.memory_bytes, made.hardware.cuda) == (16, 2**35, "12.4")
    a100 = Gpu(
        name="NVIDIA A100", memory_bytes=42 * 2**30, vendor="nvidia", architecture="Ampere", uuid="GPU-1"
    )
    assert made.hardware.gpus == (a100, a100)


def test_rich_values(tmp_path: Path) -> None:
    """Pictures and tables are artifacts by reference, of both ways to write them; a histogram is counted."""
    picture = {
        "_type": "image-file",
        "path": "media/images/a.png",
        "size": 70,
        "sha256": "c" * 64,
        "caption": "cat",
    }
    table = [("t", "_type"), ("t", "path"), ("t", "nrows")]
    values = ["table-file", "media/table/t.table.json", 5]
    nested = message(
        *((1, item(name, value)) for name, value in zip(table, values, strict=True)), (2, message((1, 4)))
    )
    bars = {"_type": "histogram", "values": [1, 2], "bins": [0, 1, 2]}
    rows = [row(3, {"cat": picture, "bars": bars}, nested=False), record(2, nested), row(5, {"bars": bars})]
    whole = _read(tmp_path, [run(), *rows])
    cat, t, counted = whole.read.record.artifacts
    files = tmp_path / "wandb" / "offline-run-20231114_221320-k3x9q0ab" / "files"
    assert (cat.name, cat.kind, cat.step, cat.bytes, cat.sha256) == ("cat", "image", 3, 70, "c" * 64)
    assert (cat.uri, cat.about) == (str(files / "media/images/a.png"), {"caption": "cat"})
    assert (t.kind, t.step, t.about, t.uri) == (
        "table",
        4,
        {"rows": 5},
        str(files / "media/table/t.table.json"),
    )
    assert (counted.kind, counted.step, counted.about) == ("histogram", 5, {"logged": 2, "bins": 2})


def test_paths_out_of_the_run(tmp_path: Path) -> None:
    """A path that leads out of the run's folder stays the text that it is."""
    paths = ["../../../etc/passwd", "/etc/passwd", "C:\\x", "a\\..\\..\\b"]
    rows = [
        row(n, {"p": {"_type": "image-file", "path": path}}, nested=False) for n, path in enumerate(paths)
    ]
    assert [each.uri for each in _record(tmp_path, [run(), *rows]).artifacts] == paths


def test_artifacts_used_and_logged(tmp_path: Path) -> None:
    """Artifacts that were logged come with digest and size, those that were used as inputs."""
    contents = message((4, message((1, "model.pt"), (4, 300))), (4, message((1, "b"), (4, 5))))
    logged = record(
        8, message((2, "digits"), (4, "model"), (5, "weights"), (6, "d1gest"), (11, "best"), (12, contents))
    )
    used = record(25, message((2, "dataset"), (3, "me/digits/data:v3")))
    saved = record(6, message((1, message((1, "w.bin"))), (1, message((1, "output.log")))))
    made = _record(tmp_path, [run(), logged, used, saved])
    weights, file = made.artifacts
    assert (weights.name, weights.kind, weights.bytes) == ("weights", "model", 305)
    assert weights.about == {"files": 2, "digest": "d1gest", "aliases": "best"}
    assert (file.name, file.kind) == ("w.bin", "file")
    assert [(each.name, each.kind, each.role) for each in made.data] == [
        ("me/digits/data:v3", "dataset", "input")
    ]


def test_artifact_that_is_logged_again_has_all_its_aliases(tmp_path: Path) -> None:
    """As when a run links it to a registry; what the script says of it comes too."""
    said: list[Field] = [(4, "model"), (5, "weights"), (6, "d1gest"), (8, '{"k": 1}')]
    logged = [
        record(8, message(*said, (11, "best"), (11, "latest"))),
        record(8, message(*said, (11, "latest"), (19, "small"))),
    ]
    (weights,) = _record(tmp_path, [run(), *logged]).artifacts
    assert weights.about == {
        "digest": "d1gest", "aliases": "best, latest", "tags": "small", "metadata": '{"k": 1}'
    }  # fmt: skip


def test_alerts(tmp_path: Path) -> None:
    """With their level and text."""
    alert = record(10, message((1, "Low accuracy"), (2, "it is 0.1"), (3, "WARN"), (4, 60_000)))
    (found,) = _record(tmp_path, [run(), alert]).artifacts
    assert (found.name, found.kind, found.about) == (
        "Low accuracy", "alert", {"text": "it is 0.1", "level": "WARN"}
    )  # fmt: skip
