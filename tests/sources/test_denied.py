"""Logs that may not be read: each is named, and the others are shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources.writers.every import SAMPLES

_DENIED = {
    "aim": "project/.aim/run_metadata.sqlite",
    "dvc": "digits/.git/refs",
    "keras": "r1/training.log",
    "mlflow-sql": "mlflow.db",
    "sacred": "runs/2",
    "tables": "r1/history.csv",
    "trackio": "digits.db",
}
_LOOK = """
import json, sys
from pathlib import Path
from labtop.query.catalog import Catalog
for name in sys.argv[2:]:
    catalog = Catalog(Path(sys.argv[1], name), cache_root=Path(sys.argv[1], "cache"))
    catalog.refresh()
    print(json.dumps([name, [[each.path, each.reason] for each in catalog.problems]]))
    catalog.close()
"""


def _as_anybody() -> list[str]:
    """What to put before a command so that it may not read everything."""
    if sys.platform == "win32":
        pytest.skip("who may read what is another matter there")
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root is denied nothing, and there is no setpriv to be less")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    """A file or folder of another person is a problem with its path, not logs without runs."""
    start = _as_anybody()
    for name, denied in _DENIED.items():
        (tmp_path / name).mkdir()
        SAMPLES[name](tmp_path / name)
        (tmp_path / name / denied).chmod(0)
    done = subprocess.run(
        [*start, sys.executable, "-c", _LOOK, str(tmp_path), *_DENIED],
        capture_output=True,
        text=True,
        timeout=120,
    )
    for name, denied in _DENIED.items():
        (tmp_path / name / denied).chmod(0o755)
    told = dict(json.loads(line) for line in done.stdout.splitlines())
    assert told.keys() == _DENIED.keys(), done.stderr
    for name, denied in _DENIED.items():
        path = tmp_path / name / denied
        assert any(
            "Permission denied" in reason and Path(where) in (path, *path.parents)
            for where, reason in told[name]
        ), (name, told[name])
