"""Runs with little in common lie in several tables; whoever asks sees one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtop.query import cache, fresh_rows
from labtop.query.catalog import Catalog
from tests.query.runs import column, names, opened, run, store_of
from tests.stores import write_run


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows and columns are as many here as millions elsewhere."""
    for name, value in {"_LITTLE": 0, "_MUCH": 3, "MANY_COLUMNS": 1, "_ROWS_A_COLUMN": 2}.items():
        monkeypatch.setattr(fresh_rows, name, value)


def _tables(catalog: Catalog) -> int:
    return len(catalog._intake.index.table._fresh.tables)


def _add(store: Path, tracker: int, first: int) -> dict[str, float]:
    """Some runs of one kind, with params and metrics of their own and one of all."""
    added = {}
    for number in range(first, first + 10):
        params: dict[str, Any] = {f"t{tracker}": {f"p{at}": number + at for at in range(6)}, "lr": number / 8}
        record = run(
            params, {f"t{tracker}/m{at}": 1.0 * number for at in range(4)}, number, name=f"r{number}"
        )
        write_run(store, record)
        added[record.name] = number / 8
    return added


def test_runs_of_several_kinds(tmp_path: Path) -> None:
    """Each kind has a table; params, metrics, order, filters and edits are the same as in one, and when read anew."""
    store = store_of(tmp_path / "s", run({"lr": 0.0}, name="r0"))
    catalog = opened(store)
    expected = {"r0": 0.0}
    for tracker in range(12):
        expected |= _add(store, tracker, 1 + 10 * tracker)
        assert catalog.refresh()
    assert 1 < _tables(catalog) <= fresh_rows._MOST_TABLES
    for each in (catalog, opened(store)):
        assert column(each, "params.lr") == expected
        assert set(names(each, "params.t3.p2 > 36")) == {f"r{number}" for number in range(35, 41)}
        assert column(each, "metrics.t11/m3.max")["r115"] == 115.0
        assert column(each, "metrics.t11/m3.max")["r1"] is None
        assert names(each)[:3] == ["r120", "r119", "r118"]


def test_rows_change_in_the_table_that_has_them(tmp_path: Path) -> None:
    """A run that goes on is changed where it lies, also in columns that only others had, and widened everywhere."""
    store = store_of(tmp_path / "s", live := run({"lr": 1}, name="live"))
    catalog = opened(store)
    for tracker in range(3):
        _add(store, tracker, 1 + 10 * tracker)
        assert catalog.refresh()
    changes: list[dict[str, Any]] = [
        {"lr": 2, "t1": {"p0": 5}},
        {"lr": 2.5, "t1": {"p0": 5}},
        {"lr": "text", "t2": {"p1": True}, "own": 1},
    ]
    for params in changes:
        write_run(store, replace(live, params=params))
        assert catalog.refresh()
        assert column(catalog, "params.lr") == column(opened(store), "params.lr")
    assert column(catalog, "params.own")["live"] == 1
    assert column(catalog, "params.lr")["live"] == '"text"'


def test_wide_tables_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of several row groups, some of a table of few columns, gives back what was in memory."""
    monkeypatch.setattr(cache, "_VALUES_AT_ONCE", 100)
    monkeypatch.setattr(cache, "_ROWS_AT_ONCE", 1)
    store = store_of(tmp_path / "s")
    catalog = opened(store)
    numbers = list(range(8))
    random.Random(0).shuffle(numbers)
    for number in numbers:
        _add(store, number % 3, 1 + 10 * number)
        catalog.refresh()
    expected = {key: column(catalog, key) for key in ("params.lr", "params.t1.p5", "metrics.t2/m0.mean")}
    catalog.close()
    again = opened(store)
    assert again._intake.index.table.has_base
    assert {key: column(again, key) for key in expected} == expected
    assert names(again)[:2] == ["r80", "r79"]
