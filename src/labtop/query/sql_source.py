"""From a catalog to what the SQL views are made of; nothing else of SQL knows the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.query.sql_files import find_metric_files
from labtop.query.sql_fill import ViewSource
from labtop.query.sql_text import TOLD, StoreFiles
from labtop.store.layout import LEDGER

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog


def view_source(catalog: Catalog) -> ViewSource:
    """What the views over a catalog's tables read."""
    table = catalog._intake.table
    catalog._intake.load_environments()
    return ViewSource(
        store=catalog.path,
        engine=catalog.engine,
        columns=catalog.columns(),
        relation=table.relation,
        environments=f"""(SELECT e.id AS run_id, environments.text AS environment
            FROM {table.relation(["id", "_environment"])} e JOIN environments ON environments.hash = e._environment)""",
        run_folders=lambda: run_folders(catalog),
    )


def run_folders(catalog: Catalog) -> Sequence[tuple[str, Path]]:
    """Id and folder of every run."""
    rows = catalog.engine.query(
        f"SELECT id, _folder FROM {catalog._intake.table.relation(['id', '_folder'])} ORDER BY _folder"
    )
    return [(run_id, catalog.path / folder) for run_id, folder in rows]


def store_files(catalog: Catalog) -> StoreFiles:
    """What the printed views are written from."""
    from labtop.store.ledger import read_events

    engine = catalog.engine
    names = ", ".join(f'"{name}"' for name in TOLD)
    ledger = catalog.path / LEDGER
    return StoreFiles(
        records=catalog.record_files(),
        metrics=find_metric_files(run_folders(catalog), engine.query),
        events=[ledger / f"{event.n:020d}.json" for event in read_events(catalog.path).events],
        found=list(catalog._intake.found.by_path.values()),
        told=engine.query(f"SELECT {names} FROM {catalog._intake.table.relation(TOLD)} ORDER BY id"),
    )
