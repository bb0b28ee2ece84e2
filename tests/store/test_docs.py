"""The examples in docs/format.md are run, each as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from labtop.store.format import POINT_COLUMNS, RECORD_COLUMNS
from tests.store.runs import new_record, new_writer
from tests.stores import build_store

PAGE = (Path(__file__).parent.parent.parent / "docs" / "format.md").read_text("utf-8")
SQL = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds a store named `runs`."""
    folder = tmp_path_factory.mktemp("docs")
    build_store(folder / "runs", runs=40)
    return folder


@pytest.mark.parametrize("example", SQL, ids=lambda each: each[:40])
def test_sql_runs_in_duckdb(example: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And finds something."""
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        assert connection.execute(example).fetchone() is not None


@pytest.mark.parametrize("example", PYTHON, ids=lambda each: each[:40])
def test_python_runs(
    example: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last one prints the frames of a living run."""
    monkeypatch.chdir(folder)
    writer = new_writer(folder / "runs", new_record())
    writer.append(1.0, 5, {"loss": 0.5})
    exec(compile(example, "format.md", "exec"), {})
    if ".wal" in example:
        assert "[1, 0, 5, 1.0, {'loss': 0.5}]" in capsys.readouterr().out
    writer.close()


def test_every_column_is_told() -> None:
    """The page and the schemas agree."""
    assert len(SQL) >= 4
    assert len(PYTHON) >= 3
    for name in (*RECORD_COLUMNS, *POINT_COLUMNS):
        assert re.search(rf"\b{name}\b", PAGE), name
