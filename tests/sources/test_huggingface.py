"""Output folders of Hugging Face's Trainer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from labtop.model.run import Status
from labtop.sources import load_source
from labtop.sources.finding import survey
from labtop.sources.source import Place
from tests.sources.reading import Whole, corpus, listing, places, read_all, truth

SOURCE = load_source("huggingface")
CARD = """---
tags:
- generated_from_trainer
base_model: roberta-base
---
# mine
### Training hyperparameters
- learning_rate: 5e-5
- seed: 42
- optimizer: Adam with betas=(0.9,0.999)
### Framework versions
- Transformers 4.38.2
- Pytorch 2.1.0+cu121
"""


def rows(*steps: int) -> list[dict[str, Any]]:
    """A row of training and one of evaluation for each step."""
    found: list[dict[str, Any]] = []
    for step in steps:
        found.append({"step": step, "epoch": step / 10, "loss": 1 / step, "learning_rate": 1e-5})
        found.append({"step": step, "epoch": step / 10, "eval_loss": 2 / step})
    return found


def write(folder: Path, history: list[Any], step: int, most: int = 30, **more: Any) -> None:
    """A state."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {"global_step": step, "max_steps": most, "log_history": history, "epoch": step / 10, **more}
    (folder / "trainer_state.json").write_text(json.dumps(state))


def read(root: Path) -> dict[str, Whole]:
    """The runs below a folder by their folders."""
    return {key.removesuffix(":."): whole for key, whole in read_all(SOURCE, root).items()}


def test_checkpoints_of_the_corpus_are_one_run() -> None:
    """With the figures of the state that came furthest."""
    (whole,) = read(corpus("hftrainer-loraagnews-MIT")).values()
    furthest = max(truth("hftrainer-loraagnews-MIT")["runs"], key=lambda each: each["global_step"])
    assert {name: len(curve) for name, curve in whole.curves.items()} == furthest["metric_points"]
    for name, (step, value) in furthest["last"].items():
        assert (whole.curves[name].steps[-1], whole.curves[name].values[-1]) == (step, value)
    record = whole.read.record
    assert [(each.name, each.step) for each in record.artifacts] == [
        ("checkpoint-500", 500),
        ("checkpoint-1000", 1000),
        ("checkpoint-1200", 1200),
    ]
    assert (record.status, record.params["max_steps"]) == (Status.FINISHED, 1200)


def test_a_training_that_came_to_its_end(tmp_path: Path) -> None:
    """The last row gives values without points, whatever else was logged after it."""
    end = {"step": 30, "epoch": 3.0, "train_runtime": 12.5, "train_loss": 0.5, "total_flos": 1e15}
    write(tmp_path / "out", [*rows(10, 20, 30), end, {"step": 30, "eval_loss": 0.1}], 30, best_metric=0.1)
    write(tmp_path / "out" / "checkpoint-20", rows(10, 20), 20)
    (whole,) = read(tmp_path).values()
    record = whole.read.record
    assert record.status is Status.FINISHED
    assert list(whole.curves["loss"].steps) == [10, 20, 30]
    assert list(whole.curves["eval_loss"].steps) == [10, 20, 30, 30]
    assert {name: each.last for name, each in record.metrics.items()} == {
        "train_runtime": 12.5,
        "train_loss": 0.5,
        "total_flos": 1e15,
        "epoch": 3.0,
        "best_metric": 0.1,
    }


def test_a_training_whose_state_was_not_saved_is_over_when_all_its_steps_are_done(tmp_path: Path) -> None:
    """The last checkpoint says how many there are; an earlier one leaves open what came after it."""
    write(tmp_path / "done" / "checkpoint-30", rows(10, 20, 30), 30)
    write(tmp_path / "open" / "checkpoint-20", rows(10, 20), 20)
    found = read(tmp_path)
    assert found["done"].read.record.status is Status.FINISHED
    assert found["open"].read.record.status is Status.UNKNOWN


def test_a_training_that_was_taken_up_again_is_not_at_its_end(tmp_path: Path) -> None:
    """The row of the first end is followed by more; the checkpoint that came furthest counts."""
    end = {"step": 10, "train_runtime": 12.5}
    write(tmp_path / "out", [*rows(10), end], 10, most=10)
    write(tmp_path / "out" / "checkpoint-20", [*rows(10), end, *rows(20)], 20)
    (whole,) = read(tmp_path).values()
    assert whole.read.record.status is Status.UNKNOWN
    assert list(whole.curves["loss"].steps) == [10, 20]


def test_rows_of_training_that_tell_how_long_it_took(tmp_path: Path) -> None:
    """Where tokens are counted every row has `train_runtime`; only the one without a loss is the last."""
    counted = [{**row, "train_runtime": 1.0, "num_input_tokens_seen": 64} for row in rows(10, 20)]
    end = {"step": 20, "epoch": 2.0, "train_runtime": 2.5, "train_loss": 0.5, "num_input_tokens_seen": 128}
    write(tmp_path / "going", counted[::2], 20)
    write(tmp_path / "over", [*counted[::2], end], 20)
    going, over = read(tmp_path)["going"], read(tmp_path)["over"]
    for whole in (going, over):
        assert list(whole.curves["loss"].steps) == [10, 20]
        assert list(whole.curves["num_input_tokens_seen"].values) == [64, 64]
    assert (going.read.record.status, over.read.record.status) == (Status.UNKNOWN, Status.FINISHED)
    assert over.read.record.metrics["train_loss"].last == 0.5


