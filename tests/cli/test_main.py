"""The command line as scripts use it: what is printed where, and the exit codes."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.command import labtop
from tests.stores import build_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_store(tmp_path_factory.mktemp("cli") / "runs", runs=40, params=6, metrics=3)


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ls_prints_a_json_object_a_run(store: Path) -> None:
    """`--format jsonl` gives the contract's keys, every run once."""
    done = labtop("ls", store, "--format", "jsonl")
    runs = lines_of(done.stdout)
    assert done.returncode == 0, done.stderr
    assert len({run["id"] for run in runs}) == 40
    assert set(runs[0]) >= {
        "id", "name", "project", "status", "started_at", "ended_at", "duration_s", "tags", "group", "params",
        "metrics", "seeds", "code", "source", "problems",
    }  # fmt: skip


def test_where_and_sort_agree_with_plain_python(store: Path) -> None:
    """A filter keeps the runs that Python would keep, in the order that Python would give."""
    runs = lines_of(labtop("ls", store, "--format", "jsonl").stdout)
    numbers = [key for key, value in runs[0]["params"].items() if isinstance(value, float)]  # type: ignore[attr-defined]
    key = numbers[0]
    values = sorted(run["params"][key] for run in runs)  # type: ignore[index]
    middle = values[len(values) // 2]
    found = lines_of(
        labtop(
            "ls",
            store,
            "--where",
            f"params.{key} < {middle!r}",
            "--sort",
            f"-params.{key}",
            "--format",
            "jsonl",
        ).stdout
    )
    expected = [value for value in values if value < middle][::-1]
    assert [run["params"][key] for run in found] == expected  # type: ignore[index]


def test_a_table_is_for_people(store: Path) -> None:
    """The default prints a line a run on stdout and words on stderr."""
    done = labtop("ls", store)
    assert len(done.stdout.splitlines()) == 41
    assert "40 runs" in done.stderr


def test_a_cut_is_said(store: Path) -> None:
    """`--limit` says how many there are."""
    done = labtop("ls", store, "--limit", "3")
    assert len(done.stdout.splitlines()) == 4
    assert "3 of 40 runs" in done.stderr


def test_of_no_runs_nothing_more_is_said(store: Path) -> None:
    """A filter that nothing fits: how many runs there are, and not what the columns of none have in common."""
    done = labtop("ls", store, "--where", "name = 'nobody'")
    assert (done.returncode, done.stderr.strip()) == (0, "0 of 40 runs")


def test_a_wrong_filter_points_at_the_character(store: Path) -> None:
    """Exit code 2, and a mark under what is wrong."""
    done = labtop("ls", store, "--where", "nonsuch < 3")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("^"))
    assert lines[at].index("^") == lines[at - 1].index("nonsuch")


def test_an_unknown_run_lists_the_nearest(store: Path) -> None:
    """Exit code 3 and what could be meant."""
    run_id = str(lines_of(labtop("ls", store, "--limit", "1", "--format", "jsonl").stdout)[0]["id"])
    wrong = run_id[:-1] + ("a" if run_id[-1] != "a" else "b")
    done = labtop("show", wrong, "--store", store)
    assert done.returncode == 3
    assert run_id in done.stderr


def test_an_ambiguous_run_lists_the_choices(store: Path) -> None:
    """A prefix that fits several runs is not guessed at."""
    done = labtop("show", "", "--store", store)
    assert done.returncode == 3
    assert done.stdout == ""


def test_a_missing_path_is_an_input_error(tmp_path: Path) -> None:
    """Exit code 3, the path in the message."""
    done = labtop("ls", tmp_path / "nowhere")
    assert done.returncode == 3
    assert "nowhere" in done.stderr


def test_a_wrong_option_is_a_usage_error() -> None:
    """Exit code 2 for a command line that is wrong."""
    assert labtop("ls", "--nonsuch").returncode == 2


def test_a_mistyped_verb_is_told(tmp_path: Path) -> None:
    """A word that is neither verb nor path names the verb it resembles."""
    done = labtop("shwo", cwd=tmp_path)
    assert done.returncode == 3
    assert "labtop show" in done.stderr


def test_an_empty_store_is_fine(tmp_path: Path) -> None:
    """No runs is not an error."""
    build_store(tmp_path / "runs", runs=0)
    done = labtop("ls", tmp_path / "runs", "--format", "jsonl")
    assert (done.returncode, done.stdout) == (0, "")


