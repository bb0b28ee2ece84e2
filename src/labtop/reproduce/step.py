"""The pieces of a plan: what was found today, and the steps that bring a run back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labtop.reproduce.shell import quote

FindingState = Literal["ok", "warn", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at today; `pillar` is one of the five, or hardware."""

    pillar: str
    state: FindingState
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """Some lines of shell with one purpose, and why they may fail."""

    title: str
    lines: tuple[str, ...]
    may_fail_because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one pillar adds to a plan."""

    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()


def stop(words: str) -> str:
    """A line that ends the script with a reason; `words` are put in quotes."""
    return f"stop {quote(words)}"
