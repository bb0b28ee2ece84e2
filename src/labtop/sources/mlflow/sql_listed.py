"""Tells of the runs of an MLflow database without reading their points: thousands by one pass over its small tables.

MLflow itself keeps the last value of every metric in a table of its own, in the order by which points are read.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from labtop.formats.sqlite_file import table_columns
from labtop.formats.typed_text import is_decimal
from labtop.model.run import RunRecord
from labtop.sources.bounding import MOST_CHARACTERS
from labtop.sources.mlflow import words
from labtop.sources.mlflow.facts import RunFacts, column_labels, labels, record_of, typed_param
from labtop.sources.mlflow.tables import RUN, Tables, rows_told, run_facts
from labtop.sources.seeds import seeds_in
from labtop.sources.source import Listed, RunRef

_AT_ONCE = 5_000
_LARGEST = 1.7976931348623157e308
_LAST_VALUES = {"run_uuid", "key", "value", "is_nan"}
_TELLING = frozenset(
    (
        *(words.NOTE, words.PARENT, words.SOURCE_NAME, words.COMMIT, words.BRANCH, words.REMOTE),
        *(words.OLD_REMOTE, words.DIRTY, words.IMAGE),
        *("mlflow.databricks.gitRepoCommit", "mlflow.databricks.gitRepoUrl"),
    )
)  # tags by which the records of two runs differ in more than their tags
_OWN = ("run_uuid", "name", "start_time", "end_time", "artifact_uri")
_own = itemgetter(*map(RUN.index, _OWN))
_shared = itemgetter(*(at for at, name in enumerate(RUN) if name not in _OWN))
_labelled = itemgetter(*map(RUN.index, ("user_id", "source_type", "entry_point_name")))
_STATUS = RUN.index("status")
_texts_of = msgspec.json.Decoder(dict[str, str]).decode


class _Values(dict[str, Any]):
    """The values that texts stand for; a text that many runs have is understood once."""

    def __missing__(self, text: str) -> Any:
        value = self[text] = float(text) if is_decimal(text) else typed_param(text)
        return value


class SqlListing:
    """Tells of runs of the database at `place`. Raises sqlite3.Error where it is damaged."""

    def __init__(self, connection: sqlite3.Connection, place: Path) -> None:
        self._connection = connection
        self._place = place
        self._tables = Tables(connection)
        self._experiments = self._tables.experiments()
        self._commons: dict[Any, RunRecord | None] = {}
        self._labels: dict[Any, Mapping[str, str]] = {}
        self._values = _Values()
        self.can_tell = table_columns(connection, "latest_metrics") >= _LAST_VALUES

    def runs(self, refs: Sequence[RunRef]) -> Iterator[Listed]:
        """Tell of runs. Left out are those that have not ended, and those of which anything is in doubt."""
        for start in range(0, len(refs), _AT_ONCE):
            some = {ref.key: ref for ref in refs[start : start + _AT_ONCE]}
            ids = json.dumps(list(some))
            params, tags = self._texts("params", ids), self._texts("tags", ids)
            last = self._last_values(ids)
            special = self._with_data(ids)
            rows = list(self._tables.of_ids("runs", RUN, ids))
            if self._tables.problems:
                return
            self._values.clear()
            for row in rows:
                run = row[0]
                has_points = rows_told(some[run].version)[1] > 0
                if run in special or has_points != bool(last.get(run)):
                    continue
                told = self._listed(row, params.get(run, "{}"), tags.get(run, "{}"), last.get(run, {}))
                if told is not None:
                    yield told

    def _texts(self, table: str, ids: str) -> dict[str, str]:
        """The keys and values of each run in a table, as JSON: SQLite puts them together many times as fast."""
        if "run_uuid" not in table_columns(self._connection, table):
            return {}
        query = f"""SELECT run_uuid, json_group_object(ifnull(key, ''), ifnull(value, '')) FROM "{table}"
            WHERE run_uuid IN (SELECT value FROM json_each(?)) GROUP BY run_uuid"""
        return dict(self._connection.execute(query, [ids]).fetchall())

    def _last_values(self, ids: str) -> dict[str, dict[str, float]]:
        """The last value of each metric by run; nothing of runs that have one which is no number."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        odd = set()
        wanted = ("run_uuid", "key", "value", "is_nan")
        for run, key, value, is_nan in self._tables.of_ids("latest_metrics", wanted, ids):
            if type(value) is not float or type(key) is not str:
                odd.add(run)
            elif is_nan:
                found[run][key] = math.nan
            else:
                found[run][key] = value if -_LARGEST < value < _LARGEST else math.copysign(math.inf, value)
        for run in odd:
            found.pop(run, None)
        return found

    def _with_data(self, ids: str) -> frozenset[str]:
        """Runs that read data sets, which are told by more tables."""
        rows = self._tables.of_ids("inputs", ("destination_id",), ids, "destination_id")
        return frozenset(run for (run,) in rows)

    def _listed(
        self, row: tuple[Any, ...], params_text: str, tags_text: str, last: Mapping[str, float]
    ) -> Listed | None:
        run, name, start_time, end_time, _ = _own(row)
        started, ended = words.micros_of(start_time), words.micros_of(end_time)
        if started is None or (ended is not None) != (end_time not in (None, "")):
            return None
        try:
            texts, tags = _texts_of(params_text), _texts_of(tags_text)
        except msgspec.MsgspecError:
            return None  # values that are no texts
        if len(params_text) > MOST_CHARACTERS and max(map(len, texts.values())) > MOST_CHARACTERS:
            return None
        values = self._values
        params = {key: values[text] for key, text in texts.items()}
        seeds = seeds_in(params) if "seed" in params_text.lower() else {}
        common = self._common(row, tags, seeds)
        if common is None:
            return None
        return Listed(
            run,
            words.identity_of(run),
            common,
            words.text_of(name) or tags.get(words.RUN_NAME, ""),
            run,
            started,
            ended,
            params,
            seeds,
            labels(tags, self._labels_of(_labelled(row))),
            dict(sorted(last.items())),
        )

    def _labels_of(self, told: tuple[Any, ...]) -> Mapping[str, str]:
        known = self._labels.get(told)
        if known is None:
            known = self._labels[told] = column_labels(*told)
        return known

    def _common(
        self, row: tuple[Any, ...], tags: Mapping[str, str], seeds: Mapping[str, int]
    ) -> RunRecord | None:
        """What a run has in common with others; None for one that has not ended."""
        telling = sorted((key, text) for key, text in tags.items() if key in _TELLING)
        told = (_shared(row), tuple(telling), tuple(seeds))
        if told in self._commons:
            return self._commons[told]
        known = None
        if words.status_of(row[_STATUS]).is_end:
            facts: RunFacts = run_facts(row, self._experiments)
            facts.tags.update(telling)
            record = record_of(facts, str(self._place))
            known = replace(record, randomness=replace(record.randomness, seeds=dict(seeds)))
        self._commons[told] = known
        return known
