"""Groups of runs and their aggregates, against plain Python."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.query.aggregate import AGGREGATIONS
from labtop.query.catalog import Catalog, SortKey, TableQuery
from labtop.query.engine import Engine
from labtop.query.request import Aggregate
from tests.query.runs import opened, run, store_of

NAN = math.nan


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Two configurations with three seeds each, and one run alone."""
    losses = [1.0, 2.0, 3.0, NAN, 5.0, None, 7.0]
    records = [
        run(
            {"lr": lr, "seed": seed, "opt": "sgd"},
            {} if loss is None else {"loss": loss},
            name=f"{lr}-{seed}",
            minute=minute,
        )
        for minute, ((lr, seed), loss) in enumerate(
            zip([(0.1, 0), (0.1, 1), (0.1, 2), (0.2, 0), (0.2, 1), (0.2, 2), (0.3, 0)], losses, strict=True)
        )
    ]
    return opened(store_of(tmp_path / "s", *records))


def test_the_same_but_for_the_seed(catalog: Catalog) -> None:
    """Groups by seed show the params that tell them apart, with mean, deviation and how many values were used."""
    selection = catalog.select(TableQuery(sort=(SortKey("started_at"),)))
    groups = catalog.group(selection, "seed", ["metrics.loss"])
    assert [(group.n, group.by, group.by_keys) for group in groups] == [
        (3, (0.1,), ("params.lr",)), (3, (0.2,), ("params.lr",)), (1, (0.3,), ("params.lr",)),
    ]  # fmt: skip
    assert [group.values["metrics.loss"] for group in groups] == [
        Aggregate(3, 2.0, 1.0, 1.0, 3.0, 0, 0),
        Aggregate(1, 5.0, None, 5.0, 5.0, 1, 1),
        Aggregate(1, 7.0, None, 7.0, 7.0, 0, 0),
    ]


def test_groups_and_their_rows_keep_the_order_of_the_selection(catalog: Catalog) -> None:
    """What is sorted stays sorted when it is grouped; rows that are filtered out are in no group."""
    selection = catalog.select(
        TableQuery("seed != 1", sort=(SortKey("params.lr", True), SortKey("params.seed", True)))
    )
    groups = catalog.group(selection, ["params.lr"], [])
    assert [group.by for group in groups] == [(0.3,), (0.2,), (0.1,)]
    assert [row for group in groups for row in group.rows] == list(selection.rows)
    seeds = [[row[0] for row in catalog.cells(group.rows, ["params.seed"])] for group in groups]
    assert seeds == [[0], [2, 0], [2, 0]]


def test_groups_by_several_columns_and_by_none(catalog: Catalog) -> None:
    """Lists can be grouped by; unknown columns are passed over; text has no mean."""
    selection = catalog.select(TableQuery())
    groups = catalog.group(
        selection, ["params.opt", "tags", "no such"], ["name", "metrics.loss", "params.seed"]
    )
    assert [(group.by, group.n) for group in groups] == [(("sgd", ()), 7)]
    assert set(groups[0].values) == {"metrics.loss", "params.seed"}
    assert groups[0].values["params.seed"].mean == pytest.approx(6 / 7)
    assert [group.n for group in catalog.group(selection, [], ["metrics.loss"])] == [7]


numbers = st.one_of(st.none(), st.floats(width=64), st.sampled_from([0.0, 1e308, -1e308, 1e-320]))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(threads=1)


@settings(max_examples=80, deadline=None)
@given(st.lists(numbers, max_size=8))
def test_aggregates_agree_with_plain_python(engine: Engine, values: list[float | None]) -> None:
    """Each aggregation says what Python's statistics say, for any numbers, and its own word for nothing."""
    selected = ", ".join(f"({each.sql.format(x='x')})" for each in AGGREGATIONS.values())
    texts = [
        None if value is None else repr(value) for value in values
    ]  # DuckDB 1.5 takes a NaN for NULL here
    (answer,) = engine.query(f"SELECT {selected} FROM (SELECT unnest(?::VARCHAR[])::DOUBLE AS x)", [texts])
    found = dict(zip(AGGREGATIONS, answer, strict=True))
    expected = plain(values)
    for name, value in expected.items():
        assert same(found[name], value, values), (name, found[name], value)
    if not any(value is not None and value == value for value in values):
        for name, each in AGGREGATIONS.items():
            if name not in ("nan_count", "missing"):
                assert found[name] == each.on_nothing


def plain(values: Sequence[float | None]) -> dict[str, float | None]:
    there = [value for value in values if value is not None]
    known = [value for value in there if value == value]
    return {
        "n": len(known),
        "mean": mean(known),
        "std": None if len(known) < 2 else NAN if any(map(math.isinf, known)) else spread(known),
        "low": min(known, default=None),
        "high": max(known, default=None),
        "nan_count": len(there) - len(known),
        "missing": len(values) - len(there),
    }


def mean(known: Sequence[float]) -> float | None:
    if not known:
        return None
    if any(map(math.isinf, known)):
        return sum(value for value in known if math.isinf(value))
    from fractions import Fraction

    return float(sum(map(Fraction, known)) / len(known))


def spread(known: Sequence[float]) -> float:
    try:
        return statistics.stdev(known)
    except OverflowError:
        return math.inf


def same(found: float | None, expected: float | None, values: Sequence[float | None]) -> bool:
    if found is None or expected is None:
        return found is expected
    if found != found or expected != expected:
        return found != found and expected != expected
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return found == expected or math.isclose(
        found, expected, rel_tol=1e-6, abs_tol=max(largest * 1e-7, 1e-150)
    )


def test_every_field_of_an_aggregate_is_registered() -> None:
    """A new aggregation is one entry and one field, in the same place."""
    from dataclasses import fields

    assert [each.name for each in fields(Aggregate)] == list(AGGREGATIONS)


@pytest.mark.parametrize("by", ["seed", ["params.opt"], []])
def test_both_ways_to_ask_for_aggregates_agree(
    catalog: Catalog, by: Sequence[str] | Literal["seed"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one for a few runs, all together for very many."""
    from labtop.query import groups

    selection = catalog.select(TableQuery())
    keys = [column.key for column in catalog.columns() if column.type.is_number]
    one = catalog.group(selection, by, keys)
    monkeypatch.setattr(groups, "_MANY_RUNS", 0)
    monkeypatch.setattr(groups, "_FEW_NUMBERS", 10_000)
    other = catalog.group(selection, by, keys)
    told = [[(list(each.rows), each.by, repr({**each.values})) for each in some] for some in (one, other)]
    assert told[0] == told[1]
    assert any(each.values[keys[0]].n for each in one)
