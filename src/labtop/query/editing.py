"""Edits of runs after the fact: tags, notes, names, archiving. Each is an event in the store's ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from labtop.errors import NoRunError
from labtop.query.catalog import Catalog

Edit = Literal["tag", "note", "rename", "archive"]


def edit_runs(catalog: Catalog, run_ids: Sequence[str], kind: Edit, payload: Mapping[str, Any]) -> None:
    """Append one event a run and let the catalog see them; all runs are checked before any is edited.

    Edits of runs that another tracker recorded are kept in the user's own folder: its files are never changed.

    Raises:
        NoRunError: a run is not there.
    """
    from labtop.store import ledger

    for run_id in run_ids:
        if not catalog.has_run(run_id):
            raise NoRunError(f"no run {run_id!r}", "list them with 'labtop ls'")
    for run_id in run_ids:
        ledger.append(catalog.ledger_of(run_id), kind, run_id, payload)
    catalog.refresh()
