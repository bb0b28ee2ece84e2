"""Fills a new database with the views over what a catalog has read: for `labtop sql`, `Store.sql` and `connect`.

Tables are copied through a temporary Parquet file, since two in-memory databases share nothing; only what a query
uses is copied. Points stay in the store's files and are read when they are asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.model.columns import Column
from labtop.query.engine import Engine, quote_list, quote_text, translated_errors
from labtop.query.request import Problem
from labtop.query.sql_files import (
    MetricFiles,
    PackedPoints,
    find_metric_files,
    find_records,
    read_logs,
    read_through,
    sift,
)
from labtop.query.sql_gate import Needs
from labtop.query.sql_views import (
    FORK_COLUMNS,
    ROLE_COLUMNS,
    STATISTICS,
    VIEWS,
    artifacts_select,
    create_view,
    data_select,
    metrics_own_select,
    metrics_select,
    packages_select,
    params_select,
    points_select,
    runs_select,
    shown_select,
    summary_select,
)
from labtop.store.format import POINT_COLUMNS
from labtop.store.reader import Point as LogPoint
from labtop.store.reader import while_sealing

if TYPE_CHECKING:
    import duckdb

_ALL = Needs(frozenset(VIEWS))


@dataclass(frozen=True, slots=True)
class ViewSource:
    """What the views are made of.

    `relation` gives SQL of a subquery with the named column keys of all runs, `environments` one with `run_id` and
    `environment` (JSON), both to be asked of `engine`. `run_folders` gives id and folder of every run whose points lie
    in its folder, `packed` where those of the others lie; `folders_of` gives the folders of some runs, whichever they
    are. `forks` gives the ancestors of those that were forked; `ledgers` are stores.
    """

    ledgers: Sequence[Path]
    engine: Engine
    columns: Sequence[Column]
    relation: Callable[[Sequence[str]], str]
    environments: str
    run_folders: Callable[[], Sequence[tuple[str, Path]]]
    folders_of: Callable[[Sequence[str]], Sequence[Path]]
    forks: Callable[[], Sequence[tuple[str, str, float, int]]] = tuple
    packed: Callable[[], Sequence[PackedPoints]] = tuple


@dataclass(slots=True)
class CatalogViews:
    """The views of a catalog, for a sandbox or a connection of a script."""

    source: ViewSource
    names: Sequence[str] = tuple(VIEWS)
    _problems: list[Problem] = field(default_factory=list)
    _damaged: dict[Path, Problem] = field(default_factory=dict)
    _parts: tuple[Path, ...] = ()

    def problems(self) -> Sequence[Problem]:
        """What could not be read in the last `fill`."""
        return self._problems

    def fill(
        self,
        connection: duckdb.DuckDBPyConnection,
        needs: Needs = _ALL,
        quick: bool = False,
    ) -> Sequence[Path]:
        """Make the views that are needed; answers the files that they read when they are queried.

        Every metric file is looked into first, unless `quick`: then who asks tries again after `drop_damaged`.
        """
        used = needs.tables
        self._problems = []
        self._parts = ()
        with translated_errors(), tempfile.TemporaryDirectory(prefix="labtop-sql-") as folder:
            self._make_index(connection, used, Path(folder))
            if "packages" in used:
                self._copy(connection, "_environments", self.source.environments, Path(folder))
                connection.execute(create_view("packages", packages_select("_environments")))
            if used & {"data", "artifacts"}:
                self._make_lists(connection, used, Path(folder))
            if "events" in used:
                self._make_events(connection)
            if used & {"metrics", "metrics_own", "points"}:
                self._make_metrics(connection, needs, quick)
        return self._parts

    def drop_damaged(self) -> bool:
        """Read the metric files of the last `fill` through; those that fail are left out of the next."""
        engine = self.source.engine
        _, problems = read_through(list(self._parts), engine.query)
        self._damaged |= {Path(each.path): each for each in problems}
        return bool(problems)

    def _make_index(self, connection: duckdb.DuckDBPyConnection, used: frozenset[str], folder: Path) -> None:
        """Copy the columns that `runs`, `params` and `summary` need, and make those views."""
        columns = self.source.columns
        keys = {"id": None}
        if "runs" in used:
            keys |= dict.fromkeys(column.key for column in columns if column.kind != "spark")
        if "params" in used:
            keys |= dict.fromkeys(column.key for column in columns if column.kind == "param")
        if "summary" in used:
            for column in columns:
                if column.kind == "metric":
                    keys |= dict.fromkeys(
                        (column.key, *(f"{column.key}.{each}" for each in STATISTICS if each != "last"))
                    )
        selects = {"runs": runs_select, "params": params_select, "summary": summary_select}
        if used & selects.keys():
            self._copy(connection, "_index", self.source.relation(list(keys)), folder)
            for name in used & selects.keys():
                connection.execute(create_view(name, selects[name](columns, "_index")))

    def _copy(self, connection: duckdb.DuckDBPyConnection, table: str, select: str, folder: Path) -> None:
        path = quote_text(str(folder / f"{table}.parquet"))
        self.source.engine.execute(
            f"COPY (SELECT * FROM {select}) TO {path} (FORMAT parquet, COMPRESSION snappy)"
        )
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet({path})")

    def _make_lists(self, connection: duckdb.DuckDBPyConnection, used: frozenset[str], folder: Path) -> None:
        """Make the views of lists in the records: from the catalog, and where they are long from the record itself."""
        lists = [name for name in ("data", "artifacts") if name in used]
        selected = ", ".join(f'"_{name}" AS {name}' for name in lists)
        relation = self.source.relation(["id", *(f"_{name}" for name in lists)])
        self._copy(connection, "_lists", f"(SELECT id AS run_id, {selected} FROM {relation})", folder)
        is_long = " OR ".join(f"{name} IS NULL" for name in lists)
        long = {row[0] for row in connection.execute(f"SELECT run_id FROM _lists WHERE {is_long}").fetchall()}
        if long:
            connection.execute(f"DELETE FROM _lists WHERE {is_long}")
            self._read_lists(connection, lists, self.source.folders_of(sorted(long)))
        for name, select in (("data", data_select), ("artifacts", artifacts_select)):
            if name in used:
                connection.execute(create_view(name, select("_lists")))

    def _read_lists(
        self, connection: duckdb.DuckDBPyConnection, lists: Sequence[str], folders: Sequence[Path]
    ) -> None:
        paths, problems = find_records(folders)
        selected = ", ".join(f"{name}::VARCHAR" for name in lists)

        def insert(some: Sequence[Path]) -> list[tuple[Path, str]]:
            with translated_errors():
                connection.execute(
                    f"""INSERT INTO _lists SELECT id::VARCHAR, {selected}
                        FROM read_parquet({quote_list(some)}, union_by_name = true, hive_partitioning = false)"""
                )
            return []

        _, damaged = sift(paths, insert)
        self._problems += [*problems, *damaged]

    def _make_events(self, connection: duckdb.DuckDBPyConnection) -> None:
        import msgspec

        from labtop.store.ledger import read_events

        found = [read_events(each) for each in self.source.ledgers]
        self._problems += [Problem(str(each.path), each.reason) for one in found for each in one.problems]
        connection.execute(
            """CREATE TABLE events
               (n BIGINT, time TIMESTAMP, kind VARCHAR, run_id VARCHAR, actor VARCHAR, payload JSON)"""
        )
        rows = [
            (each.n, each.at.replace(tzinfo=None) if each.at else None, each.kind, each.run_id, each.actor,
             msgspec.json.encode(each.payload).decode())
            for one in found
            for each in one.events
        ]  # fmt: skip
        if rows:
            types = ("BIGINT", "TIMESTAMP", "VARCHAR", "VARCHAR", "VARCHAR", "JSON")
            lists = ", ".join(f"unnest(?::{sql}[])" for sql in types)
            connection.execute(
                f"INSERT INTO events SELECT {lists}", [list(each) for each in zip(*rows, strict=True)]
            )

    def _make_metrics(self, connection: duckdb.DuckDBPyConnection, needs: Needs, quick: bool) -> None:
        def listed() -> tuple[MetricFiles, list[tuple[str, LogPoint]], list[Problem]]:
            files = self._find_metric_files(quick)
            return files, *read_logs(files.logs)

        files, points, problems = while_sealing(listed)
        self._parts = (*files.single, *files.several, *(each.path for each in files.packed))
        self._problems += [*files.problems, *problems]
        if points:
            connection.execute(
                """CREATE TABLE _tail AS SELECT unnest(?::VARCHAR[]) AS run_id, unnest(?::VARCHAR[]) AS name,
                   unnest(?::DOUBLE[]) AS step, make_timestamp(unnest(?::BIGINT[])) AS time,
                   unnest(?::DOUBLE[]) AS value, unnest(?::VARCHAR[]) AS writer, unnest(?::BIGINT[]) AS seq""",
                [
                    [run_id for run_id, _ in points],
                    *map(list, zip(*(each for _, each in points), strict=True)),
                ],
            )
        if files.several:
            connection.execute(create_view("_several", _points_of(files.several, needs.is_count)))
        if single := _single_selects(files, needs.is_count):
            connection.execute(create_view("_single", " UNION ALL ".join(single)))
        parts = (
            "_single" if single else None,
            "_several" if files.several else None,
            "_tail" if points else None,
            self._make_roles(connection, files),
        )
        connection.execute(create_view("_shown", shown_select(*parts)))
        if "metrics" in needs.tables:
            connection.execute(create_view("metrics", metrics_select("_shown", self._make_forks(connection))))
        if "metrics_own" in needs.tables:
            connection.execute(create_view("metrics_own", metrics_own_select("_shown")))
        if "points" in needs.tables:
            connection.execute(create_view("points", points_select(*parts)))

    def _make_roles(self, connection: duckdb.DuckDBPyConnection, files: MetricFiles) -> str | None:
        """The table of who wrote what in runs with several writers; None where there is no such run."""
        if not files.crowded:
            return None
        from labtop.query.ranks import role_rows  # imports numpy

        rows = [row for each in files.crowded for row in role_rows(self.source.engine, *each)]
        return _table(connection, "_roles", ROLE_COLUMNS, rows)

    def _make_forks(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """The table of the ancestors of forked runs; None where there are none."""
        rows = self.source.forks()
        return _table(connection, "_forks", FORK_COLUMNS, rows) if rows else None

    def _find_metric_files(self, quick: bool) -> MetricFiles:
        ask = None if quick else self.source.engine.query
        found = find_metric_files(self.source.run_folders(), ask, self.source.packed())
        if not self._damaged:
            return found
        return MetricFiles(
            tuple(path for path in found.single if path not in self._damaged),
            tuple(path for path in found.several if path not in self._damaged),
            found.logs,
            found.crowded,
            (*found.problems, *self._damaged.values()),
            tuple(each for each in found.packed if each.path not in self._damaged),
        )


def _points_of(paths: Sequence[Path], is_read: bool) -> str:
    """All points of some files; `is_read` makes a count of them read the points, where the footer alone would do."""
    columns = ", ".join(POINT_COLUMNS)
    select = f"SELECT {columns} FROM read_parquet({quote_list(paths)}, hive_partitioning = false)"
    return f"SELECT * FROM ({select}) WHERE hash(name, step, time, value) IS NOT NULL" if is_read else select


def _single_selects(files: MetricFiles, is_read: bool) -> list[str]:
    """The points of all files in which each is there once."""
    whole = (*files.single, *(each.path for each in files.packed if each.run_ids is None))
    selects = [_points_of(whole, is_read)] if whole else []
    for each in files.packed:
        if each.run_ids is not None:
            runs = ", ".join(map(quote_text, each.run_ids))
            selects.append(f"SELECT * FROM ({_points_of([each.path], is_read)}) WHERE run_id IN ({runs})")
    return selects


def _table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[object]],
) -> str:
    """A table of some rows in memory; its name."""
    lists = ", ".join(f"unnest(?::{sql}[]) AS {column}" for column, sql in columns.items())
    connection.execute(
        f"CREATE OR REPLACE TABLE {name} AS SELECT {lists}", [list(each) for each in zip(*rows, strict=True)]
    )
    return name
