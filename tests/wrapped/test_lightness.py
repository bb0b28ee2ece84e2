"""The command starts before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "typing",
    "re",
    "dataclasses",
    "pathlib",
    "inspect",
    "threading",
    "subprocess",
    "click",
    "labtop.settings",
}
CODE = """
import os, sys
from labtop.cli.run_line import main
import labtop.recording.wrapped.session as session

def start(*arguments):
    print(*sys.modules)
    sys.stdout.flush()
    os._exit(0)

session.start_beside = session.start_in_terminal = start
main(["--project", "p", "--param", "lr=1", "--", "true"])
"""


def test_nothing_heavy_is_imported_before_the_command_starts(tmp_path: Path) -> None:
    """What a Python without labtop has imported already is not counted."""

    def modules(code: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, cwd=tmp_path, env={**os.environ}
        )
        return set(done.stdout.decode().split())

    bare = modules("import os, sys; print(*sys.modules)")
    assert not (modules(CODE) - bare) & HEAVY
