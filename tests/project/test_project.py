"""What the project says of itself is true: its map, its links, its top level."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_map_of_the_code_is_the_tree() -> None:
    """docs/development.md names every package and top module, and none that is gone."""
    text = (ROOT / "docs" / "development.md").read_text("utf-8")
    named = set(re.findall(r"`labtop/(\w+(?:\.py|/))`", text))
    source = ROOT / "src" / "labtop"
    packages = {f"{path.parent.name}/" for path in source.glob("*/__init__.py")}
    modules = {path.name for path in source.glob("*.py") if not path.name.startswith("_")}
    assert named == packages | modules


def test_every_module_that_the_map_names_is_there() -> None:
    """A newcomer finds what docs/development.md tells of."""
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (ROOT / "docs" / "development.md").read_text("utf-8"))
    assert len(named) > 20
    places = (ROOT, ROOT / "src", ROOT / "src" / "labtop")
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page exists."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_has_the_two_commands() -> None:
    """One opens labtop on the samples, one passes the tests; each is one line."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert "\npip install . && labtop sample_runs\n" in text
    assert len(re.findall(r"^pip install .*pytest.*$", text, re.MULTILINE)) == 1


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_the_top_level_is_as_agreed() -> None:
    """Nothing else at the top, and no lock file that names a registry."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {name.split("/")[0] for name in listed if name and not name.startswith(".")}
    assert top == {
        "CHANGELOG.md", "LICENSE", "README.md", "docs", "pyproject.toml", "sample_runs", "src", "tests",
    }  # fmt: skip
    assert not [name for name in listed if name.endswith(("uv.lock", "poetry.lock", "pdm.lock"))]
