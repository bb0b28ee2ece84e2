"""Writes MLflow databases with the tables of several ages of its schema, from what is known of its migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sources.writers.mlflow_files import START, run_id

_RUNS = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256) UNIQUE NOT NULL,
  artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32){experiments});
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
  source_name VARCHAR(500), entry_point_name VARCHAR(50), user_id VARCHAR(256), status VARCHAR(20),
  start_time BIGINT, end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20),
  artifact_uri VARCHAR(200), experiment_id INTEGER{runs});
CREATE TABLE params ("key" VARCHAR(250), value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32),
  PRIMARY KEY ("key", run_uuid));
CREATE TABLE tags ("key" VARCHAR(250), value VARCHAR(5000), run_uuid VARCHAR(32), PRIMARY KEY ("key", run_uuid));
"""
_FIRST_METRICS = """
CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT NOT NULL, timestamp BIGINT, run_uuid VARCHAR(32),
  PRIMARY KEY ("key", timestamp, run_uuid, value));
"""
_STEP_METRICS = """
CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
  step BIGINT DEFAULT '0' NOT NULL, PRIMARY KEY ("key", timestamp, step, run_uuid, value));
"""
_METRICS = """
CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT NOT NULL, timestamp BIGINT, run_uuid VARCHAR(32),
  step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
  PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan));
CREATE TABLE latest_metrics ("key" VARCHAR(250), value FLOAT NOT NULL, timestamp BIGINT, step BIGINT,
  is_nan BOOLEAN, run_uuid VARCHAR(32), PRIMARY KEY ("key", run_uuid));
CREATE TABLE registered_models (name VARCHAR(256) PRIMARY KEY, creation_time BIGINT);
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, creation_time BIGINT, current_stage VARCHAR(20),
  source VARCHAR(500), run_id VARCHAR(32), status VARCHAR(20), PRIMARY KEY (name, version));
"""
_INDICES = "".join(
    f"CREATE INDEX index_{table}_run_uuid ON {table} (run_uuid);"
    for table in ("params", "tags", "metrics", "latest_metrics")
)
_NEWER = """
CREATE TABLE registered_model_aliases (alias VARCHAR(256), version INTEGER, name VARCHAR(256),
  PRIMARY KEY (name, alias));
CREATE TABLE datasets (dataset_uuid VARCHAR(36), experiment_id INTEGER, name VARCHAR(500), digest VARCHAR(36),
  dataset_source_type VARCHAR(36), dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36),
  destination_type VARCHAR(36), destination_id VARCHAR(36));
CREATE TABLE input_tags (input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500));
"""
_NEWEST = """
CREATE TABLE logged_models (model_id VARCHAR(36) PRIMARY KEY, experiment_id INTEGER, name VARCHAR(500),
  artifact_location VARCHAR(1000), creation_timestamp_ms BIGINT, status INTEGER, lifecycle_stage VARCHAR(32),
  model_type VARCHAR(500), source_run_id VARCHAR(32));
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, "key", step);
"""
_OLD_RUNS = _RUNS.format(experiments="", runs="")
_NEW_RUNS = _RUNS.format(
    experiments=", creation_time BIGINT, last_update_time BIGINT", runs=", deleted_time BIGINT"
)
AGES = {
    "0.9": _OLD_RUNS + _FIRST_METRICS,
    "1.0": _OLD_RUNS + _STEP_METRICS,
    "1.5": _OLD_RUNS + _METRICS,
    "1.23": _OLD_RUNS + _METRICS + _INDICES,
    "2.4": _NEW_RUNS + _METRICS + _INDICES + _NEWER,
    "3": _NEW_RUNS + _METRICS + _INDICES + _NEWER + _NEWEST,
}
"""The tables by the version of MLflow that made them, about."""


@dataclass
class Database:
    """A database to be filled. Columns that its age does not have are left out."""

    path: Path
    age: str = "3"
    experiments: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(AGES[self.age])
        self.add("experiments", experiment_id=0, name="digits", lifecycle_stage="active")

    def run(self, number: int = 0, **columns: Any) -> str:
        """A run; its id."""
        values = {
            "name": f"run-{number}",
            "source_type": "LOCAL",
            "source_name": "train.py",
            "user_id": "me",
            "status": "FINISHED",
            "start_time": START,
            "end_time": START + 60_000,
            "source_version": "c0ffee",
            "lifecycle_stage": "active",
            "artifact_uri": f"s3://bucket/0/{run_id(number)}/artifacts",
            "experiment_id": 0,
        }
        self.add("runs", run_uuid=run_id(number), **{**values, **columns})
        return run_id(number)

    def points(
        self, run: str, key: str, rows: Sequence[tuple[float | None, int, int]], is_nan: bool = False
    ) -> None:
        """Points: value, time in milliseconds, step."""
        columns = {
            "key": key,
            "value": None,
            "timestamp": None,
            "step": None,
            "run_uuid": run,
            "is_nan": is_nan,
        }
        with closing(sqlite3.connect(self.path)) as connection:
            there = {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
            names = [name for name in columns if name in there]
            quoted, marks = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
            connection.executemany(
                f"INSERT INTO metrics ({quoted}) VALUES ({marks})",
                [{**columns, "value": value, "timestamp": time, "step": step} for value, time, step in rows],
            )
            connection.commit()

    def add(self, table: str, **columns: Any) -> None:
        """A row, if there is such a table."""
        with closing(sqlite3.connect(self.path)) as connection:
            there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            kept = {key: value for key, value in columns.items() if key in there}
            if there:
                names = ", ".join(f'"{key}"' for key in kept)
                marks = ", ".join("?" * len(kept))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(kept.values()))
                connection.commit()

    def execute(self, statement: str) -> None:
        """Change something."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(statement)
            connection.commit()

    def last_values(self) -> None:
        """Fill the table of last values from the points: of the largest step, then time, then value, as MLflow does."""
        self.execute("DELETE FROM latest_metrics")
        self.execute(
            """INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
               SELECT key, value, timestamp, step, is_nan, run_uuid FROM (
                   SELECT *, row_number() OVER (
                       PARTITION BY run_uuid, key ORDER BY step DESC, timestamp DESC, value DESC) AS place
                   FROM metrics) WHERE place = 1"""
        )
