"""The views as plain CREATE VIEW statements over the store's Parquet, for the bare duckdb shell (`labtop views`).

They name the files that were there and whole when they were printed, so one bad file breaks nothing; print them again
to see newer runs. What no file says (a status that is inferred, later edits, the score) stands in a list of values.
Points that still lie in a write-ahead log are not in a Parquet file yet and so not in `metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtop.model.columns import COLUMN_TYPES, FIELDS
from labtop.query.engine import quote_list, quote_name, quote_text
from labtop.query.found_columns import FoundColumn
from labtop.query.sql_files import MetricFiles
from labtop.query.sql_views import (
    FORK_COLUMNS,
    ROLE_COLUMNS,
    STATISTICS,
    VIEWS,
    artifacts_select,
    create_view,
    data_select,
    json_of_type,
    metrics_own_select,
    metrics_select,
    nothing,
    packages_select,
    points_select,
    run_columns,
    shown_select,
)
from labtop.store.format import RECORD_COLUMNS

if TYPE_CHECKING:
    from labtop.query.lineage import ForkRow
    from labtop.query.ranks import RoleRow

TOLD = (
    "id", "name", "status", "duration_s", "tags", "notes", "archived", "score", "seed", "problems",
    "ranks", "dead_ranks",
)  # fmt: skip
"""What labtop says of a run rather than its record."""

_PARQUET = "union_by_name = true, hive_partitioning = false"
_SHELL_WORD = r"if(regexp_full_match(x, '[\w@%+=:,./-]+'), x, '''' || replace(x, '''', '''" "" "''') || '''')"


def _said(group: str, path: str, sql: str = "VARCHAR") -> str:
    return f"TRY_CAST(json_extract_string({json_of_type(f'r.{group}', 'OBJECT')}, '$.{path}') AS {sql})"


_FIELDS: Mapping[str, str] = {
    "id": "r.run_id",
    "project": "coalesce(r.project, '')",
    "started_at": "r.started_at",
    "ended_at": "r.ended_at",
    "group": _said("life", "group"),
    "job_type": _said("life", "job_type"),
    "parent_id": _said("life", "parent_id"),
    "fork_step": _said("life", "fork_step", "DOUBLE"),
    "exit_code": _said("life", "exit_code", "BIGINT"),
    "signal": _said("life", "signal"),
    "error": f"nullif(concat_ws(': ', nullif({_said('life', 'error.type')}, ''), "
    f"nullif({_said('life', 'error.message')}, '')), '')",
    "commit": _said("code", "commit"),
    "branch": _said("code", "branch"),
    "dirty": _said("code", "dirty", "BOOLEAN"),
    "host": _said("life", "process.host"),
    "command": f"nullif(array_to_string(list_transform(json_extract_string({json_of_type('r.command', 'OBJECT')}, "
    f"'$.argv[*]'), lambda x: {_SHELL_WORD}), ' '), '')",
    "python": _said("environment", "python"),
    "gpu": "CASE WHEN len(list_distinct(gpus)) = 1 AND len(gpus) > 1 THEN len(gpus) || 'x ' || gpus[1] "
    "ELSE nullif(array_to_string(list_distinct(gpus), ', '), '') END",
    "points": "coalesce(list_sum(counts), 0)",
    "tracker": f"coalesce({_said('source', 'tracker')}, 'labtop')",
}


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """What the statements are written from."""

    records: Sequence[Path]
    metrics: MetricFiles
    events: Sequence[Path]
    found: Sequence[FoundColumn]  # the params and metrics there are
    told: Sequence[tuple[Any, ...]]  # a row a run: the columns of TOLD
    roles: Sequence[RoleRow] = ()  # of the writers of runs that have several
    forks: Sequence[ForkRow] = ()  # of the ancestors of forked runs


def views_text(files: StoreFiles) -> str:
    """The statements, one a view, each ended by a semicolon."""
    params = [each for each in files.found if each.kind == "param"]
    metrics = [each for each in files.found if each.kind == "metric"]
    single, several = (
        f"(SELECT * FROM read_parquet({quote_list(paths)}, {_PARQUET}))" if paths else None
        for paths in (files.metrics.single, files.metrics.several)
    )
    roles, forks = "_roles" if files.roles else None, "_forks" if files.forks else None
    selects = {
        "_records": _records(files.records),
        "_told": _told(files.told),
        "runs": _runs(params, metrics),
        "params": _PARAMS,
        **({"_roles": _values(files.roles, ROLE_COLUMNS)} if roles else {}),
        **({"_forks": _values(files.forks, FORK_COLUMNS)} if forks else {}),
        "_shown": shown_select(single, several, None, roles),
        "metrics": metrics_select("_shown", forks),
        "metrics_own": metrics_own_select("_shown"),
        "points": points_select(single, several, None, roles),
        "summary": _summary(),
        "packages": packages_select("_records"),
        "data": data_select("_records"),
        "artifacts": artifacts_select("_records"),
        "events": _events(files.events),
    }
    lines = ["-- Views of a labtop store for DuckDB; what each holds:"]
    lines += [f"-- {name}: {what}" for name, what in VIEWS.items()]
    return "\n".join([*lines, *(f"{create_view(name, select)};" for name, select in selects.items())]) + "\n"


def _values(rows: Sequence[Sequence[Any]], columns: Mapping[str, str]) -> str:
    """Rows as a list of values."""
    casts = ", ".join(f"{name}::{sql} AS {name}" for name, sql in columns.items())
    values = ",\n  ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"SELECT {casts} FROM (VALUES\n  {values}) t({', '.join(columns)})"


def _records(paths: Sequence[Path]) -> str:
    if not paths:
        types = {name: "VARCHAR" if sql == "JSON" else sql for name, sql in RECORD_COLUMNS.items()}
        return nothing({"run_id": "VARCHAR", **types})
    return f"SELECT id AS run_id, * FROM read_parquet({quote_list(paths)}, {_PARQUET})"


def _told(rows: Sequence[tuple[Any, ...]]) -> str:
    types = {each.key: each.type.sql for each in FIELDS if each.key in TOLD}
    if not rows:
        return nothing({name: types[name] for name in TOLD})
    casts = ", ".join(f"{quote_name(name)}::{types[name]} AS {quote_name(name)}" for name in TOLD)
    values = ",\n  ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"SELECT {casts} FROM (VALUES\n  {values}) t({', '.join(map(quote_name, TOLD))})"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]::VARCHAR[]"
    return quote_text(str(value).replace("\0", "�"))


def _runs(params: Sequence[FoundColumn], metrics: Sequence[FoundColumn]) -> str:
    """`runs`: a document is parsed once for all of its columns, by asking for a list of paths."""
    named = run_columns((*FIELDS, *(each.column() for each in (*params, *metrics))))
    values: dict[str, str] = {}
    for column in FIELDS:
        values[column.key] = f"l.{quote_name(column.key)}" if column.key in TOLD[1:] else _FIELDS[column.key]
    for at, each in enumerate(params, 1):
        values[each.key] = _param_value(at, each)
    for at, each in enumerate(metrics, 1):
        values[each.key] = f"TRY_CAST(lasts[{at}] AS DOUBLE)"
    selected = ",\n  ".join(
        f"({values[column.key]})::{column.type.sql} AS {quote_name(name)}" for name, column in named.items()
    )
    document = json_of_type("params", "OBJECT")
    summaries = json_of_type("metrics", "OBJECT")
    lasts = _paths((*each.path, "last") for each in metrics)
    return f"""SELECT {selected}
