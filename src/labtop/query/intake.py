"""Brings a store's runs into the run table and keeps them up to date: the writing half of a catalog.

Order of work: what the cache remembers, then project folders that changed, then runs without an end, then edits.
Every step is small when nothing happened: O(projects + runs without an end).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from labtop.errors import LabtopError, QueryError
from labtop.query.cache import Cache, CachedIndex, Identity
from labtop.query.edits import Edits
from labtop.query.engine import Engine, InterruptedQueryError, quote_name, quote_text
from labtop.query.found_columns import FoundColumns
from labtop.query.index import SCRATCH, ChunkIndexer
from labtop.query.listing import list_changes
from labtop.query.live import LiveRuns
from labtop.query.record_files import ChunkRead, read_records, stamp_of
from labtop.query.request import Problem
from labtop.query.table import RunTable
from labtop.store.layout import FORMAT, LEDGER, MARKER, RECORD, StoreInfo
from labtop.store.ledger import read_events
from labtop.store.reader import list_point_files

Progress = Callable[[int, int], None]

_FIRST_CHUNK = 250  # rows on screen soon
_CHUNK = 1000
_WORTH_SAVING = 64
_WORTH_SAVING_SHARE = 0.02
_CHEAP_TO_SAVE = 20_000
_PATROL = 200
_CACHED = "(t._final OR t.status = 'crashed')"


@dataclass
class _Known:
    """What is known of the store's folders."""

    times: dict[str, int] = field(default_factory=dict)  # project → modification time
    folders: dict[str, set[str]] = field(default_factory=dict)  # of projects that changed in this session
    pending: set[str] = field(default_factory=set)  # run folders without a record so far
    damaged: dict[str, int] = field(default_factory=dict)  # run folder → what identifies the damaged record


