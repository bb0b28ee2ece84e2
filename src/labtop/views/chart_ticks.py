"""Where an axis has its ticks and what they are called: round numbers, decades, or times a clock would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from labtop.views.chart_scale import Scale

AxisKind: TypeAlias = Literal["number", "step", "relative", "clock"]
"""What the numbers of an axis are: plain, whole steps, seconds since the start, seconds since the epoch."""

_SECONDS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
    1209600, 2592000, 7776000, 15552000, 31536000,
)  # fmt: skip
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis and its label."""

    value: float
    label: str


def ticks(scale: Scale, wanted: int, kind: AxisKind = "number") -> tuple[Tick, ...]:
    """About `wanted` ticks (at least one where the axis allows) with labels that tell them apart."""
    wanted = max(wanted, 1)
    if scale.log:
        found = _log_ticks(scale, wanted)
    elif kind in ("relative", "clock"):
        found = _time_ticks(scale, wanted, kind == "clock")
    else:
        found = _number_ticks(scale, wanted, whole=kind == "step")
    return tuple(each for each in found if -1e-9 <= scale.fraction(each.value) <= 1 + 1e-9)


def format_position(value: float, scale: Scale, kind: AxisKind, cells: int) -> str:
    """A place on the x axis, as exactly as an axis of `cells` cells can tell."""
    if kind == "step":
        return plain_number(value)
    if kind == "clock":
        return _clock(value, "%Y-%m-%d %H:%M:%S")
    if kind == "relative":
        return duration(value, 3)
    span = (scale.high / 2 - scale.low / 2) * 2 / max(cells, 1)
    return short_number(value, span if math.isfinite(span) and not scale.log else abs(value) / 100)


