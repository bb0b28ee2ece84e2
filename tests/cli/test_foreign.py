"""The command line over logs of other trackers, as a person uses it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import labtop as command
from tests.sources.writers import wandb_log
from tests.sources.writers.mlflow_files import START, run_id, write_experiment, write_run
from tests.sources.writers.mlflow_sql import Database


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one MLflow run and one of W&B; the cache and the user's data are elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    root = tmp_path / "logs"
    experiment = write_experiment(root / "mlruns", "1", "digits")
    write_run(experiment, 1, metrics={"loss": "1700000000000 0.5 0\n1700000001000 0.25 1\n"})
    rows = [wandb_log.row(step, {"loss": 1 / (step + 1)}) for step in range(3)]
    wandb_log.write_run(root / "wandb", [wandb_log.run(), *rows, wandb_log.end()])
    return root


def test_a_run_is_the_same_from_whatever_folder_it_is_opened(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path and an absolute one give the same ids and the full path of where a run lies."""
    told = []
    for folder, path in ((tmp_path, "logs"), (logs, "."), (tmp_path / "cache", str(logs))):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        told.append(command("ls", path, "--columns", "id,tracker", "--format", "csv").stdout)
        shown = command("show", run_id(1)[:12], "--store", path).stdout
        assert str(logs / "mlruns" / "1" / run_id(1)) in " ".join(shown.split())
    assert told[0] == told[1] == told[2]


def test_without_an_argument_the_logs_of_this_folder_are_opened(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder with nothing but `mlruns/` and `wandb/`."""
    monkeypatch.chdir(logs)
    result = command("ls", "--columns", "tracker", "--format", "csv")
    assert sorted(result.stdout.split()) == ["mlflow", "tracker", "wandb"]


def test_verbs_tell_nothing_of_the_cache(logs: Path) -> None:
    """What lies inside of the cache is no place that a person knows."""
    store = ("--store", str(logs))
    for words in (
        ("ls", str(logs)),
        ("show", run_id(1), *store),
        ("show", "k3x9q0ab", *store),
        ("metrics", "best:loss", *store),
        ("diff", run_id(1), "k3x9q0ab", *store),
        ("reproduce", run_id(1), *store),
        ("sql", "SELECT * FROM runs", str(logs), "--format", "jsonl"),
        ("export", str(logs), "--to", "-"),
        ("doctor", str(logs)),
    ):
        result = command(*words)
        said = result.stdout + result.stderr
        assert "mirrors" not in said, (words, said)
        assert ".runs/" not in said, (words, said)


_BARS = set("▁▂▃▄▅▆▇█")


def test_a_large_table_reads_no_curves_unless_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 201 runs the last values are shown and no point read, which is said; of 200, or by name, curves are there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "logs").mkdir()
    database = Database(tmp_path / "logs" / "mlflow.db")
    with closing(sqlite3.connect(database.path)) as connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, experiment_id) "
            "VALUES (?, ?, 'FINISHED', ?, ?, 'active', 0)",
            [(run_id(run), f"run-{run}", START + run, START + 60_000) for run in range(201)],
        )
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step) VALUES ('loss', ?, ?, ?, ?)",
            [(run + step / 4, START, run_id(run), step) for run in range(201) for step in range(3)],
        )
        connection.commit()
    database.last_values()
    plain = command("ls", database.path)
    assert "200.5" in plain.stdout
    assert not _BARS & set(plain.stdout)
    assert "curves are drawn of up to 200 runs" in plain.stderr
    assert not list((tmp_path / "cache").rglob("*.points.parquet"))
    few = command("ls", database.path, "--limit", "200")
    assert _BARS & set(few.stdout)
    assert "curves are drawn" not in few.stderr
    asked = command("ls", database.path, "--columns", "id,spark(loss)")
    assert sum(bool(_BARS & set(line)) for line in asked.stdout.splitlines()) == 201


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    """A file of another kind, and a folder without anything."""
    (tmp_path / "notes.txt").write_text("hello\n")
    result = command("ls", str(tmp_path / "notes.txt"))
    assert result.returncode == 3
    assert "no log or table of runs" in result.stderr
    (tmp_path / "notes.txt").unlink()
    assert f"no runs in {tmp_path}" in command("ls", str(tmp_path)).stderr


def test_a_wide_table_in_a_pipe_is_cut_to_the_usual_columns(logs: Path) -> None:
    """What most runs have is written, the rest counted with the way to all of it; other formats are whole."""
    for number in range(2, 5):
        values = {f"p{each:02}": str(each + number) for each in range(30)}
        write_run(
            logs / "mlruns" / "1", number, params={"lr": f"0.{number}", **(values if number == 4 else {})}
        )
    result = command("ls", str(logs))
    header = result.stdout.splitlines()[0].split()
    assert len(header) == 20
    assert {"id", "status", "name", "tracker", "loss", "lr", "age"} <= set(header)
    assert "columns are left out: p" in result.stderr
    assert "--columns '*'" in result.stderr
    assert "p29" in command("ls", str(logs), "--columns", "name,p2*").stdout.splitlines()[0]
    whole = command("ls", str(logs), "--columns", "*").stdout.splitlines()[0].split()
    assert {f"p{each:02}" for each in range(30)} < set(whole)
    assert "p29" in command("ls", str(logs), "--format", "csv").stdout.splitlines()[0]
    assert "no column fits 'zz*'" in command("ls", str(logs), "--columns", "zz*").stderr


def test_a_field_behind_a_parameter_of_its_name_is_pointed_out(logs: Path) -> None:
    """Where the filter lets nothing through, so that nobody takes the parameter for the field."""
    write_run(logs / "mlruns" / "1", 2, params={"status": "mine"})
    found = command("ls", str(logs), "--where", "status = failed", "--format", "jsonl")
    assert (found.returncode, found.stdout) == (0, "")
    assert "status is a parameter here; the field is run.status" in found.stderr
    assert command("ls", str(logs), "--where", "run.status = finished", "--format", "jsonl").stdout
    assert "is a parameter" not in command("ls", str(logs), "--where", "status = mine").stderr


def test_columns_of_a_table_are_told_on_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--tables` makes runs of a table that would be taken for data; without it, the next time, it is data again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LABTOP_TABLES", "other.csv: none")  # which the flag sets here, and is to be put back
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "scores.csv").write_text("who,text,y\na,one,1.5\nb,two,2.5\n")
    asked = ("ls", str(tmp_path / "logs"), "--columns", "name,y", "--format", "csv", "--sort", "name")
    result = command(*asked, "--tables", "scores.csv: run=who metrics=y")
    assert result.stdout.split() == ["name,y", "a,1.5", "b,2.5"]
    assert command(*asked, "--tables", "scores.csv: none").returncode != 0
    wrong = command(*asked, "--tables", "scores.csv: colour=red")
    assert "colour=red" in wrong.stderr
    assert "Traceback" not in wrong.stderr
