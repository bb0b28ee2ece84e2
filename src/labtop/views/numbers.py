"""How numbers, times and sizes read: columns whose digits line up and tell the rows apart.

A format is chosen once for a column from values that will be seen together, and then writes each of them at the
same place of the decimal point. No more than six significant digits: what differs behind them is noise to a reader,
and an export keeps all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_DIGITS = 6
_MIN_DIGITS = 3
_APART = 0.9  # the share of different values that must look different before more digits are spent
_MAX_DECIMALS = 7
_ZERO_DECIMALS = 4  # zero beside smaller numbers is 0, not 0.0000000
_MAX_FIXED = 1e7
_WHOLE = 10**15  # whole numbers below are written as such even when they are floats


_USUAL = [(1.001 * 10.0 ** (1 - each), 0.999 * 10.0 ** (MAX_DIGITS - each)) for each in range(20)]
"""By a number of decimals: between which sizes it leaves two digits of a number and no more than six."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Writes the numbers of one column. `left` and `right` are the cells before and from the decimal point on.

    `decimals` None writes each number as short as it is exact, up to six digits: for values that people chose.
    """

    decimals: int | None = None
    scientific: bool = False
    left: int = 1
    right: int = 0

    @property
    def width(self) -> int:
        """Cells of a column that holds these numbers."""
        return self.left + self.right

    def digits(self, value: float) -> str:
        """One number, not padded."""
        decimals = self.decimals
        if type(value) is float and decimals is not None and not self.scientific:
            low, high = _USUAL[decimals]
            if low < abs(value) < high:  # most numbers, in a third of the time
                return f"{value:.{decimals}f}"
        if isinstance(value, bool) or not is_finite(value):
            return special(value)
        if self.decimals is None or (isinstance(value, int) and abs(value) >= _WHOLE):
            return shortest(value)
        if value == 0 and (self.scientific or self.decimals > _ZERO_DECIMALS):
            return "0"
        if self.scientific:
            return f"{value:.{self.decimals}e}"
        if value == 0:
            return f"{0.0:.{self.decimals}f}"
        exponent = math.floor(math.log10(abs(value)))
        if exponent < 1 - self.decimals or exponent >= 9:  # fewer than two digits of it would be left
            return f"{value:.1e}" if self.decimals or exponent >= 9 else f"{value:.2g}"
        return f"{value:.{max(0, min(self.decimals, MAX_DIGITS - 1 - exponent))}f}"

    def text(self, value: float | None, nothing: str = "–") -> str:
        """One number at its place in the column; `nothing` where there is none."""
        if value is None:
            return nothing.rjust(self.width)
        return place(self.digits(value), self.left, self.right)

    def difference(self, value: float, base: float) -> str:
        """By how much a value differs from another, with its sign; "=" when not at all."""
        if value == base or (value != value and base != base):
            return "="
        try:
            change = float(value - base)
        except OverflowError:  # an integer beyond any float
            return ""
        if not math.isfinite(change):
            return special(change)
        if self.decimals is None:
            return f"{change:+.3g}"
        if self.scientific:
            return f"{change:+.{self.decimals}e}"
        return f"{change:+.{self.decimals}f}" if abs(change) >= 10**-self.decimals else f"{change:+.1g}"


def format_numbers(values: Iterable[Any], *, exact: bool = False) -> NumberFormat:
    """The format that suits some numbers seen together; anything that is no number is passed over.

    `exact` is for parameters: each as it was given (0.0003, 1e-05), not to a common number of decimals.
    """
    numbers = {value for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    finite = sorted(value for value in numbers if is_finite(value))
    if exact or all(
        isinstance(value, int) or (value.is_integer() and abs(value) < _WHOLE) for value in finite
    ):
        chosen = NumberFormat()
    else:
        chosen = _common(
            [float(value) for value in finite if abs(value) < _WHOLE or isinstance(value, float)]
        )
    parts = [split_point(chosen.digits(value)) for value in finite]
    left = max((len(before) for before, _ in parts), default=1)
    right = max((len(after) for _, after in parts), default=0)
    widest_special = max((len(special(value)) for value in numbers if not is_finite(value)), default=0)
    return NumberFormat(chosen.decimals, chosen.scientific, max(left, widest_special - right), right)


def widened(old: NumberFormat, new: NumberFormat) -> NumberFormat:
    """A format for the numbers of both: never narrower and never coarser, so that a column does not jump back."""
    if old.scientific != new.scientific or (old.decimals is None) != (new.decimals is None):
        base = new if new.decimals is not None else old
        return NumberFormat(
            base.decimals, base.scientific, max(old.left, new.left), max(old.right, new.right)
        )
    decimals = None if old.decimals is None or new.decimals is None else max(old.decimals, new.decimals)
    return NumberFormat(decimals, old.scientific, max(old.left, new.left), max(old.right, new.right))


def _common(finite: Sequence[float]) -> NumberFormat:
    """The fewest common decimals that keep most values apart, or scientific where magnitudes ask for it."""
    sizes = sorted(abs(value) for value in finite if value)
    typical = sizes[len(sizes) // 5]  # most values are at least this large
    exponent = math.floor(math.log10(typical))
    apart = len({float(f"{value:.{MAX_DIGITS - 1}e}") for value in finite})
    for digits in range(_MIN_DIGITS, MAX_DIGITS + 1):
        decimals = digits - 1 - exponent
        scientific = decimals > _MAX_DECIMALS or (sizes[-1] >= _MAX_FIXED and exponent >= MAX_DIGITS)
        candidate = NumberFormat(digits - 1 if scientific else max(0, decimals), scientific)
        if len({candidate.digits(value) for value in finite}) >= _APART * apart:
            break
    return candidate


def shortest(value: float) -> str:
    """A number as short as it is exact, with at most six digits; whole numbers keep all of theirs."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _WHOLE):
        return str(int(value))
    return f"{value:.{MAX_DIGITS}g}"


