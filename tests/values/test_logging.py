"""Rich values through `log`: beside numbers, by their hash, never in the way."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import labtop
from labtop.errors import RecordingError
from labtop.model.run import Artifact
from labtop.recording import values as value_log
from labtop.store.files import Files
from labtop.store.reader import read_points
from labtop.store.values.decoding import read_value
from tests.recording.conftest import every_byte, only_record


def kept(folder: Path) -> tuple[Artifact, ...]:
    """The values of the one run; their hashes and sizes are checked on the way."""
    record = only_record(folder / "runs")
    for each in record.artifacts:
        assert each.path is not None
        content = (folder / "runs" / record.project / record.id / each.path).read_bytes()
        assert (each.sha256, each.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
        assert each.path == f"media/{each.sha256}.{each.path.rsplit('.')[-1]}"
    return record.artifacts


def test_beside_numbers(folder: Path) -> None:
    """At the step of the call, every kind, in the order they were logged; numbers are points as ever."""
    with labtop.init() as run:
        run.log(
            {
                "loss": 0.5,
                "sample": labtop.Image(np.zeros((4, 4), dtype=np.uint8), caption="black"),
                "val": {
                    "predictions": labtop.Table({"a": [1, 2]}),
                    "confusion": labtop.ConfusionMatrix([0, 1], [0, 0]),
                },
                "weights": labtop.Histogram(np.arange(10)),
                "roc": labtop.Curve.roc([0, 1], [0.2, 0.7]),
                "text": labtop.Text("# Hello", "markdown"),
            },
            step=7,
        )
        run.log({"gallery": [labtop.Image(np.full((2, 2), at / 4)) for at in range(3)]})
    found = kept(folder)
    assert [(each.name, each.kind, each.step) for each in found] == [
        ("sample", "image", 7), ("val/predictions", "table", 7), ("val/confusion", "confusion_matrix", 7),
        ("weights", "histogram", 7), ("roc", "curve", 7), ("text", "text", 7),
        ("gallery/0", "image", 8), ("gallery/1", "image", 8), ("gallery/2", "image", 8),
    ]  # fmt: skip
    assert found[0].about == {"width": 4, "height": 4, "caption": "black"}
    assert [each.name for each in read_points(run.folder)[0]] == ["loss"]
    assert str(read_value(run.folder, found[5])) == "# Hello"


def test_wandb_spelling(folder: Path) -> None:
    """`import labtop as wandb`; keywords without a meaning are named once."""
    import labtop as wandb

    run = wandb.init()
    table = wandb.Table(columns=["a", "b"], data=[[1, 2]])
    table.add_data(3, 4)
    wandb.log(
        {
            "t": table,
            "h": wandb.Histogram([1, 2, 3]),
            "h2": wandb.Histogram(np_histogram=np.histogram([1, 2])),
            "i": wandb.Image(np.zeros((2, 2)), caption="x", grouping=1),
        }
    )
    wandb.finish()
    assert [each.kind for each in kept(folder)] == ["table", "histogram", "histogram", "image"]
    assert run.has_ended


def test_what_needs_no_wrapping(folder: Path) -> None:
    """A frame is a table; an array says nothing of what it is, and the words say what to write."""
    with labtop.init() as run:
        run.log(
            {
                "frame": polars.DataFrame({"a": [1, 2]}),
                "array": np.zeros((3, 3)),
                "text": "hello",
                "n": np.float32(1),
            }
        )
    assert [(each.name, each.kind) for each in kept(folder)] == [("frame", "table")]
    assert [each.name for each in read_points(run.folder)[0]] == ["n"]


def test_the_step_of_waiting_values(folder: Path) -> None:
    """`commit=False` and step metrics count for rich values as for numbers."""
    with labtop.init() as run:
        run.define_metric("val/*", step_metric="epoch")
        run.log({"a": labtop.Text("1")}, commit=False)
        run.log({"epoch": 3, "val/b": labtop.Text("2")})
        run.log({"c": labtop.Text("3")})
    assert [(each.name, each.step) for each in kept(folder)] == [("a", 0), ("val/b", 3), ("c", 1)]


def test_the_same_content_is_one_file(folder: Path) -> None:
    """Logged at several steps."""
    with labtop.init() as run:
        for _ in range(3):
            run.log({"same": labtop.Text("x")})
    assert len(kept(folder)) == 3
    assert len(list((run.folder / "media").iterdir())) == 1


def test_wrong_values_are_told_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Training goes on; what cannot be meant is named, in `log` or in the thread behind it."""
    with labtop.init() as run:
        for _ in range(2):
            run.log({"a": labtop.Image("gone.png"), "b": labtop.ConfusionMatrix([1], ["x"]), "loss": 1.0})
    assert [each.name for each in read_points(run.folder)[0]] == ["loss", "loss"]
    said = [each.message for each in caplog.records]
    assert sum("'a' is not logged: there is no file gone.png" in each for each in said) == 1
    assert sum("'b' is not logged" in each for each in said) == 1
    with pytest.raises(RecordingError, match="gone"), labtop.init(strict=True) as run:
        run.log({"a": labtop.Image("gone.png")})


