"""A process that reads records of a large store and makes rows of them: `python -c … main()`, started by `ReaderPool`.

It is asked with a line of JSON on its standard input and answers with one on its standard output. Asked to read, it
says which params and metrics the records have; told where their columns are, it writes the rows into a file. What is
not a whole record of a run that has ended, written by labtop, it leaves to its parent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labtop.query.chunk import Layout, row_values, seen_in
from labtop.query.encoded_record import COLUMNS, DOCUMENTS, REPEATED, EncodedRecord
from labtop.query.loading import write_rows
from labtop.query.processes import look_at_ranks
from labtop.query.record_files import record_path, stamp_of
from labtop.query.record_row import RecordRow, RowMaker
from labtop.store.record_bytes import Cell, OddRecordError, RecordBytes

# a FIFO must not stop the reading
_HOW = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class RowReader:
    """Reads records of the store at `store`, a chunk at a time."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._bytes = RecordBytes(COLUMNS, REPEATED)
        self._maker = RowMaker()
        self._rows: list[RecordRow] = []
        self._told: set[int] = set()

    def read(self, folders: Sequence[str]) -> dict[str, Any]:
        """Read the records of folders; what is in them, and the folders that are left to the parent."""
        self._rows, left = [], []
        for folder in folders:
            row = self._read(folder)
            if row is None:
                left.append(folder)
            else:
                self._rows.append(row)
        self._rows.sort(key=lambda row: (-(row.record.started_us or 0), row.record.id))
        seen = seen_in(self._rows)
        environments = {row.environment[0]: row.environment[1] for row in self._rows if row.environment}
        new = environments.keys() - self._told
        self._told |= new
        return {
            "left": left,
            "runs": [(row.record.folder, row.record.id) for row in self._rows],
            "params": [(each.path, sorted(each.types), each.runs) for each in seen.params],
            "metrics": seen.metrics,
            "environments": [(each, _text(environments[each])) for each in new],
        }

    def write(self, path: str, numbers: dict[str, int], layout: Layout) -> int:
        """Write the rows that got a number into a file; the length of the longest."""
        return write_rows(
            Path(path),
            (
                row_values(row, numbers[row.record.folder], layout)
                for row in self._rows
                if row.record.folder in numbers
            ),
        )

    def _read(self, folder: str) -> RecordRow | None:
        try:
            descriptor = os.open(record_path(self._store, folder), _HOW)
            try:
                status = os.fstat(descriptor)
                content = os.read(descriptor, status.st_size + 1)
            finally:
                os.close(descriptor)
            record = _record(folder, stamp_of(status), self._bytes.read(content))
            record = record._replace(ranks=look_at_ranks(f"{self._store}/{folder}"))
            return self._maker.row(record) if record.is_settled else None
        except (OSError, OddRecordError, ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return None  # the parent finds out what is the matter


def _record(folder: str, stamp: int, cells: dict[str, Cell]) -> EncodedRecord:
    def text(name: str) -> str:
        return _text(cells[name] or b"")

    run_id, started, ended = text("id"), cells["started_at"], cells["ended_at"]
    if not run_id or isinstance(started, bytes) or isinstance(ended, bytes):
        raise OddRecordError("no record of a run")
    documents = {name: cell for name in DOCUMENTS if not isinstance(cell := cells[name], int)}
    return EncodedRecord(
        folder, stamp, run_id, text("name"), text("project"), text("status"), started, ended, documents
    )


def _text(content: Cell | str) -> str:
    if isinstance(content, bytes):
        return content.decode("utf-8")
    raise OddRecordError("no text")


def main() -> None:
    """Answer one question after the other until the parent says no more, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which ends this process
    reader = RowReader(Path(json.loads(sys.stdin.readline())))
    for line in sys.stdin:
        asked = json.loads(line)
        if "read" in asked:
            answer: Any = reader.read(asked["read"])
        else:
            answer = reader.write(asked["write"], asked["numbers"], _layout(asked["layout"]))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _layout(said: dict[str, Any]) -> Layout:
    return Layout(
        columns=tuple((key, sql) for key, sql in said["columns"]),
        params={tuple(path): (place, type_name) for path, place, type_name in said["params"]},
        metrics=said["metrics"],
    )
