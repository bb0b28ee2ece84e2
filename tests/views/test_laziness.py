"""What is ready to draw knows nothing of what draws it, and loads nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "duckdb", "pyarrow", "polars", "numpy")


@pytest.mark.parametrize("module", ["text", "numbers", "spark", "glyphs", "table", "table_groups"])
def test_a_view_loads_nothing_heavy(module: str) -> None:
    """Importing a view brings in neither a terminal library nor an engine."""
    code = f"import sys, labtop.views.{module}; print([each for each in {HEAVY} if each in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
