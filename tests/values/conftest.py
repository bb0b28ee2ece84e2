"""A run that records into a folder of its own, and what it kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import labtop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder in no repository, and a light recorder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    yield tmp_path
    if labtop.run is not None:
        labtop.run.finish()
