"""The details of a metric share a column of the run table: each comes out of it as it went in."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.model.run import MetricSummary
from labtop.query import column_profiles
from labtop.query.catalog import Catalog, SortKey, TableQuery
from labtop.query.frames import rows_frame
from labtop.query.spark import spark_text
from tests.query.runs import names, opened, run, store_of

ODD = (
    0.1, -0.0, 0.0, 1 / 3, -2.5e-9, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e22,
    2.0**53 + 2, float(2**63), math.nan, math.inf, -math.inf, None,
)  # fmt: skip
NAMES = ("min", "max", "first", "mean")


def odd_summary(at: int) -> MetricSummary:
    """A summary that makes no sense and whose numbers are all odd."""
    low, high, first, mean = (ODD[at - back] for back in range(4))
    return MetricSummary(
        count=2**53 + at, last=1.0, min=low, max=high, first=first, mean=mean, spark=(0.0, 1.0, math.nan)
    )


def odd_store(path: Path) -> Path:
    """A run for each odd number, which is another detail of its metrics in each; more than go in as literals."""
    records = [
        run(
            {},
            dict.fromkeys(("m", "a,b", "m.min"), odd_summary(at)),
            name=f"{at:02}",
            minute=-at,
        )
        for at in range(len(ODD))
    ]
    return store_of(path, *records)


def details(catalog: Catalog, key: str) -> list[tuple[object, ...]]:
    """What a catalog says of a metric's details, run for run."""
    keys = [*(f"{key}.{name}" for name in (*NAMES, "count")), "spark" + key.removeprefix("metrics")]
    return catalog.cells(catalog.select(TableQuery(sort=(SortKey("name"),))).rows, keys)


def test_every_number_comes_back_as_it_was(tmp_path: Path) -> None:
    """NaN, infinities, −0, the smallest and the largest, and nothing: just read, and from the cache."""
    store = odd_store(tmp_path / "s")
    expected = [
        (*(ODD[at - back] for back in range(4)), 2**53 + at, spark_text(odd_summary(at)))
        for at in range(len(ODD))
    ]
    for _ in range(2):
        catalog = opened(store)
        for key in ("metrics.m", "metrics.a,b", "metrics.m.min#2"):
            assert repr(details(catalog, key)) == repr(expected)
        catalog.close()


def test_details_are_typed(tmp_path: Path) -> None:
    """Numbers are numbers to a frame, and a run that lacks the metric has nothing."""
    store = store_of(
        tmp_path / "s", run({}, {"m": 2.0}, name="a", minute=1), run({"x": 1}, name="b"), run({}, {"k": 1.0})
    )
    catalog = opened(store)
    keys = {"low": "metrics.m.min", "n": "metrics.m.count", "spark": "spark.m"}
    frame = rows_frame(catalog, catalog.select(TableQuery("name in ('a', 'b')")).rows, keys)
    assert [str(each) for each in frame.dtypes] == ["Float64", "Int64", "String"]
    assert frame.rows() == [(2.0, 1, "3           "), (None, None, None)]
    catalog.close()


def test_filters_and_sorts_read_details(tmp_path: Path) -> None:
    """Rows of the cache and rows of this session answer together."""
    store = store_of(tmp_path / "s", *(run({}, {"m": float(n)}, name=f"{n:02}", minute=n) for n in range(20)))
    opened(store).close()
    store_of(store, *(run({}, {"m": float(n)}, name=f"{n:02}", minute=n) for n in range(20, 40)))
    catalog = opened(store)
    sort = (SortKey("metrics.m.max", descending=True),)
    assert names(catalog, "min(m) >= 18 and max(m) < 22", sort=sort) == ["21", "20", "19", "18"]
    found = catalog.group(catalog.select(TableQuery("")), ["project"], ["metrics.m.mean"])
    assert found[0].values["metrics.m.mean"].mean == 19.5
    catalog.close()


def test_a_changed_metric_changes_its_details(tmp_path: Path) -> None:
    """A record that is written again gives the new details."""
    record = run({}, {"m": 1.0}, name="a")
    store = store_of(tmp_path / "s", record)
    catalog = opened(store)
    store_of(store, replace(record, metrics={"m": MetricSummary(count=3, last=1.0, min=-7.0, spark=())}))
    for folder in store.glob("*"):
        if folder.is_dir():
            folder.touch()
    assert catalog.refresh()
    assert details(catalog, "metrics.m") == [(-7.0, None, None, None, 3, None)]
    catalog.close()


@pytest.mark.parametrize("some", [False, True])
def test_many_columns_are_profiled_as_few_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: bool
) -> None:
    """Odd numbers, runs that lack a metric, and texts beside numbers: the same however many are asked for."""
    texts = [run({"p": "x", "n": n}, {"k": float(n)} if n else {}, name=f"x{n}") for n in range(3)]
    catalog = opened(store_of(odd_store(tmp_path / "s"), *texts))
    keys = [each.key for each in catalog.columns()] + [f"metrics.m.{name}" for name in NAMES]
    selection = catalog.select(TableQuery("name like 'x%'" if some else ""))
    together = catalog.profile(selection, keys)
    monkeypatch.setattr(column_profiles, "_MANY_COLUMNS", 0)
    assert repr(catalog.profile(selection, keys)) == repr(together)
    assert len(together) == len(keys)
    catalog.close()
