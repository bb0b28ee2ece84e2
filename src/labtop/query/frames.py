"""Answers as Polars frames, for scripts. Never imported for browsing: Polars and Arrow cost 100 MB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars

from labtop.query.catalog import Catalog
from labtop.query.engine import quote_name
from labtop.query.ranks import LEAD, RankChoice
from labtop.query.request import Tell, tell_nobody
from labtop.query.series import load_every_series

_UTC_TIME = polars.Datetime("us", "UTC")
_POINTS = polars.Schema(
    {
        "run_id": polars.String(),
        "name": polars.String(),
        "step": polars.Float64(),
        "time": _UTC_TIME,
        "value": polars.Float64(),
    }
)
_RANKED = polars.Schema({**_POINTS, "rank": polars.Int32()})


def rows_frame(catalog: Catalog, rows: Sequence[int], keys: Mapping[str, str]) -> polars.DataFrame:
    """Columns of some rows, in their order; `keys` maps the frame's names to column keys. Times are in UTC."""
    selected = "".join(f", r.{quote_name(key)} AS c{at}" for at, key in enumerate(keys.values()))
    frame = catalog.engine.frame(
        f"""SELECT w.place{selected}
            FROM (SELECT unnest(?::UINTEGER[]) AS "row", generate_subscripts(?::UINTEGER[], 1) AS place) w
            JOIN {catalog.relation(list(keys.values()))} r ON r."row" = w."row" ORDER BY w.place""",
        [list(rows), list(rows)],
    )
    # names afterwards: DuckDB takes no two that differ by case alone, Polars does
    frame = frame.drop("place").rename({f"c{at}": name for at, name in enumerate(keys)})
    return frame.with_columns(polars.selectors.datetime().dt.replace_time_zone("UTC"))


def points_frame(
    catalog: Catalog,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    ranks: RankChoice = LEAD,
    own: bool = False,
    tell: Tell = tell_nobody,
) -> polars.DataFrame:
    """Logged points by run, name and step; `names` are globs, None is all. With a column `rank` if all are wanted.

    `tell` hears of files that could not be read.
    """
    frames = [
        polars.DataFrame(
            {
                "run_id": polars.repeat(series.run_id, len(series), eager=True),
                "name": polars.repeat(series.name, len(series), eager=True),
                "step": np.asarray(series.steps),
                "time": polars.Series(np.asarray(series.times_us).view("datetime64[us]")).cast(_UTC_TIME),
                "value": np.asarray(series.values),
                "rank": polars.repeat(series.rank, len(series), dtype=polars.Int32, eager=True),
            }
        )
        for series in load_every_series(catalog, run_ids, names, ranks, own, tell)
    ]
    whole = polars.concat(frames) if frames else polars.DataFrame(schema=_RANKED)
    return whole if ranks.kind == "all" else whole.drop("rank")
