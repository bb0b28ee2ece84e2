"""What verbs share: where the runs are, and the options that several verbs take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from labtop.cli import diagnostics
from labtop.cli.output import FORMATS
from labtop.settings import Settings

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.query.request import Problem

Command = TypeVar("Command", bound=Callable[..., Any])

only_store_option = click.option(
    "--store", metavar="PATH", help="The store, or a folder below it; $LABTOP_STORE and ./runs by default."
)
format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print: for people, or exact for programs.",
)
where_option = click.option("--where", metavar="EXPR", default="", help="Only runs for which this holds.")
sort_option = click.option(
    "--sort", metavar="COL", multiple=True, help="Sort by a column, -COL for descending; repeatable."
)
archived_option = click.option("--archived", is_flag=True, help="Archived runs too.")


def _hold(_: click.Context, __: click.Parameter, rules: Sequence[str]) -> None:
    if rules:
        from labtop.sources.tables.rules import tell

        tell([*rules, *Settings.load().tables])


tables_option = click.option(
    "--tables",
    metavar="RULE",
    multiple=True,
    expose_value=False,
    callback=_hold,
    help="What columns of tables are for, as in 'scores*.csv: run=who metrics=y'; repeatable.",
)
"""Lets rules hold before those of the settings, in this process and those that read for it."""


def store_option(command: Command) -> Command:
    """The options of verbs that open runs wherever they are: `--store`, and `--tables` for logs that are tables."""
    return only_store_option(tables_option(command))


@contextmanager
def open_catalog(path: str | None, store: str | None, lazily: bool = False) -> Iterator[Catalog]:
    """The catalog of the runs at a path, read, with what could not be read said on stderr.

    Read `lazily`, points are read only when an answer needs them (`Catalog.read_all`).
    """
    from labtop.query.locating import find_runs

    settings = Settings.load(store=store)
    with diagnostics.looking() as on_progress:
        catalog = find_runs(path, settings, on_progress).open(settings)
    try:
        with diagnostics.progress("reading runs") as advance:
            catalog.read_all(advance, lazily)
        catalog.unread.waiting = lambda: diagnostics.progress("reading points")
        for problem in catalog.problems:
            diagnostics.say(f"labtop: cannot read {problem.path}: {problem.reason}")
        if catalog.notice:
            diagnostics.say(f"labtop: {catalog.notice}")
        if catalog.cut:
            diagnostics.say(f"labtop: {catalog.cut}")
        yield catalog
    finally:
        catalog.close()


def exit_code(catalog: Catalog) -> int:
    """3 when some run could not be read (all others were given), else 0."""
    return 3 if catalog.problems else 0


class Damage:
    """Files of points that could not be read, gathered while all others are."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], None] = {}

    def note(self, problem: Problem) -> None:
        """Remember one, once."""
        self._found[problem.path, problem.reason] = None

    def say(self) -> int:
        """Name them on stderr; the exit code, 3 if there are any."""
        for path, reason in self._found:
            diagnostics.say(f"labtop: cannot read {path}: {reason}")
        return 3 if self._found else 0


def resolve_runs(catalog: Catalog, names: Sequence[str]) -> list[str]:
    """The ids of named runs, in order, each once."""
    return list(dict.fromkeys(catalog.resolve(name) for name in names))
