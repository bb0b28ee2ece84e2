"""Histograms as numpy makes them; confusion matrices, ROC and precision-recall curves as scikit-learn does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labtop import ConfusionMatrix, Curve, Histogram
from labtop.model.values.thinning import thin
from tests.values.roundtrip import back, encoded

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.normal(size=1000),
        RANDOM.exponential(size=57),
        RANDOM.integers(0, 30, 500),
        np.ones(5),
        np.array([3.0]),
    ],
)
def test_bins_are_those_of_numpy(values: Any) -> None:
    """The rule "auto"."""
    histogram = back(Histogram(values))
    counts, edges = np.histogram(values, "auto")
    assert np.array_equal(histogram.counts, counts)
    assert np.allclose(histogram.edges, edges)


def test_histogram_of_odd_values() -> None:
    """NaN and infinities are counted beside; an outlier asks for no million bins; nothing overflows."""
    histogram = back(Histogram([1.0, 2.0, np.nan, np.inf, -np.inf, None]))
    assert (histogram.counts.sum(), histogram.nan_count, histogram.infinite_count) == (2, 2, 2)
    assert len(back(Histogram(np.r_[RANDOM.normal(size=10_000), 1e12])).counts) == 512
    assert back(Histogram([])).counts.sum() == 0
    assert back(Histogram([1e308, -1e308, 0.0])).counts.sum() == 3
    assert back(Histogram([1.0, np.nextafter(1.0, 2)])).counts.sum() == 2
    assert len(back(Histogram(RANDOM.normal(size=100), num_bins=7)).counts) == 7
    assert back(Histogram([0.5, 1.5], bins=[0, 1, 2])).counts.tolist() == [1, 1]


def test_histogram_that_is_made() -> None:
    """Counts and edges, as numpy gives them."""
    made = np.histogram(RANDOM.normal(size=100), 9)
    for histogram in (Histogram(np_histogram=made), Histogram(counts=made[0], edges=made[1])):
        assert np.array_equal(back(histogram).counts, made[0])
    for wrong in (
        Histogram(),
        Histogram(counts=[1], edges=[1]),
        Histogram(counts=[1], edges=[2, 1]),
        Histogram(["a"]),
    ):
        with pytest.raises((ValueError, TypeError)):
            wrong.snapshot()


@pytest.mark.parametrize("kind", [str, int, float])
def test_confusion_as_scikit_learn(kind: Any) -> None:
    """Rows are actual classes."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn to compare with")
    true, pred = ([kind(each) for each in RANDOM.integers(0, 5, 300)] for _ in range(2))
    read = back(ConfusionMatrix(true, pred))
    wanted = [int(float(each)) for each in true], [int(float(each)) for each in pred]
    assert np.array_equal(read.matrix, metrics.confusion_matrix(*wanted))
    assert read.labels == ("0", "1", "2", "3", "4")
    assert read.accuracy == pytest.approx(metrics.accuracy_score(*wanted))


