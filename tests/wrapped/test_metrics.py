"""Metrics are picked up from what a command prints and from the files it writes, by rules."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from labtop.errors import UsageError
from labtop.model.run import RunRecord
from labtop.recording.wrapped.following import CsvFollower
from labtop.recording.wrapped.point_sink import PointSink
from labtop.recording.wrapped.rules import Rule
from labtop.recording.wrapped.subject import parse_params
from labtop.store.layout import run_folders
from labtop.store.live import read_record_live
from labtop.store.reader import read_points
from tests.formats.event_files import event, header, record, simple
from tests.wrapped.conftest import PATIENCE_S, RunLine, record_of


def points_of(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Steps and values of each metric."""
    (home,) = run_folders(folder / "runs")
    found: dict[str, list[tuple[float, float]]] = {}
    for point in sorted(read_points(home)[0], key=lambda each: each.seq):
        found.setdefault(point.name, []).append((point.step, point.value))
    return found


def test_nothing_is_picked_up_without_a_rule(line: RunLine, folder: Path) -> None:
    """Programs print all sorts of things."""
    line("--", "sh", "-c", "echo loss=1; echo a,b > x.csv")
    assert record_of(folder).metrics == {}


def test_pairs_and_json_lines(line: RunLine, folder: Path) -> None:
    """With the step they name, or counted; colours do not disturb."""
    code = """
print("\\x1b[32mepoch=3 loss=\\x1b[1m0.5\\x1b[0m acc=nan")
print("loss=0.4")
print('{"global_step": 10, "val": {"loss": 0.3}, "epoch": 4, "name": "x"}')
print("{'loss': 0.2, 'epoch': 7}")
print("step=9")
print("nothing here")
print("loss=0.1", end="")
"""
    line("--metrics", "stdout", "--", sys.executable, "-c", code)
    points = points_of(folder)
    assert points["loss"] == [(3, 0.5), (4, 0.4), (7, 0.2), (8, 0.1)]
    assert points["val/loss"] == [(10, 0.3)]
    assert points["epoch"] == [(10, 4)]
    assert math.isnan(points["acc"][0][1])
    assert record_of(folder).metrics["acc"].nan_count == 1


def test_a_stream_and_a_pattern(line: RunLine, folder: Path) -> None:
    """Only stderr; and a regular expression with groups of its own."""
    code = "echo 'loss=1'; echo 'loss=2' >&2; echo 'Iter 5: error 0,5; took 3%; best score is 7'"
    rules = (
        "--metrics",
        "stderr",
        "--metrics",
        r"re:Iter (?P<it>\d+): error .*took (?P<took>\S+);",
        "--step",
        "it",
    )
    line(*rules, "--metrics", "re:best (?P<name>\\w+) is (?P<value>.+)", "--", "sh", "-c", code)
    assert points_of(folder) == {"loss": [(0, 2)], "took": [(5, 3)], "score": [(0, 7)]}


def test_files_that_the_command_writes(line: RunLine, folder: Path) -> None:
    """CSV, JSON, JSON lines and event files; NaN kept, text left out."""
    events = header() + b"".join(record(event(at, 5.0 + at, simple("tb/loss", at))) for at in range(3))
    (folder / "events.bin").write_bytes(events)
    code = """
import os, shutil
open("m.csv", "w").write("epoch,loss,note\\n1,0.5,a\\n2,nan,b\\n3,,c\\n")
os.mkdir("logs")
open("logs/train.jsonl", "w").write('{"step": 1, "loss": 2}\\n{"step": 2, "loss": 1}')
open("logs/val.jsonl", "w").write('{"step": 1, "loss": 3}\\n')
open("result.json", "w").write('{"accuracy": 0.9, "by": {"class": 1}}')
os.makedirs("tb/a"); shutil.copy("events.bin", "tb/a/events.out.tfevents.1.host.2.3")
"""
    rules = ("m.csv", "logs/*.jsonl", "result.json", "tensorboard:tb")
    line(*[word for rule in rules for word in ("--metrics", rule)], "--", sys.executable, "-c", code)
    points = points_of(folder)
    assert str(points["loss"]) == str([(1.0, 0.5), (2.0, math.nan)])
    assert points["train/loss"] == [(1, 2), (2, 1)]
    assert points["val/loss"] == [(1, 3)]
    assert (points["accuracy"], points["by/class"]) == ([(0, 0.9)], [(0, 1)])
    assert points["tb/loss"] == [(0, 0), (1, 1), (2, 2)]
    (home,) = run_folders(folder / "runs")
    times = [point.time_us for point in read_points(home)[0] if point.name == "tb/loss"]
    assert times == [5_000_000, 6_000_000, 7_000_000]


