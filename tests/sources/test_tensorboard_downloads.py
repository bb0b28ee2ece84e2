"""Curves saved from TensorBoard's page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labtop.sources import load_source
from labtop.sources.finding import survey
from labtop.sources.source import Place
from tests.sources.reading import Whole, listing, places, read_all

SOURCE = load_source("tensorboard-downloads")
HEAD = "Wall time,Step,Value\n"
ROWS = "1763640000.5,0,1.5\n1763640001,1,nan\n"


def write(path: Path, text: str = HEAD + ROWS) -> Path:
    path.write_text(text, "utf-8")
    return path


def metrics(run: Whole) -> dict[str, int]:
    return {name: len(curve) for name, curve in run.curves.items()}


def test_files_of_one_run_are_its_metrics(tmp_path: Path) -> None:
    """A run is what the names of files call so; a file that was saved twice counts once, and JSON is as good as CSV."""
    for name in ("run-a-tag-loss.csv", "run-a-tag-acc.csv", "run_b-tag-loss.csv", "run-.-tag-loss.csv"):
        write(tmp_path / name)
    write(tmp_path / "run-a-tag-loss (1).csv", HEAD + ROWS + "1763640002,2,1.0\n")
    write(tmp_path / "run-b-tag-lr.json", "[[1763640000.5, 0, 1.5], [1763640001, 1, NaN]]")
    write(tmp_path / "results.csv", "model,lr,top1\na,0.1,50.5\nb,0.2,60.5\n")
    runs = {run.read.record.name: run for run in read_all(SOURCE, tmp_path).values()}
    assert {name: metrics(run) for name, run in runs.items()} == {
        "a": {"acc": 2, "loss": 3},
        "b": {"loss": 2, "lr": 2},
        tmp_path.name: {"loss": 2},
    }
    assert runs["a"].curves["acc"].times_us[0] == 1763640000_500000
    assert [str(value) for value in runs["b"].curves["lr"].values] == ["1.5", "nan"]
    assert not any(run.read.record.source.problems for run in runs.values())
    found = {each.source: each.place.path for each in survey(tmp_path).found}
    assert found == {"tensorboard-downloads": tmp_path, "tables": tmp_path / "results.csv"}


def test_one_file_that_is_named_is_one_metric(tmp_path: Path) -> None:
    """The others beside it are not asked for."""
    path = write(tmp_path / "run-a-tag-loss.csv")
    write(tmp_path / "run-a-tag-acc.csv")
    named = replace(listing(tmp_path), files=(path.name,), is_named=True)
    assert list(SOURCE.detect(named)) == [Place(path)]
    (run,) = SOURCE.read(path, list(SOURCE.runs(path)))
    assert list(run.curves) == ["loss"]


@pytest.mark.parametrize(
    ("text", "points", "problem"),
    [
        (HEAD + ROWS + "1763640002,2", 2, "last line is cut off"),
        (HEAD + ROWS + "1763640002,2,0.", 3, "last line has no end"),
        (HEAD + ROWS + "x,2,3\n", 2, "1 rows have cells that are no numbers"),
        (HEAD, 0, "has no points"),
        ("", 0, "has no points"),
        ("a,b\n1,2\n", 0, "its columns are not Wall time, Step and Value"),
        (HEAD + ROWS.replace("1,nan", "1,\0"), 1, "NUL bytes"),
    ],
)
def test_damage_is_told(tmp_path: Path, text: str, points: int, problem: str) -> None:
    """What is there is read, and the rest is named with its file."""
    write(tmp_path / "run-a-tag-acc.csv")
    write(tmp_path / "run-a-tag-loss.csv", text)
    (run,) = read_all(SOURCE, tmp_path).values()
    assert metrics(run) == {"acc": 2, **({"loss": points} if points else {})}
    said = run.read.record.source.problems
    assert any(problem in each and "run-a-tag-loss.csv" in each for each in said), said


def test_other_files_of_such_names_are_not_claimed(tmp_path: Path) -> None:
    """The first lines say whose they are."""
    write(tmp_path / "run-a-tag-loss.csv", "model,top1\na,1\n")
    write(tmp_path / "run-a-tag-loss.json", '{"a": 1}')
    assert places(SOURCE, tmp_path) == []
