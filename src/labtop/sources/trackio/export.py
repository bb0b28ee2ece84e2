"""Runs of a project that Trackio exported as Parquet: the values of a log call are columns there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.parquet import open_parquet, read_batches
from labtop.sources.columns import Curves, Roles, Split, chosen_rows, shares, time_column
from labtop.sources.source import NO_TIME, Curve
from labtop.sources.trackio.layout import Export
from labtop.sources.trackio.log import Log

_INNER = frozenset({"id", "run_id", "timestamp", "run_name", "step", "log_id", "space_id"})
_ROWS = 200_000  # of runs that are read in one pass


def list_runs(export: Export) -> dict[str, list[Any]]:
    """The runs of an export by id: name, rows, first time. Raises OSError, InputError where no file names any."""
    runs: dict[str, list[Any]] = {}
    wrong: list[OSError | InputError] = []
    for path in (export.metrics, export.system, export.configs):
        try:
            if path.exists():
                _add_runs(path, runs)
        except (OSError, InputError) as error:  # what it holds is missing, which is told where it is read
            wrong.append(error)
    if wrong and not runs:
        raise wrong[0]
    return runs


def _add_runs(path: Path, runs: dict[str, list[Any]]) -> None:
    with open_parquet(path) as file:
        key = _key(file)
        for batch in read_batches(file, (key, "run_name", "timestamp"), []):
            times = time_column(batch, "timestamp")
            for run, chosen in chosen_rows(batch, key, None):
                first = NO_TIME if times is None else int(min(times[chosen]))
                name = str(batch.column("run_name")[int(chosen[0])].as_py() or run)
                known = runs.setdefault(run, [name, 0, first])
                known[1] += len(chosen)
                known[2] = min((each for each in (known[2], first) if each != NO_TIME), default=NO_TIME)


def _key(file: Any) -> str:
    names = set(file.schema_arrow.names)
    if "run_name" not in names:
        raise InputError("no column run_name")
    return "run_id" if "run_id" in names else "run_name"


def read_configs(export: Export, problems: list[str]) -> Mapping[str, dict[str, Any]]:
    """The configurations of the runs by id. A key that a run has not is null there: which was so is not known."""
    found: dict[str, dict[str, Any]] = {}
    if not export.configs.exists():
        return found
    try:
        with open_parquet(export.configs) as file:
            key = _key(file)
            for batch in read_batches(file, file.schema_arrow.names, problems, 1_000):
                for row in batch.to_pylist():
                    values = {
                        name: value for name, value in row.items() if name not in (*_INNER, "created_at")
                    }
                    found[str(row[key])] = {
                        name: value for name, value in values.items() if value is not None
                    }
    except (OSError, InputError) as error:
        problems.append(f"{export.configs.name}: {error}")
    return found


def read_logs(
    export: Export, runs: Mapping[str, int], problems: list[str]
) -> Iterator[tuple[str, Curves, Log]]:
    """What was logged to runs, `runs` being the rows of each: some runs in each pass over the tables."""
    for group in shares(runs, _ROWS):
        logs = {run: Log(uri=str(export.metrics)) for run in group}
        metrics = _read(export.metrics, group, problems, logs)
        system = _read(export.system, group, problems, logs) if export.system.exists() else {}
        for run in group:
            curves = dict(metrics.get(run, {}))
            curves.update({f"system/{name}": curve for name, curve in system.get(run, {}).items()})
            yield run, curves, logs[run]


def _read(
    path: Path, group: Sequence[str], problems: list[str], logs: Mapping[str, Log]
) -> dict[str, Curves]:
    told: list[str] = []
    try:
        with open_parquet(path) as file:
            names, key = file.schema_arrow.names, _key(file)
            values = tuple(name for name in names if name not in _INNER)
            step = "step" if "step" in names else None
            split = Split(Roles(key, step, "timestamp", values), frozenset(group))
            rich = [name for name in values if _is_rich(file.schema_arrow.field(name).type)]
            for batch in read_batches(file, names, told):
                split.add(batch)
                for name in rich:
                    _add_rich(batch, name, key, step, logs)
            problems.extend(f"{path.name}: {each}" for each in told)
            return split.take()
    except (OSError, InputError) as error:
        problems.append(f"{path.name}: {error}")
        return {}


def _is_rich(kind: Any) -> bool:
    """Whether a column holds what is no number: pictures, tables, lists, texts."""
    from pyarrow import types

    return bool(types.is_struct(kind) or types.is_list(kind) or types.is_string(kind))


def _add_rich(batch: Any, name: str, key: str, step: str | None, logs: Mapping[str, Log]) -> None:
    for index, value in enumerate(batch.column(name).to_pylist()):
        if value is None:
            continue
        log = logs.get(str(batch.column(key)[index].as_py()))
        if log is None:
            continue
        at = batch.column(step)[index].as_py() if step else None
        before: Mapping[str, Curve] = log.curves
        log.curves = {}
        log.add(None if at is None else float(at), NO_TIME, {name: value})
        log.curves = dict(before)  # numbers were taken with their columns
