"""Edits of runs after the fact: tags, notes, names, archiving. Each is an event in the store's ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from labtop.errors import InputError
from labtop.query.catalog import Catalog

Edit = Literal["tag", "note", "rename", "archive"]


def edit_runs(catalog: Catalog, run_ids: Sequence[str], kind: Edit, payload: Mapping[str, Any]) -> None:
    """Append one event a run and let the catalog see them; all runs are checked before any is edited.

    Raises:
        InputError: a run lies in another tracker's files, which labtop never changes.
    """
    from labtop.store import ledger

    for run_id in run_ids:
        if catalog.run_folder(run_id) is None:
            raise InputError(
                f"run {run_id!r} lies in another tracker's files, which labtop never changes",
                "edit runs in a store of labtop",
            )
    for run_id in run_ids:
        ledger.append(catalog.path, kind, run_id, payload)
    catalog.refresh()
