"""The tables of an MLflow database but its points: runs, params, tags, data sets, models. Any age of its schema.

Tables and columns are looked for, not a version: one that is not there yet reads as nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from labtop.formats.sqlite_file import select, table_columns
from labtop.model.run import DataInput, ModelVersion
from labtop.sources.mlflow.artifacts import LoggedModel
from labtop.sources.mlflow.facts import RunFacts
from labtop.sources.mlflow.inputs import data_input
from labtop.sources.mlflow.registry import model_version
from labtop.sources.mlflow.words import DELETED, number_of, text_of

MUST_HAVE = {"experiments": {"experiment_id", "name"}, "runs": {"run_uuid", "experiment_id", "status"}}
"""What tells a database of MLflow: tables and columns that it has had from the first day on."""
RUN = (
    *(
        "run_uuid",
        "name",
        "source_type",
        "source_name",
        "entry_point_name",
        "user_id",
        "status",
        "start_time",
    ),
    *("end_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id"),
)
"""The columns of `runs` that are read."""

_NO_ROWS = (0, 0)
_TAGS_BY_RUN = """SELECT run_uuid, group_concat(ifnull(key, '') || char(31) || ifnull(value, ''), char(30))
    FROM tags GROUP BY run_uuid"""


class Experiment(NamedTuple):
    """The name of an experiment, and whether it was deleted."""

    name: str
    is_deleted: bool


class Tables:
    """Reads the tables of an open database. What is damaged is told in `problems`, once, and left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.problems: list[str] = []

    def rows(
        self, table: str, wanted: Sequence[str], rest: str = "", values: Sequence[Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a table as far as they can be read; none of one that is not there."""
        if table_columns(self.connection, table):
            yield from self._told(table, lambda: select(self.connection, table, wanted, rest, values))

    def _told(self, table: str, ask: Callable[[], Iterable[tuple[Any, ...]]]) -> Iterator[tuple[Any, ...]]:
        try:
            yield from ask()
        except sqlite3.Error as error:
            problem = f"table {table}: {error}"
            if problem not in self.problems:
                self.problems.append(problem)

    def of_runs(
        self, table: str, wanted: Sequence[str], runs: Sequence[str], column: str = "run_uuid", also: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a table that belong to some runs."""
        if column in table_columns(self.connection, table):
            marks = ",".join("?" * len(runs))
            yield from self.rows(table, wanted, f'WHERE "{column}" IN ({marks}) {also}', runs)

    def of_ids(
        self, table: str, wanted: Sequence[str], ids: str, column: str = "run_uuid"
    ) -> list[tuple[Any, ...]]:
        """The same for any number of runs, given as a JSON list, all at once. Raises sqlite3.Error."""
        there = table_columns(self.connection, table)
        if column not in there:
            return []
        columns = ", ".join(f'"{name}"' if name in there else "NULL" for name in wanted)
        query = f'SELECT {columns} FROM "{table}" WHERE "{column}" IN (SELECT value FROM json_each(?))'
        return self.connection.execute(query, [ids]).fetchall()

    def experiments(self) -> dict[Any, Experiment]:
        """Experiments by id."""
        return {
            number: Experiment(text_of(name), stage == DELETED)
            for number, name, stage in self.rows("experiments", ("experiment_id", "name", "lifecycle_stage"))
        }

    def facts(self, runs: Sequence[str], experiments: dict[Any, Experiment]) -> dict[str, RunFacts]:
        """What is known of some runs but points and files; those that are gone are not in it."""
        wanted = set(runs)  # a damaged index may lead to others
        found = {
            each[0]: run_facts(each, experiments)
            for each in self.of_runs("runs", RUN, runs)
            if each[0] in wanted
        }
        for run_id, key, value in self.of_runs("params", ("run_uuid", "key", "value"), runs):
            if run_id in found:
                found[run_id].params[text_of(key)] = text_of(value)
        for run_id, key, value in self.of_runs("tags", ("run_uuid", "key", "value"), runs):
            if run_id in found:
                found[run_id].tags[text_of(key)] = text_of(value)
        for run_id, data in self._data(runs):
            if run_id in found:
                found[run_id].data.append(data)
        for model in self._models(runs):
            if model.run_id in found:
                found[model.run_id].logged_models.append(model)
        for run_id, version in self.versions(runs):
            if run_id in found:
                found[run_id].versions.append(version)
        return found

    def _data(self, runs: Sequence[str]) -> Iterator[tuple[str, DataInput]]:
        """Data sets that runs read."""
        wanted = ("input_uuid", "source_id", "destination_id")
        also = "AND source_type = 'DATASET' AND destination_type = 'RUN'"
        links = list(self.of_runs("inputs", wanted, runs, "destination_id", also))
        if not links:
            return
        columns = (
            "dataset_uuid",
            "name",
            "digest",
            "dataset_source_type",
            "dataset_source",
            "dataset_schema",
        )
        marks = ",".join("?" * len(links))
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        described = {
            uuid: dict(zip(names, rest, strict=True))
            for uuid, *rest in self.rows(
                "datasets",
                (*columns, "dataset_profile"),
                f"WHERE dataset_uuid IN ({marks})",
                [each[1] for each in links],
            )
        }
        tags: dict[Any, dict[str, str]] = {}
        for uuid, name, value in self.rows(
            "input_tags",
            ("input_uuid", "name", "value"),
            f"WHERE input_uuid IN ({marks})",
            [x[0] for x in links],
        ):
            tags.setdefault(uuid, {})[text_of(name)] = text_of(value)
        for uuid, dataset, run_id in links:
            if dataset in described:
                yield run_id, data_input(described[dataset], tags.get(uuid, {}), self.problems)

    def _models(self, runs: Sequence[str]) -> Iterator[LoggedModel]:
        """Models of MLflow 3 that runs made."""
        wanted = ("model_id", "name", "artifact_location", "model_type", "status", "source_run_id")
        also = "AND lifecycle_stage IS NOT 'deleted' ORDER BY creation_timestamp_ms, model_id"
        for model_id, name, uri, kind, status, run_id in self.of_runs(
            "logged_models", wanted, runs, "source_run_id", also
        ):
            yield LoggedModel(text_of(model_id), text_of(name), text_of(uri), text_of(kind), status, run_id)

    def versions(self, runs: Sequence[str]) -> Iterator[tuple[str, ModelVersion]]:
        """Versions of registered models that runs made, with stage and aliases."""
        made = list(
            self.of_runs(
                "model_versions",
                ("run_id", "name", "version", "current_stage"),
                runs,
                "run_id",
                "ORDER BY name",
            )
        )
        aliases: dict[tuple[str, str], tuple[str, ...]] = {}
        if made:
            wanted = ("name", "version", "alias")
            for name, version, alias in self.rows("registered_model_aliases", wanted, "ORDER BY alias"):
                key = (text_of(name), text_of(version))
                aliases[key] = (*aliases.get(key, ()), text_of(alias))
        for run_id, name, version, stage in sorted(
            made, key=lambda row: (text_of(row[1]), number_of(row[2]) or 0)
        ):
            if stage == "Deleted_Internal":
                continue
            meta = {"name": name, "version": version, "current_stage": stage}
            own = {text_of(version): aliases.get((text_of(name), text_of(version)), ())}
            yield run_id, model_version(meta, text_of(name), own)

    def marks(self) -> dict[str, str]:
        """A text for every run that is another one whenever something else would be read."""
        experiments = self.experiments()
        said = {number: _sum_of(each) for number, each in experiments.items()}
        found = {
            each[0]: _sum_of(each) ^ said.get(each[-1], 0)
            for each in self.rows("runs", RUN)
            if isinstance(each[0], str)
        }
        sums = dict.fromkeys(found, 0)
        for row in self._changing():
            if row[0] in sums:  # in whatever order they come
                sums[row[0]] += _sum_of(row)
        params, metrics = self._rows_of_runs("params", "0"), self._rows_of_runs("metrics", "min(rowid)")
        marks = {}
        for run_id, own in found.items():
            _, last_param = params.get(run_id, _NO_ROWS)
            first, last = metrics.get(run_id, _NO_ROWS)
            marks[run_id] = f"{own:x}.{sums[run_id]:x}.{last_param:x}.{first}-{last}"
        return marks

    def _changing(self) -> Iterator[tuple[Any, ...]]:
        """Rows that may be written again, each with its run in front."""
        if table_columns(self.connection, "tags") >= {"run_uuid", "key", "value"}:
            yield from self._told("tags", lambda: self.connection.execute(_TAGS_BY_RUN))
        yield from self.rows("inputs", ("destination_id", "source_id"), "WHERE destination_type = 'RUN'")
        yield from self.rows("logged_models", ("source_run_id", "model_id", "status", "lifecycle_stage"))
        aliases = sorted(map(repr, self.rows("registered_model_aliases", ("name", "version", "alias"))))
        for row in self.rows("model_versions", ("run_id", "name", "version", "current_stage")):
            own = [each for each in aliases if repr(row[1]) in each]
            yield (*row, own)

    def _rows_of_runs(self, table: str, first: str) -> dict[str, tuple[int, int]]:
        """The numbers of the first and last row of each run in a table to which rows are only ever added.

        `first` is the SQL for the number of the first.
        """
        if "run_uuid" not in table_columns(self.connection, table):
            return {}
        if is_indexed(self.connection, table):
            own = f"FROM {table} WHERE run_uuid = r.run_uuid"
            query = f"SELECT run_uuid, (SELECT {first} {own}), (SELECT max(rowid) {own}) FROM runs r"
        else:
            query = f"SELECT run_uuid, {first}, max(rowid) FROM {table} GROUP BY run_uuid"
        try:
            rows = self.connection.execute(query)
            return {run_id: (first or 0, last or 0) for run_id, first, last in rows}
        except sqlite3.Error as error:
            self.problems.append(f"table {table}: {error}")
            return {}


def _sum_of(row: tuple[Any, ...]) -> int:
    return crc32(msgspec.msgpack.encode(row))


def rows_told(version: str) -> tuple[int, int]:
    """The first and last row of a run's points, by what `marks` gives of it; all rows where it does not tell."""
    first, _, last = version.rpartition(".")[2].partition("-")
    return (int(first), int(last)) if first.isdecimal() and last.isdecimal() else (0, 2**62)


def is_indexed(connection: sqlite3.Connection, table: str) -> bool:
    """Whether the rows of one run are found without reading those of all."""
    query = (
        "SELECT 1 FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info "
        "WHERE info.seqno = 0 AND info.name = 'run_uuid'"
    )
    return connection.execute(query, [table]).fetchone() is not None


def run_facts(row: tuple[Any, ...], experiments: dict[Any, Experiment]) -> RunFacts:
    """What a row of `runs` with the columns `RUN` says."""
    run = dict(zip(RUN, row, strict=True))
    experiment = experiments.get(run["experiment_id"], Experiment("", False))
    return RunFacts(
        run_id=text_of(run["run_uuid"]),
        experiment=experiment.name or text_of(run["experiment_id"]),
        experiment_id=text_of(run["experiment_id"]),
        name=run["name"],
        status=run["status"],
        start_time=run["start_time"],
        end_time=run["end_time"],
        is_archived=run["lifecycle_stage"] == DELETED or experiment.is_deleted,
        user=run["user_id"],
        source_type=run["source_type"],
        source_name=run["source_name"],
        source_version=run["source_version"],
        entry_point=run["entry_point_name"],
        artifact_uri=run["artifact_uri"],
    )


def artifact_folders(database: Path) -> list[Path]:
    """Where the artifacts of a database's runs lie by default, beside it: of a local store, and of a server."""
    return [each for each in (database.parent / "mlruns", database.parent / "mlartifacts") if each.is_dir()]
