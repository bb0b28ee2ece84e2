"""Durations and times as people write them in a filter: 2h, 1h30m, '2 days ago', yesterday, 2026-05-01.

Times without a zone are in the zone of the person who asks, as git reads them; the answer is in UTC without a zone,
as the run table holds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {
    "us": 1e-6, "ms": 1e-3,
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "mo": 2629746, "month": 2629746, "months": 2629746,
    "y": 31556952, "year": 31556952, "years": 31556952,
}  # fmt: skip

_PIECE = rf"\d+(?:\.\d+)?\s*(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})(?![a-z])"
_TIGHT = _PIECE.replace(r"\s*", "").replace("(?![a-z])", r"(?![^\W\d_])")
DURATION = re.compile(rf"(?:{_TIGHT})+(?!\w)", re.IGNORECASE)
"""A duration without spaces, as it may stand in a filter without quotes."""
AGO = re.compile(rf"{_PIECE}(?:\s+{_PIECE})*\s+ago\b", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\w)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """What a time means: an instant, or a day when `end` is later than `start`. UTC without a zone."""

    start: datetime
    end: datetime


def parse_duration(text: str) -> float | None:
    """Seconds of 90s, 1h30m, '2 hours', 01:30:00; None when it is no duration."""
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    if not re.fullmatch(rf"(?:{_PIECE}\s*)+", text, re.IGNORECASE):
        return None
    return sum(
        float(number) * _UNITS[unit.lower()]
        for number, unit in re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text, re.IGNORECASE)
    )


def parse_time(text: str, now: datetime) -> TimeSpan | None:
    """The time that `text` means, seen from `now` (aware); None when it is no time."""
    text = text.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "now":
        return _span(now, now)
    if text == "today":
        return _span(midnight, midnight + timedelta(days=1))
    if text == "yesterday":
        return _span(midnight - timedelta(days=1), midnight)
    elapsed_s = parse_duration(text.removesuffix("ago")) if not _CLOCK.fullmatch(text) else None
    try:
        if elapsed_s is not None:
            return _span(now - timedelta(seconds=elapsed_s), now - timedelta(seconds=elapsed_s))
        if not DATE.fullmatch(text.upper()):
            return None
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=now.tzinfo)
        return _span(moment, moment + timedelta(days=1) if len(text) == 10 else moment)
    except (ValueError, OverflowError):
        return None


def _span(start: datetime, end: datetime) -> TimeSpan:
    return TimeSpan(start.astimezone(UTC).replace(tzinfo=None), end.astimezone(UTC).replace(tzinfo=None))