def test_the_model_of_a_checkpoint_where_none_was_saved(tmp_path: Path) -> None:
    """A folder with a state of its own and no configuration: the newest checkpoint has one."""
    write(tmp_path / "out", rows(10, 20), 20)
    for step in (10, 20):
        write(tmp_path / "out" / f"checkpoint-{step}", rows(step), step)
        (tmp_path / "out" / f"checkpoint-{step}" / "config.json").write_text(json.dumps({"n_layer": step}))
    (whole,) = read(tmp_path).values()
    assert whole.read.record.params["n_layer"] == 20


def test_what_lies_beside(tmp_path: Path) -> None:
    """Results, the model's configuration, the card; the pickle of arguments is never opened."""
    folder = tmp_path / "out"
    write(folder, rows(10), 10, trial_params={"warmup": 5})
    (folder / "eval_results.json").write_text('{"eval_loss": 1, "eval_f1": NaN, "predict_accuracy": 0.5}')
    (folder / "config.json").write_text('{"hidden_size": 768, "model_type": "roberta"}')
    (folder / "README.md").write_text(CARD)
    (folder / "training_args.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    record = next(iter(read(tmp_path).values())).read.record
    assert record.params["hidden_size"] == 768
    assert (record.params["learning_rate"], record.params["warmup"]) == (5e-5, 5)
    assert record.source.texts == {"learning_rate": "5e-5"}
    assert record.environment.packages == {"transformers": "4.38.2", "torch": "2.1.0+cu121"}
    assert (record.life.tags, record.randomness.seeds) == (("generated_from_trainer",), {"transformers": 42})
    assert record.metrics["predict_accuracy"].last == 0.5
    assert str(record.metrics["eval_f1"].last) == "nan"
    assert "eval_loss" not in record.metrics
    assert [each.name for each in record.artifacts] == ["training_args.bin"]


def test_damage_is_said_and_another_state_counts(tmp_path: Path) -> None:
    """A state that was cut, one of another shape, rows that are none."""
    write(tmp_path / "a" / "checkpoint-10", [*rows(10), 3, None], 10)
    write(tmp_path / "a" / "checkpoint-20", rows(5, 20), 20)
    path = tmp_path / "a" / "checkpoint-20" / "trainer_state.json"
    text = path.read_text()
    path.write_text(text[: text.index('{"step": 20')])
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "trainer_state.json").write_text("[1]")
    runs = read(tmp_path)
    assert list(runs["a"].curves["loss"].steps) == [10]
    assert [each.split(":")[0] for each in runs["a"].read.record.source.problems] == [
        "checkpoint-20/trainer_state.json",
        "trainer_state.json",
    ]
    assert runs["b"].points == 0
    assert runs["b"].read.record.source.problems


def test_a_checkpoint_is_a_run_only_where_it_was_opened(tmp_path: Path) -> None:
    """Else it belongs to the folder above."""
    write(tmp_path / "out" / "checkpoint-10", rows(10), 10)
    checkpoint = tmp_path / "out" / "checkpoint-10"
    assert places(SOURCE, tmp_path) == [Place(tmp_path / "out")]
    assert list(SOURCE.detect(replace(listing(checkpoint), is_root=True))) == [Place(checkpoint)]
    assert list(SOURCE.detect(listing(checkpoint))) == []


def test_copies_of_checkpoints_are_the_run_whose_rows_they_tell(tmp_path: Path) -> None:
    """Under a name that says so; the one that came furthest counts. Another training below is a run of its own."""
    write(tmp_path / "out" / "checkpoint-10", rows(10), 10)
    write(tmp_path / "out" / "best_model", rows(10), 10)
    write(tmp_path / "out" / "checkpoint-final", rows(10, 20, 30), 30)
    write(tmp_path / "out" / "final", rows(1, 2, 3), 3)
    runs = read(tmp_path)
    assert set(runs) == {"out", "out/final"}
    assert list(runs["out"].curves["loss"].steps) == [10, 20, 30]
    assert runs["out"].read.record.status is Status.FINISHED
    told = {each.name: each.step for each in runs["out"].read.record.artifacts}
    assert told == {"checkpoint-10": 10, "best_model": 10, "checkpoint-final": 30}


def test_the_copy_of_the_rows_by_llama_factory_is_no_run_of_its_own(tmp_path: Path) -> None:
    """`trainer_log.jsonl` beside a state; alone it is a table."""
    lines = "".join(json.dumps({"epoch": step, "loss": 1 / (step + 1)}) + "\n" for step in range(9))
    for name in ("both", "alone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_log.jsonl").write_text(lines)
    write(tmp_path / "both", rows(10), 10)
    found = {each.source: each.place.path.relative_to(tmp_path) for each in survey(tmp_path).found}
    assert found == {"huggingface": Path("both"), "tables": Path("alone/trainer_log.jsonl")}
