"""Pythons of other trackers, each in a virtual environment of its own, where a developer has made some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PEERS = os.environ.get("LABTOP_PEERS")  # read before tests are shut off from the environment


def peer(name: str) -> Path:
    """The Python in `$LABTOP_PEERS/<name>`; the test is skipped where there is none."""
    python = Path(_PEERS or "/nonexistent") / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no Python in $LABTOP_PEERS/{name}")
    return python
