"""A folder with logs of several trackers, for pictures of the screens: the same run as each of them would have it."""

from __future__ import annotations

from pathlib import Path

from tests.formats.event_files import event, field, record, simple
from tests.sources.writers import wandb_log
from tests.sources.writers.mlflow_files import START, write_experiment, write_run


def write_logs(folder: Path) -> Path:
    """Two runs of MLflow, one each of W&B and TensorBoard with the same kind of curve, and a table of two."""
    folder.mkdir(parents=True)
    experiment = write_experiment(folder / "mlruns", "1", "digits")
    for number, rate in enumerate((0.3, 1.0)):
        lines = "".join(f"{START + 1000 * at} {loss} {at}\n" for at, loss in enumerate(losses(rate)))
        params = {"lr": str(rate), "optimizer": "adam"}
        write_run(experiment, number, metrics={"loss": lines}, params=params, run_name=f"mlp-{number}")
    rows = [wandb_log.row(at, {"loss": loss}) for at, loss in enumerate(losses(0.6))]
    begin = wandb_log.run("k3x9q0ab", (8, "brisk-sun-4"), lr=0.6, optimizer="sgd")
    wandb_log.write_run(folder / "wandb", [begin, *rows, wandb_log.end()])
    events = [event(at, START / 1000 + at, simple("loss", loss)) for at, loss in enumerate(losses(2.0))]
    (folder / "vision" / "runs" / "conv").mkdir(parents=True)
    version = b"\x09" + event(0, START / 1000)[1:9] + field(3, b"brain.Event:2")
    path = folder / "vision" / "runs" / "conv" / f"events.out.tfevents.{START // 1000}.host.1.0"
    path.write_bytes(b"".join(map(record, (version, *events))))
    (folder / "results.csv").write_text("model,loss,lr\nresnet,0.31,0.1\nvit,0.27,0.01\n")
    return folder


def losses(rate: float) -> list[float]:
    """A curve that falls, and falls faster with a higher rate."""
    return [0.2 + 2 / (1 + rate * step) + 0.05 * ((step * 7) % 5) / (step + 1) for step in range(40)]
