"""Databases whose line ends somebody converted, as Git does with `* text`: read as they were, and told to be so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from labtop.formats import sqlite_lines
from labtop.formats.sqlite_file import connect_unchanged, damage_of
from labtop.sources import load_source
from labtop.sources.finding import survey
from tests.sources.damage import look
from tests.sources.writers import mlflow_sql
from tests.sources.writers.every import SAMPLES

_NAMES = {"mlflow-sql": "mlflow.db", "trackio": "digits.db", "aim": "run_metadata.sqlite"}


def _converted(root: Path, name: str) -> tuple[Path, dict[str, Any]]:
    SAMPLES[name](root)
    runs, _ = look(load_source(name), root)
    path = next(root.rglob(_NAMES[name]))
    with closing(connect_unchanged(path)) as connection:
        assert damage_of(path, connection) == ""
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return path, runs


@pytest.mark.parametrize("name", _NAMES)
def test_a_converted_database_is_read_as_before_and_named(name: str, tmp_path: Path) -> None:
    """All figures are the same, every run says what happened, and nothing is written beside the database."""
    path, before = _converted(tmp_path, name)
    there = sorted(path.parent.iterdir())
    after, said = look(load_source(name), tmp_path)
    assert said == []
    assert [each["digest"] for each in after.values()] == [each["digest"] for each in before.values()]
    assert len(after) == 3
    assert all(
        any("line ends were converted" in said for said in each["problems"]) for each in after.values()
    )
    assert sorted(path.parent.iterdir()) == there


def test_one_that_is_too_large_to_convert_back_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not shown as a database without runs."""
    path, _ = _converted(tmp_path, "trackio")
    monkeypatch.setattr(sqlite_lines, "_MOST", 1000)
    found = survey(tmp_path)
    assert found.found == ()
    assert [(each, "too large to undo" in reason) for each, reason in found.problems] == [(str(path), True)]


def test_a_carriage_return_of_its_own_costs_what_lies_behind_it(tmp_path: Path) -> None:
    """It cannot be told from those that were put in: what is lost is said, by the runs or of the file."""
    database = mlflow_sql.Database(tmp_path / "mlflow.db")
    for run in range(40):
        database.add(
            "params", key="prompt", value="a\r\nb" if run == 39 else "a\nb", run_uuid=database.run(run)
        )
    path = tmp_path / "mlflow.db"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    runs, said = look(load_source("mlflow-sql"), tmp_path)
    told = [*said, *(each for _, each in survey(tmp_path).problems)]
    assert told or len(runs) == 40
    assert told or all(each["problems"] for each in runs.values())
