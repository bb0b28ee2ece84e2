"""In which order the charts of some runs come."""

from __future__ import annotations

from labtop.views.chart_source import RunFacts, metric_names


def facts(**goals: str | None) -> RunFacts:
    names = {name.replace("__", "/"): goal for name, goal in goals.items()}
    return RunFacts("a", "a", False, None, names, dict.fromkeys(names, 5))


def test_losses_and_scores_come_before_a_learning_rate() -> None:
    """Without goals the first chart is what people look at first, whatever was logged first."""
    run = facts(lr=None, epoch=None, eval__accuracy=None, grad_norm=None, train__loss=None)
    assert metric_names([run]) == ("eval/accuracy", "train/loss", "lr", "grad_norm", "epoch")


def test_what_has_a_goal_comes_first_as_it_was_logged() -> None:
    """The writer of the script said what counts."""
    run = facts(train__loss=None, speed="max", val__acc="max")
    assert metric_names([run]) == ("speed", "val/acc", "train/loss")
