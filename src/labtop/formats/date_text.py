"""Dates as spreadsheets and people write them. Which comes first, day or month, only all cells of a column tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS = (
    "",
    " %H:%M:%S",
    " %H:%M",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M:%S",
    ", %I:%M:%S %p",
)
_DAYS = ("%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%b %d %Y",
         "%b %d, %Y", "%d-%b-%Y", "%B %d, %Y", "%d-%m-%Y")  # fmt: skip
_STAMPS = ("%Y-%m-%d_%H-%M-%S", "%Y%m%d_%H%M%S", "%Y%m%d-%H%M%S", "%Y-%m-%d %H-%M-%S", "%a %b %d %H:%M:%S %Y",
           "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC")  # fmt: skip
ISO = "iso"


def micro_of(text: str, form: str = ISO) -> int | None:
    """Microseconds since 1970 of a date, UTC where it names no zone; None for anything else."""
    text = text.strip()
    try:
        at = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)
    except ValueError:
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)


def form_of(texts: Sequence[str]) -> str | None:
    """How all of some dates are written; None where they are none, or could be read in two ways (`03/04/2026`)."""
    some = list(dict.fromkeys(texts))
    if not some or len(some[0]) > 40 or not any(each.isdigit() for each in some[0]):
        return None
    if all(micro_of(each) is not None for each in some):
        return ISO
    forms = (*_STAMPS, *(day + clock for clock in _CLOCKS for day in _DAYS))
    fitting = [each for each in forms if micro_of(some[0], each) is not None]
    fitting = [form for form in fitting if all(micro_of(each, form) is not None for each in some)]
    told = {tuple(micro_of(each, form) for each in some) for form in fitting}
    return fitting[0] if len(told) == 1 else None
