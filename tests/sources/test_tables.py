"""Tables of runs that no tracker in particular wrote."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from collections import Counter
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from click.testing import CliRunner

from labtop.cli.verbs.show import show_command
from labtop.errors import InputError, UsageError
from labtop.formats.compressed import open_unpacked
from labtop.formats.table_file import look_at
from labtop.sources.finding import Found, explained
from labtop.sources.source import Listing, Place, RunRead, RunRef
from labtop.sources.tables import Tables, series
from labtop.sources.tables.guess import guess
from labtop.sources.tables.rules import parse_rule
from tests.sources.reading import Whole, corpus, places, read_all, truth

STEPS = "step,train/loss,val_acc\n0,1.5,\n1,nan,0.25\n2,-inf,0.5\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def named(path: Path) -> dict[str, Whole]:
    """The runs of a file that a person names."""
    source, found = Tables(), dict[str, Whole]()
    for place in list(source.detect(Listing(path.parent, (path.name,), (), is_named=True))):
        for read in source.read(place.path, list(source.runs(place.path))):
            whole = found.setdefault(read.key, Whole(read))
            for name, curve in read.curves.items():
                kept = whole.curves.setdefault(name, type(curve)())
                kept.steps.extend(curve.steps)
                kept.times_us.extend(curve.times_us)
                kept.values.extend(curve.values)
    return found


def last(run: Whole) -> dict[str, Any]:
    return {name: each.last for name, each in run.read.record.metrics.items()}


def test_corpus_is_read_as_its_truth_says() -> None:
    """Every row of every table is a run with the numbers of its row; sums of columns are those of the truth."""
    runs = read_all(Tables(), corpus("tables-timm-Apache2"))
    told = truth("tables-timm-Apache2")
    assert len(runs) == told["n_rows"]
    of_file = Counter(name.partition(":")[0] for name in runs)
    for each in told["runs"]:
        assert of_file[each["file"]] == each["n_rows"]
        rows = [run for name, run in runs.items() if name.startswith(each["file"] + ":")]
        for column, total in each.get("col_sums", {}).items():
            cells = [{**run.read.record.params, **last(run)}.get(column) for run in rows]
            numbers = [cell for cell in cells if isinstance(cell, int | float)]
            if len(numbers) == len(rows):
                assert math.isclose(sum(numbers), total, rel_tol=1e-9)


def test_row_a_run(tmp_path: Path) -> None:
    """Names come from the column that names, results from the words for results, all others are parameters."""
    text = (
        'model,lr,top1,param_count,note\na,1e-3,90.5,"1,013.5",x\na,007,+1.5,2,"two\nlines"\n,true,,3,[1]\n'
    )
    runs = read_all(Tables(), write(tmp_path / "results.csv", text).parent)
    first, second, third = runs.values()
    assert [each.read.key for each in runs.values()] == ["a", "a #2", "row 3"]
    assert (first.read.record.name, first.read.record.project, last(first)) == (
        "a",
        "results",
        {"top1": 90.5},
    )
    assert first.read.record.params == {"lr": 0.001, "param_count": 1013.5, "note": "x"}
    assert dict(first.read.record.source.texts) == {"lr": "1e-3", "param_count": "1,013.5"}
    assert (second.read.record.params["lr"], last(second)) == ("007", {"top1": 1.5})
    assert second.read.record.params["note"] == "two\nlines"
    assert (third.read.record.params, last(third)) == ({"lr": True, "param_count": 3, "note": [1]}, {})
    assert "a row a run (run=model, results: top1" in first.read.record.source.reading


def test_row_a_step(tmp_path: Path) -> None:
    """A column that rises is the step, all others are metrics; an empty cell is no point, NaN and infinities are."""
    (run,) = read_all(Tables(), write(tmp_path / "exp 7" / "metrics.csv", STEPS).parent).values()
    assert (run.read.record.name, set(run.curves)) == ("exp 7", {"train/loss", "val_acc"})
    assert run.read.folder == tmp_path / "exp 7"
    loss = run.curves["train/loss"]
    assert (loss.values[0], math.isnan(loss.values[1]), loss.values[2]) == (1.5, True, -math.inf)
    assert (list(run.curves["val_acc"].steps), list(run.curves["val_acc"].values)) == ([1, 2], [0.25, 0.5])


def test_row_a_step_of_many_runs(tmp_path: Path) -> None:
    """A column of names tells runs apart; texts of a run are its parameters; times are told by their look."""
    text = "run,optimizer,epoch,timestamp,loss\n" + "".join(
        f"r{run},adam{run},{epoch},2026-01-02T03:04:0{epoch}Z,{run + epoch / 10}\n"
        for epoch in range(3)
        for run in range(2)
    )
    runs = read_all(Tables(), write(tmp_path / "all.csv", text).parent)
    second = next(each for each in runs.values() if each.read.key == "r1")
    assert len(runs) == 2
    assert second.read.record.params == {"optimizer": "adam1"}
    assert list(second.curves["loss"].values) == [1, 1.1, 1.2]
    assert second.curves["loss"].times_us[2] - second.curves["loss"].times_us[0] == 2_000_000


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_row_a_point(tmp_path: Path, suffix: str) -> None:
    """A metric's name and its value, in every kind of file."""
    rows = [
        {"run_id": run, "metric": name, "step": step, "value": step * 2.0 + run}
        for run in range(2)
        for step in range(4)
        for name in ("loss", "acc")
    ]
    path = tmp_path / f"long.{suffix}"
    if suffix == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == "jsonl":
        write(path, "".join(json.dumps(each) + "\n" for each in rows))
    else:
        mark = "," if suffix == "csv" else "\t"
        write(path, "\n".join([mark.join(rows[0]), *(mark.join(map(str, each.values())) for each in rows)]))
    runs = {each.read.key: each for each in read_all(Tables(), tmp_path).values()}
    assert set(runs) == {"0", "1"}
    assert {name: list(curve.values) for name, curve in runs["1"].curves.items()} == {
        "loss": [1, 3, 5, 7], "acc": [1, 3, 5, 7]
    }  # fmt: skip


