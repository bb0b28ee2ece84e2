"""The texts of runs' environments, each once: rows of the run table have its hash.

Only filters and views that look into environments need them, so those of the cache are loaded when one does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from labtop.errors import QueryError
from labtop.query.encoded_record import Document
from labtop.query.record_files import record_path
from labtop.query.record_row import text_hash
from labtop.query.run_index import RunIndex


class Environments:
    """The table `environments` (hash, text). `remembered` is the cache's file of them."""

    SQL = "SELECT hash, text FROM environments"

    def __init__(self, index: RunIndex, remembered: Path) -> None:
        self._index = index
        self._remembered = remembered
        self._here: set[int] = set()
        self._is_loaded = False
        self._loading = threading.Lock()
        index.engine.execute("CREATE TABLE environments (hash UBIGINT, text VARCHAR)")

    def add(self, environments: Iterable[tuple[int, Document]]) -> None:
        """Keep texts, given with their hashes."""
        new = {hash_: text for hash_, text in environments if hash_ not in self._here}
        if new:
            self._here |= new.keys()
            texts = [
                text if isinstance(text, str) else text.decode("utf-8", "replace") for text in new.values()
            ]
            self._index.engine.execute(
                """INSERT INTO environments SELECT * FROM
                   (SELECT unnest(?::UBIGINT[]) AS hash, unnest(?::VARCHAR[]) AS text)
                   WHERE hash NOT IN (SELECT hash FROM environments)""",
                [list(new), texts],
            )

    def load(self) -> None:
        """Bring all texts into memory, once."""
        with self._index.engine.shielded(), self._loading:
            if not self._is_loaded:
                self._is_loaded = self._load()

    def _load(self) -> bool:
        engine = self._index.engine
        try:
            engine.execute(
                """INSERT INTO environments SELECT hash, text FROM read_parquet([?])
                   WHERE hash NOT IN (SELECT hash FROM environments)""",
                [str(self._remembered)],
            )
        except QueryError:
            pass  # read from the records below
        missing = engine.query(
            f"""SELECT any_value(_folder) FROM {self._index.table.relation(["_folder", "_environment"])} r
                WHERE _environment IS NOT NULL AND _environment NOT IN (SELECT hash FROM environments)
                GROUP BY _environment"""
        )
        if missing:
            try:
                texts = engine.query(
                    "SELECT DISTINCT environment::VARCHAR FROM read_parquet(?) WHERE environment IS NOT NULL",
                    [[record_path(self._index.store, folder) for (folder,) in missing]],
                )
            except QueryError:
                return False
            self.add((text_hash(text), text) for (text,) in texts)
        return True
