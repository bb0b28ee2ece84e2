"""The `labtop` command: a table of verbs, each loaded when it is called, and the UI when none is named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from labtop.errors import UsageError

VERBS = {
    "ls": "runs as a table",
    "show": "everything recorded of one run",
    "metrics": "the points of runs",
    "diff": "what differs between runs",
    "export": "write the run table, or the series, to a file",
    "sql": "read-only SQL over the runs",
    "run": "run any command as a recorded run",
    "reproduce": "the commands that bring a run back",
    "import": "copy runs of other trackers into a store for good",
    "sync": "bring runs that were recorded offline to their store",
    "fsck": "check every file of a store, and mend it",
    "views": "print the SQL views for the bare duckdb shell",
    "doctor": "what is captured here, the store, the terminal, with advice",
    "tag": "add or remove tags",
    "note": "write a note on a run",
    "rename": "give a run another name",
    "archive": "leave runs out of the table, or bring them back",
}
"""Verb → one line of help. `cli/verbs/<verb>.py` holds a click command of the same name."""


class VerbTable(click.Group):
    """Finds a verb's module when it is needed; a first word that is no verb is a path for the UI."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported now."""
        if cmd_name != "open" and cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"labtop.cli.verbs.{cmd_name}"), f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb the line names, or the UI on the path that it names instead."""
        word = args[0]
        if word in VERBS or word == "open":
            return super().resolve_command(ctx, args)
        # the UI takes one path: more words were meant for a verb
        if len(args) > 1 and not word.startswith("-") and not Path(word).exists():
            raise UsageError(
                f"{word} is no verb, and no path", near_verb(word) or "'labtop --help' lists the verbs"
            )
        return "open", self.get_command(ctx, "open"), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of verbs, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=VerbTable,
    no_args_is_help=False,
    invoke_without_command=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar="",
    subcommand_metavar="[PATH | VERB …]",
)
@click.version_option(None, "--version", package_name="labtop", message="labtop %(version)s")
def labtop_command() -> None:
    """Browse, compare and reproduce machine-learning experiments in the terminal.

    `labtop [PATH]` opens the terminal UI on a store of runs; without PATH it looks for one: --store,
    $LABTOP_STORE, the settings file, ./runs, then below the current folder.
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    from labtop.cli import diagnostics

    arguments: list[str] = list(sys.argv[1:] if argv is None else argv)
    sys.exit(diagnostics.guard(lambda: _run(arguments)))


def _run(arguments: list[str]) -> int:
    arguments = _verb_first(arguments)
    if not arguments or (arguments[0].startswith("-") and not _asks_about_labtop(arguments[0])):
        arguments = ["open", *arguments]
    result: Any = labtop_command.main(arguments, prog_name="labtop", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _verb_first(arguments: list[str]) -> list[str]:
    """`labtop --store S ls` as `labtop ls --store S`: the store can be named before the verb, too."""
    taken = 0
    while taken < len(arguments) and arguments[taken].partition("=")[0] == "--store":
        taken += 1 if "=" in arguments[taken] else 2
    if taken and arguments[taken : taken + 1] and arguments[taken] in VERBS:
        return [arguments[taken], *arguments[:taken], *arguments[taken + 1 :]]
    return arguments


def near_verb(word: str) -> str:
    """What was meant by a mistyped verb, as a question; empty where none is near."""
    import difflib

    near = difflib.get_close_matches(word, VERBS, 1)
    return f"did you mean 'labtop {near[0]}'?" if near else ""


def _asks_about_labtop(option: str) -> bool:
    return option in ("-h", "--help", "--version")
