"""`labtop import` as people use it, and logs of other trackers through the other verbs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import labtop
from labtop.model.run import Process
from tests.cli.test_main import lines_of
from tests.command import labtop as command
from tests.sources.writers.dvclive import write_run as write_live
from tests.sources.writers.sacred import series, write_run


def logs(folder: Path) -> Path:
    """Two runs of Sacred: one that was finished, one that failed and has an artifact."""
    write_run(folder / "1", metrics={"loss": series([1.0, 0.5, float("nan")])})
    facts: dict[str, Any] = {"status": "FAILED", "fail_trace": ["ValueError: no"], "artifacts": ["model.txt"]}
    write_run(folder / "2", facts, metrics={"loss": series([2.0])})
    (folder / "2" / "model.txt").write_text("weights")
    return folder


def test_runs_arrive_whole_and_once(tmp_path: Path) -> None:
    """Every run is copied with points, output and artifacts; again it is unchanged; what is new comes along."""
    source, store = logs(tmp_path / "logs"), tmp_path / "runs"
    done = command("import", source, "--store", store, "--artifacts", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in lines_of(done.stdout)] == ["imported", "imported"]
    assert command("fsck", store).returncode == 0
    foreign, own = (lines_of(command("ls", path, "--format", "jsonl").stdout) for path in (source, store))
    told = [
        {run["id"]: [run[key] for key in ("params", "metrics", "source")] for run in runs}
        for runs in (foreign, own)
    ]
    assert told[0] == told[1]
    assert len(list(store.glob("*/*/output.log"))) == 2
    assert [each.read_text() for each in store.glob("*/*/artifacts/**/model.txt")] == ["weights"]
    again = command("import", source, "--store", store, "--format", "jsonl")
    assert {row["state"] for row in lines_of(again.stdout)} == {"unchanged"}
    write_run(source / "1", metrics={"loss": series([1.0, 0.5, 0.25, 0.125])})
    once_more = lines_of(command("import", source, "--store", store, "--format", "jsonl").stdout)
    assert sorted(str(row["state"]) for row in once_more) == ["unchanged", "updated"]
    with labtop.open(store) as opened:
        assert opened.metrics("1", name="loss")["value"].to_list() == [1.0, 0.5, 0.25, 0.125]


def test_the_name_of_the_machine_comes_along(tmp_path: Path) -> None:
    """Of the process that wrote the run nothing else does: it does not write here."""
    write_run(tmp_path / "logs" / "1", {"host": {"hostname": "gpu7"}})
    labtop.import_runs(tmp_path / "logs", tmp_path / "runs")
    with labtop.open(tmp_path / "runs") as opened:
        assert opened.record("1").life.process == Process(host="gpu7")


def test_a_filter_and_a_project_choose_what_comes(tmp_path: Path) -> None:
    """`--where` takes some runs, `--project` says where they go; the function gives the same as the verb."""
    source = logs(tmp_path / "logs")
    (one,) = labtop.import_runs(source, tmp_path / "runs", where="status = failed", project="old")
    assert (one.name, one.project, one.state) == ("2", "old", "imported")
    (row,) = lines_of(command("ls", tmp_path / "runs", "--format", "jsonl").stdout)
    assert (row["project"], row["status"]) == ("old", "failed")


def test_edits_come_along(tmp_path: Path) -> None:
    """Tags and notes that were put on a foreign run are in its copy."""
    source = logs(tmp_path / "logs")
    assert command("tag", "2", "paper", "--store", source).returncode == 0
    command("import", source, "--store", tmp_path / "runs")
    (row,) = lines_of(
        command("ls", tmp_path / "runs", "--where", "tags has paper", "--format", "jsonl").stdout
    )
    assert row["name"] == "2"


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    """A folder without runs is an error that says what to do, and makes no store."""
    (tmp_path / "empty").mkdir()
    done = command("import", tmp_path / "empty", "--store", tmp_path / "runs")
    assert done.returncode == 3
    assert "no runs in" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_foreign_runs_answer_to_every_verb(tmp_path: Path) -> None:
    """show, metrics, diff, sql, export, note and reproduce work on the logs of another tracker, named by its ids."""
    source = logs(tmp_path / "logs")
    for arguments in (
        ("show", "1"),
        ("metrics", "1", "--name", "loss"),
        ("diff", "1", "2"),
        ("note", "1", "looked at"),
        ("reproduce", "1"),
        ("sql", "SELECT count(*) FROM metrics"),
    ):
        done = command(*arguments, "--store", source)
        assert done.returncode == 0, (arguments, done.stderr)
        assert done.stdout or arguments[0] == "note"
    done = command("export", source, "--to", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_text().count("\n") == 3


def test_secrets_stay_behind(tmp_path: Path) -> None:
    """A token in the command, the settings or the output of a foreign run is in no byte of the store."""
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    facts = {"meta": {"options": {"--comment": f"used {secret}"}}}
    write_run(tmp_path / "logs" / "1", facts, config={"api_key": secret})
    (tmp_path / "logs" / "1" / "cout.txt").write_text(f"fine\nlogin with {secret}\nfine too\n")
    command("import", tmp_path / "logs", "--store", tmp_path / "runs")
    (output,) = (tmp_path / "runs").glob("*/*/output.log")
    assert output.read_text().splitlines()[::2] == ["fine", "fine too"]
    assert secret not in output.read_text()
    with labtop.open(tmp_path / "runs") as store:
        assert secret not in str(store.record("1"))


def test_the_table_names_trackers_where_they_differ(tmp_path: Path) -> None:
    """A column tells which tracker wrote a run as soon as there are two, and says nothing before."""
    logs(tmp_path / "logs")
    assert "tracker" not in command("ls", tmp_path / "logs").stdout + command("ls", tmp_path / "logs").stderr
    write_live(tmp_path / "logs" / "live", {"loss": [1, 2]})
    header = command("ls", tmp_path / "logs").stdout.splitlines()[0]
    assert "tracker" in header.split()


def test_a_run_that_goes_on_is_running_until_it_was_seen_too_long_ago(tmp_path: Path) -> None:
    """Its copy says what the logs say; of a run that nothing was heard of for hours, that it is lost."""
    now = datetime.now(UTC)
    for name, began in (("1", now), ("2", now - timedelta(days=3))):
        about = {
            "status": "RUNNING",
            "start_time": began.isoformat(),
            "heartbeat": began.isoformat(),
            "stop_time": None,
        }
        write_run(tmp_path / "logs" / name, about, metrics={})
    assert command("import", tmp_path / "logs", "--store", tmp_path / "runs").returncode == 0
    runs = lines_of(command("ls", tmp_path / "runs", "--format", "jsonl").stdout)
    assert sorted(str(run["status"]) for run in runs) == ["lost", "running"]
