"""tensorboardX logs runs, with a restart and a killed process, and TensorBoard's own reader tells them.

python -m tests.clients.log_tensorboard FOLDER TOLD
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter

from tests.clients.telling import Told, places, tell

PARAMS: dict[str, Any] = {"lr": 0.1, "batch": 32, "name": "x é", "on": True}


def log(folder: Path) -> None:
    """A run of everything, one that was started twice, one that was killed, an empty one, one in a folder far below."""
    with SummaryWriter(str(folder / "first é")) as writer:
        for step in range(1_200):
            odd = [math.nan, math.inf, -math.inf, 1e-40][step % 4]
            writer.add_scalar("train/loss", 1 / (step + 1), step)
            writer.add_scalar("odd one π", odd, step * 2**30)
        writer.add_scalar("x" * 2_000, 1.5, 3)
        writer.add_text("note", "hello", 1)
        writer.add_hparams(PARAMS, {"hparam/acc": 0.5})
    for number, (begin, sign) in enumerate(((0, 1), (30, -1))):
        suffix = f".{number}"
        writer = SummaryWriter(str(folder / "again"), purge_step=begin or None, filename_suffix=suffix)
        for step in range(begin, begin + 50):
            writer.add_scalar("loss", sign * step, step)
        writer.close()
    for number in range(2):
        with SummaryWriter(str(folder / "sweep" / "deep" / f"lr={10.0**-number}")) as writer:
            for step in range(30):
                writer.add_scalar("loss", number / (step + 1), step)
    subprocess.run(
        [sys.executable, "-m", "tests.clients.log_tensorboard", "killed", str(folder)], check=False
    )


def die(folder: Path) -> None:
    """Log points, flush most of them, and be killed."""
    writer = SummaryWriter(str(folder / "killed"))
    for step in range(500):
        writer.add_scalar("loss", 1 / (step + 1), step)
        if step == 450:
            writer.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def read_back(folder: Path) -> list[Told]:
    """What `EventAccumulator` finds in each folder."""
    told: dict[str, Told] = {}
    for place in sorted({each.parent for each in folder.rglob("*tfevents*")}):
        read = EventAccumulator(str(place), size_guidance={"scalars": 0, "tensors": 0})
        read.Reload()
        points = {
            tag: [(each.step, each.value, round(each.wall_time * 1e6)) for each in read.Scalars(tag)]
            for tag in read.Tags()["scalars"]
        }
        key = place.relative_to(folder).as_posix()
        if key.startswith("first é/"):  # the writer gives the parameters of a run a folder of their own
            told["first é"].points.update(points)
            told["first é"].params = PARAMS
        else:
            told[key] = Told(key=key, name=place.name, points=points)
    return [*told.values()]


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "killed":
        return die(Path(sys.argv[2]))
    folder, path = places()
    log(folder)
    tell(path, read_back(folder))


if __name__ == "__main__":
    main()
