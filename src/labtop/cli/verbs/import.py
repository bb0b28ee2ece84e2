"""`labtop import`: copy runs of other trackers into a store."""

from __future__ import annotations

from pathlib import Path

import click

from labtop.cli import diagnostics
from labtop.cli.opening import archived_option, format_option, open_catalog, tables_option, where_option
from labtop.cli.output import write_sheet_as
from labtop.settings import Settings
from labtop.views.export import Sheet

COLUMNS = ("run", "name", "project", "tracker", "state", "points", "files", "bytes", "problems")


@click.command("import")
@click.argument("source", metavar="SRC")
@click.option("--store", metavar="PATH", help="The store to copy into; $LABTOP_STORE and ./runs by default.")
@tables_option
@where_option
@archived_option
@click.option("--project", metavar="P", help="Put all runs into this project, instead of their own.")
@click.option("--artifacts", is_flag=True, help="Copy also the files below SRC that runs refer to.")
@format_option
def import_command(
    source: str,
    store: str | None,
    where: str,
    archived: bool,
    project: str | None,
    artifacts: bool,
    format_name: str,
) -> int:
    """Copy the runs at SRC, of whatever tracker, into a store of labtop for good. SRC is only read.

    Doing it again brings what is new. Exits with 3 when a run could not be copied; the others were.
    """
    from labtop.query.importing import import_runs
    from labtop.query.request import TableQuery

    target = Path(Settings.load(store=store).store or "runs").expanduser()
    rows = []
    with open_catalog(source, None) as catalog:
        selection = catalog.select(TableQuery(where, (), archived))
        run_ids = catalog.ids(selection.rows)
        with diagnostics.progress("copying runs") as advance:
            for done, each in enumerate(
                import_runs(catalog, target, run_ids, project=project, artifacts=artifacts), 1
            ):
                advance(done, len(run_ids))
                rows.append(
                    (
                        each.run_id, each.name, each.project, each.tracker, each.state, each.points, each.files,
                        each.bytes, "; ".join(each.problems),
                    )
                )  # fmt: skip
    if rows or format_name != "table":
        write_sheet_as(Sheet(COLUMNS, rows, "import"), format_name)
    states = [row[4] for row in rows]
    words = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    diagnostics.say(f"{words or 'no runs'}; into {target}")
    return 3 if "failed" in states else 0
