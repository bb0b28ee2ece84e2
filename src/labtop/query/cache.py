"""What was read of a store, remembered: one Parquet file with the wide index, one with the environments' texts.

Safe to delete at any time, safe with several labtops at once (each file is written whole and renamed), and useless
rather than harmful when damaged or from another version. A copy of a store has the same id, so the path counts too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtop.errors import QueryError
from labtop.query.engine import Engine, quote_name, quote_text
from labtop.store.reader import check_parquet

SCHEMA = 7
"""Counts up whenever columns or their meaning change."""

ROW_GROUP = 20_480
"""Rows that are found together: what a page needs is decompressed for so many."""

_VALUES_AT_ONCE = 12_000_000  # a row group is held whole while it is written
_ROWS_AT_ONCE = 2048  # of DuckDB
_KEY = "labtop"
_MOST_TRIES = 10

Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CachedIndex:
    """An index file that can be used: its state and which columns it has."""

    state: Mapping[str, Any]
    columns: Mapping[str, str]  # key → SQL type
    rows: int
    identity: Identity


class Cache:
    """The cache folder of one store at one path. Nothing here raises: without a cache all works, only slower."""

    def __init__(self, root: Path, store_id: str, store: Path) -> None:
        where = hashlib.sha256(os.fsencode(store.resolve())).hexdigest()[:16]
        self._store = os.fsdecode(os.fsencode(store.resolve())).encode("utf-8", "backslashreplace").decode()
        self._store_id = store_id
        self.folder = root / _plain(store_id) / where
        self.index = self.folder / "index.parquet"
        self.environments = self.folder / "environments.parquet"
        self._checksum = self.folder / "index.crc32"

    def load(self, engine: Engine) -> CachedIndex | None:
        """The index file, if there is one that this version of labtop wrote for this store."""
        identity = self.identity()
        if identity is None or check_parquet(self.index) is not None or not self._is_whole():
            return None
        try:
            said = engine.query(
                "SELECT value FROM parquet_kv_metadata(?) WHERE key = ?::BLOB", [str(self.index), _KEY]
            )
            state = json.loads(bytes(said[0][0]).decode("utf-8"))
            if state["identity"] != self._wanted():
                return None
            described = engine.query("DESCRIBE SELECT * FROM read_parquet([?])", [str(self.index)])
            rows = _rows_in(engine, self.index)
        except (QueryError, LookupError, TypeError, ValueError):
            return None
        return CachedIndex(state, {row[0]: row[1] for row in described}, rows, identity)

    def save(
        self,
        engine: Engine,
        select: str,
        rows: int,
        columns: int,
        state: Mapping[str, Any],
        environments: str,
    ) -> bool:
        """Write both files; False when that is not possible, or `select` does not give as many rows as it should."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # a reader that has the new index must find its environments
            self._write(engine, self.environments, environments, None, None)
            wanted = {**state, "identity": self._wanted()}
            if not self._write(engine, self.index, select, rows, wanted, _row_group(columns)):
                return False
            self._write_checksum()
        except (QueryError, OSError):
            return False
        return True

    def _write_checksum(self) -> None:
        """Write the checksum of the index file, until it is that: another process may put its own file there."""
        for _ in range(_MOST_TRIES):
            draft = self._draft(self._checksum)
            draft.write_text(_crc32(self.index), "ascii")
            draft.replace(self._checksum)
            if self._is_whole():
                return

    def identity(self) -> Identity | None:
        """What tells one version of the index file from the next."""
        try:
            found = self.index.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _is_whole(self) -> bool:
        """Whether no bit of the index file has changed: neither Parquet as DuckDB writes it nor zstd would tell."""
        try:
            return self._checksum.read_text("ascii") == _crc32(self.index)
        except (OSError, ValueError):
            return False

    def _wanted(self) -> list[object]:
        return [SCHEMA, self._store_id, self._store]

    @staticmethod
    def _draft(path: Path) -> Path:
        return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")

    def _write(
        self,
        engine: Engine,
        path: Path,
        select: str,
        rows: int | None,
        state: Mapping[str, Any] | None,
        row_group: int = ROW_GROUP,
    ) -> bool:
        draft = self._draft(path)
        said = ""
        if state is not None:
            # JSON in ASCII: whatever the names are, the literal is plain
            said = f", KV_METADATA {{{quote_name(_KEY)}: {quote_text(json.dumps(state))}}}"
        is_wide = row_group < ROW_GROUP
        if is_wide:  # the dictionaries of thousands of columns take 50 MB, and make the file no smaller
            said += ", DICTIONARY_SIZE_LIMIT 1"
        try:
            # each thread holds a row group
            with engine.one_thread() if is_wide else contextlib.nullcontext():
                engine.execute(
                    f"""COPY ({select}) TO {quote_text(str(draft))}
                        (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {row_group}{said})"""
                )
            if rows is not None and _rows_in(engine, draft) != rows:
                return False
            draft.chmod(0o600)
            draft.replace(path)
            return True
        finally:
            draft.unlink(missing_ok=True)


def _row_group(columns: int) -> int:
    """Rows of a row group; fewer of a table of a thousand columns."""
    return max(_ROWS_AT_ONCE, min(ROW_GROUP, _VALUES_AT_ONCE // columns // _ROWS_AT_ONCE * _ROWS_AT_ONCE))


def _rows_in(engine: Engine, path: Path) -> int:
    ((rows,),) = engine.query("SELECT sum(num_rows) FROM parquet_file_metadata([?])", [str(path)])
    return int(rows or 0)


def _crc32(path: Path) -> str:
    checksum = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(2**20):
            checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x}"


def _plain(store_id: str) -> str:
    """A store's id as a folder name, whatever somebody wrote into the marker."""
    if store_id.replace("-", "").isalnum() and store_id.isascii() and len(store_id) <= 64:
        return store_id
    return hashlib.sha256(store_id.encode("utf-8", "backslashreplace")).hexdigest()[:32]
