"""Event files of tensorboardX and of TensorBoard's own writer, against TensorBoard's own reader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import Status
from labtop.sources import load_source
from labtop.sources.source import Curve
from tests.sources.peers import peer
from tests.sources.reading import Whole, read_all

pytestmark = pytest.mark.client("tensorboard")

WRITE = """
import sys
import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.scalar import metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

root = sys.argv[1]
writer = SummaryWriter(root + "/exp", filename_suffix=".a")
for step in range(50):
    writer.add_scalar("loss", 1 / (step + 1), step)
    writer.add_scalar("odd", [float("nan"), float("inf"), -1e-40][step % 3], step * 2**30)
    writer.add_scalars("all/loss", {"train": step, "val": step * 2}, step)
writer.add_histogram("weights", np.arange(100.0), 1)
writer.add_text("note", "hello", 1)
writer.add_hparams({"lr": 0.1, "batch": 32, "name": "x", "on": True}, {"hparam/acc": 0.5})
writer.close()
writer = SummaryWriter(root + "/restarted", filename_suffix=".a")
for step in range(20):
    writer.add_scalar("loss", step, step)
writer.close()
writer = SummaryWriter(root + "/restarted", purge_step=10, filename_suffix=".b")
for step in range(10, 30):
    writer.add_scalar("loss", -step, step)
writer.close()
writer = EventFileWriter(root + "/two")
for step in range(20):
    for kind in (np.float32, np.float64, np.float16, np.int64):
        summary = summary_pb2.Summary()
        value = summary.value.add(tag=kind.__name__, metadata=metadata.create_summary_metadata("name", "text"))
        value.tensor.CopyFrom(tensor_util.make_tensor_proto(np.array(step / 3, dtype=kind)))
        writer.add_event(event_pb2.Event(wall_time=1.7e9 + step, step=step, summary=summary))
writer.close()
"""
READ = """
import json
import os
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

found = {}
for folder, _, names in os.walk(sys.argv[1]):
    if any("tfevents" in name for name in names):
        read = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
        read.Reload()
        tags = read.Tags()
        run = found[os.path.relpath(folder, sys.argv[1])] = {}
        for tag in tags["scalars"]:
            run[tag] = [(each.step, each.wall_time, repr(each.value)) for each in read.Scalars(tag)]
        for tag in tags["tensors"]:
            if read.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                run[tag] = [
                    (each.step, each.wall_time, repr(float(tensor_util.make_ndarray(each.tensor_proto))))
                    for each in read.Tensors(tag)
                ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Whole]]:
    """What TensorBoard reads in its own logs, by folder and tag, and the runs that labtop finds there."""
    root, python = tmp_path_factory.mktemp("logs"), peer("tensorboard")
    subprocess.run([python, "-c", WRITE, root], check=True, timeout=120, capture_output=True)
    done = subprocess.run([python, "-c", READ, root], check=True, timeout=120, capture_output=True)
    runs = read_all(load_source("tensorboard"), Path(root))
    return json.loads(done.stdout), {key.removesuffix(":."): whole for key, whole in runs.items()}


def assert_same(curve: Curve, expected: list[list[Any]]) -> None:
    """Step and value of each point as TensorBoard tells them, its time to the microsecond."""
    values = [repr(value) for value in curve.values]
    assert list(zip(curve.steps, values, strict=True)) == [(step, value) for step, _, value in expected]
    for time_us, (_, time_s, _) in zip(curve.times_us, expected, strict=True):
        assert abs(time_us - time_s * 1e6) <= 1


def test_every_point_is_what_tensorboard_reads(logs: tuple[dict[str, Any], dict[str, Whole]]) -> None:
    """In all encodings, with what a restart made void left out, and lines of `add_scalars` in the run above them."""
    told, runs = logs
    assert sorted(runs) == ["exp", "restarted", "two"]
    compared = 0
    for folder, tags in told.items():
        for tag, expected in tags.items():
            run, name = (folder, tag) if folder in runs else ("exp", tag)
            if folder.startswith("exp/all/loss/"):
                name = f"{tag}/{Path(folder).name}"
            assert_same(runs[run].curves[name], expected)
            compared += len(expected)
    assert compared == sum(each.points for each in runs.values()) == 50 * 4 + 1 + 30 + 20 * 4


def test_params_of_tensorboardx(logs: tuple[dict[str, Any], dict[str, Whole]]) -> None:
    """From the folder that it puts them into."""
    record = logs[1]["exp"].read.record
    assert record.params == {"lr": 0.1, "batch": 32, "name": "x", "on": True}
    assert record.status is Status.FINISHED
    assert [(each.kind, each.name) for each in record.artifacts] == [
        ("histogram", "weights"),
        ("text", "note/text_summary"),
    ]
