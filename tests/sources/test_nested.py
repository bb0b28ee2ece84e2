"""A training of Hugging Face's, and the event logs that lie within its output folder, are one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import labtop
from tests.formats.event_files import event, simple
from tests.sources.test_huggingface import rows as state_rows
from tests.sources.test_huggingface import write as write_state
from tests.sources.test_tensorboard import write as write_events

DAY = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rows(steps: Sequence[int], seed: float = 1.0) -> list[dict[str, float]]:
    """What a training logs: its losses depend on its seed, its learning rate doesn't."""
    return [
        {**row, **{name: row[name] * seed for name in row if "loss" in name}} for row in state_rows(*steps)
    ]


def write_log(folder: Path, logged: Sequence[dict[str, float]], at: float = DAY) -> None:
    """The event log that the Trainer writes of the same rows."""
    events = []
    for number, row in enumerate(logged):
        for name, value in row.items():
            if name not in ("step", "epoch"):
                tag = f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}"
                events.append(event(int(row["step"]), at + number, simple(tag, value)))
    write_events(folder, *events, at=at)


def opened(root: Path) -> dict[str, tuple[str, int]]:
    """The trackers of all runs below a folder with the points of a loss, by their names."""
    with labtop.open(root) as store:
        found = [store.record(each["id"]) for each in store.runs().iter_rows(named=True)]
    return {
        each.name: (
            each.source.tracker or "",
            max(each.metrics[name].count for name in ("loss", "train/loss") if name in each.metrics),
        )
        for each in found
    }


def test_a_log_that_has_more_than_the_state_is_of_the_same_run(tmp_path: Path) -> None:
    """The model was evaluated once more behind the end; the state was not saved and its checkpoint is older."""
    logs = tmp_path / "logs"
    whole, more = rows(range(10, 60, 10)), {"step": 50, "eval_loss": 7.0}
    write_state(logs / "evaluated", whole, 50)
    write_log(logs / "evaluated" / "runs" / "a", [*whole, more])
    write_state(logs / "unsaved" / "checkpoint-30", rows(range(10, 40, 10), 2.0), 30)
    write_log(logs / "unsaved" / "runs" / "a", rows(range(10, 60, 10), 2.0))
    assert opened(logs) == {"evaluated": ("huggingface", 5), "unsaved": ("huggingface", 5)}


def test_a_log_of_two_trainings_is_of_the_one_whose_state_was_kept(tmp_path: Path) -> None:
    """A cell of a notebook trained once more, from the model as it was by then, into the same event log."""
    logs, steps = tmp_path / "logs", range(10, 60, 10)
    write_state(logs / "bert", rows(steps, 2.0), 50)
    write_log(logs / "bert" / "runs" / "a", [*rows(steps), *rows(steps, 2.0)])
    assert opened(logs) == {"bert": ("huggingface", 10)}


def test_logs_of_a_training_that_was_taken_up_again_are_of_one_run(tmp_path: Path) -> None:
    """The first went on behind the checkpoint from which the second was begun, with other values."""
    logs = tmp_path / "logs"
    before, lost, after = rows(range(10, 50, 10)), rows((50, 60), 3.0), rows(range(50, 110, 10))
    write_state(logs / "bert", [*before, *after], 100)
    write_log(logs / "bert" / "runs" / "a", [*before, *lost])
    write_log(logs / "bert" / "runs" / "b", after, DAY + 3_000)
    assert opened(logs) == {"bert": ("huggingface", 10)}


@pytest.mark.parametrize("seed", [2.0, 1.0])
def test_a_log_of_an_earlier_training_in_the_folder_is_a_run_of_its_own(seed: float, tmp_path: Path) -> None:
    """With another seed its values differ; with the same it begins where the newer one does."""
    logs, steps = tmp_path / "logs", range(10, 60, 10)
    write_state(logs / "bert", rows(steps), 50)
    write_log(logs / "bert" / "runs" / "old", rows(steps, seed))
    write_log(logs / "bert" / "runs" / "new", rows(steps), DAY + 3_000)
    assert opened(logs) == {"bert": ("huggingface", 5), "old": ("tensorboard", 5)}


def test_a_log_elsewhere_is_of_the_training_that_has_its_values(tmp_path: Path) -> None:
    """The script named a folder for it, the state was not saved; another training has other values."""
    logs, steps = tmp_path / "logs", range(10, 130, 10)
    for name, seed in (("bert", 1.0), ("gpt", 2.0)):
        write_state(logs / name / "checkpoint-100", rows(steps[:10], seed), 100)
        write_log(logs / "tb" / f"log-of-{name}", rows(steps, seed))
    write_log(logs / "tb" / "other", rows(steps, 3.0))
    assert opened(logs) == {
        "bert": ("huggingface", 12), "gpt": ("huggingface", 12), "other": ("tensorboard", 12)
    }  # fmt: skip
