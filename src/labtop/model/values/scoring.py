"""From classes and scores to the points of ROC and precision-recall curves. Ties count as one threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Truths = npt.NDArray[np.bool_]


class Scored(NamedTuple):
    """For each class its name, which rows are of it, and their scores; and how many rows had no score."""

    classes: list[tuple[str, Truths, Floats]]
    skipped: int


def sides(
    y_true: npt.NDArray[Any], y_score: npt.NDArray[Any], labels: Sequence[Any] | None, positive: Any
) -> Scored:
    """Each class against the rest.

    Raises:
        ValueError: shapes or classes don't fit together.
    """
    import numpy as np

    if y_score.dtype.kind not in "biuf":
        raise ValueError(f"scores are numbers, not {y_score.dtype}")
    if y_score.ndim == 2 and y_score.shape[1] == 1:
        y_score = y_score[:, 0]
    if y_true.ndim == 2 and y_true.shape[1] == 1:
        y_true = y_true[:, 0]
    if y_score.ndim not in (1, 2) or y_true.ndim not in (1, 2) or len(y_true) != len(y_score):
        raise ValueError(f"classes of shape {y_true.shape} and scores of shape {y_score.shape} don't fit")
    score = y_score.astype(np.float64)
    known = np.asarray(~np.isnan(score) if score.ndim == 1 else ~np.isnan(score).any(axis=1))
    true, score = y_true[known], score[known]
    skipped = int(len(known) - known.sum())
    if y_true.ndim == 2:
        if true.shape != score.shape:
            raise ValueError(f"labels of shape {true.shape} and scores of shape {score.shape} don't fit")
        names = _names(labels, true.shape[1])
        return Scored([(name, true[:, at] != 0, score[:, at]) for at, name in enumerate(names)], skipped)
    if score.ndim == 2 and score.shape[1] > 2:
        return Scored(_against_rest(y_true, true, score, labels), skipped)
    if score.ndim == 2:
        score = score[:, 1]
    value, name = _positive(y_true, labels, positive)
    return Scored([(name, true == value, score)], skipped)


def _names(labels: Sequence[Any] | None, count: int) -> list[str]:
    if labels is not None and len(labels) != count:
        raise ValueError(f"{count} classes need {count} labels, not {len(labels)}")
    return [str(each) for each in labels] if labels is not None else [str(each) for each in range(count)]


def _against_rest(
    all_true: npt.NDArray[Any], true: npt.NDArray[Any], score: Floats, labels: Sequence[Any] | None
) -> list[tuple[str, Truths, Floats]]:
    """Of more than two classes: each column of the scores with the rows that are of its class."""
    import numpy as np

    count = score.shape[1]
    names = _names(labels, count)
    there = np.unique(all_true).tolist()
    by_number = true.dtype.kind in "biuf" and all(0 <= each < count and each == int(each) for each in there)
    if by_number:
        values: list[Any] = list(range(count))
    elif labels is not None and set(map(str, there)) <= set(names):
        values, true = names, true.astype(str)
    elif len(there) == count:
        values, names = there, [str(each) for each in there] if labels is None else names
    else:
        raise ValueError(f"scores for {count} classes, and {len(there)} in y_true; say which by labels=")
    return [
        (name, true == value, score[:, at])
        for at, (name, value) in enumerate(zip(names, values, strict=True))
    ]


def _positive(y_true: npt.NDArray[Any], labels: Sequence[Any] | None, positive: Any) -> tuple[Any, str]:
    """Of two classes: the value of the positive one and its name."""
    import numpy as np

    there = np.unique(y_true).tolist()
    if len(there) > 2:
        raise ValueError(f"one score a row, but {len(there)} classes; give a column of scores for each class")
    is_binary = set(there) <= {0, 1} or set(there) <= {-1, 1}
    value = positive if positive is not None else 1 if is_binary else there[-1] if there else 1
    name = str(labels[-1]) if labels is not None and len(labels) else "" if is_binary else str(value)
    return value, name


def _steps(is_positive: Truths, score: Floats) -> tuple[Floats, Floats, Floats]:
    """True and false positives at or above each score that occurs, highest first."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    score, hits = score[order], is_positive[order]
    last_of_tie = (
        np.r_[np.flatnonzero(score[1:] != score[:-1]), len(score) - 1] if len(score) else np.empty(0, int)
    )
    true = np.cumsum(hits, dtype=np.float64)[last_of_tie]
    return true, last_of_tie + 1 - true, score[last_of_tie]


def roc_line(is_positive: Truths, score: Floats) -> tuple[Floats, Floats, Floats, float | None]:
    """False positive rate, true positive rate, thresholds from +Inf down, and the area (None of one class only).

    The area is by trapezoids, so that a tie counts half (Fawcett 2006, "An introduction to ROC analysis").
    """
    import numpy as np

    true, false, thresholds = _steps(is_positive, score)
    positives, negatives = float(is_positive.sum()), float((~is_positive).sum())
    x, y = np.r_[0.0, false] / max(negatives, 1), np.r_[0.0, true] / max(positives, 1)
    area = (
        float(np.trapezoid(y, x))
        if hasattr(np, "trapezoid")
        else float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())
    )
    return x, y, np.r_[np.inf, thresholds], area if positives and negatives else None


def pr_line(is_positive: Truths, score: Floats) -> tuple[Floats, Floats, Floats, float | None]:
    """Recall, precision, thresholds from +Inf down, and the average precision (None without positives).

    It begins at recall 0 and precision 1. The area is sum((R_n - R_(n-1)) P_n), without interpolation, which would
    be too kind (Davis and Goadrich 2006).
    """
    import numpy as np

    true, false, thresholds = _steps(is_positive, score)
    positives = float(is_positive.sum())
    precision, recall = true / np.maximum(true + false, 1), true / max(positives, 1)
    area = float((np.diff(np.r_[0.0, recall]) * precision).sum()) if positives else None
    return np.r_[0.0, recall], np.r_[1.0, precision], np.r_[np.inf, thresholds], area
