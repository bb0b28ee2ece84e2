"""The examples of docs/frameworks.md run, where their framework is installed; hooks stay small."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Status
from tests.recording.conftest import records

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/frameworks.md").read_text("utf-8"), re.DOTALL)
FILES = sorted((ROOT / "src/labtop/integrations").glob("[a-z]*.py"))
SHARED = [
    ROOT / f"src/labtop/integrations/{name}.py"
    for name in ("candidates", "estimators", "fits", "fitted", "joining", "rich_summaries")
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("labtop.integrations.")[1].split()[0])
def test_an_example_runs(folder: Path, block: str) -> None:
    """And all its runs finish."""
    needed = {
        line.split()[1].split(".")[0] for line in block.splitlines() if line.startswith(("import ", "from "))
    }
    if missing := [name for name in sorted(needed) if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")
    backend = "torch" if importlib.util.find_spec("torch") else "tensorflow"
    if "keras" in needed and importlib.util.find_spec(backend) is None:
        pytest.skip("no backend of keras is installed")
    (folder / "example.py").write_text(block)
    environment = {**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "example.py"], capture_output=True, text=True, env=environment, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert {record.status for record in records(folder / "runs")} == {Status.FINISHED}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_hook_is_small_and_on_the_page(path: Path) -> None:
    """Under 60 lines of code a file, also in those that hooks share; what people import is explained."""
    assert _lines_of_code(path.read_text("utf-8")) < 60
    assert path in SHARED or any(f"labtop.integrations.{path.stem}" in block for block in BLOCKS)


def _lines_of_code(text: str) -> int:
    """Lines that are not blank, and no comment, docstring or import."""
    others: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and (is_text or isinstance(node, ast.Import | ast.ImportFrom)):
            others.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return sum(1 for at, line in lines if line and not line.startswith("#") and at not in others)
