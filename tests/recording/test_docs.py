"""The examples of the pages on recording run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.settings import Settings
from tests.recording.conftest import records

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "recording.md"
RUN_ALL = """
import pathlib, sys
for path in sys.argv[1:]:
    exec(compile(pathlib.Path(path).read_text(), path, "exec"), {"__name__": "__main__"})
"""


@pytest.mark.parametrize(
    ("page", "stdout", "stderr"),
    [
        ("recording.md", "0.6\nTrue 1\nfrom a child process\n", "labtop: init() does not use entity\n"),
        ("data.md", "", ""),
        ("randomness.md", "True True\n", ""),
    ],
)
def test_every_block_of_the_page_runs(folder: Path, page: str, stdout: str, stderr: str) -> None:
    """And records what it says."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    (folder / "data").mkdir()
    (folder / "data/train.csv").write_text("a,b\n1,2\n")
    (folder / "model.pt").write_bytes(b"weights")
    for at, block in enumerate(blocks):
        (folder / f"block{at}.py").write_text(block)
    names = [f"block{at}.py" for at in range(len(blocks))]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, *names], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (stdout, stderr)
    found = records(folder / "runs")
    assert len(found) == sum('mode="offline"' not in each for each in blocks)
    assert {record.status for record in found} == {Status.FINISHED}


def test_the_settings_on_the_page_exist() -> None:
    """With their defaults."""
    table = PAGE.read_text("utf-8").partition("## Settings")[2]
    named = re.findall(
        r"`([a-z_]+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    )
    assert len(named) > 10
    for name in named:
        assert hasattr(Settings(), name)
