"""What another Python with Aim's package is asked, with a package that answers as Aim's of different ages do."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from labtop.sources.aim import dump

CONTEXT = 7
DATA = SimpleNamespace(
    columns=[("val", 0), ("time", 0)], items_list=lambda: ([0.0, 1.0], [[0.5, 0.25], [9.0, 9.5]])
)


class ArchivedRun:
    """A run of which only single metrics are given, not the collection."""

    def __init__(self, meta: dict[str, Any]) -> None:
        self.meta_run_tree = SimpleNamespace(collect=lambda: meta)

    def metrics(self) -> list[Any]:
        """Nothing, as of an archived run."""
        return []

    def iter_metrics_info(self) -> Iterator[tuple[str, Any, ArchivedRun]]:
        """Names and contexts."""
        yield "loss", SimpleNamespace(to_dict=lambda: {"subset": "val"}), self

    def get_metric(self, name: str, context: Any) -> Any:
        """One metric."""
        return SimpleNamespace(name=name, context=context, data=DATA)


def told(monkeypatch: pytest.MonkeyPatch, meta: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines about a run."""
    package = ModuleType("aim")
    package.__dict__.update(Repo=lambda _: None, Run=lambda *_, **__: ArchivedRun(meta))
    monkeypatch.setitem(sys.modules, "aim", package)
    monkeypatch.setattr(sys, "stdin", io.StringIO("abc\n"))
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    dump.main("repository")
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_metrics_of_an_archived_run_are_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aim leaves archived runs out of its collections."""
    lines = told(monkeypatch, {"attrs": {"lr": 0.1}})
    assert {
        "metric": "loss",
        "context": {"subset": "val"},
        "steps": [0, 1],
        "values": [0.5, 0.25],
        "times": [9.0, 9.5],
    } in lines


@pytest.mark.parametrize(
    "meta",
    [
        {"typed_traces": {"metric": {CONTEXT: {"loss": 1}}, "texts": {CONTEXT: {"note": 1}}}},
        {},
    ],
)
def test_what_is_no_metric_is_told_with_its_kind(
    monkeypatch: pytest.MonkeyPatch, meta: dict[str, Any]
) -> None:
    """By the list of kinds, or where an old repository has none by the type of values."""
    traces = {
        CONTEXT: {
            "loss": {"dtype": "float"},
            "note": {"dtype": "list(aim.text)" if not meta else "aim.text", "last_step": 3},
        }
    }
    lines = told(monkeypatch, {**meta, "traces": traces, "contexts": {CONTEXT: {"a": 1}}})
    assert [each for each in lines if "other" in each] == [
        {"other": "note", "kind": "texts", "context": {"a": 1}, "step": 3}
    ]
