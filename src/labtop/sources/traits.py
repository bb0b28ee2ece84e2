"""What tells runs apart whose curves are equal: when their points were logged, and the values of their parameters.

A sweep over what changes nothing gives equal curves, and so does a training that is repeated with its seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zlib import crc32

from labtop.model.tree import flatten
from labtop.sources.source import NO_TIME, Curve

_KEPT = 24
_LONGEST = 200
_OBJECTS = ("<", "!")  # of Python: `<function relu at 0x7f…>`, and in YAML `!python/name:torch.relu`
AT_ONCE_S = 60.0
"""Logs of one run, written at once, end and begin within this of each other."""


@dataclass(frozen=True, slots=True)
class Traits:
    """When the first and the last point of a run were logged, in seconds, and some of its parameters.

    `params`: of each 32 bits for its name and 32 for its value. Those with the smallest hashes of names are kept, so
    that of two runs the same ones are.
    """

    began: float | None = None
    ended: float | None = None
    params: tuple[int, ...] = ()


NO_TRAITS = Traits()


def traits_of(params: Mapping[str, Any], curves: Mapping[str, Curve], before: Traits | None) -> Traits:
    """The traits of a run with these parameters, and with these points after those of `before`."""
    times = [curve.times_us for name, curve in curves.items() if curve and not name.startswith("system/")]
    began = min((each[0] for each in times if each[0] != NO_TIME), default=None)
    ended = max((each[-1] for each in times if each[-1] != NO_TIME), default=None)
    first, last = (None if each is None else each / 1e6 for each in (began, ended))
    if before is not None:
        first = before.began if before.began is not None else first
        last = last if last is not None else before.ended
    hashed = (_hashed(name, value) for name, value in flatten(params).items())
    return Traits(first, last, tuple(sorted(filter(None, hashed))[:_KEPT]))


def _hashed(name: str, value: Any) -> int:
    """Name and value as 64 bits; 0 for a value that trackers write in ways of their own."""
    if isinstance(value, bool | int | float):
        try:
            text = f"{float(value):.6g}"
        except OverflowError:
            return 0
    elif isinstance(value, str) and len(value) <= _LONGEST and not value.startswith(_OBJECTS):
        text = value
    else:
        return 0
    key, said = name.replace("/", ".").encode("utf-8", "replace"), text.encode("utf-8", "replace")
    return crc32(key) << 32 | crc32(said)


def gap_s(first: Traits, second: Traits) -> float | None:
    """Seconds between the end of one and the beginning of the other, 0 where they overlap; None if not known."""
    if first.began is None or first.ended is None or second.began is None or second.ended is None:
        return None
    return max(0.0, second.began - first.ended, first.began - second.ended)


def params_in_common(first: Traits, second: Traits) -> tuple[int, int]:
    """How many parameters that both have are equal, and how many are not."""
    params, names = _as_sets(first.params)
    others, other_names = _as_sets(second.params)
    equal = len(params & others)
    return equal, len(names & other_names) - equal


@lru_cache(maxsize=20_000)
def _as_sets(params: tuple[int, ...]) -> tuple[frozenset[int], frozenset[int]]:
    """Parameters, and their names alone."""
    return frozenset(params), frozenset(each >> 32 for each in params)
