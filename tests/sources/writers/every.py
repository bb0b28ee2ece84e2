"""A small sample of the logs of every tracker: three runs, and what of the second lies in files of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.formats.event_files import event, field, record, simple
from tests.sources.writers import (
    dvc,
    dvclive,
    lm_eval,
    mlflow_files,
    mlflow_sql,
    neptune,
    sacred,
    trackio,
    wandb_log,
)
from tests.sources.writers.aim import write_repository

STEPS = range(24)
T = 1_700_000_000.0


def loss(run: int, step: int) -> float:
    """A curve that goes up and down, another for each run."""
    return round(math.sin(step * 0.7 + run) / 3 + run, 5)


def events(path: Path, run: int) -> None:
    """An event file of TensorBoard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = b"\x09" + event(0, T)[1:9] + field(3, b"brain.Event:2")
    rows = [event(step, T + step, simple("loss", loss(run, step))) for step in STEPS]
    path.write_bytes(b"".join(map(record, [head, *rows])))


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")
    return path


def _csv(run: int, head: str, row: str = "{step},{loss}") -> str:
    rows = (row.format(step=step, loss=loss(run, step)) for step in STEPS)
    return "".join(f"{line}\n" for line in [head, *rows])


def _mlflow(root: Path) -> Path:
    experiment = mlflow_files.write_experiment(root / "mlruns", "1", "digits")
    runs = []
    for run in range(3):
        lines = "".join(f"{1_700_000_000_000 + step} {loss(run, step)} {step}\n" for step in STEPS)
        runs.append(mlflow_files.write_run(
            experiment, run, metrics={"loss": lines, "val/acc": lines}, params={"lr": "0.1", "name": "é"},
            tags={"mlflow.user": "me", "mlflow.source.name": "train.py"},
        ))  # fmt: skip
    return runs[1]


def _mlflow_sql(root: Path) -> Path:
    database = mlflow_sql.Database(root / "mlflow.db")
    for run in range(3):
        name = database.run(run)
        database.points(name, "loss", [(loss(run, step), 1_700_000_000_000 + step, step) for step in STEPS])
        database.add("params", key="lr", value="0.1", run_uuid=name)
        database.add("tags", key="note", value="é", run_uuid=name)
    return root / "mlflow.db"


def _wandb(root: Path) -> Path:
    for run in range(3):
        rows = [wandb_log.row(step, {"loss": loss(run, step)}) for step in STEPS]
        records = [
            wandb_log.run(f"abcdefg{run}", lr=0.1),
            *rows,
            wandb_log.summary({"loss": 1}),
            wandb_log.end(),
        ]
        path = wandb_log.write_run(
            root / "wandb", records, run_id=f"abcdefg{run}", date=f"20231114_22132{run}"
        )
        files = path.parent / "files"
        _put(
            files / "config.yaml",
            "wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\nbatch:\n  value: [1, 2]\n",
        )
        _put(files / "wandb-summary.json", '{"loss": 1, "_step": 23}')
        _put(files / "wandb-metadata.json", '{"os": "Linux", "python": "3.11.7", "args": ["--lr", "0.1"]}')
        _put(files / "requirements.txt", "numpy==2.0.1\ntorch==2.3.0\n")
        _put(files / "output.log", "begin\nend\n")
    return root / "wandb" / "offline-run-20231114_221321-abcdefg1"


def _neptune(root: Path) -> Path:
    paths = []
    for run in range(3):
        rows: list[neptune.Row] = [("sys/name", "string", f"run {run}", None), ("lr", "float", 0.1, None)]
        rows += [("loss", "float_series", loss(run, step), float(step)) for step in STEPS]
        paths += neptune.write_run(root / "exports" / "data", "me/digits", f"RUN-{run}", [rows])
    return paths[1]


