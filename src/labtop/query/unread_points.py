"""Reads the points of runs that their place has only listed so far, when an answer needs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from labtop.query.intake import Intake
from labtop.query.reading import Progress
from labtop.query.unread_rows import UNREAD_STAMP

if TYPE_CHECKING:
    from labtop.sources.mirror import Mirror

LOOKED_AGAIN_S = 0.1
"""How often one looks whether another thread or process has read what is waited for."""

_FEW = 200  # runs whose points are read for their rows alone


class Update(Protocol):
    """Brings the mirror up to date; of the runs that are unread, `only` these are read."""

    def __call__(
        self, on_progress: Progress | None, is_whole: bool, only: AbstractSet[str] | None = None
    ) -> bool:
        """Whether rows are others than before."""


class UnreadPoints:
    """Of the runs of a catalog, if it has a mirror. May be asked from any thread; `update` is for who holds `lock`."""

    def __init__(self, intake: Intake, mirror: Mirror | None, lock: threading.Lock, update: Update) -> None:
        self._intake = intake
        self._mirror = mirror
        self._lock = lock
        self._update = update
        self.is_lazy = False
        """Whether answers see to it themselves that what they need is read: nobody else reads it."""
        self.waiting: Callable[[], AbstractContextManager[Progress | None]] = nullcontext
        """Around whatever has to read many points before it can answer; gives who is told how far it is."""

    def read(self, folders: Collection[str] | None = None) -> None:
        """Bring those of some runs, or of all, that are unread into the mirror."""
        if self._mirror is None or not self._mirror.packs.unread(folders):
            return
        packs = self._mirror.packs
        with self.waiting() as on_progress:
            while wanted := packs.unread(folders):
                self._mirror.ask(wanted)  # of another thread, if one reads now
                if not self._lock.acquire(timeout=LOOKED_AGAIN_S):
                    continue
                try:
                    before = packs.loads
                    self._update(on_progress, is_whole=False, only=wanted.keys())
                    if not self._mirror.is_read_elsewhere and packs.loads == before:
                        return  # what is still unread cannot be read
                finally:
                    self._lock.release()
                time.sleep(LOOKED_AGAIN_S)

    def need(self, keys: Iterable[str], rows: Sequence[int] | None = None) -> None:
        """Read what an answer needs that has these columns of some rows, or of all."""
        if not self.is_lazy or self._mirror is None or not self._mirror.packs.unread():
            return
        if not any(self._intake.index.table.is_of_points(key) for key in keys):
            return
        if rows is not None and len(rows) <= _FEW:
            with self._lock:
                if unread := self._mirror.packs.unread(self.lacking(rows)):
                    self._intake.look_at(unread)
        if folders := self.lacking(rows):
            self.read(folders)

    def lacking(self, rows: Sequence[int] | None) -> list[str]:
        """The folders of those of some rows, or of all, that were made without the points of their runs."""
        index = self._intake.index
        chosen, given = "true", []
        if rows is not None:
            chosen, given = '"row" IN (SELECT unnest(?::UINTEGER[]))', [list(rows)]
        found = index.engine.query(
            f"""SELECT _folder FROM {index.table.relation(["_folder", "_stamp"])}
                WHERE _stamp = {UNREAD_STAMP} AND {chosen}""",
            given,
        )
        return [folder for (folder,) in found]