@pytest.mark.parametrize(("mode", "expected"), [("a", [(3, 3)]), ("w", [(3, 3), (4, 4)])])
def test_of_a_file_that_was_there_only_what_is_new(
    line: RunLine, folder: Path, mode: str, expected: list[tuple[float, float]]
) -> None:
    """What was added, or all of one that was written anew; one that is not touched says nothing."""
    (folder / "m.csv").write_text("step,loss\n1,1\n2,2\n")
    (folder / "old.csv").write_text("step,old\n1,1\n")
    content = "3,3\\n" if mode == "a" else "step,loss\\n3,3\\n4,4\\n"
    code = f"open('m.csv', '{mode}').write('{content}')"
    line("--metrics", "*.csv", "--", sys.executable, "-c", code)
    assert points_of(folder) == {"loss": expected}


def test_the_same_content_written_anew_counts(line: RunLine, folder: Path) -> None:
    """A run that repeats exactly leaves the file that was there before."""
    (folder / "m.csv").write_text("step,loss\n1,1\n2,2\n")
    code = "import time; text = open('m.csv').read(); time.sleep(0.01); open('m.csv', 'w').write(text)"
    line("--metrics", "m.csv", "--", sys.executable, "-c", code)
    assert points_of(folder) == {"loss": [(1, 1), (2, 2)]}


def test_bad_lines_are_counted_and_said_once(line: RunLine, folder: Path) -> None:
    """At the end; the good ones count. So are files that never came."""
    (folder / "cut.tfevents").write_bytes(header() + b"\x00" * 40)
    code = (
        "printf 'step,loss\\n1,1\\n2\\n3,3,3\\n4,4\\n' > m.csv; cp cut.tfevents x.tfevents; echo '{' > r.json"
    )
    rules = [word for rule in ("m.csv", "*.tfevents", "r.json", "none.csv") for word in ("--metrics", rule)]
    done = line(*rules, "--", "sh", "-c", code)
    said = done.stderr.decode().splitlines()
    assert points_of(folder) == {"loss": [(1, 1), (4, 4)]}
    assert (
        "labtop: 2 entries of m.csv could not be read: line 3 has not the 2 cells of the first line" in said
    )
    assert any("x.tfevents could not be read: NUL bytes follow" in each for each in said)
    assert any("r.json could not be read" in each for each in said)
    assert "labtop: --metrics none.csv: the command wrote no such file" in said
    assert len(said) == 4
    assert "m.csv" in (record_of(folder).life.degraded or "")


def test_a_table_that_is_written_anew_with_more_columns(line: RunLine, folder: Path) -> None:
    """As loggers do when a metric comes late: no row counts twice."""
    code = """
import time, glob
open("m.csv", "w").write("step,a\\n1,1\\n2,2\\n")
time.sleep(1.5)
open("m.csv", "w").write("step,a,b\\n1,1,\\n2,2,\\n3,3,9\\n")
"""
    line("--metrics", "m.csv", "--", sys.executable, "-c", code)
    assert points_of(folder) == {"a": [(1, 1), (2, 2), (3, 3)], "b": [(3, 9)]}


