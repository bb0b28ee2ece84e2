"""docs/reliability.md keeps its word: every row has its tests, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
NOT_YET = {*range(31, 40)}


@cache
def functions(path: str) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_every_named_test_exists(path: str) -> None:
    """As a function of that file, which pytest runs."""
    assert (ROOT / path).is_file()
    for name in (name for named, name in NAMED if named == path):
        assert name.startswith("test_")
        assert name in functions(path), name


def rows(heading: str) -> dict[int, str]:
    """The rows of the table below a heading, by number."""
    table = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[int, str] = {}
    for first, last, rest in re.findall(r"^\| (\d+)(?:–(\d+))? \|(.*)$", table, re.MULTILINE):
        found |= dict.fromkeys(range(int(first), int(last or first) + 1), rest)
    return found


def test_every_failure_has_its_test() -> None:
    """1 to 41; what later versions are to bring says so."""
    found = rows("Failures")
    assert set(found) == {*range(1, 42)}
    for number, row in found.items():
        assert ("not yet" in row) == (number in NOT_YET), number
        assert bool(re.search(r"`tests/\S+::\w+`", row)) == (number not in NOT_YET), number


def test_every_threat_has_its_test() -> None:
    """11 to 22."""
    found = rows("Threats")
    assert set(found) == {*range(11, 23)}
    for number, row in found.items():
        assert re.search(r"`tests/\S+::\w+`", row), number


_NEVER = re.compile(
    r"^\s*(?:import|from) (?:pickle|cloudpickle|dill|shelve|marshal|yaml|tarfile|zipfile|joblib)\b"
    r"|\btorch\.load\(|allow_pickle\s*=\s*True|\beval\(|\bextractall\(|\bunpack_archive\b|weights_only\s*=\s*False",
    re.MULTILINE,
)


def test_nothing_loads_code_or_archives() -> None:
    """No module unpickles, unpacks an archive or evaluates text; YAML becomes nodes in one place and nothing else."""
    sources = sorted((ROOT / "src" / "labtop").rglob("*.py"))
    assert len(sources) > 100
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in sources
        if (match := _NEVER.search(path.read_text("utf-8")))
    }
    yaml = "src/labtop/formats/yaml_text.py"
    assert found.pop(yaml, "").strip() == "import yaml"
    assert found == {}
    assert (
        re.findall(r"yaml\.(?:\w*load\w*|Loader|Unsafe\w*|Full\w*)\b", (ROOT / yaml).read_text("utf-8")) == []
    )
    assert _NEVER.search("import pickle\n")
    assert _NEVER.search("model = torch.load(path)")
