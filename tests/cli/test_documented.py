"""Every verb, action and setting is in the documentation."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from labtop.cli.main import VERBS
from labtop.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DOCS = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb: str) -> None:
    """Each verb appears as a command in some page."""
    assert f"labtop {verb}" in DOCS


@pytest.mark.parametrize("name", [each.name for each in fields(Settings) if each.name != "origins"])
def test_every_setting_is_documented(name: str) -> None:
    """Each setting has a line in docs/settings.md."""
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text("utf-8")