def test_json_lines_with_columns_that_come_later(tmp_path: Path) -> None:
    """A metric that is first logged after the first look is there, nested ones too; a bare NaN is a number."""
    text = "".join(f'{{"step": {step}, "loss": NaN}}\n' for step in range(600))
    path = write(tmp_path / "log.jsonl", text + '{"step": 600, "eval": {"acc": 0.5}}\n{"step": 601, "loss')
    (run,) = read_all(Tables(), path.parent).values()
    assert (len(run.curves["loss"]), list(run.curves["eval/acc"].steps)) == (600, [600])
    assert run.read.record.source.problems == ("1 lines are no JSON objects",)


@pytest.mark.parametrize(
    "text",
    [
        "label,pixel0,pixel1\n5,0,0\n1,2,3\n",
        "id,text,label\n1,hello,0\n2,there,1\n",
        "image,score\na.png,0.5\n",
        "date,open,close\n2020-01-01,1,2\n",
        "a,b\n1,2\n",
        "sepal_length,sepal_width,species\n5.1,3.5,setosa\n",
        "1,2,3\n4,5,6\n",
        "model,text,accuracy\nx,hello,1\n",
        "step,minute\n0,1\n1,2\n",
    ],
)
def test_data_is_not_taken_for_runs(tmp_path: Path, text: str) -> None:
    """Data sets that lie in a tree are left alone."""
    write(tmp_path / "data.csv", text)
    assert read_all(Tables(), tmp_path) == {}


def test_guess_is_told_for_a_place(tmp_path: Path) -> None:
    """What columns were taken for can be asked without reading the table."""
    path = write(tmp_path / "a.csv", "model,lr,top1\nx,1,2\n")
    told = explained(Found("tables", Place(path)))
    assert told == "a row a run (run=model, results: top1, parameters: lr); model names the runs"
    assert explained(Found("neptune", Place(path))) == ""


