"""One thing that was looked at, and how a look that fails becomes a line too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["well", "note", "ill"]

MARKS: dict[State, str] = {"well": "+", "note": "~", "ill": "-"}
"""As the marks of reproducibility: fine, worth knowing, wrong."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of one thing. `advice` says what to do where it is not well."""

    section: str
    what: str
    state: State
    found: str
    advice: str = ""


Check = Callable[[], Iterable[Line]]


def looked_at(section: str, checks: Iterable[tuple[str, Check]]) -> Iterator[Line]:
    """The lines of each check; one that fails on a strange machine says so, and the others go on."""
    for what, check in checks:
        try:
            yield from list(check())
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:200]
            yield Line(
                section, what, "note", f"cannot be told here: {said}", "nothing to do; please report it"
            )
