"""The quick way to JSON says what the general one says, or leaves it to that."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from labtop.model.run import MetricSummary
from labtop.store.format import decode_group, encode_group, plain
from labtop.store.quick_json import quick_json

USUAL = MetricSummary(
    count=3,
    first=1.0,
    last=3.0,
    last_step=2,
    min=1.0,
    min_step=0.0,
    max=3.0,
    max_step=2.0,
    mean=2.0,
    spark=(1.0, 3.0),
)


@pytest.mark.parametrize(
    "facts", [{"loss": USUAL, "a/b": USUAL}, {"lr": 0.1, "n": 3, "on": True, "x": None, "t": "é"}]
)
def test_what_is_usual_is_said_alike(facts: dict[str, Any]) -> None:
    """Byte for byte."""
    assert quick_json(facts) == msgspec.json.encode(plain(facts))


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": MetricSummary(count=1, last=math.nan, spark=(math.nan,))},
        {"loss": MetricSummary(goal="min", last=1.0)},
        {"lr": math.inf},
        {"n": 2**70},
        {"t": "\udcff"},
        {"deep": {"lr": 1}},
        {"list": [1, 2]},
        {3: "a"},
    ],
)
def test_what_is_unusual_is_left_to_the_general_way(facts: dict[Any, Any]) -> None:
    """NaN, a goal, infinity, long integers, half characters, groups, lists, names that are no text: all are kept."""
    general = msgspec.json.encode(plain(facts))
    assert quick_json(facts) in (None, general)  # newer versions of msgspec say long integers themselves
    group = "metrics" if "loss" in facts else "params"
    assert encode_group(facts) == general.decode()
    assert len(decode_group(group, encode_group(facts))) == 1
