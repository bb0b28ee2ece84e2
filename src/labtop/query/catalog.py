"""Which runs exist, and answers about them: filtered, sorted, grouped, cell by cell.

The one door between what lies on disk and every view. Reads no point of a metric unless asked for points.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from labtop.errors import NoStoreError, QueryError
from labtop.model.columns import Column
from labtop.model.run import RunRecord
from labtop.query.cache import Cache
from labtop.query.cache_place import CachePlace
from labtop.query.column_profiles import profile_rows
from labtop.query.engine import Engine, InterruptedQueryError
from labtop.query.found_columns import FoundColumn
from labtop.query.groups import group_rows
from labtop.query.intake import Intake
from labtop.query.reading import Progress
from labtop.query.request import (
    EVERYTHING,
    Aggregate,
    ColumnProfile,
    CompiledFilter,
    Problem,
    RunGroup,
    Selection,
    SortKey,
    TableQuery,
)
from labtop.query.resolve import resolve
from labtop.query.run_folders import RunFolders
from labtop.query.run_records import RunRecords
from labtop.query.sort import DEFAULT_ORDER, FOREIGN_TIES, order_by
from labtop.query.unread_points import LOOKED_AGAIN_S, UnreadPoints
from labtop.settings import Settings, cache_folder, edits_folder
from labtop.store.layout import create_store, is_store, read_store_info
from labtop.store.reader import PointFiles, list_point_files

if TYPE_CHECKING:
    from labtop.query.packed_records import PackedRecords
    from labtop.sources.finding import Survey
    from labtop.sources.mirror import Mirror

__all__ = [
    "Aggregate",
    "Catalog",
    "ColumnProfile",
    "Problem",
    "RunGroup",
    "Selection",
    "SortKey",
    "TableQuery",
]


Answer = TypeVar("Answer")


class Catalog:
    """The runs of the store at `root`, or of all logs and stores below it. All methods may be called from any thread.

    Nothing is read by the constructor but the store's marker; `refresh` reads, and reads only what is new. `path` is
    the store that is read: `root`, or what was made in the cache of other trackers' logs.

    Arguments:
        seen: what was found at `root` already.

    Raises:
        NoStoreError: `root` is not there.
        InputError: its marker cannot be understood.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings | None = None,
        cache_root: Path | None = None,
        seen: Survey | None = None,
    ) -> None:
        self.root = self.path = Path(root)
        self.settings = settings or Settings()
        self.mirror: Mirror | None = None
        self._cache_place: CachePlace | None = None
        if seen is not None or not is_store(self.root):
            self._cache_place = CachePlace(cache_root or cache_folder())
            self.mirror = _mirror(self.root, self._cache_place.path, seen)
            self.path = self.mirror.store
        self.info = read_store_info(self.path)
        self.engine = Engine()
        # rows of a table are told apart by their number, so DuckDB may read files in any order, twice as fast
        self.engine.execute("SET preserve_insertion_order = false; SET enable_external_file_cache = false")
        # give memory back when it is free: 40 MB less after a hundred thousand runs were loaded
        self.engine.execute("SET allocator_background_threads = true; SET allocator_flush_threshold = '1MB'")
        self.revision = 0
        self._refreshing = threading.Lock()
        cache = Cache(cache_root or cache_folder(), self.info.store_id, self.path)
        packed = None if self.mirror is None else _packed(self.engine, self.mirror)
        self._intake = Intake(self.engine, self.path, self.info, cache, self._moved, self.ledgers, packed)
        index = self._intake.index
        self.unread = UnreadPoints(self._intake, self.mirror, self._refreshing, self._update)
        """Reads points that an answer needs, where runs were only listed so far."""
        packs = None if packed is None else packed.packs
        self.folders = RunFolders(index, packs, self.refresh, self.unread.read)
        """Where the runs lie."""
        self._records = RunRecords(index, self.folders, packed, self.refresh, self.unread.read)
        self._last: tuple[int, TableQuery, Selection] | None = None

    def _moved(self) -> None:
        self.revision += 1

    # What there is

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read, in the order of paths."""
        found = list(self._intake.index.problems.copy().values())
        if self.mirror is not None:
            found += (Problem(path, reason) for path, reason in self.mirror.problems.items())
        return tuple(sorted(found, key=lambda each: each.path))

    @property
    def is_moving(self) -> bool:
        """Whether logs of other trackers were written to in the last minutes, so that looking often is worth it."""
        return self.mirror is not None and self.mirror.is_moving

    @property
    def cut(self) -> str:
        """What the table leaves out ("812 metrics beyond the 1,000 most common"), or nothing."""
        cut = self._intake.index.found.cut
        return ", ".join(
            f"{cut[kind]:,} {kind}s beyond the 1,000 most common" for kind in ("param", "metric") if cut[kind]
        )

    @property
    def notice(self) -> str:
        """What a person should know of how the runs are read, or nothing."""
        return self._cache_place.notice if self._cache_place is not None else ""

    def columns(self) -> tuple[Column, ...]:
        """The columns there are: fields, then params, then metrics; spark columns are asked for by key."""
        return self._intake.index.found.columns()

    def refresh(self, on_progress: Progress | None = None) -> bool:
        """Look again at what may have changed; True when something did. Rows appear chunk by chunk.

        A refresh that runs in another thread is waited for.
        """
        return self._refresh(on_progress, is_whole=False)

    def _refresh(self, on_progress: Progress | None, is_whole: bool) -> bool:
        with self._refreshing:
            changed = self._intake.refresh(None if self.mirror else on_progress)
            if self.mirror is not None:
                changed |= self._update(on_progress, is_whole)
                if not self.unread.is_lazy:  # or it is written once at the end, with what is read until then
                    self._intake.cached.save_if_worth_it()
            return changed

    def _update(
        self, on_progress: Progress | None, is_whole: bool, only: AbstractSet[str] | None = None
    ) -> bool:
        """Bring the mirror up to date, and the table with it. For who holds the lock."""
        from labtop.sources.depth import Depth

        assert self.mirror is not None
        changed = False
        is_lazy = self.unread.is_lazy or only is not None
        depth = Depth.LISTED if is_lazy else Depth.WHOLE if is_whole else Depth.LISTED_FIRST
        for folders in self.mirror.update(on_progress, depth, only):
            changed |= self._intake.refresh(None, folders, more_comes=True)
        return changed

    def read_all(self, on_progress: Progress | None = None, lazily: bool = False) -> bool:
        """Refresh until all is read, also what another process is at; True when something changed.

        Read `lazily`, runs that their place tells of in a moment are told of by that, from now on; their points are
        read when an answer needs them.
        """
        self.unread.is_lazy = lazily
        changed = self._refresh(on_progress, is_whole=True)
        if not self._is_read_elsewhere():
            return changed
        while self._is_read_elsewhere():
            time.sleep(LOOKED_AGAIN_S)
            changed |= self._refresh(on_progress, is_whole=True)
        changed |= self._refresh(on_progress, is_whole=True)  # what the other has packed is known by now
        return changed

    def _is_read_elsewhere(self) -> bool:
        return self.mirror is not None and self.mirror.is_read_elsewhere

    # Where edits are kept

    def ledgers(self) -> tuple[Path, ...]:
        """The stores whose ledgers hold the edits of the runs."""
        return (self.path,) if self.mirror is None else (edits_folder(), *self.mirror.stores)

    def ledger_of(self, run_id: str) -> Path:
        """The store whose ledger takes an edit of a run: its own, or the user's for runs of other trackers."""
        folder = self.folders.places([run_id]).get(run_id)
        if self.mirror is None or folder is None:
            return self.path
        above = folder.resolve().parents
        for store in self.mirror.stores:
            if store.resolve() in above:
                return store
        create_store(edits_folder())
        return edits_folder()

    # Answers

    def select(self, query: TableQuery) -> Selection:
        """The runs that a query asks for. Raises FilterError, InterruptedQueryError."""
        last = self._last
        if last is not None and last[0] == self.revision and last[1] == query:
            return last[2]
        selection = self._again(lambda: self._select(query))
        self._last = selection.revision, query, selection
        return selection

    def _select(self, query: TableQuery) -> Selection:
        table = self._intake.index.table
        condition = self._condition(query.where)
        shown = "true" if query.archived else "NOT archived"
        ties = () if self.mirror is None else FOREIGN_TIES
        keys = {*condition.keys, *(each.column for each in query.sort), *DEFAULT_ORDER, *ties, "archived"}
        self.unread.need(keys)
        order = order_by(query.sort, table.types, {each.key: each.type.name for each in self.columns()}, ties)
        revision = self.revision
        documents = ""
        if any(key.startswith("env.") for key in condition.keys):
            self._intake.environments.load()
            documents = f""", documents AS (
                SELECT e."row", environments.text AS environment
                FROM {table.relation(["_environment"])} e JOIN environments ON environments.hash = e._environment)"""
        rows = self.engine.query(
            f"""WITH run_index AS (SELECT * FROM {table.relation(keys)}){documents}
                SELECT "row" FROM run_index WHERE {shown} AND ({condition.sql}) ORDER BY {order}""",
            condition.parameters,
        )
        numbers = array("I", [row[0] for row in rows])
        total = len(numbers)
        if query.where.strip():
            relation = table.relation(["archived"])
            total = self.engine.query(f"SELECT count(*) FROM {relation} WHERE {shown}")[0][0]
        return Selection(revision, numbers, total)

    def _condition(self, where: str) -> CompiledFilter:
        if where.strip():
            from labtop.query.filter import compile_filter  # its language takes a while to import

            return compile_filter(where, self.columns(), self.engine)
        return EVERYTHING

    def _again(self, ask: Callable[[], Answer]) -> Answer:
        """Ask; once more if it failed, for the columns may have changed while DuckDB was working."""
        try:
            return ask()
        except InterruptedQueryError:
            raise
        except QueryError:
            return ask()

    def cells(self, rows: Sequence[int], keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """Values of columns for some rows, in the order of `rows`; a key that no run has gives None."""
        self.unread.need(keys, rows)
        found = self._again(lambda: self._intake.index.table.cells(rows, keys))
        nothing = (None,) * len(keys)
        return [found.get(row, nothing) for row in rows]

    def profile(self, selection: Selection, keys: Sequence[str]) -> dict[str, ColumnProfile]:
        """What columns hold in a selection: whether they vary, and their range. Unknown keys are left out."""
        self.unread.need(keys, selection.rows)
        return self._again(lambda: profile_rows(self.engine, self._intake.index.table, selection.rows, keys))

    def group(
        self, selection: Selection, by: Sequence[str] | Literal["seed"], values: Sequence[str]
    ) -> tuple[RunGroup, ...]:
        """Runs grouped by columns, or "seed": the same but for the seed. In the order of first appearance."""
        self.unread.need([*(by if by != "seed" else ()), *values], selection.rows)
        return self._again(
            lambda: group_rows(
                self.engine, self._intake.index.table, self._intake.index.found, selection.rows, by, values
            )
        )

    # Single runs

    def resolve(self, text: str) -> str:
        """The id of the run that `text` names: an id or its prefix, a name, @last, @last~2, best:METRIC, best:-METRIC.

        The best run is the one whose metric was highest (best:) or lowest (best:-) at any step.
        Raises NoRunError, AmbiguousRunError.
        """
        if text.strip().startswith("best:"):
            self.unread.read()
        return self._again(
            lambda: resolve(self.engine, self._intake.index.table, self._intake.index.found, text)
        )

    def row_of(self, run_id: str) -> int | None:
        """The row number of a run."""
        found = self.engine.query(
            f'SELECT "row" FROM {self._intake.index.table.relation(["id"])} WHERE id = ?', [run_id]
        )
        return found[0][0] if found else None

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of rows, in their order; empty for a run that went away."""
        return [row[0] or "" for row in self.cells(rows, ["id"])]

    def has_run(self, run_id: str) -> bool:
        """Whether there is such a run."""
        return self.row_of(run_id) is not None

    def record(self, run_id: str) -> RunRecord:
        """All that is recorded of a run, with its status inferred and later edits applied.

        Raises NoRunError; InputError when its record became unreadable meanwhile.
        """
        return self._records.one(run_id)

    def records(self, run_ids: Sequence[str]) -> Iterator[RunRecord]:
        """The records of many runs, in order, read some hundred files at a time. Raises as `record` does."""
        return self._records.many(run_ids)

    # Files

    def run_folder(self, run_id: str) -> Path | None:
        """The folder of a run, made if it lay in a pack so far; None for one that is not there."""
        return self.folders.make([run_id]).get(run_id)

    def point_files(self, run_id: str) -> PointFiles:
        """The checked files that hold the points of a run."""
        folder = self.run_folder(run_id)
        return PointFiles() if folder is None else list_point_files(folder)

    # For other modules of query

    def relation(self, keys: Sequence[str]) -> str:
        """A subquery for `engine` with the number (`row`) and some columns of all runs."""
        self.unread.need(keys)
        return self._intake.index.table.relation(keys)

    def environments(self) -> str:
        """A subquery for `engine` with `run_id` and `environment` (JSON) of all runs that recorded one."""
        self._intake.environments.load()
        return f"""(SELECT e.id AS run_id, environments.text AS environment
            FROM {self._intake.index.table.relation(["id", "_environment"])} e
            JOIN environments ON environments.hash = e._environment)"""

    def found_columns(self) -> list[FoundColumn]:
        """Params and metrics with their place in the record."""
        return list(self._intake.index.found.by_path.values())

    def suggest(self, prefix: str) -> list[str]:
        """Names of columns that start with `prefix`, then those that contain it."""
        wanted = prefix.casefold()
        names = list(dict.fromkeys(each.name for each in self.columns()))
        starts = [name for name in names if name.casefold().startswith(wanted)]
        return starts + [name for name in names if wanted in name.casefold() and name not in starts]

    def interrupt(self) -> None:
        """Stop a select, group or points that runs in another thread."""
        self.engine.interrupt()

    def close(self) -> None:
        """Remember what was read in the cache, and free memory."""
        with self._refreshing:
            self._intake.close()
            self.engine.close()
            if self._cache_place is not None:
                self._cache_place.close()


def _packed(engine: Engine, mirror: Mirror) -> PackedRecords:
    from labtop.query.packed_records import PackedRecords

    return PackedRecords(engine, mirror.packs)


def _mirror(root: Path, cache_root: Path, seen: Survey | None) -> Mirror:
    from labtop.sources.mirror import Mirror

    if not root.exists():
        raise NoStoreError(f"{root} does not exist", "name a store, or a folder with runs below it")
    return Mirror(root, cache_root, seen)