class Intake:
    """Fills `table` from a store. `refresh` is for one thread at a time; `on_change` is told when rows moved."""

    def __init__(
        self, engine: Engine, store: Path, info: StoreInfo, cache: Cache, on_change: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._store = store
        self._cache = cache
        self._on_change = on_change
        self._known = _Known()
        self._ledger_time = 0
        self._next_row = 0
        self._uncached = 0
        self._cache_columns: dict[str, str] = {}
        self._cache_identity: Identity | None = None
        self._cache_failed = False
        self._is_open = False
        self._environments_loaded = False
        self._loading_environments = threading.Lock()
        self._patrol_at = 0
        self._removed = 0
        self._had_marker = (store / MARKER).exists()
        self.problems: dict[str, Problem] = {}
        self.found = FoundColumns()
        self.edits = Edits()
        self.table = RunTable(engine, self.found)
        self.live = LiveRuns(engine, store)
        engine.execute("CREATE TABLE environments (hash UBIGINT, text VARCHAR)")
        if info.format > FORMAT:
            self._note(
                str(store),
                f"written in format {info.format}; this labtop knows {FORMAT}: shown as far as it is understood, "
                "never written to",
            )

    # Refresh

    def refresh(self, on_progress: Progress | None) -> bool:
        """Look again at what may have changed; True when anything did. `Engine.interrupt` does not stop it."""
        with self._engine.shielded():
            try:
                return self._refresh(on_progress)
            except BaseException:
                # what was listed may not have been read: list it all again
                self._known.times = {}
                self._known.folders.clear()
                raise

    def _refresh(self, on_progress: Progress | None) -> bool:
        before = dict(self.problems)
        changed = False
        if not self._is_open:
            changed = self._open(on_progress)
        if self._is_gone():
            return changed or before != self.problems
        if self._cache_failed:
            self._forget_base()
        to_read = self._listed_folders() + self.live.changed_folders() + self._patrolled_folders()
        changed |= self._removed > 0
        if to_read:
            changed |= self._read(list(dict.fromkeys(to_read)), on_progress)
        changed |= self._follow_statuses()
        changed |= self._follow_ledger()
        self._is_open = True
        if changed:
            self._on_change()
        self._save_if_worth_it()
        return changed or before != self.problems

    def _is_gone(self) -> bool:
        """Whether the store went away; its last rows stay, and it may come back."""
        key = f"{self._store} (away)"
        reason = ""
        try:
            next(self._store.iterdir(), None)
            if self._had_marker and not (self._store / MARKER).exists():
                reason = f"{MARKER} is gone: moved, removed or not mounted; what is shown was read before"
        except OSError as error:
            reason = f"cannot be listed ({error.strerror or error}); what is shown was read before"
        if reason:
            self.problems[key] = Problem(str(self._store), reason)
        else:
            self.problems.pop(key, None)
        return bool(reason)

    def _note(self, path: str, reason: str) -> None:
        self.problems[path] = Problem(path, reason)

    # What the cache remembers

    def _open(self, on_progress: Progress | None) -> bool:
        cached = self._cache.load(self._engine)
        if cached is None:
            return False
        try:
            self._take(cached, on_progress)
        except (
            LookupError,
            TypeError,
            ValueError,
            QueryError,
        ):  # damaged where the first look did not see it
            self._engine.execute("DROP TABLE IF EXISTS fresh")
            self.found, self.edits, self._known, self._next_row = FoundColumns(), Edits(), _Known(), 0
            self.table = RunTable(self._engine, self.found)
            return False
        return True

    def _take(self, cached: CachedIndex, on_progress: Progress | None) -> None:
        state = cached.state
        self.found = FoundColumns.from_json(state["columns"], state["cut"])
        self.edits = Edits(**state["edits"])
        self._known.times = dict(state["times"])
        self._known.pending = set(state["pending"])
        self._cache_columns = dict(cached.columns)
        self._cache_identity = cached.identity
        self._engine.execute("DROP TABLE IF EXISTS fresh")
        self.table = RunTable(self._engine, self.found)
        self._engine.execute(
            f"""CREATE OR REPLACE VIEW base_file AS
                SELECT file_row_number::UINTEGER AS "row", * EXCLUDE (file_row_number)
                FROM read_parquet([{quote_text(str(self._cache.index))}], file_row_number = true)"""
        )
        self._next_row = cached.rows
        # the first page straight from the file, the rest of the way from memory
        self.table.set_base("base_file", True, None)
        self._on_change()
        if on_progress:
            on_progress(cached.rows, cached.rows)
        columns = ", ".join(quote_name(key) for key in self.table.common_keys())
        # several threads decompress several row groups at once: 45 MB more at the peak for a tenth of a second
        with self._engine.one_thread():
            self._engine.execute(f"CREATE OR REPLACE TABLE base AS SELECT {columns} FROM base_file")
        if self._cache.identity() != cached.identity:
            raise ValueError("another labtop replaced the file meanwhile")
        self.table.set_base("base", False, self._load_cold)
        unended = self._engine.query('SELECT "row", id, _folder, _stamp FROM base WHERE NOT _final')
        for row, run_id, folder, stamp in unended:
            self.live.adopt(row, run_id, folder, stamp)
        self._on_change()

    def _load_cold(self, name: str, keys: Sequence[str]) -> None:
        """Columns of `base` from the file; found by folder and stamp, for another labtop may have replaced it."""
        there = [key for key in keys if key in self._cache_columns]
        columns = ", ".join(
            f"p.{quote_name(key)}" if key in there else f"NULL::{self.table.types[key]} AS {quote_name(key)}"
            for key in keys
        )
        if not there:
            self._engine.execute(f'CREATE TABLE {name} AS SELECT "row", {columns} FROM base WHERE false')
            return
        try:
            if self._load_cold_by_place(name, columns):
                return
            self._engine.execute(
                f"""CREATE OR REPLACE TABLE {name} AS SELECT b."row", {columns} FROM base b
                    JOIN read_parquet([{quote_text(str(self._cache.index))}]) p
                    ON p._folder = b._folder AND p._stamp = b._stamp"""
            )
            loaded, wanted = self._engine.query(
                f"SELECT (SELECT count(*) FROM {name}), (SELECT count(*) FROM base)"
            )[0]
            self._cache_failed |= loaded < wanted
        except QueryError:
            nothing = ", ".join(f"NULL::{self.table.types[key]} AS {quote_name(key)}" for key in keys)
            self._engine.execute(
                f'CREATE OR REPLACE TABLE {name} AS SELECT "row", {nothing} FROM base WHERE false'
            )
            self._cache_failed = True

    def _load_cold_by_place(self, name: str, columns: str) -> bool:
        """The same by the place of rows, a quarter of the time; False when the file is not the one that was loaded."""
        if self._cache.identity() != self._cache_identity:
            return False
        self._engine.execute(
            f"""CREATE OR REPLACE TABLE {name} AS SELECT p.file_row_number::UINTEGER AS "row", {columns}
                FROM read_parquet([{quote_text(str(self._cache.index))}], file_row_number = true) p"""
        )
        return self._cache.identity() == self._cache_identity

    def _forget_base(self) -> None:
        """The cache went away under us: what it still held of our rows is read again from the records."""
        self._cache_failed = False
        folders = [row[0] for row in self._engine.query("SELECT _folder FROM base ORDER BY started_at DESC")]
        self._read(folders, None)

    # What is on disk

    def _listed_folders(self) -> list[str]:
        """Run folders that were never read, or could not be."""
        known = self._known
        self._removed = 0
        listing = list_changes(self._store, known.times)
        for project in listing.gone:
            self._remove(list(self._folders_of(project)))
            known.folders.pop(project, None)
        there: dict[str, set[str]] = {project: set() for project in listing.changed}
        for folder in listing.run_folders:
            there[folder.split("/", 1)[0]].add(folder)
        new: list[str] = []
        for project, folders in there.items():
            before = self._folders_of(project)
            self._remove(sorted(before - folders))
            new += [folder for folder in listing.run_folders if folder in folders and folder not in before]
            known.folders[project] = folders
        known.times = dict(listing.times)
        return [*(each for each in known.pending if each not in set(new)), *new, *self._mended_folders()]

    def _folders_of(self, project: str) -> set[str]:
        """Run folders of a project that were seen so far."""
        if project not in self._known.folders:
            of_project = [f"{project}/"]
            rows = self._engine.query(
                f"SELECT _folder FROM {self.table.relation(['_folder'])} WHERE starts_with(_folder, ?)",
                of_project,
            )
            seen = {row[0] for row in rows}
            self._known.folders[project] = seen | {
                each
                for each in (*self._known.pending, *self._known.damaged)
                if each.startswith(of_project[0])
            }
        return self._known.folders[project]

    def _mended_folders(self) -> list[str]:
        """Run folders whose record was damaged and is another now."""
        mended = []
        for folder, stamp in self._known.damaged.items():
            try:
                if stamp_of((self._store / folder / RECORD).stat()) != stamp:
                    mended.append(folder)
            except OSError:
                mended.append(folder)
        return mended

    def _patrolled_folders(self) -> list[str]:
        """A few finished runs a time are looked at, in turn: one may have been resumed or edited by hand."""
        if not self._is_open:
            return []
        relation = self.table.relation(["_folder", "_stamp", "_final"])
        rows = self._engine.query(
            f'SELECT "row", _folder, _stamp FROM {relation} WHERE _final AND "row" >= ? ORDER BY "row" LIMIT ?',
            [self._patrol_at, _PATROL],
        )
        self._patrol_at = rows[-1][0] + 1 if len(rows) == _PATROL else 0
        changed = []
        for _, folder, stamp in rows:
            try:
                if stamp_of((self._store / folder / RECORD).stat()) != stamp:
                    changed.append(folder)
            except OSError:  # that it is gone shows in the project folder
                continue
        return changed

    def _remove(self, folders: Sequence[str]) -> None:
        """Forget runs whose folders are gone."""
        if not folders:
            return
        for folder in folders:
            self._known.pending.discard(folder)
            self._known.damaged.pop(folder, None)
            self.problems.pop(f"{self._store}/{folder}/{RECORD}", None)
        rows = self._rows_of(folders)
        self.table.remove(list(rows.values()))
        self.live.forget(rows.values())
        self._removed += len(rows)

    def _rows_of(self, folders: Sequence[str]) -> dict[str, int]:
        relation = self.table.relation(["_folder"])
        return dict(
            self._engine.query(
                f"""SELECT _folder, "row" FROM {relation} r
                    WHERE _folder IN (SELECT unnest(?::VARCHAR[]))""",
                [list(folders)],
            )
        )

    # Reading

    def _read(self, folders: Sequence[str], on_progress: Progress | None) -> bool:
        """Read records chunk by chunk; rows can be seen after each."""
        done, changed = 0, False
        for chunk, read in self._chunks_read(folders):
            self._note_damage(chunk, {each.path: each for each in read.problems})
            self._note_missing(chunk, read.missing)
            if self._number_rows():
                self._index_what_can_be()
                changed = True
                self._on_change()
            done += len(chunk)
            if on_progress:
                on_progress(done, len(folders))
        self._engine.execute("; ".join(f"DROP TABLE IF EXISTS {table}" for table in SCRATCH))
        return changed

    def _chunks_read(self, folders: Sequence[str]) -> Iterator[tuple[Sequence[str], ChunkRead]]:
        """Chunks, each in the table `chunk` when it is given. The next is read while one is indexed."""
        chunks = list(_chunks(folders))
        if len(chunks) == 1:  # a thread of its own would cost memory of its own
            yield folders, read_records(self._engine, self._store, folders)
            return
        with ThreadPoolExecutor(1, "labtop-read") as reader:

            def read(chunk: Sequence[str]) -> Future[ChunkRead]:
                return reader.submit(self._read_ahead, chunk)

            reading = read(chunks[0])
            for at, chunk in enumerate(chunks):
                outcome = reading.result()
                self._engine.execute("DROP TABLE IF EXISTS chunk; ALTER TABLE next_chunk RENAME TO chunk")
                if at + 1 < len(chunks):
                    reading = read(chunks[at + 1])
                yield chunk, outcome

    def _read_ahead(self, chunk: Sequence[str]) -> ChunkRead:
        with self._engine.shielded():
            return read_records(self._engine, self._store, chunk, "next_chunk")

    def _note_damage(self, chunk: Sequence[str], problems: dict[str, Problem]) -> None:
        for folder in chunk:
            path = f"{self._store}/{folder}/{RECORD}"
            problem = problems.get(path)
            if problem is None:
                self._known.damaged.pop(folder, None)
                self.problems.pop(path, None)
                continue
            self.problems[path] = problem
            try:
                self._known.damaged[folder] = stamp_of(Path(path).stat())
            except OSError:
                self._known.damaged[folder] = 0

    def _note_missing(self, chunk: Sequence[str], missing: Sequence[str]) -> None:
        self._known.pending.difference_update(chunk)
        for folder in missing:
            self._known.pending.add(folder)
            if list_point_files(self._store / folder).logs:
                path = f"{self._store}/{folder}/{RECORD}"
                self._note(path, "is missing, though points were logged: the run never wrote its record")
                self.live.add_without_record(folder)

    def _number_rows(self) -> int:
        """Give the runs of `chunk` their row numbers: those they have, or new ones. How many runs there are."""
        found = self._engine.query("SELECT folder, id FROM chunk ORDER BY started_at DESC NULLS LAST, id")
        if not found:
            return 0
        numbers = self._rows_of([folder for folder, _ in found])
        doubles = self._doubles(found)
        for folder, _ in found:
            if folder not in numbers and folder not in doubles:
                numbers[folder] = self._next_row
                self._next_row += 1
        if doubles:
            self._engine.execute(
                "DELETE FROM chunk WHERE folder IN (SELECT unnest(?::VARCHAR[]))", [list(doubles)]
            )
        self._engine.execute(
            """UPDATE chunk SET "row" = g."row"
               FROM (SELECT unnest(?::VARCHAR[]) AS folder, unnest(?::UINTEGER[]) AS "row") g
               WHERE chunk.folder = g.folder""",
            [list(numbers), list(numbers.values())],
        )
        return len(found) - len(doubles)

    def _doubles(self, found: Sequence[tuple[str, str]]) -> set[str]:
        """Folders of the chunk whose run is there already, from another folder: a copy within the store."""
        relation = self.table.relation(["id", "_folder"])
        there: dict[str, str] = dict(
            self._engine.query(
                f"SELECT id, _folder FROM {relation} r WHERE id IN (SELECT unnest(?::VARCHAR[]))",
                [[run_id for _, run_id in found]],
            )
        )
        doubles = set()
        for folder, run_id in found:
            first = there.setdefault(run_id, folder)
            if first != folder:
                doubles.add(folder)
                self._note(f"{self._store}/{folder}/{RECORD}", f"the same run as {first}; that one is shown")
        return doubles

    def _index_what_can_be(self, depth: int = 0) -> None:
        """Index the runs of `chunk`; should that fail, halve it until the run that is to blame stands alone."""
        try:
            self._index_chunk()
            return
        except InterruptedQueryError:
            raise
        except QueryError as error:
            found = self._engine.query("SELECT folder, stamp FROM chunk ORDER BY folder")
            if len(found) == 1:
                folder, stamp = found[0]
                self._note(f"{self._store}/{folder}/{RECORD}", error.message.splitlines()[0])
                self._known.damaged[folder] = stamp
                return
        whole, half = f"whole_chunk_{depth}", len(found) // 2
        self._engine.execute(f"CREATE OR REPLACE TABLE {whole} AS SELECT * FROM chunk")
        for part in (found[:half], found[half:]):
            self._engine.execute(
                f"""CREATE OR REPLACE TABLE chunk AS SELECT * FROM {whole}
                    WHERE folder IN (SELECT unnest(?::VARCHAR[]))""",
                [[folder for folder, _ in part]],
            )
            self._index_what_can_be(depth + 1)
        self._engine.execute(f"DROP TABLE {whole}")

    def _index_chunk(self) -> None:
        self.live.complete_chunk()
        indexer = ChunkIndexer(self._engine, self.found)
        self.table.adapt(indexer.learn())
        indexer.make()
        self.table.put()
        self._engine.execute(
            """INSERT INTO environments
               SELECT DISTINCT hash(environment), environment FROM chunk
               WHERE environment IS NOT NULL AND hash(environment) NOT IN (SELECT hash FROM environments)"""
        )
        chunk_ids = [row[0] for row in self._engine.query("SELECT id FROM chunk")] if self.edits.runs else []
        self._lay_edits(run_id for run_id in chunk_ids if run_id in self.edits.runs)
        self._uncached += self._engine.query(f"SELECT count(*) FROM index_chunk t WHERE {_CACHED}")[0][0]

    # Statuses and edits

    def _follow_statuses(self) -> bool:
        changed = self.live.changed_statuses()
        if changed:
            self.table.update(
                "status = g.status",
                'SELECT unnest(?::UINTEGER[]) AS "row", unnest(?::VARCHAR[]) AS status',
                [list(changed), [str(each) for each in changed.values()]],
            )
        return bool(changed)

    def _follow_ledger(self) -> bool:
        try:
            modified = (self._store / LEDGER).stat().st_mtime_ns
        except OSError:
            return False
        if modified == self._ledger_time and self._is_open:
            return False
        events = read_events(self._store, after=self.edits.last)
        for problem in events.problems:
            self._note(str(problem.path), problem.reason)
        self._ledger_time = 0 if events.events else modified  # once more, until nothing new is there
        hurt = [run_id for run_id, edit in self.edits.runs.items() if edit.damage] if events.events else []
        touched = self.edits.fold(events.events)
        self._lay_edits(touched)
        if mended := [run_id for run_id in hurt if not self.edits.runs[run_id].damage]:
            self._read(self._folders_with_ids(mended), None)  # their records' own problems count again
        return bool(touched)

    def _folders_with_ids(self, run_ids: Sequence[str]) -> list[str]:
        relation = self.table.relation(["id", "_folder"])
        rows = self._engine.query(
            f"SELECT _folder FROM {relation} r WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(run_ids)]
        )
        return [row[0] for row in rows]

    def _lay_edits(self, run_ids: Iterable[str]) -> None:
        """Put edits into the table. Laying one twice does no harm."""
        wanted = list(run_ids)
        if not wanted:
            return
        relation = self.table.relation(["id", "tags"])
        rows = self._engine.query(
            f'SELECT "row", id, tags FROM {relation} r WHERE id IN (SELECT unnest(?::VARCHAR[]))', [wanted]
        )
        if not rows:
            return
        edits = [self.edits.runs[run_id] for _, run_id, _ in rows]
        self.table.update(
            """name = coalesce(g.name, t.name), archived = coalesce(g.archived, t.archived),
               problems = greatest(t.problems, g.damage),
               notes = if(g.notes IS NULL, t.notes, nullif(g.notes, '')), tags = g.tags""",
            """SELECT unnest(?::UINTEGER[]) AS "row", unnest(?::VARCHAR[]) AS name, unnest(?::BOOLEAN[]) AS archived,
                      unnest(?::BIGINT[]) AS damage,
                      unnest(?::VARCHAR[]) AS notes, unnest(?::VARCHAR[][]) AS tags""",
            [
                [row for row, *_ in rows],
                [each.name for each in edits],
                [each.archived for each in edits],
                [len(each.damage) for each in edits],
                [each.notes for each in edits],
                [list(edit.edited_tags(tags or ())) for edit, (_, _, tags) in zip(edits, rows, strict=True)],
            ],
        )

    # Remembering

    def _save_if_worth_it(self) -> None:
        if self._uncached > max(_WORTH_SAVING, _WORTH_SAVING_SHARE * self._next_row):
            self.save()

    def close(self) -> None:
        """Save what is not remembered yet, unless that would take longer than it is worth."""
        if self._uncached and (self._next_row <= _CHEAP_TO_SAVE or self._uncached > _WORTH_SAVING):
            self.save()

    def save(self) -> bool:
        """Write the cache: runs that have ended, and crashed ones."""
        with self._engine.shielded():
            return self._save()

    def _save(self) -> bool:
        self.load_environments()
        state = {
            "columns": self.found.as_json(),
            "cut": dict(self.found.cut),
            "edits": self.edits.as_json(),
            "times": dict(self._known.times),
            "pending": sorted({*self._known.pending, *self._known.damaged, *self._unended_folders()}),
        }
        saved = self._cache.save(
            self._engine, self._select_for_cache(), state, "SELECT hash, text FROM environments"
        )
        self._uncached = 0 if saved else -(2**62)  # a folder that cannot be written is not tried again
        return saved

    def _unended_folders(self) -> list[str]:
        relation = self.table.relation(["_folder", "_final", "status"])
        return [row[0] for row in self._engine.query(f"SELECT _folder FROM {relation} t WHERE NOT {_CACHED}")]

    def _select_for_cache(self) -> str:
        types = self.table.types
        keys = [key for key in types if key != "row"]
        names = ", ".join(f"t.{quote_name(key)}" for key in keys)
        parts = [f"SELECT {names} FROM fresh t WHERE {_CACHED}"]
        if self.table.has_base and self._engine.query("SELECT 1 FROM base LIMIT 1"):
            common = set(self.table.common_keys())
            columns = ", ".join(
                f"t.{quote_name(key)}"
                if key in common
                else f"p.{quote_name(key)}"
                if key in self._cache_columns
                else f"NULL::{types[key]}"
                for key in keys
            )
            parts.append(
                f"""SELECT {columns} FROM base t JOIN read_parquet([{quote_text(str(self._cache.index))}]) p
                    ON p._folder = t._folder AND p._stamp = t._stamp WHERE {_CACHED}"""
            )
        # newest first, so that the first page lies in the first row group
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY started_at DESC NULLS LAST, id"

    def load_environments(self) -> None:
        """Bring the environments' texts into memory, once, for filters that read them."""
        with self._engine.shielded(), self._loading_environments:
            if not self._environments_loaded:
                self._environments_loaded = True
                self._load_environments()

    def _load_environments(self) -> None:
        try:
            self._engine.execute(
                """INSERT INTO environments SELECT hash, text FROM read_parquet([?])
                   WHERE hash NOT IN (SELECT hash FROM environments)""",
                [str(self._cache.environments)],
            )
        except QueryError:
            pass  # read from the records below
        relation = self.table.relation(["_folder", "_environment"])
        missing = self._engine.query(
            f"""SELECT any_value(_folder) FROM {relation} r
                WHERE _environment IS NOT NULL AND _environment NOT IN (SELECT hash FROM environments)
                GROUP BY _environment"""
        )
        if missing:
            try:
                self._engine.execute(
                    """INSERT INTO environments SELECT DISTINCT hash(environment), environment FROM read_parquet(?)""",
                    [[f"{self._store}/{folder}/{RECORD}" for (folder,) in missing]],
                )
            except LabtopError:
                self._environments_loaded = False


def _chunks(folders: Sequence[str]) -> Iterator[Sequence[str]]:
    """Folders in chunks, a small one first."""
    yield folders[:_FIRST_CHUNK]
    for start in range(_FIRST_CHUNK, len(folders), _CHUNK):
        yield folders[start : start + _CHUNK]
