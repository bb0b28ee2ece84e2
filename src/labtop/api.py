"""labtop as a library: open a store, ask for runs, points and records, query with SQL, compare, reproduce.

Every function gives the same answer as the screen or the verb of its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from labtop.errors import InputError
from labtop.query.locating import PathLike, find_runs, find_store
from labtop.settings import Settings, spool_folder

if TYPE_CHECKING:
    import duckdb
    import polars

    from labtop.analysis.compare import Comparison
    from labtop.model.run import RunRecord
    from labtop.model.values.base import RichValue
    from labtop.query.catalog import Catalog, Problem
    from labtop.query.importing import Imported
    from labtop.query.sandbox import SqlAnswer
    from labtop.reproduce.plan import Plan
    from labtop.store.fsck import Checked
    from labtop.store.syncing import Synced

__all__ = [
    "Store",
    "connect",
    "diff",
    "find_runs",
    "find_store",
    "fsck",
    "import_runs",
    "open",
    "reproduce",
    "sync",
    "views",
]


def open(path: PathLike | None = None, *, settings: Settings | None = None, **flags: Any) -> Store:
    """Open the runs at `path` (see `find_runs`) and read what is new; `flags` are settings for this store.

    Rules for `tables` hold from then on in this process, for they say which files they are for.

    Raises:
        NoStoreError: there are no runs.
    """
    if settings is not None and flags:
        settings = replace(settings, **flags)
    settings = settings or Settings.load(**flags)
    if settings.tables != Settings.load().tables:
        from labtop.sources.tables.rules import tell

        tell(settings.tables)
    store = Store(find_runs(path, settings).open(settings))
    store.refresh()
    return store


class Store:
    """The runs of a store, for scripts. Use it in a `with` statement, or `close` it: that remembers what was read."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._point_problems: dict[tuple[str, str], Problem] = {}

    @property
    def path(self) -> Path:
        """The folder or file that was opened."""
        return self.catalog.root

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read, and why; all else was. Of points, what was asked for until now."""
        return tuple(dict.fromkeys((*self.catalog.problems, *self._point_problems.values())))

    def refresh(self) -> bool:
        """Read what is new; True when something was."""
        return self.catalog.read_all()

    def runs(
        self,
        where: str = "",
        sort: str | Sequence[str] = (),
        columns: Sequence[str] | None = None,
        archived: bool = False,
    ) -> polars.DataFrame:
        """A Polars frame with one row a run.

        Args:
            where: a filter, as in `labtop ls --where`.
            sort: names of columns, `-name` for descending; nulls and NaN last. By default newest first.
            columns: names of columns, in order, `max(val/acc)` and its like among them; by default all that any run
                has, named as in the SQL view `runs`: by their names, by their keys (`params.lr`) where two collide.
            archived: archived runs too.

        Raises:
            FilterError: `where` is wrong.
            UsageError: a column is unknown.
        """
        from labtop.query.catalog import TableQuery
        from labtop.query.frames import rows_frame
        from labtop.query.naming import find_column, sort_keys, titles

        known = self.catalog.columns()
        sorting = sort_keys(known, [sort] if isinstance(sort, str) and sort else list(sort))
        selection = self.catalog.select(TableQuery(where, sorting, archived))
        chosen = known if columns is None else [find_column(known, name) for name in columns]
        names = titles(chosen) if columns is None else columns
        wanted = {name: column.key for name, column in zip(names, chosen, strict=True)}
        return rows_frame(self.catalog, selection.rows, wanted)

    def metrics(
        self,
        runs: str | Sequence[str],
        name: str | Sequence[str] | None = None,
        ranks: str | int = 0,
        own: bool = False,
    ) -> polars.DataFrame:
        """Logged points as a Polars frame: run_id, name, step, time, value, by run, name and step.

        What cannot be read is left out, with a warning; `problems` has it too.

        Args:
            runs: what names runs: ids, prefixes, names, `@last`, `best:METRIC`.
            name: globs of metric names, all by default.
            ranks: whose points, where several processes logged a metric: 0 (rank 0, or the lowest that logged it),
                another rank, "mean", "min" or "max" over the ranks at each step, or "all" with a column `rank`.
            own: of a forked run only its own points, not those of its parent before the fork.

        Raises:
            UsageError: there is no such choice of ranks.
        """
        from labtop.query.frames import points_frame
        from labtop.query.ranks import RankChoice

        run_ids = [self.catalog.resolve(each) for each in ([runs] if isinstance(runs, str) else runs)]
        names = [name] if isinstance(name, str) else name
        found: dict[tuple[str, str], Problem] = {}
        frame = points_frame(
            self.catalog,
            run_ids,
            names,
            RankChoice.parse(ranks),
            own,
            lambda each: found.__setitem__((each.path, each.reason), each),
        )
        self._warn(found.values())
        return frame

    def record(self, run: str) -> RunRecord:
        """Everything recorded of one run.

        Raises:
            NoRunError, AmbiguousRunError: no run, or several, are named so.
        """
        return self.catalog.record(self.catalog.resolve(run))

    def folder(self, run: str) -> Path | None:
        """The folder of a run, with its output, code and artifacts."""
        return self.catalog.run_folder(self.catalog.resolve(run))

    def value(self, run: str, name: str, step: float | None = None) -> RichValue:
        """An image, table, histogram, confusion matrix, curve or text that a run logged; without a step the last one.

        Raises:
            InputError: there is none of that name or step, or its file is damaged.
        """
        from labtop.query.values import find_value
        from labtop.store.values.decoding import read_value

        run_id = self.catalog.resolve(run)
        artifact = find_value(self.catalog.record(run_id), name, step)
        folder = self.catalog.run_folder(run_id)
        if folder is None:
            raise InputError(f"run {run_id} has no folder of its own", "its values lie where it was recorded")
        return read_value(folder, artifact)

    def sql(self, query: str) -> polars.DataFrame:
        """One read-only SELECT over the views, as a Polars frame. Raises QueryError.

        What cannot be read is left out, with a warning; `problems` has it too.
        """
        import polars

        answer = self.sql_answer(query)
        self._warn(answer.problems)
        unique = _unique(answer.columns)
        return polars.DataFrame(
            answer.rows, schema=unique, orient="row", infer_schema_length=None, strict=False
        )

    def sql_answer(self, query: str) -> SqlAnswer:
        """The rows of one read-only SELECT over the views, with what could not be read for it. Raises QueryError."""
        from labtop.query.sandbox import Sandbox
        from labtop.query.sql_fill import CatalogViews
        from labtop.query.sql_source import view_source

        settings = self.catalog.settings
        views = CatalogViews(view_source(self.catalog))
        answer = Sandbox(views, settings.sql_memory, settings.sql_timeout_s).run(query)
        problems = dict.fromkeys((*self.catalog.problems, *answer.problems))
        return replace(answer, problems=tuple(problems))

    def diff(self, run: str, *others: str) -> Comparison:
        """What differs between runs."""
        from labtop.analysis.compare import compare

        return compare([self.record(each) for each in (run, *others)])

    def reproduce(self, run: str) -> Plan:
        """How to bring a run back; `.script()` gives it as a shell script. Nothing is executed."""
        from labtop.reproduce.plan import plan

        run_id = self.catalog.resolve(run)
        return plan(self.catalog.record(run_id), self.catalog.run_folder(run_id), Path.cwd())

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of your own with the views in it, as of now. It is not locked down: it is yours."""
        from labtop.query.engine import new_connection
        from labtop.query.sql_fill import CatalogViews
        from labtop.query.sql_source import view_source

        connection = new_connection()
        views = CatalogViews(view_source(self.catalog))
        views.fill(connection)
        self._warn(views.problems())
        return connection

    def views(self) -> str:
        """The views as `CREATE VIEW` statements for the bare duckdb shell."""
        from labtop.query.sql_source import store_files
        from labtop.query.sql_text import views_text

        files = store_files(self.catalog)
        self._warn(files.metrics.problems)
        return views_text(files)

    def _warn(self, problems: Iterable[Problem]) -> None:
        """Warn whoever called the method of what its answer lacks, but for runs that could not be opened at all."""
        for each in dict.fromkeys(problems):
            if each in self.catalog.problems:
                continue
            self._point_problems[each.path, each.reason] = each
            warnings.warn(f"labtop: cannot read {each.path}: {each.reason}", stacklevel=3)

    def close(self) -> None:
        """Remember what was read, and free memory."""
        self.catalog.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(path: PathLike | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the views runs, params, metrics, summary, packages, data, artifacts, events."""
    with open(path) as store:
        return store.connect()


def views(path: PathLike | None = None) -> str:
    """The views of a store as `CREATE VIEW` statements for the bare duckdb shell."""
    with open(path) as store:
        return store.views()


def diff(run: str, *others: str, store: PathLike | None = None) -> Comparison:
    """What differs between runs of one store."""
    with open(store) as opened:
        return opened.diff(run, *others)


def reproduce(run: str, *, store: PathLike | None = None) -> Plan:
    """How to bring a run back: `labtop.reproduce("k7f2").script()`."""
    with open(store) as opened:
        return opened.reproduce(run)


def import_runs(
    source: PathLike,
    store: PathLike | None = None,
    *,
    where: str = "",
    project: str | None = None,
    artifacts: bool = False,
    archived: bool = False,
) -> list[Imported]:
    """Copy the runs at `source`, of whatever tracker, into a store for good; what became of each.

    Args:
        store: by default the setting `store`, then `./runs`; made if it is not there.
        where: a filter, as in `labtop ls --where`.
        project: of all runs, instead of their own.
        artifacts: copy also the files below `source` that runs refer to.
        archived: archived and deleted runs too.

    Raises:
        NoStoreError: there are no runs at `source`.
        FilterError: `where` is wrong.
    """
    from labtop.query.importing import import_runs
    from labtop.query.request import TableQuery

    target = Path(store or Settings.load().store or "runs").expanduser()
    with open(source) as opened:
        catalog = opened.catalog
        run_ids = catalog.ids(catalog.select(TableQuery(where, (), archived)).rows)
        return list(import_runs(catalog, target, run_ids, project=project, artifacts=artifacts))


def sync(spool: PathLike | None = None, *, to: PathLike | None = None, keep: bool = False) -> list[Synced]:
    """Bring runs that were recorded offline to their store; a row a run. By default from the setting `spool`.

    Raises:
        NoStoreError: there is no spool at that path.
    """
    from labtop.store.syncing import sync_spool

    place = Path(spool).expanduser().absolute() if spool else spool_folder(Settings.load())
    if spool is None and not place.exists():
        return []
    return list(sync_spool(place, Path(to).expanduser().absolute() if to else None, keep=keep))


def fsck(path: PathLike | None = None, *, repair: bool = False) -> Checked:
    """Check every file of a store; `repair` mends what can be mended and deletes nothing.

    Raises:
        NoStoreError: no store is found.
        OSError: it cannot be listed, or not be repaired.
    """
    from labtop.store.fsck import fsck as check

    return check(find_store(path), repair=repair)


def _unique(names: Sequence[str]) -> list[str]:
    """Column names made different, as a frame needs them."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
