"""Very long values cost the thread that logs them a copy, and nothing that grows faster."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labtop.model.values.arrays import as_array
from labtop.model.values.base import RichValue
from labtop.model.values.confusion import ConfusionMatrix
from labtop.model.values.curve import Curve
from labtop.model.values.histogram import Histogram
from labtop.model.values.image import Image

COUNT = 400_000
CHANCE = random.Random(0)
SCORES = [CHANCE.random() for _ in range(COUNT)]
CLASSES = [score > 0.5 for score in SCORES]
NAMES = ["cat" if each else "dog" for each in CLASSES]


def cpu_s(work: Callable[[], object]) -> float:
    """The least processor time of this thread, of a few tries."""
    taken = []
    for _ in range(5):
        begun = time.thread_time()
        kept = work()
        taken.append(time.thread_time() - begun)
        del kept
    return min(taken)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (Curve.roc(CLASSES, SCORES), (CLASSES, SCORES)),
        (Curve.pr(NAMES, SCORES, positive="cat"), (NAMES, SCORES)),
        (Curve(SCORES, {"a": SCORES}), (SCORES, SCORES)),
        (Histogram(SCORES), (SCORES,)),
        (ConfusionMatrix(NAMES, NAMES), (NAMES, NAMES)),
    ],
    ids=["roc", "pr", "curve", "histogram", "confusion"],
)
def test_long_lists_become_arrays_in_the_other_thread(value: RichValue, given: tuple[list[Any], ...]) -> None:
    """A snapshot takes much less than making arrays; what comes out is what arrays give."""
    assert cpu_s(value.snapshot) < 0.6 * cpu_s(lambda: [as_array(each) for each in given])
    value.snapshot().finished()


def test_a_long_list_may_change_after_it_was_logged() -> None:
    """The snapshot has its own; the result is that of an array."""
    scores = SCORES.copy()
    taken = Histogram(scores, bins=10).snapshot()
    scores.clear()
    assert taken.finished().counts.tolist() == Histogram(np.array(SCORES), bins=10).counts.tolist()
    curve = Curve.roc(CLASSES, SCORES).snapshot().finished()
    assert curve.area == pytest.approx(Curve.roc(np.array(CLASSES), np.array(SCORES)).area)


@pytest.mark.parametrize(
    "long", [[1.0, 2, True] * 50_000, [[1, 2]] * 60_000, ["a", "bc"] * 50_000, [None, 1.0] * 50_000]
)
def test_a_long_list_is_the_array_it_always_was(long: list[Any]) -> None:
    """Made piece by piece it has the type and values that it has as one."""
    whole = np.array(long)
    made = as_array(long)
    if whole.dtype.kind == "O":
        assert np.isnan(made[0])
        assert made[1] == 1.0
    else:
        assert made.dtype == whole.dtype
        assert (made == whole).all()


def test_what_cannot_be_meant_is_refused_where_it_is_found() -> None:
    """A long list of objects, with the thread; an array that is much too large for a picture, at once."""
    taken = Histogram([object()] * 60_000).snapshot()
    with pytest.raises(TypeError, match="array of numbers"):
        taken.finished()
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (1_000_000, 1_000_000), (0, 0))
    with pytest.raises(ValueError, match="an image has"):
        Image(huge).snapshot()


def test_a_picture_is_converted_in_the_other_thread() -> None:
    """What the program draws into it later is not in what it logged."""
    pictures = pytest.importorskip("PIL.Image")
    picture = pictures.new("RGB", (4, 4), (255, 0, 0))
    taken = Image(picture).snapshot()
    picture.paste((0, 255, 0), (0, 0, 4, 4))
    pixels = taken.finished().pixels
    assert pixels is not None
    assert pixels[0, 0].tolist() == [255, 0, 0]
