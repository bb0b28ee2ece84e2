"""Which params and metrics come first in a table of runs that have little in common, and which show a curve."""

from __future__ import annotations

import pytest

from labtop.model.columns import COLUMN_TYPES, Column
from labtop.query.request import ColumnProfile
from labtop.views.metric_order import in_order
from labtop.views.table_order import by_presence, curved, only_counts


def metric(name: str, goal: str | None = None) -> Column:
    """A metric's column."""
    return Column(f"metrics.{name}", name, "metric", COLUMN_TYPES["number"], goal)


def param(name: str) -> Column:
    """A param's column."""
    return Column(f"params.{name}", name, "param", COLUMN_TYPES["number"])


def names(columns: tuple[Column, ...]) -> list[str]:
    """Their names."""
    return [column.name for column in columns]


def test_a_metric_that_most_runs_have_comes_before_one_that_few_have() -> None:
    """A validation loss of one run in ten does not push the common loss off the screen."""
    columns = (metric("val/loss"), metric("loss"), metric("size"))
    found = by_presence(columns, {"metrics.val/loss": 1, "metrics.loss": 90, "metrics.size": 100})
    assert names(found) == ["loss", "size", "val/loss"]


def test_a_goal_makes_a_metric_common() -> None:
    """What somebody said to matter comes first wherever it is."""
    columns = (metric("loss"), metric("fid", "min"))
    assert names(by_presence(columns, {"metrics.loss": 100, "metrics.fid": 1})) == ["fid", "loss"]


def test_params_keep_their_order_and_their_places() -> None:
    """Only what few runs have moves back, and no param takes the place of a metric."""
    columns = (metric("loss"), param("odd"), param("lr"), param("seed"))
    found = by_presence(columns, {"params.odd": 1, "params.lr": 60, "params.seed": 100})
    assert names(found) == ["loss", "lr", "seed", "odd"]


def test_what_only_counts_comes_last() -> None:
    """The step of a validation is no result of it."""
    columns = (metric("Validation/step"), metric("size"), metric("val/loss"))
    assert names(by_presence(columns, {})) == ["val/loss", "size", "Validation/step"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("epoch", True), ("trainer/global_step", True), ("_runtime", True), ("time/fps", True),
     ("loss_step", False), ("steps_to_goal", False), ("epoch_loss", False), ("footsteps", False)],
)  # fmt: skip
def test_counters_are_told_by_the_last_part_of_their_name(name: str, counts: bool) -> None:
    """A metric that has such a word elsewhere in its name may be anything."""
    assert only_counts(name) is counts


def test_no_curve_is_shown_of_single_points() -> None:
    """A table with a row a run has none at all."""
    counts = {
        "metrics.a.count": ColumnProfile(1, 0, 1, 1),
        "metrics.b.count": ColumnProfile(2, 0, 1, 40),
        "metrics.c.count": ColumnProfile(0, 5),
    }
    assert names(curved([metric("a"), metric("b"), metric("c")], counts)) == ["b"]


def test_metrics_of_a_tracker_that_keeps_no_order_stand_by_name() -> None:
    """Those without a namespace first, numbers by their size, the machine last."""
    found = ["val/acc", "system/cpu", "layer10/norm", "loss", "layer2/norm", "Acc"]
    by_name = ["Acc", "loss", "layer2/norm", "layer10/norm", "val/acc", "system/cpu"]
    assert in_order(found, "wandb") == by_name
    assert in_order(found, "labtop") == [*(each for each in found if each != "system/cpu"), "system/cpu"]
