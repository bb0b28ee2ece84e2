"""Writes logs that somebody made to harm who reads them; `marker` is a file that must not appear."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from tests.sources.writers import dvc, mlflow_files, mlflow_sql, sacred, trackio, wandb_log

ESCAPES = (
    "[/b]\x1b]52;c;aGFjaw==\x07\x1b[31mred\x1b[2J\x9b31m\x00\u202e=cmd|' /C calc'!A0'; DROP TABLE runs;--"
)
CLIMB = "../../../etc/passwd"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 12)
)
DEEP_JSON = '{"a":' * 100_000 + "1" + "}" * 100_000
ENDLESS = (
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT x AS id, 'a' AS run_id, 'a' AS run_name, x AS step, '{}' AS metrics, 'a' AS timestamp FROM n"
)


def _put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def settings(root: Path, marker: Path) -> None:
    """YAML, JSON and pickles that run, blow up or go deep."""
    tag = f"a: !!python/object/apply:os.system ['touch {marker}']\n__class__: x\n"
    for name, yaml in {"tag": tag, "bomb": BOMB, "deep": "[" * 10_000, "huge": "k: " + "x" * 2**20}.items():
        _put(root / "lightning_logs" / f"version_{name}" / "hparams.yaml", yaml)
        _put(root / "outputs" / name / ".hydra" / "config.yaml", yaml)
        _put(root / "mlruns" / "1" / mlflow_files.run_id(100 + len(name)) / "meta.yaml", yaml)
    pickle = f"cos\nsystem\n(S'touch {marker}'\ntR."
    number = '{"lr": ' + "9" * 10_000 + ', "loss": 1e999, "x": "\\ud800"}'
    for name, content in {"deep": DEEP_JSON, "number": number, "text": '"x'}.items():
        sacred.write_run(root / "sacred" / name, metrics={"loss": sacred.series([1.0, 2.0])})
        _put(root / "sacred" / name / "config.json", content)
        _put(root / "hf" / name / "trainer_state.json", content)
        _put(root / "hf" / name / "training_args.bin", pickle)
        _put(root / "wandb" / f"run-20231114_221320-{name}" / "files" / "wandb-summary.json", content)


def names(root: Path, marker: Path) -> None:
    """Names and values that harm a terminal, a spreadsheet, a file system or a memory."""
    _ = marker
    experiment = mlflow_files.write_experiment(root / "mlruns", "1", json.dumps(ESCAPES))
    run = mlflow_files.write_run(
        experiment, 1, metrics={"loss": "1 1 0\n"}, params={"lr": ESCAPES},
        run_name=json.dumps(ESCAPES), artifact_uri=CLIMB,
    )  # fmt: skip
    for part in ("metrics", "params", "tags"):
        for name in ("\x1b]52;c;x\x07", "a\nb", "__class__", "[bold]", os.fsdecode(b"\xff\xfe")):
            _put(run / part / name, "1700000000000 1 0\n")
        (run / part / "out").symlink_to("/etc/passwd")
    row = {"m" * 100_000: 1, ESCAPES: 2, CLIMB: 3, "": 4, "image": {"_type": "image-file", "path": CLIMB}}
    records = [
        wandb_log.run("../../x", (8, ESCAPES), (9, ESCAPES), project="../../../tmp/evil", **{ESCAPES: CLIMB}),
        wandb_log.row(0, row),
        wandb_log.end(),
    ]
    wandb_log.write_run(root / "wandb", records)
    _put(
        root / "\x1b]52;c;x\x07[b]" / os.fsdecode(b"caf\xe9") / "training.log",
        "epoch,loss,\x1b]0;t\x07\n0,1,1\n",
    )


def databases(root: Path, marker: Path) -> None:
    """Tables that are endless views, triggers, thousands of tables, a repository whose settings start programs."""
    database = mlflow_sql.Database(_made(root) / "mlflow.db")
    database.points(database.run(1, name=b"\xff\x00\x1b]0;x"), "loss", [(0.5, 1, 1)])
    path = trackio.make_database(root / "trackio.db")
    trackio.log(path, "a" * 32, "a", [{"loss": 1.0}])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("DROP TABLE system_metrics")
        connection.execute(f"CREATE VIEW system_metrics AS {ENDLESS}")
        connection.execute("CREATE TRIGGER t AFTER INSERT ON alerts BEGIN SELECT load_extension('/x'); END")
        for number in range(1000):
            connection.execute(f"CREATE TABLE t{number} (x)")
        connection.commit()
    project = dvc.Project(root / "repository")
    project.experiment("bold-cat", 0.2)
    git = project.root / ".git"
    _put(git / "hooks" / "evil", f"#!/bin/sh\ntouch '{marker}'\n")
    (git / "hooks" / "evil").chmod(0o755)
    evil = git / "hooks" / "evil"
    with (git / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n\tsshCommand = {evil}\n"
                     f"[diff]\n\texternal = {evil}\n[alias]\n\tcat-file = !{evil}\n")  # fmt: skip


def special(root: Path, marker: Path) -> None:
    """Pipes, sockets, loops, huge holes and links where sources look for files."""
    _ = marker
    found = {"a/mlruns/1/" + mlflow_files.run_id(7): "meta.yaml", "b": "trainer_state.json", "c": "monitor.csv",
             "d/wandb/run-20231114_221320-pipe": "run-pipe.wandb", "e": "events.out.tfevents.1.x.1.0",
             "g/.hydra": "config.yaml", "h": "mlflow.db", "l": "history.parquet", "n": "run.json"}  # fmt: skip
    for folder, name in found.items():
        for kind in ("pipe", "hole", "passwd", "loop"):
            path = _made(root / kind / folder) / name
            if kind == "pipe":
                os.mkfifo(path)
            elif kind == "hole":
                path.touch()
                os.truncate(path, 10 * 2**30)
            else:
                path.symlink_to("/etc/passwd" if kind == "passwd" else path.name)
    (root / "up").symlink_to(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "training.log"))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


NASTY: Mapping[str, Callable[[Path, Path], None]] = {
    "settings": settings,
    "names": names,
    "databases": databases,
    "special": special,
}
"""By name: writes into a folder what must do no harm; the second path is a file that must not appear."""
