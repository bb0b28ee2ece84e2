"""Records of W&B that are read many at a time: they give just what they give one by one."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.formats import wandb_columns
from labtop.model.run import RunRecord
from labtop.sources.wandb import WandbSource
from labtop.sources.wandb.points import Points
from tests.sources.writers.wandb_log import item, message, record, row, run, write_run

SOURCE = WandbSource()

_NAMES = st.sampled_from(
    ["x", "loss", "a.b", "_step", "_timestamp", "_runtime", "_wandb", "système", "long" * 40, ""]
)
_PATHS = st.one_of(_NAMES, st.lists(_NAMES, min_size=1, max_size=3).map(tuple))
_NUMBERS = st.one_of(st.floats().map(lambda value: _spelled(value)), st.integers().map(str))
_OTHERS = st.sampled_from(
    ["-Infinity", "true", "null", "", '"text"', '"NaN"', "[1]", '{"a": 2}', "1e400", "9" * 200]
)


def _spelled(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(value).replace("inf", "Infinity")


@st.composite
def _items(draw: st.DrawFn) -> list[bytes]:
    texts = _NUMBERS if draw(st.booleans()) else st.one_of(_NUMBERS, _OTHERS)
    pairs = draw(st.dictionaries(_PATHS, texts, max_size=5))
    return [item(name, None, raw=text) for name, text in pairs.items()]


@st.composite
def _record(draw: st.DrawFn) -> bytes:
    """A history, a summary, statistics, or something else; sometimes with a byte that is another."""
    items = draw(_items())
    number = draw(st.sampled_from([0, 1, 127, 128, 130, 300_000, 2**40, 2**63]))
    kind = draw(st.sampled_from([2, 2, 2, 3, 7, 7, 4]))
    step = draw(st.sampled_from([b"", b"\x12\x00", message((2, message((1, draw(st.integers(0, 2**45))))))]))
    if kind == 2:
        content = b"".join(message((1, each)) for each in items) + step
    elif kind == 7:
        nanos = draw(st.integers(0, 999_999_999))
        time = message((1, draw(st.integers(0, 2**45))), *([(2, nanos)] if nanos else []))
        content = message((1, 0), (2, time), *((3, each) for each in items))
    else:
        removed = draw(st.sampled_from([b"", b"", message((2, item("x", None)))]))
        content = b"".join(message((1, each)) for each in items) + removed
    made = record(kind, content, number)
    if draw(st.integers(0, 5)) == 0:
        at = draw(st.integers(0, len(made) - 1))
        made = made[:at] + bytes([draw(st.integers(0, 255))]) + made[at + 1 :]
    return made


def _read(place: Path, worth: int) -> tuple[RunRecord, dict[str, Any], bytes | None]:
    """What is read of a run where so many records are worth to be read at once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wandb_columns, "WORTH", worth)
        patched.setattr("labtop.sources.wandb.bulk.WORTH", worth)
        (read,) = SOURCE.read(place, list(SOURCE.runs(place)))
    curves = {
        name: (each.steps.tobytes(), each.times_us.tobytes(), [*map(repr, each.values)])
        for name, each in read.curves.items()
    }
    return read.record, curves, read.state


@settings(max_examples=150, deadline=None)
@given(st.lists(_record(), max_size=30))
def test_any_records(records: list[bytes]) -> None:
    """Whatever stands in records, damaged ones among them, is the same read at once and one by one."""
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder), [run(), *records])
        singly, at_once = _read(Path(folder), 10**9), _read(Path(folder), 1)
    assert str(at_once[0]) == str(singly[0])
    assert at_once[1] == singly[1]


def test_most_are_taken_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of numbers are not read one by one, in whatever order their names come; those beside them are."""
    singly: list[bytes] = []

    def add_history(points: Points, content: bytes) -> dict[str, Any]:
        singly.append(content)
        return {}

    monkeypatch.setattr(Points, "add_history", add_history)
    rows: list[dict[str, Any]] = [{"a": 0.5, "b": step} for step in range(50)]
    rows += [{"b": math.inf, "a": -1e-300}, {"picture": {"_type": "image-file"}}, {"c": math.nan}]
    write_run(tmp_path, [run(), *(row(step, values) for step, values in enumerate(rows))])
    (read,) = SOURCE.read(tmp_path, list(SOURCE.runs(tmp_path)))
    assert len(singly) == 1
    assert {name: len(curve) for name, curve in read.curves.items()} == {"a": 51, "b": 51, "c": 1}