def test_metrics_prints_every_point(store: Path) -> None:
    """One line a logged value, by run, name and step."""
    done = labtop("metrics", "@last", "--store", store, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0, done.stderr
    assert list(rows[0]) == ["run_id", "name", "step", "time", "value"]
    summary = lines_of(labtop("ls", store, "--format", "jsonl", "--limit", "1").stdout)[0]["metrics"]
    counted = {name: sum(row["name"] == name for row in rows) for name in {row["name"] for row in rows}}
    assert counted == {name: each["count"] for name, each in summary.items() if each["count"]}  # type: ignore[attr-defined]


def test_diff_says_in_how_many_things_runs_differ(store: Path) -> None:
    """The line on top, and exit code 1 only when it is asked for."""
    ids = [
        str(run["id"]) for run in lines_of(labtop("ls", store, "--format", "jsonl", "--limit", "2").stdout)
    ]
    done = labtop("diff", *ids, "--store", store)
    assert done.returncode == 0
    assert done.stdout.startswith("differs in ")
    assert labtop("diff", *ids, "--store", store, "--exit-code").returncode == 1


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".md", ".tex", ".parquet", ".duckdb"])
def test_export_writes_every_format(store: Path, tmp_path: Path, ending: str) -> None:
    """The ending of the file chooses the format, and every run is in it."""
    target = tmp_path / f"out{ending}"
    done = labtop("export", store, "--to", target)
    assert done.returncode == 0, done.stderr
    run_id = str(lines_of(labtop("ls", store, "--format", "jsonl", "--limit", "1").stdout)[0]["id"])
    assert run_id.encode() in target.read_bytes() or ending in (".parquet", ".duckdb")
    if ending == ".parquet":
        import polars

        assert len(polars.read_parquet(target)) == 40
    if ending == ".duckdb":
        import duckdb

        assert duckdb.connect(str(target)).execute("SELECT count(*) FROM runs").fetchall() == [(40,)]


def test_sql_answers_and_refuses(store: Path) -> None:
    """One SELECT is answered; anything that writes is refused with exit code 2."""
    done = labtop("sql", "SELECT count(*) AS n FROM runs", store, "--format", "csv")
    assert (done.returncode, done.stdout.split()) == (0, ["n", "40"]), done.stderr
    assert labtop("sql", "COPY runs TO 'x.csv'", store).returncode == 2


def test_views_run_in_a_bare_duckdb(store: Path) -> None:
    """What `labtop views` prints is all that plain DuckDB needs."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(labtop("views", store).stdout)
    assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(40,)]


def test_reproduce_prints_a_script(store: Path) -> None:
    """The script is valid for sh and starts as one."""
    done = labtop("reproduce", "@last", "--store", store)
    assert done.stdout.startswith("#!/bin/sh"), done.stderr
    assert subprocess.run(["sh", "-n"], input=done.stdout, text=True, check=False).returncode == 0


def test_edits_show_in_the_table(tmp_path: Path) -> None:
    """tag, note, rename and archive change what is read, and nothing in the runs' own folders."""
    store = build_store(tmp_path / "runs", runs=2)
    assert labtop("tag", "@last", "paper", "--store", store).returncode == 0
    assert labtop("note", "@last", "the good one", "--store", store).returncode == 0
    assert labtop("rename", "@last", "winner", "--store", store).returncode == 0
    run = lines_of(labtop("ls", store, "--where", "tags has 'paper'", "--format", "jsonl").stdout)[0]
    assert (run["name"], "paper" in run["tags"]) == ("winner", True)  # type: ignore[operator]
    assert labtop("archive", "winner", "--store", store).returncode == 0
    assert len(lines_of(labtop("ls", store, "--format", "jsonl").stdout)) == 1
    assert len(lines_of(labtop("ls", store, "--archived", "--format", "jsonl").stdout)) == 2


def test_a_damaged_record_is_named_and_the_rest_is_given(tmp_path: Path) -> None:
    """Exit code 3, the reason on stderr, every other run on stdout."""
    store = build_store(tmp_path / "runs", runs=5)
    next(store.glob("*/*/run.parquet")).write_bytes(b"")
    done = labtop("ls", store, "--format", "jsonl")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 4
    assert "run.parquet" in done.stderr


