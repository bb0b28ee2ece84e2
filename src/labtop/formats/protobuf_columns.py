"""Numbers and lengths of many protocol buffers at once, by numpy. What they are of is the caller's to know.

A caller puts `AHEAD` zero bytes behind its messages, so that a head can be looked at wherever it is without asking how
much is there; a place that is not there is `NOWHERE` bytes before the end of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Numbers = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

AHEAD = 32
NOWHERE = 8
SHORT = 0x80
"""A length, or a number, below it is one byte."""

_MOST_BYTES = 6


def varints(data: Bytes, at: Numbers) -> tuple[Numbers, Numbers]:
    """The number at each place, and where it ends; nowhere where there is none, or one of more than six bytes."""
    import numpy as np

    numbers = np.zeros(len(at), np.intp)
    goes_on = np.ones(len(at), bool)
    for count in range(_MOST_BYTES):
        byte = data[at]
        numbers |= np.where(goes_on, byte & 0x7F, 0).astype(np.intp) << 7 * count
        at = at + goes_on
        goes_on &= byte >= SHORT
    return numbers, np.where(goes_on, len(data) - NOWHERE, at)


def lengths(data: Bytes, at: Numbers) -> tuple[Numbers, Numbers, Flags]:
    """Of the length at each place: where what it tells of begins, how long that is, and whether it can be told."""
    import numpy as np

    first, second, third = (data[at + each].astype(np.intp) for each in range(3))
    is_long = first >= SHORT
    is_longer = is_long & (second >= SHORT)
    size = np.where(is_long, first & 0x7F | (second & 0x7F) << 7, first)
    size = np.where(is_longer, size | third << 14, size)
    return at + 1 + is_long + is_longer, size, ~is_longer | (third < SHORT)
