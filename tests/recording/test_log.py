"""What log() records, and what it refuses with a word."""

from __future__ import annotations

import logging
import math
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import labtop
from labtop.errors import LabtopError, RecordingError, UsageError
from labtop.store.reader import Point, read_points
from tests.recording.conftest import only_record


def points(run: labtop.Run) -> list[Point]:
    """All points of a run, in logged order."""
    return read_points(run.folder)[0]


def values(run: labtop.Run) -> dict[str, list[tuple[float, float]]]:
    """(step, value) of each metric."""
    found: dict[str, list[tuple[float, float]]] = {}
    for point in points(run):
        found.setdefault(point.name, []).append((point.step, point.value))
    return found


def test_points_are_there_as_soon_as_log_returns(folder: Path) -> None:
    """No flush, no finish: the file has them."""
    run = labtop.init()
    run.log({"loss": 0.5, "acc": 1})
    assert values(run) == {"loss": [(0, 0.5)], "acc": [(0, 1.0)]}


def test_own_counter_goes_on_after_an_explicit_step(folder: Path) -> None:
    """0, 1, then 10, then 11; after half an epoch the next whole one."""
    run = labtop.init()
    run.log({"a": 0.0})
    run.log({"a": 1.0})
    run.log({"a": 2.0}, step=10)
    run.log({"a": 3.0})
    run.log({"a": 4.0}, step=11.5)
    run.log({"a": 5.0})
    assert [step for step, _ in values(run)["a"]] == [0, 1, 10, 11, 11.5, 12]


class FakeTensor:
    """What torch gives: item() and no float of its own."""

    def item(self) -> float:
        return 0.25


SCALARS = [
    (1, 1.0),
    (True, 1.0),
    (np.float32(0.5), 0.5),
    (np.float64(0.1), 0.1),
    (np.int64(7), 7.0),
    (np.array(0.5), 0.5),
    (np.array([0.5]), 0.5),
    (FakeTensor(), 0.25),
    (Decimal("0.5"), 0.5),
    (Fraction(1, 4), 0.25),
    (math.inf, math.inf),
    (2**63, 2.0**63),
]


def test_scalars_of_every_kind(folder: Path) -> None:
    """Numbers of Python, numpy and tensors arrive as the same number."""
    run = labtop.init()
    run.log({f"x{at}": given for at, (given, _) in enumerate(SCALARS)})
    assert values(run) == {f"x{at}": [(0, recorded)] for at, (_, recorded) in enumerate(SCALARS)}


def test_nan_and_negative_zero_survive(folder: Path) -> None:
    """NaN stays NaN and −0 keeps its sign."""
    run = labtop.init()
    run.log({"nan": math.nan, "zero": -0.0})
    assert math.isnan(values(run)["nan"][0][1])
    assert math.copysign(1, values(run)["zero"][0][1]) == -1


def test_nested_mappings_are_flattened(folder: Path) -> None:
    """train → loss becomes train/loss."""
    run = labtop.init()
    run.log({"train": {"loss": 1.0, "top": {"1": 0.5}}})
    assert set(values(run)) == {"train/loss", "train/top/1"}


