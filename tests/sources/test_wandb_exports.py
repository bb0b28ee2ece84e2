"""Histories that W&B's server exported as Parquet are the run that they are of."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from labtop.sources.wandb import WandbSource, exports
from tests.sources.reading import places, read_all


def _export(root: Path, rows: int = 4) -> Path:
    import pyarrow
    from pyarrow import parquet

    folder = root / "artifacts" / "run-ab12cd34-history:v0"
    folder.mkdir(parents=True)
    for part in range(2):
        numbers = range(part * rows, (part + 1) * rows)
        table = pyarrow.table(
            {
                "_step": list(numbers),
                "_timestamp": [1.7e9 + number for number in numbers],
                "_runtime": [float(number) for number in numbers],
                "loss": [
                    None if number == 1 else math.nan if number == 2 else 1.0 / (number + 1)
                    for number in numbers
                ],
                "ok": [number % 2 == 0 for number in numbers],
                "a": [{"b": number, "word": "x"} for number in numbers],
                "word": ["x"] * rows,
            }
        )
        parquet.write_table(table, folder / f"{part:04}.parquet")
    return folder


@pytest.mark.parametrize("opened", ["above", "folder"])
def test_export(tmp_path: Path, opened: str) -> None:
    """Points with steps and times, NaN told from what is not there; the folder's name says the run."""
    folder = _export(tmp_path)
    root = tmp_path if opened == "above" else folder
    assert [(place.path, place.closed) for place in places(WandbSource(), root)] == [(folder, True)]
    (whole,) = read_all(WandbSource(), root).values()
    assert whole.read.identity == "wandb:ab12cd34"
    assert set(whole.curves) == {"loss", "ok", "a/b"}
    loss = whole.curves["loss"]
    assert list(loss.steps) == [0, 2, 3, 4, 5, 6, 7]
    assert [math.isnan(value) for value in loss.values] == [False, True] + [False] * 5
    assert loss.times_us[1] == 1_700_000_002_000_000
    assert list(whole.curves["ok"].values) == [1, 0] * 4
    assert list(whole.curves["a/b"].values) == list(range(8))


def test_export_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long history comes in pieces."""
    folder = _export(tmp_path, 50)
    monkeypatch.setattr(exports, "_ROWS_AT_ONCE", 20)
    pieces = list(WandbSource().read(folder, list(WandbSource().runs(folder))))
    assert [piece.appended for piece in pieces] == [False] + [True] * 5
    assert sum(len(piece.curves["ok"]) for piece in pieces) == 100


def test_damaged_export(tmp_path: Path) -> None:
    """A file that is cut costs itself, and is told."""
    folder = _export(tmp_path)
    first = folder / "0000.parquet"
    first.write_bytes(first.read_bytes()[:-100])
    (whole,) = read_all(WandbSource(), tmp_path).values()
    assert list(whole.curves["ok"].steps) == [4, 5, 6, 7]
    assert whole.read.record.source.problems[0].startswith("0000.parquet: ")
