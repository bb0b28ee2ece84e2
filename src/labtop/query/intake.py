"""Brings a store's runs into the run table and keeps them up to date: the writing half of a catalog.

Order of work: what the cache remembers, then project folders that changed, then runs without an end, then edits.
Every step is small when nothing happened: O(projects + runs without an end).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labtop.query.cache import Cache
from labtop.query.cached_rows import CachedRows
from labtop.query.engine import Engine
from labtop.query.environments import Environments
from labtop.query.known_folders import KnownFolders
from labtop.query.packed_records import PackedRecords
from labtop.query.reading import Progress, Reading
from labtop.query.request import Problem
from labtop.query.run_index import RunIndex
from labtop.store.layout import FORMAT, LEDGER, MARKER, StoreInfo
from labtop.store.ledger import read_events

if TYPE_CHECKING:
    from labtop.sources.landed import Landed


class Intake:
    """Fills `index` from a store. `refresh` is for one thread at a time; `on_change` is told when rows moved."""

    def __init__(
        self,
        engine: Engine,
        store: Path,
        info: StoreInfo,
        cache: Cache,
        on_change: Callable[[], None],
        ledgers: Callable[[], Sequence[Path]],
        packed: PackedRecords | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._on_change = on_change
        self.index = RunIndex(engine, store, packed or frozenset())
        self.environments = Environments(self.index, cache.environments)
        self._known = KnownFolders(self.index, None if packed is None else packed.packs)
        self.cached = CachedRows(self.index, self._known, self.environments, cache, on_change)
        self._reading = Reading(self.index, self._known, self.environments, on_change, packed)
        self._ledgers = ledgers
        self._ledger_times: dict[Path, int] = {}
        self._is_open = False
        self._had_marker = (store / MARKER).exists()
        if info.format > FORMAT:
            self.index.note(
                store,
                f"written in format {info.format}; this labtop knows {FORMAT}: shown as far as it is understood, "
                "never written to",
            )

    def refresh(
        self, on_progress: Progress | None, changed: Iterable[str] = (), more_comes: bool = False
    ) -> bool:
        """Look again at what may have changed; True when anything did. `Engine.interrupt` does not stop it.

        `changed` are run folders of which somebody knows that they are to be read again. Nothing is written to the
        cache yet where `more_comes`.
        """
        with self._engine.shielded():
            try:
                has_changed = self._refresh(on_progress, changed)
                if not more_comes:
                    self.cached.save_if_worth_it()
                return has_changed
            except BaseException:
                self._known.forget()
                raise

    def _refresh(self, on_progress: Progress | None, rewritten: Iterable[str]) -> bool:
        before = dict(self.index.problems)
        changed = False
        if not self._is_open:
            changed = self.cached.take(on_progress)
        if self._is_gone():
            return changed or before != self.index.problems
        if self.cached.is_gone:
            self._reading.read(self.cached.lost_folders(), None)
        listed = self._known.look()
        changed |= listed.removed > 0
        to_read = [*listed.to_read, *self.index.live.changed_folders(), *rewritten]
        if self._is_open:
            to_read += self._known.patrol()
        if to_read:
            changed |= self._reading.read(list(dict.fromkeys(to_read)), on_progress)
        changed |= self.index.follow_statuses()
        for store in self._ledgers():
            changed |= self._follow_ledger(store)
        self._is_open = True
        if changed:
            self._on_change()
        return changed or before != self.index.problems

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
            self.index.problems[key] = Problem(str(self._store), reason)
        else:
            self.index.problems.pop(key, None)
        return bool(reason)

    def _follow_ledger(self, store: Path) -> bool:
        """Take in later edits from the ledger of a store; True when there are any."""
        try:
            modified = (store / LEDGER).stat().st_mtime_ns
        except OSError:
            return False
        if modified == self._ledger_times.get(store) and self._is_open:
            return False
        edits = self.index.edits
        events = read_events(store, after=edits.last.get(str(store), 0))
        for problem in events.problems:
            self.index.note(problem.path, problem.reason)
        self._ledger_times[store] = 0 if events.events else modified  # once more, until nothing new is there
        hurt = [run_id for run_id, edit in edits.runs.items() if edit.damage] if events.events else []
        touched = edits.fold(events.events, str(store))
        self.index.lay_edits(touched)
        if mended := [run_id for run_id in hurt if not edits.runs[run_id].damage]:
            folders = self.index.folders_of_ids(mended).values()
            self._reading.read(list(folders), None)  # their records' own problems count again
        return bool(touched)

    def look_at(self, unread: Mapping[str, Landed]) -> None:
        """Read the points of runs that were only listed, for their rows alone. `Engine.interrupt` does not stop it."""
        with self._engine.shielded():
            self._reading.look_at(unread)
            self._on_change()

    def close(self) -> None:
        """Save what is not remembered yet."""
        self.cached.save_at_the_end()
