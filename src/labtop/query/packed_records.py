"""Reads the records of runs of a mirror that have no folder: out of packs, hundreds with one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labtop.errors import QueryError
from labtop.query.encoded_record import COLUMNS, EncodedRecord
from labtop.query.engine import Engine, InterruptedQueryError, quote_name
from labtop.query.record_files import column_sql, stamp_of_file
from labtop.store.format import RECORD_COLUMNS

if TYPE_CHECKING:
    from labtop.sources.packs import Pack, Packs
    from labtop.sources.unread import Unread

_RUNS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class PackedRecords:
    """Reads records out of `packs`; of one that is damaged it says so to them, and gives nothing."""

    engine: Engine
    packs: Packs

    def __contains__(self, folder: object) -> bool:
        return folder in self.packs

    def unread(self, folders: Iterable[str]) -> list[Unread]:
        """What is known of those runs that are unread."""
        return self.packs.told.take(self.packs.unread(folders))

    def chunks(self, folders: Iterable[str]) -> Iterator[list[EncodedRecord]]:
        """The records of runs that lie in packs, some packs at a time."""
        some: list[Pack] = []
        for pack in self.packs.of(folders):
            some.append(pack)
            if sum(len(each.runs) for each in some) >= _RUNS_AT_ONCE:
                yield self._read(some)
                some = []
        if some:
            yield self._read(some)

    def _read(self, packs: Sequence[Pack]) -> list[EncodedRecord]:
        columns = ", ".join(column_sql(name) for name in COLUMNS)
        stamps = {str(each.records): stamp_of_file(str(each.records)) or 0 for each in packs}
        shown = {folder: run for each in packs for folder, run in each.runs.items()}
        rows = self._rows(packs, f"SELECT filename, _folder, {columns}", "filename = true")
        return [
            EncodedRecord.of_row(shown[row[1]], stamps[row[0]], row[2:]) for row in rows if row[1] in shown
        ]

    def rows(self, folders: Iterable[str]) -> list[dict[str, Any]]:
        """All columns of the records of runs that lie in packs."""
        packs = self.packs.of(folders)
        names = list(RECORD_COLUMNS)
        select = f"SELECT _folder, {', '.join(map(quote_name, names))}"
        wanted = {folder for each in packs for folder in each.runs}
        rows = self._rows(packs, select, "filename = false")
        return [dict(zip(names, row[1:], strict=True)) for row in rows if row[0] in wanted]

    def _rows(self, packs: Sequence[Pack], select: str, option: str) -> list[tuple[Any, ...]]:
        if not packs:
            return []
        try:
            return self.engine.query(
                f"""{select} FROM read_parquet(?, {option}, hive_partitioning = false)
                    WHERE _folder IN (SELECT unnest(?::VARCHAR[]))""",
                [[str(each.records) for each in packs], [folder for each in packs for folder in each.runs]],
            )
        except InterruptedQueryError:
            raise
        except QueryError:
            if len(packs) == 1:
                self.packs.lose(packs[0])
                return []
            return [row for each in packs for row in self._rows([each], select, option)]
