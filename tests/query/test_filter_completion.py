"""Completions of a half-typed filter."""

from __future__ import annotations

import pytest

from labtop.query.filter import complete
from tests.query.filter_table import COLUMNS

VALUES = {"params.optimizer": ["adam", "it's", "sgd"], "tags": ["draft", "paper"]}


def completed(text: str, cursor: int | None = None) -> list[str]:
    at = len(text) if cursor is None else cursor
    found = complete(text, at, COLUMNS, lambda key: VALUES.get(key, []))
    return [completion.apply(text)[0] for completion in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("val/l", "val/loss"),
        ("VAL/L", "val/loss"),
        ("acc", "val/acc"),
        ("lr < 1 and opt", "lr < 1 and optimizer"),
        ("(opt", "(optimizer"),
        ("weight d", "weight decay"),
        ("lr < weight d", "lr < weight decay"),
        ('"weight', '"weight decay"'),
        ("metrics.val/a", "metrics.val/acc"),
        ("max(", "max(lr"),
        ("max(val", "max(val/loss"),
        ("optimizer = ", "optimizer = 'adam'"),
        ("optimizer = 's", "optimizer = 'sgd'"),
        ("optimizer = i", "optimizer = 'it''s'"),
        ("optimizer in (", "optimizer in ('adam'"),
        ("optimizer in ('adam', s", "optimizer in ('adam', 'sgd'"),
        ("tags has p", "tags has 'paper'"),
        ("status = fa", "status = failed"),
        ("lr ", "lr <"),
        ("lr < 1 a", "lr < 1 and"),
        ("tags ", "tags has"),
    ],
)
def test_best_completion(text: str, first: str) -> None:
    """What is offered first."""
    assert completed(text)[0] == first


@pytest.mark.parametrize("text", ["optimizer = zzz", "'unclosed", "lr < 1 ; ", "zzzz"])
def test_nothing_fits(text: str) -> None:
    """Nothing is offered where nothing fits."""
    assert completed(text) == []


def test_completes_in_the_middle() -> None:
    """The text behind the cursor stays."""
    assert completed("val/l and lr < 1", 5)[0] == "val/loss and lr < 1"


def test_every_prefix_is_survived() -> None:
    """Completion never raises, wherever the cursor stands."""
    text = "(optimizer = 'it''s' or \"weight decay\" in (1, 2)) and max(val/loss) < 1e-3 $ é"
    for cursor in range(len(text) + 1):
        complete(text, cursor, COLUMNS, lambda key: VALUES.get(key, []))