def _trackio(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = trackio.make_database(root / "digits.db")
    for run in range(3):
        trackio.log(path, f"{run}" * 32, f"run-{run}", [{"loss": loss(run, step)} for step in STEPS])
        trackio.insert(path, "configs", [
            {"run_id": f"{run}" * 32, "run_name": f"run-{run}", "config": {"lr": 0.1}, "created_at": trackio.WHEN}
        ])  # fmt: skip
    return path


def _aim(root: Path) -> Path:
    return write_repository(root / "project", [f"{run}" * 24 for run in range(3)]) / "run_metadata.sqlite"


def _lm_eval(root: Path) -> Path:
    for run in range(3):
        path = root / f"model{run}" / "results_2024-05-06T07-08-09.123456.json"
        _put(path, json.dumps(lm_eval.new_results(), indent=2))
    return root / "model1"


def _dvc(root: Path) -> Path:
    project = dvc.Project(root / "digits")
    for run in range(2):
        project.experiment(f"exp-{run}", run / 10)
    return project.root / ".git"


def _dvclive(root: Path) -> Path:
    for run in range(3):
        values = [loss(run, step) for step in STEPS]
        dvclive.write_run(root / f"r{run}" / "dvclive", {"train/loss": values, "acc": values})
    return root / "r1"


GUILD = {"started": "1795435765268708\n", "stopped": "1795435766268708\n", "exit_status": "0\n",
         "cmd": "- python\n- train.py\n", "flags": "lr: 0.1\nname: a b\n", "label": "first\n",
         "pip_freeze": "- numpy==2.0.1\n", "random_seed": "7\n"}  # fmt: skip


def _guild(root: Path) -> Path:
    for run in range(3):
        inner = root / "home" / "runs" / (f"{run}" * 32) / ".guild"
        for name, text in GUILD.items():
            _put(inner / "attrs" / name, text)
        _put(inner / "opref", "guildfile:/home/me/digits/guild.yml 069d '' train")
        _put(inner / "output", "begin\n")
        events(inner / "events.out.tfevents.1700000000.vm.1.1", run)
    return root / "home" / "runs" / ("1" * 32)


def _hydra(root: Path) -> Path:
    for run in range(3):
        folder = root / "outputs" / "2026-01-02" / f"03-04-0{run}"
        _put(folder / ".hydra" / "config.yaml", "lr: 0.1\nmodel:\n  depth: 3\n  name: ${x}\n")
        _put(folder / ".hydra" / "hydra.yaml", "hydra:\n  job: {name: train, override_dirname: lr=0.1}\n")
        _put(folder / ".hydra" / "overrides.yaml", "- lr=0.1\n")
        _put(folder / "train.log", "[2026-01-02 03:04:05,000][__main__][INFO] - begin\n")
    return root / "outputs" / "2026-01-02" / "03-04-01"


def _sacred(root: Path) -> Path:
    for run in range(3):
        series = sacred.series([loss(run, step) for step in STEPS])
        sacred.write_run(root / "runs" / str(run + 1), metrics={"loss": series}, info={"note": "x"})
    return root / "runs" / "2"


def _lightning(root: Path) -> Path:
    for run in range(3):
        folder = root / "lightning_logs" / f"version_{run}"
        _put(
            folder / "metrics.csv",
            _csv(run, "epoch,step,loss", "0,{step},{loss}"),
        )
        _put(folder / "hparams.yaml", "lr: 0.1\nmodel:\n  depth: 3\n")
    return root / "lightning_logs" / "version_1"


def _huggingface(root: Path) -> Path:
    for run in range(3):
        history = [{"step": step, "epoch": step / 10, "loss": loss(run, step)} for step in STEPS]
        state = {
            "global_step": 23,
            "max_steps": 23,
            "log_history": history,
            "epoch": 2.3,
            "trial_params": None,
        }
        _put(root / f"out{run}" / "trainer_state.json", json.dumps(state, indent=2))
        _put(root / f"out{run}" / "checkpoint-23" / "trainer_state.json", json.dumps(state, indent=2))
        _put(root / f"out{run}" / "config.json", '{"hidden_size": 768, "model_type": "roberta"}')
        _put(root / f"out{run}" / "all_results.json", '{"eval_loss": 1.5}')
    return root / "out1"


def _tensorboard(root: Path) -> Path:
    for run in range(3):
        events(root / "logs" / f"r{run}" / "events.out.tfevents.1700000000.host.1.0", run)
    return root / "logs" / "r1"


def _downloads(root: Path) -> Path:
    for run in range(3):
        rows = "".join(f"{T + step},{step},{loss(run, step)}\n" for step in STEPS)
        for tag in ("loss", "val_acc"):
            _put(root / "saved" / f"{run}" / f"run-r{run}-tag-{tag}.csv", f"Wall time,Step,Value\n{rows}")
    return root / "saved" / "1"


def _keras(root: Path) -> Path:
    for run in range(3):
        _put(root / f"r{run}" / "training.log", _csv(run, "epoch,loss"))
    return root / "r1"


def _stable_baselines(root: Path) -> Path:
    head = '#{"t_start": 1700000000.5, "env_id": "CartPole-v1"}\nr,l,t'
    for run in range(3):
        _put(
            root / f"r{run}" / "monitor.csv",
            _csv(run, head, "{loss},{step},{step}.5"),
        )
    return root / "r1"


def _tables(root: Path) -> Path:
    for run in range(3):
        _put(root / f"r{run}" / "history.csv", _csv(run, "step,loss"))
    _put(root / "results.csv", "model,lr,top1\na,0.1,50.5\nb,0.2,60.5\n")
    return root / "r1"


SAMPLES: Mapping[str, Callable[[Path], Path]] = {
    "mlflow": _mlflow,
    "mlflow-sql": _mlflow_sql,
    "wandb": _wandb,
    "neptune": _neptune,
    "trackio": _trackio,
    "aim": _aim,
    "lm-eval": _lm_eval,
    "dvc": _dvc,
    "dvclive": _dvclive,
    "guild": _guild,
    "hydra": _hydra,
    "sacred": _sacred,
    "lightning": _lightning,
    "huggingface": _huggingface,
    "tensorboard": _tensorboard,
    "tensorboard-downloads": _downloads,
    "keras": _keras,
    "stable-baselines": _stable_baselines,
    "tables": _tables,
}
"""By the name of the source: writes the runs into a folder; gives the file, or the folder of files, of the second."""
