"""The quick reader of flat YAML says what the real parser says, or says that it cannot tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.errors import InputError
from labtop.formats.flat_yaml import parse_flat
from labtop.formats.yaml_text import parse_yaml

_NUMBERS = "1 0 007 -3 1_0 1.5 12:30 .inf 1e3 0x1f 0b01 5d59 0e1 1e5 2021-03-09"
_WORDS = "a key y no null ~ true = << Yes OFF NULL /a file:///x C:\\x"
_MARKS = "' '' \" \\ : # [] [ { } , &x *x !t | > % @ ` é 日本"
_BLANKS = (": ", " ", " #", "- ", "\n", "\n  ", "\t", "\u2028", "\x85", "\ufeff")
_PIECES = st.sampled_from((*_WORDS.split(), *_NUMBERS.split(), *_MARKS.split(), *_BLANKS))


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_what_is_answered_is_what_the_real_parser_answers(text: str) -> None:
    """For texts of all that is special in YAML."""
    for whole in (text, f"key: {text}", f"a: 1\nkey: '{text}'\nb: x\n", f"run_name: {text}\nstatus: 3\n"):
        found = parse_flat(whole)
        if found is not None:
            assert found == parse_yaml(whole), whole


@pytest.mark.parametrize(
    "text",
    [
        "a: ''\nb: '0'\nc: 12\nd: null\ne: []\nf: file:///x/y z\n",
        "experiment_id: '264433267410068248'\nname: digits-sgd é 日本語\n",
        "lifecycle_stage: active\nstart_time: 1795404926077\n",
    ],
)
def test_what_mlflow_writes_is_answered(text: str) -> None:
    """Its usual lines need no other parser."""
    assert parse_flat(text) == parse_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: yes",
        "a: 2021-03-09",
        "a: 010",
        "a: 1_000",
        "a: b: c",
        "a: b #c",
        "a:\n  b: 1",
        "yes: a",
        "a: 'b\n c'",
    ],
)
def test_what_may_mean_something_else_is_not_answered(text: str) -> None:
    """Words, dates, octal numbers, comments, nesting, folded lines."""
    assert parse_flat(text) is None


def test_what_is_no_yaml_is_not_answered() -> None:
    """The real parser is the one to complain."""
    for text in ("a", "a: 'b", "%x", "- a\nb: c"):
        assert parse_flat(text) is None
    with pytest.raises(InputError):
        parse_yaml("a: 'b")