def test_guess_is_shown_and_a_rule_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line reads a table, shows what its columns were taken for, and another rule reads it anew."""
    path = write(tmp_path / "a.csv", "model,lr,top1\nx,1,2\n")
    shown = CliRunner().invoke(show_command, ["x", "--store", str(path)])
    assert "a row a run (run=model, results: top1, parameters: lr); model names the runs" in shown.output
    monkeypatch.setenv("LABTOP_TABLES", "a.csv: metrics=lr")
    shown = CliRunner().invoke(show_command, ["x", "--store", str(path), "--format", "json"])
    (told,) = json.loads(shown.output)
    assert (told["params"], told["metrics"]["lr"]["last"]) == ({"top1": 2}, 1)
    assert told["source"]["reading"].endswith("as told: a.csv: metrics=lr")


def test_large_data_set_is_no_runs_even_when_named(tmp_path: Path) -> None:
    """Somebody who names a data set of images gets no 60,000 runs."""
    header = ",".join(f"pixel{each}" for each in range(20))
    path = write(tmp_path / "mnist.csv", f"label,{header}\n" + ("5" + ",0" * 20 + "\n") * 2000)
    with pytest.raises(
        InputError, match=r"mnist.csv is a table, but of runs\?.*LABTOP_TABLES='mnist.csv: run="
    ):
        named(path)


def test_table_beside_sure_ones_is_read(tmp_path: Path) -> None:
    """A table without results is read where another of the folder is surely of runs, named by the same column."""
    write(tmp_path / "a.csv", "model,top1\nx,1\n")
    write(tmp_path / "b.csv", "model,pretrain\nx,in1k\n")
    write(tmp_path / "c.csv", "name,city\nx,y\n")
    assert sorted({name.partition(":")[0] for name in read_all(Tables(), tmp_path)}) == ["a.csv", "b.csv"]


def test_named_file_needs_less(tmp_path: Path) -> None:
    """A file that a person names is read when it can be a table of runs; a walk leaves it."""
    path = write(tmp_path / "x.csv", "name,lr,result\na,1,2\nb,2,3\n")
    assert read_all(Tables(), tmp_path) == {}
    assert set(named(path)) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "shape", "run", "step"),
    [
        ("model,epoch,acc\na,10,1\nb,9,2\n", "runs", "model", None),
        ("epoch,loss\n0,1\n1,2\n", "steps", None, "epoch"),
        ("run,step,value\na,0,1\na,1,2\nb,0,1\n", "steps", "run", "step"),
        ("Run Name,Val Acc\na,1\n", "runs", "Run Name", None),
        ("epoch,loss\n5,1\n3,2\n1,2\n0,2\n", "runs", None, None),
    ],
)
def test_guess(tmp_path: Path, text: str, shape: str, run: str | None, step: str | None) -> None:
    """What columns are taken for."""
    found = guess(look_at(write(tmp_path / "t.csv", text)))
    assert (found.shape, found.run, found.step) == (shape, run, step)


def test_rule_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting `tables` says what columns are for, or that a file is none of ours, whatever is guessed."""
    path = write(tmp_path / "weird.csv", "who,when,x,y\na,0,1,2\na,1,3,4\nb,0,5,6\n")
    write(tmp_path / "results.csv", "model,top1\nx,1\n")
    monkeypatch.setenv("LABTOP_TABLES", "weird.csv: run=who step=when,results*: none")
    runs = read_all(Tables(), tmp_path)
    assert {each.read.key: list(each.curves["y"].values) for each in runs.values()} == {"a": [2, 4], "b": [6]}
    monkeypatch.setenv("LABTOP_TABLES", "weird.csv: run=who metrics=y")
    assert last(named(path)["b"]) == {"y": 6}
    monkeypatch.setenv("LABTOP_TABLES", "weird.csv: run=nobody")
    with pytest.raises(InputError, match=r"no column nobody.*its columns are who, when, x, y"):
        named(path)


@pytest.mark.parametrize(
    "rule", ["x.csv", "x.csv:", ": run=a", "x.csv: run", "x.csv: colour=a", "x.csv: run='a"]
)
def test_wrong_rule_is_refused(rule: str) -> None:
    """A rule that cannot be read is told, not passed over."""
    with pytest.raises(UsageError, match="rule for tables"):
        parse_rule(rule)


def read_on(path: Path, before: RunRead | None = None) -> RunRead:
    source = Tables()
    (ref,) = source.runs(path)
    (read,) = source.read(path, [RunRef(ref.key, ref.version, ref.size, before.state if before else None)])
    return read


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_growing_file_is_read_on(tmp_path: Path, kind: str) -> None:
    """What is appended is read alone; a file written anew, or with a last line without end, is read from its start."""
    lines = [
        f"{step},{step / 2}\n" if kind == "csv" else f'{{"step": {step}, "loss": {step / 2}}}\n'
        for step in range(9)
    ]
    header = "step,loss\n" if kind == "csv" else ""
    path = write(tmp_path / f"log.{kind}", header + "".join(lines[:3]))
    first = read_on(path)
    write(path, header + "".join(lines[:6]))
    second = read_on(path, first)
    assert (second.appended, list(second.curves["loss"].steps)) == (True, [3, 4, 5])
    write(path, header + "".join(lines)[:-1])
    third = read_on(path, second)
    assert third.state is None
    write(path, header + "".join(lines))
    assert list(read_on(path, third).curves["loss"].steps) == [*range(9)]
    write(path, header.replace("loss", "lost") + "".join(lines[:1]))
    assert read_on(path, second).appended is False


