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
from pathlib import Path
from typing import Any

from labtop.formats.sqlite_file import table_columns
from labtop.model.run import RunRecord
from labtop.sources.bounding import MOST_CHARACTERS
from labtop.sources.mlflow import words
from labtop.sources.mlflow.facts import RunFacts, labels, record_of, typed_param
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
_OWN = frozenset(RUN.index(name) for name in ("run_uuid", "name", "start_time", "end_time", "artifact_uri"))
Texts = Mapping[str, Mapping[str, str]]


class SqlListing:
    """Tells of runs of the database at `place`. Raises sqlite3.Error where it is damaged."""

    def __init__(self, connection: sqlite3.Connection, place: Path) -> None:
        self._connection = connection
        self._place = place
        self._tables = Tables(connection)
        self._experiments = self._tables.experiments()
        self._commons: dict[Any, RunRecord] = {}
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
            for row in rows:
                has_points = rows_told(some[row[0]].version)[1] > 0
                if row[0] in special or has_points != bool(last.get(row[0])):
                    continue
                told = self._listed(row, params.get(row[0], {}), tags.get(row[0], {}), last.get(row[0], {}))
                if told is not None:
                    yield told

    def _texts(self, table: str, ids: str) -> Texts:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for run, key, value in self._tables.of_ids(table, ("run_uuid", "key", "value"), ids):
            found[run][words.text_of(key)] = words.text_of(value)
        return found

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
                found[run][key] = value if abs(value) < _LARGEST else math.copysign(math.inf, value)
        for run in odd:
            found.pop(run, None)
        return found

    def _with_data(self, ids: str) -> frozenset[str]:
        """Runs that read data sets, which are told by more tables."""
        rows = self._tables.of_ids("inputs", ("destination_id",), ids, "destination_id")
        return frozenset(run for (run,) in rows)

    def _listed(
        self,
        row: tuple[Any, ...],
        texts: Mapping[str, str],
        tags: Mapping[str, str],
        last: Mapping[str, float],
    ) -> Listed | None:
        run = dict(zip(RUN, row, strict=True))
        started, ended = words.time_of(run["start_time"]), words.time_of(run["end_time"])
        is_whole = started is not None and (ended is not None) == (run["end_time"] not in (None, ""))
        if started is None or not is_whole or not words.status_of(run["status"]).is_end:
            return None
        if any(len(text) > MOST_CHARACTERS for text in texts.values()):
            return None
        params = {key: typed_param(text) for key, text in texts.items()}
        seeds = seeds_in(params)
        return Listed(
            key=run["run_uuid"],
            identity=words.identity_of(run["run_uuid"]),
            common=self._common(row, tags, seeds),
            name=words.text_of(run["name"]) or tags.get(words.RUN_NAME, ""),
            run_id=run["run_uuid"],
            started_at=started,
            ended_at=ended,
            params=params,
            seeds=seeds,
            tags=labels(tags, run["user_id"], run["source_type"], run["entry_point_name"]),
            last=dict(sorted(last.items())),
        )

    def _common(self, row: tuple[Any, ...], tags: Mapping[str, str], seeds: Mapping[str, int]) -> RunRecord:
        telling = {key: tags[key] for key in _TELLING & tags.keys()}
        same = tuple(each for at, each in enumerate(row) if at not in _OWN)
        told = (same, tuple(sorted(telling.items())), tuple(seeds))
        known = self._commons.get(told)
        if known is None:
            facts: RunFacts = run_facts(row, self._experiments)
            facts.tags.update(telling)
            record = record_of(facts, str(self._place))
            randomness = replace(record.randomness, seeds=dict(seeds))
            known = self._commons[told] = replace(record, randomness=randomness)
        return known
