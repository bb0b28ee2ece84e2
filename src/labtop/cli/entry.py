"""Where the `labtop` command begins: `labtop run` starts its command at once, all else goes to the table of verbs."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    if sys.argv[1:2] != ["run"]:
        from labtop.cli.main import main as run_verb

        run_verb()
        return
    from labtop.cli.run_line import main as run_line

    code = run_line(sys.argv[2:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(
        code
    )  # everything is written; taking the interpreter apart takes longer than the rest of the end
