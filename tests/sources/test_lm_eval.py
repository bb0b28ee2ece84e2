"""Evaluations by lm-evaluation-harness, from its result files."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import Status
from labtop.sources.lm_eval import LmEval
from labtop.sources.source import Listing, RunRead
from tests.sources.reading import read_all
from tests.sources.writers.lm_eval import new_results, old_results

NAME = "results_2024-05-06T07-08-09.123456.json"


def only(root: Path) -> RunRead:
    (run,) = read_all(LmEval(), root).values()
    return run.read


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), "utf-8")
    return path


def test_new_file_is_read(tmp_path: Path) -> None:
    """Scores by task, metric and filter, goals, settings, seeds, data, machine and times of a file of today."""
    path = write(tmp_path / "EleutherAI__pythia-160m" / NAME, new_results())
    (path.parent / "samples_arc_easy_2024-05-06T07-08-09.123456.jsonl").write_text("{}\n")
    (path.parent / "samples_arc_easy_2023-05-06T07-08-09.123456.jsonl").write_text("{}\n")
    record = only(tmp_path).record
    last = {name: each.last for name, each in record.metrics.items()}
    assert math.isnan(last.pop("wikitext/word_perplexity") or 0)
    assert last == {
        "arc_easy/acc": 0.5,
        "arc_easy/acc_stderr": 0.01,
        "gsm8k/exact_match,strict-match": 0.25,
        "gsm8k/exact_match,flexible-extract": 0.5,
    }
    assert record.metrics["arc_easy/acc"].goal == "max"
    assert record.metrics["wikitext/word_perplexity"].goal == "min"
    assert record.params["model_args"] == {
        "pretrained": "EleutherAI/pythia-160m", "revision": "main", "parallelize": True
    }  # fmt: skip
    assert record.params["n-shot"] == {"arc_easy": 5}
    assert dict(record.randomness.seeds) == {"python": 0, "numpy": 1234, "torch": 1234}
    assert (record.name, record.status, record.code.commit) == (
        "EleutherAI/pythia-160m", Status.FINISHED, "51a7ca9"
    )  # fmt: skip
    assert record.started_at == datetime.fromtimestamp(1715000000.5, UTC)
    assert record.ended_at == record.started_at + timedelta(seconds=33.5)
    assert (record.data[0].uri, record.data[0].used_rows) == ("allenai/ai2_arc/ARC-Easy", 100)
    assert (record.environment.python, record.environment.packages["lm_eval"]) == ("3.10.12", "0.4.2")
    assert record.environment.packages["torch"] == "2.3.0"
    assert [each.name for each in record.hardware.gpus] == ["NVIDIA A100-SXM4-80GB"] * 2
    assert [each.name for each in record.artifacts] == ["samples_arc_easy_2024-05-06T07-08-09.123456.jsonl"]


def test_old_file_is_read(tmp_path: Path) -> None:
    """Metrics without a filter, as before 0.4."""
    write(tmp_path / "results.json", old_results())
    record = only(tmp_path).record
    assert {name: each.last for name, each in record.metrics.items()} == {
        "lambada/ppl": 40.5, "lambada/ppl_stderr": 1.5, "lambada/acc": 0.25
    }  # fmt: skip
    assert (record.name, record.started_at) == ("gpt2-xl", None)


def test_file_of_any_name_opens(tmp_path: Path) -> None:
    """Old versions wrote to whatever file they were told: named or not, its content tells."""
    write(tmp_path / "gpt2.json", old_results())
    write(tmp_path / "other.json", {"a": 1})
    assert only(tmp_path).record.name == "gpt2-xl"
    assert len(list(LmEval().detect(Listing(tmp_path, ("gpt2.json",), (), is_named=True)))) == 1


@pytest.mark.parametrize(
    "value", [[], {}, {"results": {}}, {"results": [1], "versions": {}}, {"results": {"a": 1}}]
)
def test_other_files_are_not_claimed(tmp_path: Path, value: Any) -> None:
    """A JSON file with a like name that holds something else is left alone."""
    write(tmp_path / NAME, value)
    write(tmp_path / "results.json", value)
    assert read_all(LmEval(), tmp_path) == {}


def test_damaged_file_is_told(tmp_path: Path) -> None:
    """A result file cut off anywhere is a run with a problem, or none; nothing is raised."""
    content = json.dumps(new_results()).encode()
    path = tmp_path / NAME
    for cut in range(40, len(content), 97):
        path.write_bytes(content[:cut])
        assert "no JSON" in only(tmp_path).record.source.problems[0]


def test_bytes_of_all_kinds_are_read(tmp_path: Path) -> None:
    """A byte order mark, a tail of NUL and Latin-1 are read as JSON all the same."""
    content = json.dumps(old_results()).replace("gpt2-xl", "gpt2-é").replace("\\u00e9", "é")
    for raw in (content.encode("utf-8-sig"), content.encode() + b"\0" * 512, content.encode("latin-1")):
        (tmp_path / "results.json").write_bytes(raw)
        assert only(tmp_path).record.name in ("gpt2-é", "gpt2-\\u00e9")