def test_confusion_with_labels() -> None:
    """Names for numbers, an order for texts, scores instead of predictions; a class that never came is there."""
    named = back(ConfusionMatrix([0, 1, 1], [0, 1, 0], ["cat", "dog", "cow"]))
    assert (named.labels, named.matrix.tolist()) == (("cat", "dog", "cow"), [[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    ordered = back(ConfusionMatrix(["b", "a"], ["b", "b"], ["b", "a"]))
    assert ordered.matrix.tolist() == [[1, 0], [1, 0]]
    scored = back(ConfusionMatrix([1, 0], [[0.1, 0.9], [0.2, 0.8]]))
    assert scored.matrix.tolist() == [[0, 1], [0, 1]]
    made = back(ConfusionMatrix(matrix=[[0.5, 0.5], [0, 1]], labels=["x", "y"]))
    assert made.matrix.tolist() == [[0.5, 0.5], [0, 1]]
    assert encoded(named).about == {"classes": 3, "accuracy": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConfusionMatrix([1], [1, 2]),
        lambda: ConfusionMatrix(matrix=[[1, 2]]),
        lambda: ConfusionMatrix([1], ["a"]).finished(),
        lambda: ConfusionMatrix(),
        lambda: ConfusionMatrix([1], [1], ["a", "a"]),
        lambda: ConfusionMatrix(range(2000), range(2000)).finished(),
    ],
)
def test_confusion_that_does_not_fit(make: Any) -> None:
    """An error in words."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        make().snapshot().finished()


def binary(count: int, levels: int | None = None) -> tuple[Any, Any]:
    """Classes and scores that have something to do with each other; with few levels there are many ties."""
    true = RANDOM.integers(0, 2, count)
    score = true * 0.5 + RANDOM.normal(size=count)
    return true, score if levels is None else np.round(score * levels) / levels


@pytest.mark.parametrize("levels", [None, 1, 3])
@pytest.mark.parametrize("count", [3, 20, 2000])
def test_roc_and_pr_as_scikit_learn(count: int, levels: int | None) -> None:
    """Points and areas, with and without ties."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn to compare with")
    true, score = binary(count, levels)
    true[:2] = 0, 1
    roc, pr = back(Curve.roc(true, score)), back(Curve.pr(true, score))
    assert roc.area == pytest.approx(metrics.roc_auc_score(true, score), abs=1e-12)
    assert pr.area == pytest.approx(metrics.average_precision_score(true, score), abs=1e-12)
    (line,) = Curve.roc(true, score).lines
    x, y, _ = metrics.roc_curve(true, score, drop_intermediate=False)
    assert set(zip(line.x.tolist(), line.y.tolist(), strict=True)) <= set(
        zip(x.tolist(), y.tolist(), strict=True)
    )
    if len(x) <= 1000:
        assert np.allclose(line.x, x)
        assert np.allclose(line.y, y)
        (line,) = Curve.pr(true, score).lines
        precision, recall, thresholds = metrics.precision_recall_curve(true, score)
        assert np.allclose(line.x, recall[::-1])
        assert np.allclose(line.y, precision[::-1])
        assert line.threshold is not None
        assert np.allclose(line.threshold[1:], thresholds[::-1])


def test_many_classes_as_scikit_learn() -> None:
    """One against the rest, the mean area beside; a row without a score counts nowhere."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn to compare with")
    true = RANDOM.integers(0, 4, 500)
    score = RANDOM.dirichlet(np.ones(4), 500) + np.eye(4)[true] * 0.3
    score /= score.sum(axis=1, keepdims=True)
    curve = back(Curve.roc(true, score, labels=["a", "b", "c", "d"]))
    assert [line.name for line in curve.lines] == ["a", "b", "c", "d"]
    assert curve.area == pytest.approx(metrics.roc_auc_score(true, score, multi_class="ovr"))
    named = Curve.pr([["a", "b", "c", "d"][each] for each in true], score, labels=["a", "b", "c", "d"])
    assert back(named).area == pytest.approx(metrics.average_precision_score(np.eye(4)[true], score))
    assert Curve.pr(np.eye(4)[true], score).area == pytest.approx(named.area)
    score[0] = np.nan
    without = back(Curve.roc(true, score))
    assert without.skipped == 1
    assert without.area == pytest.approx(metrics.roc_auc_score(true[1:], score[1:], multi_class="ovr"))


def test_two_classes_of_any_name() -> None:
    """The greater is positive, unless another one is said to be; two columns are one."""
    true, score = binary(100)
    area = Curve.roc(true, score).area
    assert area is not None
    assert Curve.roc(true * 2 - 1, score).area == area
    assert Curve.roc(["yes" if each else "no" for each in true], score).area == area
    assert Curve.roc(["yes" if each else "no" for each in true], -score, positive="no").area == pytest.approx(
        area
    )
    assert Curve.roc(true, np.stack([-score, score], axis=1)).area == area
    assert Curve.roc(true.astype(bool), score).area == area


def test_where_there_is_no_area() -> None:
    """Of one class alone it is not known, rather than a number."""
    assert back(Curve.roc([1, 1], [0.1, 0.2])).area is None
    assert back(Curve.pr([0, 0], [0.1, 0.2])).area is None
    assert back(Curve.roc([], [])).area is None


def test_a_long_curve_is_thinned_without_its_hull() -> None:
    """At most a thousand points; every corner of the hull stays; it says so; the area is of all."""
    true, score = binary(60_000)
    (whole,) = Curve.roc(true[:0], score[:0]).lines
    assert len(whole.x) == 1
    written = encoded(Curve.roc(true, score))
    assert "thinned from" in str(written.about["note"])
    (line,) = back(Curve.roc(true, score)).lines
    assert len(line.x) <= 1000 < line.of_points
    from labtop.model.values.scoring import roc_line

    x, y, _, area = roc_line(true == 1, score)
    assert line.area == area
    heights = np.asarray(line.y)
    found = float(np.sum(np.diff(line.x) * (heights[1:] + heights[:-1]) / 2))  # trapezoid is of numpy 2
    assert found == pytest.approx(area, abs=1e-4)
    kept = set(zip(line.x.tolist(), line.y.tolist(), strict=True))
    assert hull(x, y) <= kept


def hull(x: Any, y: Any) -> set[tuple[float, float]]:
    """Corners of the upper convex hull, by Andrew's chain."""
    chain: list[tuple[float, float]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while (
            len(chain) > 1
            and (
                (chain[-1][0] - chain[-2][0]) * (point[1] - chain[-2][1])
                - (chain[-1][1] - chain[-2][1]) * (point[0] - chain[-2][0])
            )
            >= -1e-12
        ):
            chain.pop()
        chain.append(point)
    return set(chain)


def test_thinning_keeps_what_stands_out() -> None:
    """A spike of one point stays, and a straight line needs its ends alone."""
    x = np.arange(10_000, dtype=np.float64)
    y = np.zeros(10_000)
    assert thin(x, y, 100).tolist() == [0, 9_999]
    y[5_000], y[7_000] = 1, -1
    assert {5_000, 7_000} <= set(thin(x, y, 100).tolist())


def test_a_curve_of_its_own() -> None:
    """Several lines over one x; NaN is a gap and stays one."""
    curve = back(Curve([1, 2, 3], {"a": [1, np.nan, 3], "b": [0, 0, 0]}, x_name="lr", y_name="loss"))
    assert (curve.x_name, curve.y_name, [line.name for line in curve.lines]) == ("lr", "loss", ["a", "b"])
    assert np.isnan(curve.lines[0].y).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Curve([1, 2], [1]),
        lambda: Curve(),
        lambda: Curve.roc([0, 1, 2], [0.1, 0.2, 0.3]),
        lambda: Curve.roc([0, 1], ["a", "b"]),
        lambda: Curve.roc(["x", "y"], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]),
        lambda: Curve.roc([0, 1], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], labels=["a"]),
        lambda: Curve.roc([0, 1], [0.5]),
    ],
)
def test_a_curve_that_does_not_fit(make: Any) -> None:
    """An error in words when it is logged."""
    with pytest.raises((ValueError, TypeError), match=r"\w+ \w+"):
        make().snapshot().finished()
