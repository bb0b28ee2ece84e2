"""From a catalog to what the SQL views are made of; nothing else of SQL knows the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labtop.query.sql_files import PackedPoints, find_metric_files
from labtop.query.sql_fill import ViewSource
from labtop.query.sql_text import TOLD, StoreFiles
from labtop.store.layout import LEDGER

if TYPE_CHECKING:
    from labtop.query.catalog import Catalog
    from labtop.query.lineage import ForkRow


def view_source(catalog: Catalog) -> ViewSource:
    """What the views over a catalog's tables read."""
    return ViewSource(
        ledgers=catalog.ledgers(),
        engine=catalog.engine,
        columns=catalog.columns(),
        relation=catalog.relation,
        environments=catalog.environments(),
        run_folders=lambda: catalog.folders.all(packed=False),
        folders_of=lambda ids: list(catalog.folders.make(ids).values()),
        packed=lambda: _packed_points(catalog),
        forks=lambda: _forks(catalog),
    )


def store_files(catalog: Catalog) -> StoreFiles:
    """What the printed views are written from."""
    from labtop.query.ranks import role_rows
    from labtop.store.ledger import read_events

    engine = catalog.engine
    names = ", ".join(f'"{name}"' for name in TOLD)
    metrics = find_metric_files(catalog.folders.all(packed=True), engine.query)
    return StoreFiles(
        records=catalog.folders.records(),
        metrics=metrics,
        forks=_forks(catalog),
        roles=[row for each in metrics.crowded for row in role_rows(engine, *each)],
        events=[
            store / LEDGER / f"{event.n:020d}.json"
            for store in catalog.ledgers()
            for event in read_events(store).events
        ],
        found=catalog.found_columns(),
        told=engine.query(f"SELECT {names} FROM {catalog.relation(TOLD)} ORDER BY id"),
    )


def _packed_points(catalog: Catalog) -> list[PackedPoints]:
    return [
        PackedPoints(each.points, None if each.is_all else tuple(each.run_ids))
        for each in catalog.folders.packs()
    ]


def _forks(catalog: Catalog) -> list[ForkRow]:
    from labtop.query.lineage import fork_rows  # imports numpy

    return fork_rows(catalog)
