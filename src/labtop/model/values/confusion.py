"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from labtop.model.values.arrays import as_array, held, held_bytes
from labtop.model.values.base import RichValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_CLASSES = 1000


class ConfusionMatrix(RichValue):
    """Counts of pairs (actual class, predicted class): a row for each actual class, a column for each predicted one.

    Arguments:
        y_true: the actual classes, as labels or as numbers of classes; or scores, a column a class, for `y_pred`.
        y_pred: the predicted classes; of a score for each class the highest counts.
        labels: the classes in order. Where `y_true` and `y_pred` are numbers and these are texts, they name 0, 1, …
        matrix: the counts themselves, instead of the pairs.
    """

    kind: ClassVar[str] = "confusion_matrix"

    def __init__(
        self,
        y_true: Any = None,
        y_pred: Any = None,
        labels: Sequence[Any] | None = None,
        *,
        matrix: Any = None,
    ) -> None:
        self._true = y_true
        self._pred = y_pred
        self._labels = labels
        self._matrix = matrix

    def snapshot(self) -> Self:
        """A copy of the classes, or of the counts."""
        import numpy as np

        labels = (
            None if self._labels is None else [_plain(each) for each in as_array(list(self._labels)).tolist()]
        )
        if labels is not None and len(set(map(str, labels))) != len(labels):
            raise ValueError("the labels of a confusion matrix differ from one another")
        if self._matrix is not None:
            matrix = as_array(self._matrix)
            if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "biuf":
                raise ValueError(
                    f"a confusion matrix is square and of numbers, not {matrix.dtype}{matrix.shape}"
                )
            names = labels if labels is not None else list(range(len(matrix)))
            if len(names) != len(matrix):
                raise ValueError(f"{len(matrix)} classes need {len(matrix)} labels, not {len(names)}")
            return type(self)(labels=_few(names), matrix=matrix.astype(np.float64))
        if self._true is None or self._pred is None:
            raise ValueError("a confusion matrix needs y_true and y_pred, or a matrix")
        return type(self)(held(self._true), held(self._pred), labels)

    @property
    def weight(self) -> int:
        """Bytes of the classes."""
        return sum(map(held_bytes, (self._true, self._pred, self._matrix)))

    def finished(self) -> Self:
        """With its counts."""
        import numpy as np

        if self._matrix is not None:
            return self if isinstance(self._matrix, np.ndarray) else self.snapshot()
        taken = self.snapshot()
        ready = type(self)(as_array(taken._true), as_array(taken._pred), taken._labels)
        if ready._pred.ndim == 2 and ready._pred.shape[1] > 1:
            ready._pred = ready._pred.argmax(axis=1)
        true, pred = (_whole(each.ravel()) for each in (ready._true, ready._pred))
        if len(true) != len(pred):
            raise ValueError(f"y_true has {len(true)} classes and y_pred {len(pred)}")
        names, wanted = _classes(true, pred, ready._labels)
        places = {each: at for at, each in enumerate(wanted)}
        known = np.array([places.get(each, -1) for each in (*true.tolist(), *pred.tolist())], dtype=np.int64)
        rows, columns = known[: len(true)], known[len(true) :]
        kept = (rows >= 0) & (columns >= 0)
        size = len(wanted)
        counts = np.bincount(rows[kept] * size + columns[kept], minlength=size * size)
        return type(self)(labels=_few(names), matrix=counts.reshape(size, size).astype(np.float64))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(str(each) for each in self.finished()._labels or ())

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The counts: `matrix[i, j]` of class i was taken for class j."""
        return self.finished()._matrix  # type: ignore[no-any-return]

    @property
    def accuracy(self) -> float | None:
        """The share that was right; None of nothing."""
        matrix = self.matrix
        total = float(matrix.sum())
        return float(matrix.trace()) / total if total else None

    def __repr__(self) -> str:
        return (
            "ConfusionMatrix(…)" if self._matrix is None else f"ConfusionMatrix({len(self._matrix)} classes)"
        )


def _plain(label: Any) -> Any:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _whole(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Classes as labels: 1.0 is 1, and what is no number has none."""
    import numpy as np

    if classes.dtype.kind == "f" and np.isfinite(classes).all() and (classes == np.floor(classes)).all():
        return classes.astype(np.int64)
    return classes.astype(np.int64) if classes.dtype.kind == "b" else classes


def _classes(
    true: npt.NDArray[Any], pred: npt.NDArray[Any], labels: Sequence[Any] | None
) -> tuple[list[Any], list[Any]]:
    """Names of the classes, and the values that stand for them."""
    import numpy as np

    both_numbers = true.dtype.kind in "biuf" and pred.dtype.kind in "biuf"
    if (true.dtype.kind in "biuf") != (pred.dtype.kind in "biuf"):
        raise ValueError(f"y_true holds {true.dtype} and y_pred {pred.dtype}: they name classes differently")
    if labels is not None:
        by_number = both_numbers and all(isinstance(each, str) for each in labels)
        return list(labels), list(range(len(labels))) if by_number else list(labels)
    found = np.unique(np.concatenate([true, pred])).tolist()
    return found, found


def _few(labels: Sequence[Any]) -> list[str]:
    if len(labels) > MOST_CLASSES:
        raise ValueError(f"a confusion matrix has at most {MOST_CLASSES} classes, not {len(labels)}")
    return [str(each) for each in labels]
