"""Sparklines and reproducibility marks of many runs at once, against what one run's own code says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labtop.model.fold import SummaryFold
from labtop.model.run import (
    Code,
    Command,
    ConfigFile,
    DataInput,
    Environment,
    MetricSummary,
    Randomness,
    RunRecord,
    Submodule,
    UntrackedFile,
)
from labtop.model.score import score_record
from labtop.query.spark import CELLS
from tests.query.runs import column, opened, run, store_of
from tests.stores import build_store


def spark_of(tmp_path: Path, *series: list[float]) -> list[str]:
    """The twelve characters of some series, each logged point by point."""
    metrics: dict[str, MetricSummary] = {}
    for at, values in enumerate(series):
        fold = SummaryFold()
        for step, value in enumerate(values):
            fold.add(step, value)
        metrics[f"m{at}"] = fold.summary()
    catalog = opened(store_of(tmp_path / "s", run({}, dict(metrics), name="a")))
    return list(catalog.cells([0], [f"spark.m{at}" for at in range(len(series))])[0])


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0], "3           "),
        ([1.0, 2.0], "07          "),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "01234567    "),
        ([NAN, 1.0, NAN], "n3n         "),
        ([NAN], "n           "),
        ([0.0, INF, 1.0, -INF], "0770        "),
        ([5.0] * 40, "3" * 12),
        ([NAN] * 100, "n" * 12),
        ([1e308, -1e308], "70          "),
    ],
)
def test_a_sparkline_shows_the_run(tmp_path: Path, values: list[float], expected: str) -> None:
    """Low to high within the run, NaN as such, nothing where nothing was logged."""
    assert spark_of(tmp_path, values) == [expected]


@pytest.mark.parametrize("length", [13, 64, 65, 500, 5000])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.77, 1.0])
def test_a_spike_is_never_lost(tmp_path: Path, length: int, at: float) -> None:
    """One point in thousands still shows, at its place, up or down."""
    place = round(at * (length - 1))
    up, down = [0.0] * length, [0.0] * length
    up[place], down[place] = 1.0, -1.0
    for spark, high in zip(spark_of(tmp_path, up, down), "70", strict=True):
        assert spark.count(high) >= 1
        assert len(spark) == CELLS
        cell = min(range(CELLS), key=lambda cell: abs((cell + 0.5) / CELLS - at))
        assert high in spark[max(cell - 1, 0) : cell + 2]


def test_a_diverged_tail_shows(tmp_path: Path) -> None:
    """A run that turned to NaN half way says so."""
    (spark,) = spark_of(tmp_path, [1 / (step + 1) for step in range(100)] + [NAN] * 100)
    assert spark[0] == "7"
    assert spark.endswith("nnnnn")


texts = st.sampled_from(["", "a", "b"])
maybe_text = st.none() | st.sampled_from(["", "x", "file:///tmp/x", "git+https://h/x@1"])
records = st.builds(
    RunRecord,
    id=st.just(""),
    name=st.just("x"),
    project=st.just("p"),
    params=st.dictionaries(
        st.sampled_from(["lr", "seed", "random_state", "data", "a.seed"]),
        st.none() | st.integers(0, 9) | st.dictionaries(st.sampled_from(["seed", "n"]), st.integers(0, 9)),
        max_size=3,
    ),
    command=st.builds(
        Command,
        argv=st.lists(texts, max_size=2).map(tuple),
        cwd=maybe_text,
        config_files=st.lists(st.builds(ConfigFile, path=texts, kept=maybe_text), max_size=2).map(tuple),
    ),
    code=st.builds(
        Code,
        commit=maybe_text,
        remote=maybe_text,
        dirty=st.none() | st.booleans(),
        patch_sha256=maybe_text,
        bundle=maybe_text,
        problem=maybe_text,
        untracked=st.lists(st.builds(UntrackedFile, path=texts, kept=st.booleans()), max_size=2).map(tuple),
        submodules=st.lists(st.builds(Submodule, path=texts, commit=maybe_text), max_size=1).map(tuple),
    ),
    data=st.lists(st.builds(DataInput, name=texts, uri=texts, kind=texts, digest=maybe_text), max_size=2).map(
        tuple
    ),
    environment=st.builds(
        Environment,
        python=maybe_text,
        packages=st.dictionaries(texts, texts, max_size=2),
        origins=st.dictionaries(
            texts, st.sampled_from(["git+https://h/x@1", "-e /home/x", "x @ file:///x"]), max_size=2
        ),
        lock_sha256=maybe_text,
        container_digest=maybe_text,
    ),
    randomness=st.builds(
        Randomness,
        seeds=st.dictionaries(st.sampled_from(["python", "numpy"]), st.integers(0, 9), max_size=2),
        imported=st.lists(st.sampled_from(["numpy", "torch"]), unique=True, max_size=2).map(tuple),
    ),
)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records, min_size=40, max_size=60))
def test_marks_of_the_table_are_those_of_each_run(
    tmp_path_factory: pytest.TempPathFactory, found: list[RunRecord]
) -> None:
    """Judging pillars over distinct facts gives for every run what score_record says of it."""
    from dataclasses import replace

    from labtop.store.layout import new_run_id

    named = [replace(record, id=new_run_id(), name=str(at)) for at, record in enumerate(found)]
    store = store_of(tmp_path_factory.mktemp("marks") / "s", *named)
    assert column(opened(store), "score") == {record.name: score_record(record).marks for record in named}


def test_the_table_agrees_with_the_records(tmp_path: Path) -> None:
    """Of a synthetic store, each cell is what the record of its run says."""
    catalog = opened(build_store(tmp_path / "s", runs=30, points=0))
    keys = [
        "id", "name", "status", "score", "params.lr", "params.model.width", "metrics.val/loss", "metrics.val/loss.min",
        "metrics.val/loss.mean", "metrics.val/loss.count", "points",
    ]  # fmt: skip
    for run_id, *row in catalog.cells(range(30), keys):
        record = catalog.record(run_id)
        loss = record.metrics["val/loss"]
        params: Any = record.params
        expected = [
            record.name, str(record.status), score_record(record).marks, params["lr"], params["model"]["width"],
            loss.last, loss.min, loss.mean, loss.count, sum(each.count for each in record.metrics.values()),
        ]  # fmt: skip
        assert list(map(repr, row)) == list(map(repr, expected))
