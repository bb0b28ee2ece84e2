"""Filters that are wrong: the character at fault, and what would fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labtop.errors import FilterError
from labtop.query.engine import Engine
from labtop.query.filter import compile_filter
from tests.query.filter_table import COLUMNS, metric, table


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = table()
    yield engine
    engine.close()


def error_of(text: str, engine: Engine) -> FilterError:
    with pytest.raises(FilterError) as caught:
        compile_filter(text, COLUMNS, engine)
    return caught.value


@pytest.mark.parametrize(
    ("text", "position", "length", "says"),
    [
        # half-typed: the error stands at the end
        ("lr <", 4, 1, "expected a value after <"),
        ("lr", 2, 1, "compare it, as in lr < 1"),
        ("lr < 1 and", 10, 1, "expected a condition after and"),
        ("not", 3, 1, "expected a condition after not"),
        ("lr in", 5, 1, "expected a list"),
        ("lr in (", 7, 1, "expected a value"),
        ("lr in (1", 8, 1, "closing )"),
        ("lr is", 5, 1, "null"),
        ("lr between 1", 12, 1, "upper bound"),
        ("(lr between 1) and 2", 13, 1, "upper bound"),
        ("name like", 9, 1, "after like"),
        ("max(val/acc", 11, 1, "closing )"),
        ("optimizer = 'ad", 12, 3, "never closed"),
        ("'", 0, 1, "never closed"),
        ("tags", 4, 1, "tags has 'paper'"),
        ("started_at", 10, 1, "yesterday"),
        # something in the wrong place
        ("lr < 1)", 6, 1, "closes nothing"),
        ("< 1", 0, 1, "expected a column"),
        ("lr < < 1", 5, 1, "expected a value"),
        ("lr < 1 resnet", 7, 6, "expected and, or"),
        ("0 < lr < 1", 7, 1, "0 < lr and lr < 1"),
        ("lr, width < 1", 2, 1, "expected and, or"),
        ("(lr, width) = 1", 3, 1, "expected and, or"),
        ("()", 1, 1, "expected a value"),
        ("and", 0, 3, "expected a column"),
        # unknown and ambiguous names
        ("val/lss < 3", 0, 7, "val/loss"),
        ("lr < 1 and optimiser = adam", 11, 9, "optimizer"),
        ("decay < 1", 0, 5, "optim.decay, sched.decay"),
        ("max(decay) < 1", 4, 5, "no metric"),
        ("metrics.optimizer = 1", 0, 17, "no column"),
        ("params.val/loss = 1", 0, 15, "no column"),
        ("foo(lr) < 1", 0, 3, "no function"),
        ("abs() < 1", 4, 1, "expected a value"),
        ("abs(lr, 1) < 1", 0, 3, "takes 1 value"),
        ("min(lr, 1) < 1", 0, 3, "one metric"),
        ("min(val/los) < 1", 4, 7, "nearest: val/loss"),
        # values of the wrong type
        ("lr = 'abc'", 5, 5, "expected a number"),
        ("lr < adam", 5, 4, "expected a number"),
        ("status = failing", 9, 7, "one of running, finished"),
        ("status > failed", 9, 6, "no order"),
        ("started_at > soon", 13, 4, "'2 days ago'"),
        ("started_at > 2026-13-45", 13, 10, "not a time"),
        ("amp = 3", 6, 1, "true or false"),
        ("tags > paper", 7, 5, "tags have no order"),
        ("lr has 3", 0, 2, "has is for tags and text"),
        ("lr < null", 5, 4, "is null"),
        ("lr = amp", 0, 2, "not true or false"),
        ("lower(lr) = 'x'", 6, 2, "not text"),
        ("name ~ '('", 7, 3, "regular expression"),
        ("lr + name > 1", 5, 4, "not a number"),
        ("lr and name", 2, 1, "compare it"),
        # nothing but one expression
        ("lr < 1; DROP TABLE run_index", 6, 1, "means nothing"),
        ("lr < 1 -- comment", 10, 7, "no column"),
        ("lr < 1 /* x */", 8, 1, ""),
        ("lr < (SELECT 1)", 13, 1, "expected and, or"),
        ("lr::int = 1", 0, 7, "no column"),
        ("CAST(lr AS int) = 1", 8, 2, "expected and, or"),
        ("lr < $1", 5, 1, "means nothing"),
        ("lr < ?", 5, 1, "means nothing"),
        ("row_number() OVER () > 1", 11, 1, "expected a value"),
        ("[1, 2] = lr", 0, 1, "means nothing"),
        ("{'a': 1} = lr", 0, 1, "means nothing"),
        ("read_text('/etc/passwd') = name", 0, 9, "no function"),
        ("getenv('HOME') = name", 0, 6, "no function"),
        ("\ud800", 0, 1, ""),
        ("name = '\udcff'", 7, 1, "Unicode"),
        ("a" * 10_001, 10_000, 1, "longer than"),
        ("(" * 200 + "amp" + ")" * 200, 99, 1, "levels deep"),
        ("not " * 200 + "amp", 396, 3, "levels deep"),
        ("+".join(["lr"] * 500) + " > 1", 302, 1, "levels deep"),
        ("lr" + "+(lr" * 120 + ")" * 120, 399, 1, "levels deep"),
    ],
)
def test_points_at_the_character(text: str, position: int, length: int, says: str, engine: Engine) -> None:
    """The error is at the first character at fault and says what would fit."""
    error = error_of(text, engine)
    assert (error.position, error.length) == (position, length), str(error)
    assert says in str(error)
    assert error.text == text


def test_positions_are_characters_of_the_text(engine: Engine) -> None:
    """Wide and combining characters before the error do not move it."""
    text = "name = '数据é́' and val/loss < 1 and losss < 3"
    assert text[error_of(text, engine).position :].startswith("losss")


def test_a_name_in_two_kinds_is_no_ambiguity(engine: Engine) -> None:
    """A parameter wins over a metric of the same name, and max() asks the metric."""
    compiled = compile_filter("lr < 1 and max(lr) < 1", COLUMNS, engine)
    assert compiled.keys == {"params.lr", "metrics.lr.max"}


def test_many_choices_are_cut(engine: Engine) -> None:
    """An error about an ambiguous name stays short."""
    columns = tuple(metric(f"layer{number}/norm") for number in range(500))
    with pytest.raises(FilterError) as caught:
        compile_filter("norm < 1", columns, engine)
    assert len(str(caught.value)) < 300