def test_the_reader_of_a_pipe_may_leave(store: Path) -> None:
    """`labtop ls | head -1` ends without a traceback, and not with a check's no."""
    done = subprocess.run(
        ["sh", "-c", f'("{sys.executable}" -m labtop ls "{store}" --format jsonl; echo $? >&2) | head -n 1'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "0\n"


def test_without_a_terminal_the_table_is_printed(store: Path) -> None:
    """`labtop PATH` in a pipe prints what `ls` prints, and succeeds."""
    done = labtop(store)
    assert (done.returncode, done.stdout) == (0, labtop("ls", store).stdout)


def test_stdout_says_what_the_locale_can(store: Path) -> None:
    """Under LANG=C no byte is above 127."""
    done = labtop("ls", store, LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0
    assert done.stdout.isascii()


@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_an_interrupt_ends_with_130(store: Path) -> None:
    """Ctrl-C is exit code 130 and no traceback."""
    ours, its = os.pipe()
    with os.fdopen(ours, "rb") as unread, os.fdopen(its, "wb", buffering=0) as typed:
        process = subprocess.Popen(
            [sys.executable, "-m", "labtop", "sql", "-", str(store)],
            stdin=unread,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        typed.write(b"SELECT")
        until = time.monotonic() + 60
        while _bytes_in(unread) and time.monotonic() < until:  # then it waits for the rest
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in words


def _bytes_in(pipe: BinaryIO) -> int:
    """How much of what was written nobody has read."""
    answer = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


_AT_THE_END = """
import atexit, sys
from labtop.cli.entry import main

class Held:
    def __del__(self):
        print("taken apart")

held = Held()
atexit.register(print, "at exit")
sys.argv = ["labtop", "ls", sys.argv[1]]
main()
"""


def test_a_verb_ends_without_taking_its_objects_apart(store: Path, tmp_path: Path) -> None:
    """What was registered for the exit runs, all output is written, and the exit code is the verb's."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_END, store], capture_output=True, text=True, check=False
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 42), done.stderr
    assert done.stdout.endswith("at exit\n")
    missing = tmp_path / "missing"
    assert (
        subprocess.run(
            [sys.executable, "-c", _AT_THE_END, missing], capture_output=True, check=False
        ).returncode
        == 3
    )


def test_the_store_may_be_named_before_the_verb(store: Path) -> None:
    """`labtop --store S ls` is `labtop ls --store S`."""
    before = labtop("--store", store, "ls", "--format", "jsonl")
    assert before.returncode == 0, before.stderr
    assert before.stdout == labtop(f"--store={store}", "ls", "--format", "jsonl").stdout
    assert len(lines_of(before.stdout)) == 40


def test_a_mistyped_verb_is_answered_with_the_one_that_was_meant(store: Path) -> None:
    """The words after it make clear that it is no path; a path that exists is one."""
    done = labtop("shwo", "@last", "--store", store)
    assert (done.returncode, done.stdout) == (2, "")
    assert "shwo is no verb" in done.stderr
    assert "labtop show" in done.stderr
    two = labtop(store, store)
    assert two.returncode == 2
    assert "one path, not 2" in two.stderr


def test_a_glob_that_fits_no_metric_is_told(store: Path) -> None:
    """`metrics --name` says which of its globs fit nothing, and what was logged."""
    some = str(lines_of(labtop("ls", store, "--limit", "1", "--format", "jsonl").stdout)[0]["id"])
    name = next(iter(lines_of(labtop("metrics", some, "--store", store, "--format", "jsonl").stdout)))["name"]
    done = labtop("metrics", some, "--store", store, "--name", "nothing*", "--name", str(name))
    assert done.returncode == 0
    assert "no metric fits 'nothing*'" in done.stderr
    assert str(name) in done.stdout
    assert f"fits '{name}'" not in done.stderr


def test_show_in_csv_has_the_metrics(store: Path) -> None:
    """Every fact of a run is a row, its metrics' figures among them."""
    some = str(lines_of(labtop("ls", store, "--limit", "1", "--format", "jsonl").stdout)[0]["id"])
    rows = list(csv.DictReader(io.StringIO(labtop("show", some, "--store", store, "--format", "csv").stdout)))
    whole = lines_of(labtop("show", some, "--store", store, "--format", "jsonl").stdout)[0]["metrics"]
    assert isinstance(whole, dict)
    last = {row["key"]: row["value"] for row in rows if row["section"] == "metrics"}
    assert {key.removesuffix(".last") for key in last if key.endswith(".last")} == set(whole)
