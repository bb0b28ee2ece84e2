"""All that is recorded of single runs of a catalog, as of now: one, or many some hundred files at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtop.errors import InputError, LabtopError, NoRunError, QueryError
from labtop.model.run import RunRecord
from labtop.query.engine import InterruptedQueryError, quote_name
from labtop.query.processes import with_writers
from labtop.query.run_folders import RunFolders
from labtop.query.run_index import RunIndex
from labtop.store.format import RECORD_COLUMNS, decode_record, encode_record
from labtop.store.layout import RECORD
from labtop.store.live import record_without_file
from labtop.store.status import infer_status

if TYPE_CHECKING:
    from labtop.query.packed_records import PackedRecords
    from labtop.sources.landed import Landed

_FEW = 200
RECORDS_AT_ONCE = 500
"""Records read with one query: some megabytes of JSON."""


class RunRecords:
    """The records of the runs in `index`. May be asked from any thread.

    Args:
        packed: reads those that lie in the packs of a mirror.
        refresh: reads again what turned out to be damaged.
        read: reads runs that are unread, by their folders.
    """

    def __init__(
        self,
        index: RunIndex,
        folders: RunFolders,
        packed: PackedRecords | None,
        refresh: Callable[[], object],
        read: Callable[[Collection[str]], object],
    ) -> None:
        self._read = read
        self._index = index
        self._folders = folders
        self._packed = packed
        self._refresh = refresh

    def one(self, run_id: str) -> RunRecord:
        """The record of a run, with its status inferred and later edits applied.

        Raises NoRunError; InputError when it became unreadable meanwhile.
        """
        folder = self._folders.places([run_id]).get(run_id)
        if folder is None:
            raise NoRunError(f"no run {run_id!r}", "list them with 'labtop ls'")
        try:
            record = decode_record(self._rows([folder])[0])
        except InterruptedQueryError:
            raise  # a newer question came; the file is well
        except (QueryError, IndexError) as error:
            if (folder / RECORD).exists():
                raise InputError(f"{folder / RECORD} cannot be read: {error}") from error
            if not folder.exists():
                raise NoRunError(f"run {run_id!r} is gone: {folder} was removed") from error
            record = record_without_file(folder, f"{RECORD} is missing")
        return self._as_of_now(record, folder)

    def many(self, run_ids: Sequence[str]) -> Iterator[RunRecord]:
        """The records of many runs, in their order. Raises as `one` does."""
        self._read_unread(run_ids)
        for start in range(0, len(run_ids), RECORDS_AT_ONCE):
            ids = run_ids[start : start + RECORDS_AT_ONCE]
            folders = self._folders.places(ids)
            try:
                found = {str(row["id"]): row for row in self._rows(list(folders.values()))}
            except InterruptedQueryError:
                raise
            except QueryError:
                found = {}  # one of the files is damaged or gone: one at a time tells which
            for run_id in ids:
                if run_id in found and run_id in folders:
                    yield self._as_of_now(decode_record(found[run_id]), folders[run_id])
                else:
                    yield self.one(run_id)

    def _read_unread(self, run_ids: Sequence[str]) -> None:
        """Bring those that are unread into the mirror, if they are many: each time takes as long as some hundred."""
        if self._packed is not None and len(run_ids) > RECORDS_AT_ONCE:
            unread = self._packed.packs.unread(self._index.folders_of_ids(run_ids).values())
            if len(unread) > _FEW:
                self._read(list(unread))

    def _rows(self, folders: Sequence[Path]) -> list[dict[str, Any]]:
        """Records as rows, out of packs or out of folders."""
        inside, folders = self._packed_rows(folders)
        if not folders:
            return inside
        names = ", ".join(quote_name(name) for name in RECORD_COLUMNS)
        return inside + self._index.engine.dictionaries(
            f"SELECT {names} FROM (SELECT * FROM read_parquet(?, union_by_name = true))",
            [[str(folder / RECORD) for folder in folders]],
        )

    def _packed_rows(self, folders: Sequence[Path]) -> tuple[list[dict[str, Any]], Sequence[Path]]:
        """The rows of records that lie in packs, and the folders of all others."""
        packed = self._packed
        if packed is None:
            return [], folders
        names = {
            each: each.relative_to(self._index.store).as_posix()
            for each in folders
            if not (each / RECORD).exists()
        }
        unread = self._unread_rows(packed.packs.unread(names.values()))
        inside = packed.rows(names.values())
        if packed.packs.lost:
            self._refresh()
            inside = packed.rows(names.values())
        return unread + inside, [
            each for each in folders if names.get(each, "") not in packed or (each / RECORD).exists()
        ]

    def _unread_rows(self, unread: Mapping[str, Landed]) -> list[dict[str, Any]]:
        """The rows of records of unread runs, if they are few; others, and what is odd, are brought into the mirror."""
        if not unread:
            return []
        from labtop.sources.unread import records_of

        try:
            if len(unread) <= _FEW:
                return [encode_record(record) for _, record in records_of(unread)]
        except (OSError, LabtopError, UnicodeEncodeError):
            pass
        self._read(list(unread))
        return []

    def _as_of_now(self, record: RunRecord, folder: Path) -> RunRecord:
        """A record with what its writer had not folded, who wrote it, its status as it is seen now, and later edits."""
        record = with_writers(self._index.live.fold(record, folder), folder)
        if not record.status.is_end:
            record = replace(record, status=infer_status(record, self._index.live.beats))
        edit = self._index.edits.runs.get(record.id)
        return edit.apply(record) if edit else record