def test_log_does_not_wait_for_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a disk that hangs `log` goes on, what waits is bounded, and what was left out is counted."""
    go = threading.Event()

    class Hanging(Files):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            go.wait(60)
            return super().open(path, flags, mode)

    monkeypatch.setattr(value_log, "MOST_WAITING", 5)
    run = labtop.init()
    run._values._files = Hanging()
    longest = 0.0
    for at in range(8):
        began = time.perf_counter()
        run.log({"text": labtop.Text(f"{at}")})
        longest = max(longest, time.perf_counter() - began)
    go.set()
    run.finish()
    assert longest < 20  # 40 ms; a call that waited for the disk would take a minute
    assert len(kept(folder)) == 5
    assert "3 rich values could not be kept" in str(only_record(folder / "runs").life.degraded)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_fails(folder: Path, caplog: pytest.LogCaptureFixture, error: int) -> None:
    """Told once, marked degraded, nothing half there; and the values after that are kept again."""

    class Failing(Files):
        left = 3

        def sync_data(self, descriptor: int) -> None:
            self.left -= 1
            if self.left >= 0:
                raise OSError(error, os.strerror(error))
            super().sync_data(descriptor)

    with labtop.init() as run:
        run._values._files = Failing()
        for at in range(5):
            run.log({"text": labtop.Text(f"{at}"), "loss": 1.0})
    assert [each.about["characters"] for each in kept(folder)] == [1, 1]
    assert len(list((run.folder / "media").iterdir())) == 2
    degraded = str(only_record(folder / "runs").life.degraded)
    assert os.strerror(error) in degraded
    assert "3 rich values" in degraded
    assert sum(os.strerror(error) in each.message for each in caplog.records) == 1


def test_caps_are_told(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings say how many; more are left out with a word."""
    monkeypatch.setenv("LABTOP_VALUES_MAX", "2")
    with labtop.init() as run:
        for at in range(4):
            run.log({"text": labtop.Text(f"{at}")})
    assert len(kept(folder)) == 2
    assert sum("values_max" in each.message for each in caplog.records) == 1
    assert "2 rich values could not be kept" in str(only_record(folder / "runs").life.degraded)


def test_secrets_are_taken_out(folder: Path) -> None:
    """Of texts, cells, nested cells, names of columns, captions, labels and names."""
    secret = "ghp_" + "a1B2" * 9
    with labtop.init() as run:
        run.log(
            {
                f"n {secret}": labtop.Text(f"x {secret}"),
                "t": labtop.Table(
                    {f"c {secret}": [secret, "ok"], "n": [{"a": [secret]}, None], "m": [secret, 1]}
                ),
                "i": labtop.Image(np.zeros((2, 2)), caption=secret),
                "c": labtop.ConfusionMatrix([secret, "b"], ["b", "b"]),
                "r": labtop.Curve([1], {secret: [1]}, x_name=secret),
            }
        )
    assert len(kept(folder)) == 5
    assert secret.encode() not in every_byte(folder / "runs")


def test_a_child_leaves_to_its_parent_what_is_the_parent_s(folder: Path) -> None:
    """What waits when a process forks is kept once; what the child logs is its own."""
    code = """
import os, labtop
run = labtop.init()
for at in range(20):
    run.log({"t": labtop.Text(f"{at}")})
pid = os.fork()
if pid == 0:
    run.log({"child": labtop.Text("c")})
    raise SystemExit
assert os.waitpid(pid, 0)[1] == 0
run.finish()
"""
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    assert [each.name for each in kept(folder)] == [*["t"] * 20, "child"]


def test_a_signal_waits_for_what_is_under_way(folder: Path) -> None:
    """SIGTERM right after `log`: the value is there."""
    code = """
import os, signal, time, labtop
run = labtop.init()
run.log({"warm": labtop.Text("up")})
while not list(run.folder.glob("media/*.txt")):
    time.sleep(0.01)
run.log({"t": labtop.Text("2")})
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == -15
    assert [each.name for each in kept(folder)] == ["warm", "t"]


def test_nothing_is_kept_where_nothing_is_recorded(folder: Path) -> None:
    """`mode="disabled"` takes everything."""
    with labtop.init(mode="disabled") as run:
        run.log({"a": labtop.Text("x"), "b": labtop.Image("gone.png")})
    assert not (folder / "runs").exists()


def test_resuming_counts_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run had before is kept and counts."""
    monkeypatch.setenv("LABTOP_VALUES_MAX", "2")
    for text in ("1", "2"):
        with labtop.init(id="a run", resume="allow") as run:
            run.log({"t": labtop.Text(text)})
            run.log({"t": labtop.Text(text + "b")})
    assert [each.name for each in kept(folder)] == ["t", "t"]


def test_big_values_are_encoded_behind(folder: Path) -> None:
    """A picture of ten million pixels and a table of a million cells: `log` only copies."""
    pixels: Any = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8)
    frame = polars.DataFrame({str(at): np.arange(100_000) for at in range(10)})
    with labtop.init() as run:
        run.log({"warm": labtop.Text("up")})
        began = time.thread_time()  # of this thread: a busy machine takes none of it
        run.log(
            {"i": labtop.Image(pixels), "t": labtop.Table(frame), "h": labtop.Histogram(np.arange(10**6))}
        )
        took = time.thread_time() - began
        pixels[:] = 0
    assert took < 1  # some 20 ms; encoding takes seconds
    from labtop.store.values.png import decode_png

    image = next(each for each in kept(folder) if each.kind == "image")
    assert decode_png((run.folder / str(image.path)).read_bytes(), 10**7).any()
