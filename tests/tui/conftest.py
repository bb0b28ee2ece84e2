"""Pilots that wait for what is done, neither longer nor shorter."""

from __future__ import annotations

import pytest

from tests.tui import stillness


@pytest.fixture(autouse=True)
def _patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    stillness.use(monkeypatch)
