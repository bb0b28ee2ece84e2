"""Reads run folders chunk by chunk into the run table; rows can be seen after each.

Records are read here, or, where there are thousands, by other processes that hand over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from labtop.errors import LabtopError, QueryError
from labtop.query.chunk import Layout, layout_of, row_values, seen_in
from labtop.query.encoded_record import EncodedRecord
from labtop.query.engine import InterruptedQueryError
from labtop.query.environments import Environments
from labtop.query.known_folders import KnownFolders
from labtop.query.live import record_from_log
from labtop.query.loading import LatestValues
from labtop.query.packed_records import PackedRecords
from labtop.query.record_files import read_records
from labtop.query.record_row import RecordRow, RowMaker
from labtop.query.run_index import RunIndex
from labtop.query.unread_rows import UnreadRows, looked_at

if TYPE_CHECKING:
    from labtop.sources.landed import Landed
    from labtop.sources.unread import Unread

Progress = Callable[[int, int], None]
"""Told how many of how many records are read."""

FIRST_CHUNK = 100  # rows on screen soon
CHUNK = 500
UNREAD_CHUNK = 5000
WORTH_PROCESSES = 1500
"""Records that take longer to read than processes take to start."""


class Reading:
    """Reads records into `index`; `on_change` is told when rows moved."""

    def __init__(
        self,
        index: RunIndex,
        known: KnownFolders,
        environments: Environments,
        on_change: Callable[[], None],
        packed: PackedRecords | None = None,
    ) -> None:
        self._index = index
        self._known = known
        self._environments = environments
        self._on_change = on_change
        self._packed = packed
        self._maker = RowMaker()
        self._latest = LatestValues()

    def read(self, folders: Sequence[str], on_progress: Progress | None) -> bool:
        """Read the records of run folders, relative to the store; True when there are rows of them."""
        done, changed = 0, False
        for read, chunk_changed in self._chunks(folders):
            changed |= chunk_changed
            done += read
            if chunk_changed:
                self._on_change()
            if on_progress and read:
                on_progress(done, len(folders))
        return changed

    def _chunks(self, folders: Sequence[str]) -> Iterator[tuple[int, bool]]:
        """Read chunk after chunk; how many folders it had, and whether there are rows of them."""
        if self._packed is not None:
            inside = [each for each in folders if each in self._packed]
            self._known.note_damage(inside, {})
            self._known.note_missing(inside, ())
            unread = self._packed.unread(inside)
            for start in range(0, len(unread), UNREAD_CHUNK):
                told = unread[start : start + UNREAD_CHUNK]
                yield len(told), self._take_unread(told)
            for records in self._packed.chunks(inside):
                yield len(records), self._take(records)
            folders = [each for each in folders if each not in self._packed]
        first, rest = folders[:FIRST_CHUNK], folders[FIRST_CHUNK:]
        yield len(first), self._read_here(first)
        if len(rest) >= WORTH_PROCESSES:
            from labtop.query.shared_reading import SharedReading

            rest = yield from SharedReading(self._index, self._environments).chunks(rest, CHUNK)
        for start in range(0, len(rest), CHUNK):
            chunk = rest[start : start + CHUNK]
            yield len(chunk), self._read_here(chunk)

    def _read_here(self, folders: Sequence[str]) -> bool:
        read = read_records(self._index.engine, self._index.store, folders)
        self._known.note_damage(folders, {each.path: each.reason for each in read.problems})
        logged = self._known.note_missing(folders, read.missing)
        told = [record_from_log(self._index.store, folder) for folder in logged]
        return self._take([*read.records, *(each for each in told if each is not None)])

    def look_at(self, unread: Mapping[str, Landed]) -> None:
        """Read the points of some runs for their rows alone. What cannot be read is left."""
        from labtop.sources.unread import records_of

        try:
            self._take([looked_at(folder, record) for folder, record in records_of(unread)])
        except (OSError, LabtopError, UnicodeEncodeError):
            return

    def _take_unread(self, told: Sequence[Unread]) -> bool:
        """Put in rows of runs whose points were not read."""
        ordered = sorted(told, key=lambda each: (-(each.listed.started_us or 0), each.run_id))
        numbers, there = self._index.number([(each.folder, each.run_id) for each in ordered])
        maker = UnreadRows(self._maker)
        self._load([maker.row(each) for each in ordered if each.folder in numbers], numbers, there)
        return bool(numbers)

    def _take(self, records: Sequence[EncodedRecord]) -> bool:
        """Put records into the table; True when there are any."""
        # newest first, as the table is sorted until somebody sorts it
        ordered = sorted(records, key=lambda each: (-(each.started_us or 0), each.id))
        numbers, there = self._index.number([(each.folder, each.id) for each in ordered])
        rows = [row for each in ordered if each.folder in numbers and (row := self._row(each, numbers))]
        self._load(rows, numbers, there)
        return bool(numbers)

    def _load(self, rows: Sequence[RecordRow], numbers: dict[str, int], there: Sequence[int]) -> None:
        if rows:
            seen = seen_in(rows)
            self._index.learn(seen)
            self._put(rows, numbers, there, layout_of(seen, self._index.found))
            self._environments.add(row.environment for row in rows if row.environment)
            self._index.lay_edits(row.record.id for row in rows)

    def _row(self, record: EncodedRecord, numbers: dict[str, int]) -> RecordRow | None:
        try:
            return self._maker.row(record, self._index.live.latest(numbers[record.folder], record))
        except (LabtopError, ValueError, TypeError, OverflowError, RecursionError) as error:
            self._known.note_damaged(record.folder, f"cannot be understood: {error}", record.stamp)
            return None

    def _put(
        self, rows: Sequence[RecordRow], numbers: dict[str, int], there: Sequence[int], layout: Layout
    ) -> None:
        """Put rows in; should that fail, halve them until the run that is to blame stands alone."""
        of_rows = {numbers[row.record.folder] for row in rows}
        values = (row_values(row, numbers[row.record.folder], layout) for row in rows)
        replaced = [each for each in there if each in of_rows]
        try:
            self._latest.put(self._index.table, values, len(rows), layout, replaced)
        except InterruptedQueryError:
            raise
        except QueryError as error:
            if len(rows) == 1:
                record = rows[0].record
                self._known.note_damaged(record.folder, error.message.splitlines()[0], record.stamp)
                return
            half = len(rows) // 2
            self._put(rows[:half], numbers, there, layout)
            self._put(rows[half:], numbers, there, layout)
            return
        self._index.uncached += sum(
            row.values["_final"] or row.values.get("status") == "crashed" for row in rows
        )
