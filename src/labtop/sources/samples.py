"""Some points of a run, the same ones in all its logs: by them a log is known that has more of it, or a part.

Those of losses count: a learning rate goes the same way in every training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from labtop.sources.source import Curve

_KEPT = 64
_LONGEST = 2**16  # points that are looked at of each piece of a curve
_MIX = 0x9E3779B97F4A7C15
_NAN = 0x7FC00000


@dataclass(frozen=True, slots=True)
class Samples:
    """The first step of a run's losses, and of some points a hash of name and step with values in 32 bits.

    The points with the smallest hashes are kept, so that of two logs the same ones are; of several at one step the
    first and the last value: a model may be evaluated, or trained, once more.
    """

    first: float = 0.0
    points: tuple[tuple[int, int, int], ...] = ()

    def by_key(self) -> dict[int, set[int]]:
        """The values by their hashes."""
        return {key: set(values) for key, *values in self.points}


NO_SAMPLES = Samples()


def samples_of(curves: Mapping[str, Curve], before: Samples) -> Samples:
    """The samples of a run with these points after those of `before`."""
    import numpy as np

    kept = {key: (early, late) for key, early, late in before.points}
    first = [before.first] if before.points else []
    for name, curve in curves.items():
        if "loss" not in name or not curve:
            continue
        steps = np.array(curve.steps[:_LONGEST], np.float64) + 0.0
        values = np.array(curve.values[:_LONGEST], np.float64)
        first.append(float(steps[0]))
        with np.errstate(over="ignore"):
            bits = (values.astype(np.float32) + np.float32(0)).view(np.uint32)
            keys = (
                steps.view(np.uint64) >> np.uint64(20) ^ np.uint64(crc32(_plain(name)) << 12)
            ) * np.uint64(_MIX)
        keys >>= np.uint64(24)
        bits[np.isnan(values)] = _NAN
        chosen, early = np.unique(keys, return_index=True)
        late = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
        values_at = (chosen[:_KEPT], bits[early[:_KEPT]], bits[late[:_KEPT]])
        for key, begun, ended in zip(*(each.tolist() for each in values_at), strict=True):
            kept[key] = (kept.get(key, (begun,))[0], ended)
    points = tuple((key, *values) for key, values in sorted(kept.items())[:_KEPT])
    return Samples(min(first, default=0.0), points)


def _plain(name: str) -> bytes:
    """What a metric is called in all logs: `train/loss` of an event log is `loss`, `eval/loss` is `eval_loss`."""
    return name.removeprefix("train/").replace("/", "_").encode("utf-8", "replace")
