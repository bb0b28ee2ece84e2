"""What equal curves have in common in the logs of two trackers, by which the same run is found in both."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping
from itertools import pairwise

from labtop.sources.source import Curve

_DIGESTED = 3  # different values that make a curve worth comparing with those of other trackers
_COMPARED = 16  # values of it that are compared


def digests_of(curves: Mapping[str, Curve]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The digests of curves with their names, and those of curves that go up and down.

    Values are compared as 32-bit floats, as TensorBoard keeps them.
    """
    found: dict[str, str] = {}
    telling: list[str] = []
    for name, curve in curves.items():
        values = curve.values[:_COMPARED].tolist()
        if len(set(values)) < _DIGESTED or name.startswith("system/"):
            continue
        digest = hashlib.sha256(_narrowed(values).tobytes()).hexdigest()[:16]
        found[digest] = name
        rises = {later > earlier for earlier, later in pairwise(values) if later != earlier}
        if len(rises) > 1:
            telling.append(digest)
    return found, tuple(telling)


def _narrowed(values: list[float]) -> array[float]:
    """The values as 32-bit floats; one that is none, or beyond them, always by the same bits."""
    if -3.4e38 < sum(map(abs, values)) < 3.4e38:
        return array("f", values)
    return array("f", map(_narrow, values))


def _narrow(value: float) -> float:
    return value if -3.4e38 < value < 3.4e38 else 0.0 if value != value else 3.4e38