def plain_number(value: float) -> str:
    """A number with all that is known of it: whole numbers as integers."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if abs(value) < 1e-4 or abs(value) >= 1e15 else f"{value:.10g}"


def short_number(value: float, step: float) -> str:
    """A number in as few characters as tell it from one that is `step` further.

    12000 on an axis of thousands is 12k; 0.00012 is 1.2e-4.
    """
    if not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if value == 0:
        return "0"
    step = abs(step) if step and math.isfinite(step) else abs(value)
    size = max(abs(value), step)
    if size >= 1e15 or size < 1e-3:
        return _scientific(value, step)
    for unit, letter in _UNITS:
        if size >= max(unit, 10_000) and step >= unit / 100 * 0.999:
            return f"{_fixed(value / unit, step / unit)}{letter}"
    return _fixed(value, step)


def duration(seconds: float, parts: int = 2) -> str:
    """Seconds as people say them: 1d2h, 3m20s, 0.5s."""
    if not abs(seconds) < 1e11:  # three thousand years: no duration, whatever it is
        return short_number(seconds, seconds)
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 60:
        return f"{sign}{left:.3g}s"
    left = round(left)
    said: list[str] = []
    for unit, letter in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, unit)
        if count or said:
            said.append(f"{count}{letter}" if count else "")
    return sign + "".join(said[:parts])


def _number_ticks(scale: Scale, wanted: int, whole: bool) -> tuple[Tick, ...]:
    span = scale.high / 2 - scale.low / 2  # half of it, which cannot overflow
    rough = span / wanted * 2
    if not math.isfinite(rough):
        rough = span
    step = _nice(rough)
    if whole:
        step = max(step, 1.0)
    if not step or not math.isfinite(step):
        return _ends(scale)
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    if last - first > 10 * wanted:  # numbers so close together that steps between them round away
        return _ends(scale)
    places = [number * step for number in range(first, last + 1)]
    return tuple(Tick(each, short_number(each, step)) for each in places) or _ends(scale)


def _log_ticks(scale: Scale, wanted: int) -> tuple[Tick, ...]:
    low, high = math.log10(scale.low), math.log10(scale.high)
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    decades = last - first + 1
    if decades >= 2:
        every = max(1, math.ceil(decades / wanted))
        start = math.ceil(first / every) * every
        values = [10.0**power for power in range(start, last + 1, every)] or [10.0**first]
        if every == 1 and wanted >= 3 * decades:
            values = _within(
                scale, [lead * 10.0**power for power in range(first - 1, last + 1) for lead in (1, 2, 5)]
            )
        return tuple(Tick(each, _decade(each)) for each in values)
    fine = _within(scale, [lead * 10.0**power for power in range(first - 1, last + 1) for lead in (1, 2, 5)])
    if len(fine) >= 2:
        fine = fine if len(fine) <= wanted else fine[:: math.ceil(len(fine) / wanted)]
        return tuple(Tick(each, _decade(each)) for each in fine)
    return _number_ticks(Scale(scale.low, scale.high), wanted, whole=False)


def _time_ticks(scale: Scale, wanted: int, clock: bool) -> tuple[Tick, ...]:
    rough = (scale.high - scale.low) / wanted
    if rough < 0.5 or not math.isfinite(rough):
        if clock:
            return tuple(
                Tick(each.value, _clock(each.value, "%H:%M:%S"))
                for each in _number_ticks(scale, wanted, True)
            )
        return tuple(
            Tick(each.value, f"{each.label}s" if each.value else "0")
            for each in _number_ticks(scale, wanted, False)
        )
    step = next((each for each in _SECONDS if each >= rough), None) or _nice(rough / 31536000) * 31536000
    shift = _local_shift(scale.low) if clock else 0.0
    first, last = math.ceil((scale.low + shift) / step - 1e-9), math.floor((scale.high + shift) / step + 1e-9)
    values = [number * step - shift for number in range(first, last + 1)]
    if not clock:
        return tuple(Tick(each, duration(each) if each else "0") for each in values)
    pattern = "%b %d" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    pattern = "%Y-%m" if step >= 2592000 else pattern
    return tuple(Tick(each, _clock(each, pattern)) for each in values)


def _nice(rough: float) -> float:
    """The round number next above: 1, 2, 2.5 or 5 times a power of ten."""
    if rough <= 0 or not math.isfinite(rough):
        return 0.0
    power = math.floor(math.log10(rough))
    if power < -307:
        return rough
    for lead in (1.0, 2.0, 2.5, 5.0):
        if lead * 10.0**power >= rough * (1 - 1e-9):
            return lead * 10.0**power
    return 10.0 ** (power + 1) if power < 308 else rough


def _ends(scale: Scale) -> tuple[Tick, ...]:
    return tuple(Tick(each, f"{each:.6g}") for each in (scale.low, scale.high))


def _within(scale: Scale, values: Sequence[float]) -> list[float]:
    return [
        each
        for each in values
        if scale.low * (1 - 1e-9) <= each <= scale.high * (1 + 1e-9) and each < math.inf
    ]


def _decade(value: float) -> str:
    return _scientific(value, value) if value < 1e-3 or value >= 1e15 else short_number(value, value)


def _fixed(value: float, step: float) -> str:
    """Decimals down to the last one that `step` changes."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    for more in (0, 1):  # a step of 0.25 needs one more than a step of 0.1
        if abs(round(step, decimals + more) - step) <= step * 1e-6 or more:
            decimals += more
            break
    text = f"{value:.{min(decimals, 12)}f}"
    return text[1:] if text.startswith("-") and not float(text) else text


def _scientific(value: float, step: float) -> str:
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(step) + 1e-9)
    if step and abs(step / 10.0 ** math.floor(math.log10(step) + 1e-9) - 2.5) < 1e-6:
        digits += 1
    mantissa, _, power = f"{value:.{min(max(digits, 0), 6)}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def _clock(seconds: float, pattern: str) -> str:
    try:
        return datetime.fromtimestamp(seconds).strftime(pattern)
    except (ValueError, OSError, OverflowError):
        return short_number(seconds, 1)


def _local_shift(seconds: float) -> float:
    """How far local time is ahead of UTC, so that ticks fall on local hours and midnights."""
    try:
        offset = datetime.fromtimestamp(seconds).astimezone().utcoffset()
    except (ValueError, OSError, OverflowError):
        offset = None
    return (offset or timedelta()).total_seconds()