class Rows(PointSink):
    """Keeps the rows that are picked up."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def add(self, values: Mapping[str, float], source: str, step_name: str | None, prefix: str = "") -> None:
        """Keep a row."""
        self.rows.append(dict(values))


def test_a_table_is_known_again_after_one_look(tmp_path: Path) -> None:
    """Written anew right after it was first read, as on a machine that is busy, it is not read on from its middle."""
    table, sink = tmp_path / "m.csv", Rows()
    table.write_text("step,a\n1,1\n2,2\n")
    follower = CsvFollower(str(table), 0, "", None)
    follower.look(sink)
    table.write_text("step,a,b\n1,1,\n2,2,\n3,3,9\n")
    follower.finish(sink)
    assert sink.rows == [{"step": 1, "a": 1}, {"step": 2, "a": 2}, {"step": 3, "a": 3, "b": 9}]
    assert not follower.bad


def test_metrics_are_there_while_the_command_runs(folder: Path) -> None:
    """Printed ones and those in files, within moments; a half-written line waits."""
    code = """
import time, os
log = open("m.jsonl", "w")
print("loss=1", flush=True)
log.write('{"acc": 1}\\n{"ac'); log.flush()
while not os.path.exists("go"): time.sleep(0.05)
log.write('c": 2}\\n'); log.close()
"""
    rules = ("--metrics", "stdout", "--metrics", "m.jsonl")
    command = [sys.executable, "-m", "labtop", "run", *rules, "--", sys.executable, "-c", code]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S

    def live() -> RunRecord | None:
        homes = list(run_folders(folder / "runs")) if (folder / "runs").exists() else []
        return read_record_live(homes[0]) if homes else None

    while (now := live()) is None or {*now.metrics} != {"loss", "acc"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert now.metrics["acc"].count == 1
    (folder / "go").touch()
    assert started.wait(PATIENCE_S) == 0
    assert points_of(folder)["acc"] == [(0, 1), (1, 2)]


def test_rules_of_the_settings(line: RunLine, folder: Path) -> None:
    """Where the line has none."""
    (folder / "settings.toml").write_text('run_metrics = ["stdout", "x.csv"]\nproject = "mine"\n')
    line("--", "echo", "loss=1", LABTOP_SETTINGS=str(folder / "settings.toml"))
    assert points_of(folder) == {"loss": [(0, 1)]}
    assert record_of(folder).project == "mine"


@pytest.mark.parametrize(
    ("text", "kind", "glob"),
    [
        ("a/*.CSV", "csv", "a/*.CSV"),
        ("x.tsv", "csv", "x.tsv"),
        ("x.ndjson", "jsonl", "x.ndjson"),
        ("csv:out.txt", "csv", "out.txt"),
        ("runs/*/events.out.tfevents.*", "tensorboard", "runs/*/events.out.tfevents.*"),
        ("tensorboard:lightning_logs/", "tensorboard", "lightning_logs/**/*tfevents*"),
    ],
)
def test_what_a_rule_reads(text: str, kind: str, glob: str) -> None:
    """By ending, or as it says."""
    assert (Rule(text).kind, Rule(text).glob) == (kind, glob)


@pytest.mark.parametrize("text", ["x.txt", "model.pt", "re:(", "re:loss .*", ""])
def test_a_rule_that_cannot_be_meant_is_refused(text: str) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match="--metrics"):
        Rule(text)


def test_params_are_what_they_look_like() -> None:
    """Numbers, words, lists, and names with dots."""
    pairs = [
        "lr=1e-3",
        "n=3",
        "on=true",
        "none=null",
        "s=1.2.3",
        "m.width=64",
        "m.depth=2",
        "l=[1, 2]",
        "e=",
        "t=a=b",
    ]
    assert json.dumps(parse_params(pairs)) == json.dumps(
        {"lr": 0.001, "n": 3, "on": True, "none": None, "s": "1.2.3", "m": {"width": 64, "depth": 2}, "l": [1, 2],
         "e": "", "t": "a=b"}
    )  # fmt: skip
