"""The callback of the Hugging Face `Trainer`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from labtop.model.run import Status
from tests.recording.conftest import RunScript, only_record

if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("accelerate") is None:
    pytest.skip("transformers is not installed with torch", allow_module_level=True)

SLOW_S = 240  # torch alone takes half a minute to import on a busy machine
TRAIN = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from labtop.integrations.transformers import LabtopCallback

class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, at):
        return {"input_ids": torch.tensor([at, at + 1]), "labels": at % 2}

config = BertConfig(vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
arguments = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=1, use_cpu=True,
    eval_strategy="epoch", report_to=REPORT_TO, disable_tqdm=True, save_strategy="no", learning_rate=0.01)
trainer = Trainer(BertForSequenceClassification(config), arguments, train_dataset=Rows(), eval_dataset=Rows(),
    callbacks=CALLBACKS)
trainer.train()
"""


@pytest.mark.parametrize(
    ("report_to", "callbacks"), [('"labtop"', "[]"), ('"none"', '[LabtopCallback(project="bert")]')]
)
def test_a_training_is_a_run(folder: Path, run_script: RunScript, report_to: str, callbacks: str) -> None:
    """By name or as a callback: arguments, the model's configuration, and numbers as train/ and eval/."""
    done = run_script(TRAIN.replace("REPORT_TO", report_to).replace("CALLBACKS", callbacks), timeout_s=SLOW_S)
    assert done.returncode == 0, done.stderr
    record = only_record(folder / "runs")
    assert record.status is Status.FINISHED
    assert record.params["learning_rate"] == 0.01
    model = record.params["model"]
    assert isinstance(model, dict)
    assert model["hidden_size"] == 8
    assert record.metrics["train/loss"].count in (4, 5)  # newer versions also tell the mean
    assert record.metrics["eval/loss"].count == 2
    assert record.metrics["eval/loss"].last_step == 4
    assert (record.project == "bert") == ("bert" in callbacks)
