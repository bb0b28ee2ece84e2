"""Keys of a pilot that wait no longer than they must."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _quick_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each key Textual sleeps twice 20 ms at least, until it has cost nothing for so long: most of a test.

    A quarter of that does as well, for what runs in threads is waited for by itself (`Gateway.settled`).
    """
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 200)
