"""One thing to choose in a dialog."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose. `letter` chooses it at once in a menu; `is_on` is its mark where several are chosen."""

    key: str
    title: str
    detail: str = ""
    letter: str = ""
    is_on: bool = False