def test_long_table_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More points than are held at a time come in pieces, which together are all of them."""
    monkeypatch.setattr(series, "_PIECE", 5_000)
    rows = "".join(f"r{step % 3},{step},{step}\n" for step in range(30_000)) * 3
    path = write(
        tmp_path / "t.csv",
        f"run,step,loss\n{rows}" + "".join(f"x,{s},1234567890.25\n" for s in range(90_000)),
    )
    runs = named(path)
    assert {key: len(run.curves["loss"]) for key, run in runs.items()} == {
        "r0": 30_000, "r1": 30_000, "r2": 30_000, "x": 90_000
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str) -> None:
    """A byte order mark, Latin-1, UTF-16 and CRLF read alike."""
    write(tmp_path / "t.csv", "model,acc\r\ncafé,1.5\r\n", encoding)
    (run,) = read_all(Tables(), tmp_path).values() or named(tmp_path / "t.csv").values()
    assert (run.read.record.name, last(run)) == ("café", {"acc": 1.5})


def test_damage_costs_itself(tmp_path: Path) -> None:
    """Ragged rows, cells that are no numbers and a tail of NUL are told; the rest is read."""
    path = write(tmp_path / "t.csv", "step,loss\n0,1\n1,2,3\n2,oops\n3,4\n" + "\0" * 100)
    (run,) = read_all(Tables(), path.parent).values() or named(path).values()
    assert list(run.curves["loss"].values)[:1] == [1]
    assert run.read.record.source.problems


def test_lines_with_zeros_in_them_are_told_and_left_out(tmp_path: Path) -> None:
    """What stood where a crash left a hole is not known: the halves around it are no number."""
    path = write(tmp_path / "t.csv", "step,loss\n0,1\n1,0." + "\0" * 30 + "7\n3,4\n")
    (run,) = read_all(Tables(), path.parent).values() or named(path).values()
    assert list(run.curves["loss"].values) == [1, 4]
    assert any("NUL bytes" in each for each in run.read.record.source.problems)


def test_bytes_of_any_kind_never_raise(tmp_path: Path) -> None:
    """Cut off or with a wrong byte, a file is read as far as it goes or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(
        pa.table({"run": ["a", "a"], "step": [0, 1], "loss": [1.0, 2.0]}), tmp_path / "t.parquet"
    )
    write(tmp_path / "t.csv", STEPS)
    write(tmp_path / "t.jsonl", '{"step": 0, "loss": 1}\n{"step": 1, "loss": 2}\n')
    for path in list(tmp_path.iterdir()):
        whole = path.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 25)):
            for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
                path.write_bytes(content)
                with suppress(InputError):
                    named(path)
        path.write_bytes(whole)


def test_pipes_are_not_opened_nor_files_changed(tmp_path: Path) -> None:
    """A pipe named like a table does not make reading wait; what is read stays as it was."""
    os.mkfifo(tmp_path / "pipe.csv")
    path = write(tmp_path / "t.csv", STEPS)
    before = path.stat()
    found = Tables().detect(Listing(tmp_path, ("pipe.csv", "t.csv"), ()))
    assert [place.path.name for place in found] == ["t.csv"]
    assert stat.S_ISFIFO((tmp_path / "pipe.csv").stat().st_mode)
    assert path.stat() == before


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_sparse_file_costs_little(tmp_path: Path, name: str) -> None:
    """A file that claims half a gigabyte, nearly all of it a hole, is read without its size in memory."""
    import resource

    path = write(
        tmp_path / name, STEPS if name == "t.csv" else '{"step": 0, "loss": 1}\n{"step": 1, "loss": 2}\n'
    )
    named(path)
    os.truncate(path, 2**29)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (run,) = named(path).values()
    assert run.points == 0 or run.curves
    assert run.read.record.source.problems
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 150 * 2**20


def test_folder_of_many_tables_of_data_costs_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of files of which none is a table of runs, only some are looked at."""
    for number in range(60):
        write(tmp_path / f"{number:04}.csv", "sensor,value\n1,2\n")
    opened: list[Path] = []

    def count(path: Path) -> AbstractContextManager[BinaryIO]:
        opened.append(path)
        return open_unpacked(path)

    monkeypatch.setattr("labtop.sources.tables.places.open_unpacked", count)
    assert places(Tables(), tmp_path) == []
    assert 0 < len(opened) <= 24
