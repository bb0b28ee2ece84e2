"""No line makes the search for secrets slow: each look of a token by itself, and a line of a megabyte."""

from __future__ import annotations

import time
from collections.abc import Callable

from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.secret_looks import LOOKS

MEGABYTE = 1_000_000


def seconds(work: Callable[[str], object], text: str) -> float:
    """Processor time of one call: other programs on the machine don't count."""
    began = time.process_time()
    work(text)
    return time.process_time() - began


def test_no_look_of_a_token_is_slow() -> None:
    """Each pattern on a line that is full of its own beginnings."""
    slow = {}
    for look in LOOKS:
        for unit in (look.hints[0], look.hints[0] + "A7"):
            if (took := seconds(Redactor().tokens, repeated(unit, 50_000))) > 1.0:
                slow[f"{look.name} {unit}"] = took
    assert slow == {}


def test_a_line_of_a_megabyte_is_cut_in_printed_text() -> None:
    """And is quick: it may come from a program that never ends its lines."""
    line = repeated("token=", MEGABYTE)
    assert seconds(Redactor().text, line) < 3.0
    assert len(Redactor().text(line)) < 70_000 * 3


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]