def test_what_is_no_number_is_said_once_and_the_rest_is_kept(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Training goes on; the good values of the same call are there."""
    bad = {"text": "abc", "none": None, "list": [1], "array": np.zeros(3), "complex": 1j, "huge": 10**400}
    run = labtop.init()
    run.log({**bad, "good": 1.0})
    run.log({**bad, "good": 2.0})
    assert values(run) == {"good": [(0, 1.0), (1, 2.0)]}
    for name in bad:
        assert len([each for each in caplog.records if f"'{name}'" in each.message]) == 1


def test_strict_raises_for_what_is_no_number(folder: Path) -> None:
    """strict is for people who want to be told."""
    run = labtop.init(strict=True)
    with pytest.raises(RecordingError, match="'x' is not logged"):
        run.log({"x": "text"})


def test_log_of_no_mapping_never_raises(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It says what it wanted."""
    run = labtop.init()
    run.log([1, 2])  # type: ignore[arg-type]  # what the test is about
    assert "takes a mapping" in caplog.text


@pytest.mark.parametrize("step", ["ten", math.nan, None])
def test_a_step_that_is_no_number_gives_way_to_the_counter(folder: Path, step: object) -> None:
    """The point is kept."""
    run = labtop.init()
    run.log({"x": 1.0}, step=step)  # type: ignore[arg-type]  # what the test is about
    assert values(run)["x"] == [(0, 1.0)]


def test_a_step_beyond_all_bounds_is_no_error(folder: Path) -> None:
    """Python's integers have no end: such a step is the largest there is."""
    run = labtop.init()
    run.log({"loss": 0.5}, step=10**400)
    assert values(run) == {"loss": [(sys.float_info.max, 0.5)]}


def test_commit_false_keeps_values_for_the_next_call(folder: Path) -> None:
    """As in wandb: both get one step."""
    run = labtop.init()
    run.log({"a": 1.0}, commit=False)
    run.log({"b": 2.0})
    run.log({"a": 3.0})
    assert values(run) == {"a": [(0, 1.0), (1, 3.0)], "b": [(0, 2.0)]}


def test_kept_values_are_not_lost_at_the_end(folder: Path) -> None:
    """finish commits them, at the step they were given."""
    run = labtop.init()
    run.log({"a": 1.0}, step=7, commit=False)
    run.finish()
    assert values(run) == {"a": [(7, 1.0)]}


def test_kept_values_keep_their_step_when_another_is_named(folder: Path) -> None:
    """They are written first."""
    run = labtop.init()
    run.log({"a": 1.0}, step=7, commit=False)
    run.log({"b": 1.0}, step=9)
    assert values(run) == {"a": [(7, 1.0)], "b": [(9, 1.0)]}


def test_a_step_metric_is_the_x_axis(folder: Path) -> None:
    """val/loss goes by epoch, half epochs too; train/loss by the counter."""
    run = labtop.init()
    run.define_metric("val/*", step_metric="epoch")
    run.log({"train/loss": 1.0})
    run.log({"epoch": 0.5, "val/loss": 3.0})
    run.log({"val/loss": 2.0})
    assert values(run)["val/loss"] == [(0.5, 3.0), (0.5, 2.0)]
    assert values(run)["train/loss"] == [(0, 1.0)]


@pytest.mark.parametrize(
    ("word", "goal"), [("min", "min"), ("minimize", "min"), ("max", "max"), ("maximize", "max")]
)
def test_goals_reach_the_summaries(folder: Path, word: str, goal: str) -> None:
    """Globs count for names to come, and for those that were there."""
    run = labtop.init()
    run.log({"val/a": 1.0})
    run.define_metric("val/*", goal=word)
    run.log({"val/b": 1.0, "train/a": 1.0})
    run.finish()
    metrics = only_record(folder / "runs").metrics
    assert {name: metric.goal for name, metric in metrics.items()} == {
        "val/a": goal,
        "val/b": goal,
        "train/a": None,
    }


def test_an_exact_goal_beats_a_glob(folder: Path) -> None:
    """Whatever came first."""
    run = labtop.init()
    run.define_metric("val/acc", goal="max")
    run.define_metric("val/*", goal="min")
    run.log({"val/acc": 1.0, "val/loss": 1.0})
    run.finish()
    metrics = only_record(folder / "runs").metrics
    assert (metrics["val/acc"].goal, metrics["val/loss"].goal) == ("max", "min")


def test_an_unknown_goal_is_an_error(folder: Path) -> None:
    """It can only be a slip."""
    run = labtop.init()
    with pytest.raises(UsageError, match="use 'min' or 'max'"):
        run.define_metric("x", goal="up")


def test_log_after_the_end_says_so(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And records nothing."""
    run = labtop.init()
    run.log({"y": 0.5})
    run.finish()
    run.log({"x": 1.0})
    run.log({"y": 1.0})  # a name that is known goes the quick way
    assert values(run) == {"y": [(0.0, 0.5)]}
    assert "has ended" in caplog.text


def test_verbs_without_a_run_say_what_to_do() -> None:
    """As before init."""
    for verb in (lambda: labtop.log({"x": 1}), lambda: labtop.config["x"], lambda: labtop.seed(1)):
        with pytest.raises(LabtopError, match=r"labtop\.init\(\)"):
            verb()
    assert labtop.run is None


def test_warnings_go_through_logging(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """So that -W error cannot turn one into a crash of the training."""
    with caplog.at_level(logging.WARNING, "labtop"):
        run = labtop.init(entity="me", reinit=True)
    assert "entity, reinit" in caplog.text
    assert len(caplog.records) == 1
    run.finish()
