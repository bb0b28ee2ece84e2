"""`labtop [PATH]`: the terminal UI; where there is no terminal for it, the table that `ls` prints."""

from __future__ import annotations

import click

from labtop.cli.main import near_verb
from labtop.cli.opening import store_option
from labtop.cli.screen import open_screen
from labtop.errors import NoStoreError, UsageError


class ScreenCommand(click.Command):
    """The verb that is not typed."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The usage as it is typed."""
        formatter.write_usage("labtop", " ".join(self.collect_usage_pieces(ctx)))


@click.command("open", cls=ScreenCommand, hidden=True, context_settings={"help_option_names": []})
@click.argument("paths", nargs=-1, metavar="[PATH]")
@store_option
def open_command(paths: tuple[str, ...], store: str | None) -> int:
    """Open the terminal UI on the runs at PATH."""
    if len(paths) > 1:
        raise UsageError(
            f"labtop opens one path, not {len(paths)}", "a folder above them shows all in one table"
        )
    path = paths[0] if paths else None
    try:
        return open_screen(path, store)
    except NoStoreError as error:
        raise NoStoreError(error.message, near_verb(path or "") or error.hint) from error