FROM (SELECT *, json_extract({document}, {_paths(each.path for each in params)}) AS x,
  json_extract_string({document}, {_paths(each.path for each in params)}) AS y,
  json_extract_string({summaries}, {lasts}) AS lasts,
  json_extract_string({summaries}, '$.*.count')::BIGINT[] AS counts,
  json_extract_string({json_of_type("hardware", "OBJECT")}, '$.gpus[*].name') AS gpus
  FROM _records) r LEFT JOIN _told l ON l.id = r.run_id"""


def _param_value(at: int, column: FoundColumn) -> str:
    if column.type_name == "mixed":
        value = f"CASE WHEN y[{at}] IS NOT NULL THEN x[{at}]::VARCHAR END"
    elif column.type_name == "text":
        value = f"y[{at}]"
    else:
        return f"TRY_CAST(y[{at}] AS {COLUMN_TYPES[column.type_name].sql})"
    # a value in some runs may be a mapping in others, whose own columns have it
    return f"CASE WHEN starts_with(x[{at}]::VARCHAR, '{{\"') THEN NULL ELSE {value} END"


def _paths(paths: Iterable[Sequence[str]]) -> str:
    """A list of JSON pointers."""
    pointers = ["".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path) for path in paths]
    return f"[{', '.join(quote_text(each.replace(chr(0), '�')) for each in pointers)}]::VARCHAR[]"


_PARAMS = f"""WITH RECURSIVE leaf AS (
  SELECT r.run_id, e.key, e.value::VARCHAR AS value, e.type
  FROM _records r, json_each({json_of_type("r.params", "OBJECT")}) e
  UNION ALL
  SELECT l.run_id, l.key || '.' || e.key, e.value::VARCHAR, e.type
  FROM leaf l, json_each(l.value) e WHERE l.type = 'OBJECT')
SELECT run_id, key, value, CASE WHEN type IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST(value AS DOUBLE)
    WHEN value IN ('"NaN"', '"Infinity"', '"-Infinity"') THEN TRY_CAST(json_extract_string(value, '$') AS DOUBLE)
  END AS number, json_extract_string(value, '$') AS text
FROM leaf WHERE type NOT IN ('OBJECT', 'NULL') OR value = '{{}}'"""


def _summary() -> str:
    types = {each: "BIGINT" if each == "count" else "DOUBLE" for each in STATISTICS}
    selected = ", ".join(
        f"TRY_CAST(json_extract_string(e.value, '$.{name}') AS {sql}) AS {quote_name(name)}"
        for name, sql in types.items()
    )
    return f"""SELECT r.run_id, e.key AS name, json_extract_string(e.value, '$.goal') AS goal, {selected}
FROM _records r, json_each({json_of_type("r.metrics", "OBJECT")}) e"""


def _events(paths: Sequence[Path]) -> str:
    types = {"n": "BIGINT", "time": "TIMESTAMP", "kind": "VARCHAR", "run_id": "VARCHAR", "actor": "VARCHAR"}
    if not paths:
        return nothing({**types, "payload": "JSON"})
    selected = ", ".join(
        f"TRY_CAST(json_extract_string(content, '$.{'at' if name == 'time' else name}') AS {sql}) AS {quote_name(name)}"
        for name, sql in types.items()
    )
    return f"SELECT {selected}, json_extract(content, '$.payload') AS payload FROM read_text({quote_list(paths)})"
