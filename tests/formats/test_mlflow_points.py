"""Lines of MLflow's metrics: the usual ones are read together, and give what they give one by one."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from labtop.formats import mlflow_points
from labtop.formats.mlflow_points import Points, parse_points

_FIELDS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(0, 2**41).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["-0", "-0.0", "1E5", "1e400", "nan", "007", "+1", "1_0", "1.0", "x", "]", "1,2", "", "é"]
    ),
)
_LINE = st.tuples(
    st.integers(0, 2**41).map(str), _FIELDS, st.sampled_from([-9, 0, 1, 2**53, 2**63]).map(str)
).map(list)
_ODD_LINE = st.lists(_FIELDS, max_size=5)
_ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", " \n", "\n[", "\0\n"])


def _as_text(points: Points) -> str:
    return repr((points.steps, points.times_us, [*map(repr, points.values)], points.problems))


@given(
    st.lists(
        st.tuples(st.one_of(_LINE, _LINE, _ODD_LINE), st.sampled_from([" ", " ", "\t", "  "]), _ENDS),
        max_size=6,
    )
)
def test_any_lines(lines: list[tuple[list[str], str, str]]) -> None:
    """Whatever lines hold, they give the same points and problems as each by itself."""
    content = "".join(between.join(fields) + end for fields, between, end in lines).encode()
    split = content.removesuffix(b"\n").split(b"\n") if content else []
    singly = mlflow_points._one_by_one(split, 0)
    if singly.steps and max(map(abs, singly.steps)) >= 2**53:
        singly.problems.append("steps beyond 2^53 are rounded")
    assert _as_text(parse_points(content)) == _as_text(singly)


def test_usual_lines() -> None:
    """Times are milliseconds, values any numbers."""
    points = parse_points(b"1700000000000 0.5 0\n1700000000001 -0 1\n1700000000002 nan 2\n")
    assert list(points.times_us) == [1_700_000_000_000_000, 1_700_000_000_001_000, 1_700_000_000_002_000]
    assert list(points.steps) == [0, 1, 2]
    assert [*map(repr, points.values)] == ["0.5", "-0.0", "nan"]
    assert math.isnan(points.values[2])
    assert points.problems == []
