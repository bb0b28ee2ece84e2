"""Filters against chance: no text breaks them, and comparisons agree with plain Python."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.errors import FilterError
from labtop.query.filter import compile_filter, complete
from tests.query.filter_table import COLUMNS, NOW, RUNS, rows_of, table

ENGINE = table()

WORDS = st.sampled_from(
    [
        *"()<>=~+-*/%,.'\"", "<=", "!=", "**", "and", "or", "not", "in", "is", "null", "nan", "like", "has", "between",
        "true", "lr", "val/loss", "tags", "status", "started_at", "amp", "norm", "decay", "name", "weight decay",
        "1", "1e-3", "2h", "2 days ago", "'x'", '"lr"', "failed", "max(", "abs(", "round(", "isnan(", "coalesce(",
        "env.torch", "; DROP TABLE run_index", "--", "/*", "SELECT", "$1", "é", "\x1b", "\x00", "999999999999999999999",
        "1e999", "'%'", "~ x", "resnet", "duration_s", "dirty", "top-k", "-1", "{0}", "{1}", "?",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS).map("".join))
)
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    """Whatever is typed compiles to one condition that runs, or raises FilterError at a character of the text."""
    complete(text, len(text), COLUMNS)
    try:
        compiled = compile_filter(text, COLUMNS, ENGINE, NOW)
    except FilterError as caught:
        error: FilterError | None = caught
    else:
        error = None
    if error is not None:
        assert 0 <= error.position <= len(text)
        assert error.length >= 1
        return
    sql = f"SELECT row FROM run_index WHERE {compiled.sql}"
    assert len(ENGINE.connection.extract_statements(sql)) == 1
    rows = ENGINE.query(sql, compiled.parameters)
    assert len(rows) <= len(RUNS)
    assert ENGINE.query("SELECT count(*) FROM run_index") == [(len(RUNS),)]


NUMBERS = (
    "params.lr",
    "params.width",
    "metrics.val/loss",
    "metrics.loss",
    "duration_s",
    "params.weight decay",
)
OPERATORS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
Tree = Any


def leaves() -> st.SearchStrategy[Tree]:
    values = st.one_of(
        st.sampled_from([0.001, 0.01, 64, 128, 0.41, -0.0, 7300.0, math.nan]),
        st.floats(-1e3, 1e3),
        st.integers(-9, 99),
    )
    return st.tuples(st.just("compare"), st.sampled_from(NUMBERS), st.sampled_from([*OPERATORS]), values)


TREES = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)
    ),
    max_leaves=6,
)


def written(tree: Tree) -> str:
    if tree[0] == "compare":
        _, key, sign, value = tree
        return f"{key.removeprefix('params.').removeprefix('metrics.')} {sign} {value!r}"
    if tree[0] == "not":
        return f"not ({written(tree[1])})"
    return f"({written(tree[1])}) {tree[0]} ({written(tree[2])})"


def holds(tree: Tree, run: dict[str, Any]) -> bool | None:
    """SQL's three values; NaN in an order is unknown like a missing value, and equals itself."""
    if tree[0] == "compare":
        _, key, sign, value = tree
        found = run.get(key)
        if found is None:
            return None
        nan = (found != found, value != value)
        if sign in ("=", "!=") and any(nan):
            return bool(all(nan) == (sign == "="))
        return None if any(nan) else bool(OPERATORS[sign](found, value))
    if tree[0] == "not":
        truth = holds(tree[1], run)
        return None if truth is None else not truth
    one, other = holds(tree[1], run), holds(tree[2], run)
    decisive: bool = tree[0] == "or"
    if decisive in (one, other):
        return decisive
    return None if None in (one, other) else not decisive


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_comparisons_agree_with_python(tree: Tree) -> None:
    """Any tree of comparisons selects what plain Python selects."""
    assert rows_of(written(tree), ENGINE) == [run["row"] for run in RUNS if holds(tree, run) is True]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.sampled_from(["=", "!=", "has"]))
def test_texts_agree_with_python(text: str, sign: str) -> None:
    """A quoted text is compared as it is, whatever is in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    rows = rows_of(f"optimizer {sign} '{text.replace(chr(39), chr(39) * 2)}'", ENGINE)
    names = {run["row"]: run.get("params.optimizer") for run in RUNS}
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda name: name == text,
        "!=": lambda name: name != text,
        "has": lambda name: text.lower() in name.lower(),
    }
    assert rows == [row for row, name in names.items() if name is not None and tests[sign](name)]