def is_finite(value: float) -> bool:
    """Whether a number is neither NaN nor infinite; integers beyond any float are finite."""
    return isinstance(value, int) or math.isfinite(value)


def special(value: float) -> str:
    """NaN, inf, -inf; true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"


def split_point(digits: str) -> tuple[str, str]:
    """What is written before the decimal point, and the rest from the point (or the exponent) on."""
    at = digits.find(".")
    if at < 0:
        at = digits.find("e")
    return (digits, "") if at < 0 else (digits[:at], digits[at:])


def place(digits: str, left: int, right: int) -> str:
    """Digits with their decimal point at cell `left`; NaN and infinities flush right."""
    if digits[-1:].isalpha():
        return digits.rjust(left + right)
    before, after = split_point(digits)
    return before.rjust(left) + after.ljust(right)


def duration(seconds: float | None, nothing: str = "–") -> str:
    """A length of time: 0.4s, 42s, 12m05s, 1h02m, 3d04h."""
    if seconds is None or not math.isfinite(seconds):
        return nothing
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 9.95:
        return f"{sign}{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{sign}{whole}s"
    if whole < 3600:
        return f"{sign}{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{sign}{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{sign}{whole // 86400}d{whole % 86400 // 3600:02d}h"


def age(seconds: float | None, nothing: str = "–") -> str:
    """How long ago: now, 42s, 12m, 3h, 5d, 3mo, 2y; a time that has not come yet counts as now."""
    if seconds is None or not math.isfinite(seconds):
        return nothing
    if seconds < 1:
        return "now"
    for below, size, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (61 * 86400, 86400, "d")):
        if seconds < below:
            return f"{int(seconds // size)}{unit}"
    days = seconds / 86400
    return f"{int(days / 30.44)}mo" if days < 730 else f"{int(days / 365.25)}y"


def size(count: float | None, nothing: str = "–") -> str:
    """A number of bytes: 812 B, 4.1 kB, 2.3 GB."""
    if count is None:
        return nothing
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or abs(amount) >= 99.5 else f"{amount:.1f} {unit}"
