"""The points of runs as a sheet: one line a logged value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labtop.model.as_json import step_as_json
from labtop.query.catalog import Catalog
from labtop.query.request import Tell, tell_nobody
from labtop.views.export import Sheet

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def points_sheet(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    ranks: str = "0",
    own: bool = False,
    tell: Tell = tell_nobody,
) -> Sheet:
    """Columns run_id, name, step, time, value; steps that are whole are integers; `names` are globs.

    With `ranks` "all" there is a column rank. `own`: nothing of a run's parent before a fork.
    `tell` hears of files that could not be read.
    """
    from labtop.query.ranks import RankChoice
    from labtop.query.series import load_points  # with numpy, which browsing does without

    columns: tuple[str, ...] = ("run_id", "name", "step", "time", "value")
    shows_rank = ranks == "all"
    rows: list[tuple[Any, ...]] = [
        (
            point.run_id,
            point.name,
            step_as_json(point.step),
            None if point.time_us is None else _EPOCH + timedelta(microseconds=point.time_us),
            point.value,
            *((point.rank,) if shows_rank else ()),
        )
        for point in load_points(catalog, run_ids, names, RankChoice.parse(ranks), own, tell)
    ]
    return Sheet((*columns, "rank") if shows_rank else columns, rows, "metrics")
