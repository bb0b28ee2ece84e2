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
NO_HOOKS = ("joining", "fitted", "rich_summaries")  # what hooks share
HOOKS = sorted(
    path for path in (ROOT / "src/labtop/integrations").glob("[a-z]*.py") if path.stem not in NO_HOOKS
)


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


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.stem)
def test_a_hook_is_small_and_on_the_page(path: Path) -> None:
    """Under 60 statements a file, and every module that people import is explained."""
    tree = ast.parse(path.read_text("utf-8"))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    docstrings = [
        each for each in statements if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
    ]
    assert len(statements) - len(docstrings) < 60
    assert any(f"labtop.integrations.{path.stem}" in block for block in BLOCKS)
