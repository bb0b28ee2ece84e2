"""`labtop run`: any command as a recorded run. The line is the command's own: it is parsed in cli/run_line.py."""

from __future__ import annotations

from typing import Any

import click

from labtop.cli.run_line import main


class _Line(click.Command):
    """Leaves the words of the line alone, `--` and all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take everything as it is."""
        ctx.params["words"] = tuple(args)
        return []


def _run(**parameters: Any) -> int:
    return main(parameters["words"])


run_command = _Line("run", callback=_run, help="Run any command as a recorded run.", add_help_option=False)
