"""The views for people who write SQL: their names, their columns, and the SELECTs that both flavours share.

sql_fill.py makes them over copies of the catalog's tables (`sql`, `connect`); sql_text.py prints them over the store's
Parquet for the bare duckdb shell (`labtop views`). The names and columns are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from labtop.model.columns import Column
from labtop.query.engine import quote_name, quote_text

VIEWS: Mapping[str, str] = {
    "runs": "a row a run: fixed columns, then one typed column a parameter and one a metric's last value",
    "params": "run_id, key, value (JSON), number, text",
    "metrics": "run_id, name, step, time, value: every point once; of several processes those of rank 0; of a fork "
    "its parent's before it too",
    "metrics_own": "the same without what a forked run has in common with its parent",
    "points": "run_id, name, step, time, value, rank, writer: the points of every process",
    "summary": "run_id, name, goal, count, first, last, min, max, mean",
    "packages": "run_id, name, version",
    "data": "run_id, name, uri, kind, digest, algorithm, bytes, rows, files, split, used_rows, role, rank",
    "artifacts": "run_id, name, path, uri, kind, step, bytes, sha256, rank",
    "events": "n, time, kind, run_id, actor, payload (JSON)",
}
"""Every view and what it holds."""

ROLE_COLUMNS = {
    "run_id": "VARCHAR", "writer": "VARCHAR", "rank": "INTEGER", "is_helper": "BOOLEAN", "turn": "INTEGER",
}  # fmt: skip
"""The table of the writers of runs that have several."""

FORK_COLUMNS = {"run_id": "VARCHAR", "ancestor": "VARCHAR", "step": "DOUBLE", "depth": "INTEGER"}
"""The table of the ancestors of forked runs."""

STATISTICS = ("count", "first", "last", "min", "max", "mean")
_DATA = {
    "name": "VARCHAR", "uri": "VARCHAR", "kind": "VARCHAR", "digest": "VARCHAR", "algorithm": "VARCHAR",
    "bytes": "BIGINT", "rows": "BIGINT", "files": "BIGINT", "split": "VARCHAR", "used_rows": "BIGINT",
    "role": "VARCHAR", "rank": "INTEGER",
}  # fmt: skip
_ARTIFACTS = {
    "name": "VARCHAR", "path": "VARCHAR", "uri": "VARCHAR", "kind": "VARCHAR", "step": "DOUBLE", "bytes": "BIGINT",
    "sha256": "VARCHAR", "rank": "INTEGER",
}  # fmt: skip


def run_columns(columns: Iterable[Column]) -> dict[str, Column]:
    """The columns of `runs` by the name they have there.

    Fields, params and metrics have their plain names; one whose name is taken (in any case) by a column before it has
    its key: `metrics.lr` beside the param lr.
    """
    named: dict[str, Column] = {}
    taken: set[str] = set()
    order = {"field": 0, "param": 1, "metric": 2}
    for column in sorted((each for each in columns if each.kind in order), key=lambda each: order[each.kind]):
        name = column.name if column.name and column.name.casefold() not in taken else column.key
        if name.casefold() in taken or "\0" in name:
            continue
        taken.add(name.casefold())
        named[name] = column
    return named


def runs_select(columns: Iterable[Column], table: str) -> str:
    """`runs` over a table that has a column for each key."""
    selected = [
        f"{quote_name(column.key)} AS {quote_name(name)}" for name, column in run_columns(columns).items()
    ]
    return f"SELECT {', '.join(selected)} FROM {table}"


def params_select(columns: Iterable[Column], table: str) -> str:
    """`params` over a table that has a column for each key: a branch a param, so that a query for one reads one."""
    branches = [_param_branch(column, table) for column in columns if column.kind == "param"]
    return " UNION ALL ".join(branches) or nothing(
        {"run_id": "VARCHAR", "key": "VARCHAR", "value": "VARCHAR", "number": "DOUBLE", "text": "VARCHAR"}
    )


def _param_branch(column: Column, table: str) -> str:
    name = quote_name(column.key)
    as_json, number, text = f"to_json({name})::VARCHAR", "NULL::DOUBLE", f"{name}::VARCHAR"
    kind = column.type.name
    if kind in ("number", "integer"):
        number = f"{name}::DOUBLE"
        text = f"CASE WHEN isfinite({number}) THEN {as_json} ELSE {_number_word(number)} END"
        as_json = (
            f"CASE WHEN isfinite({number}) THEN {as_json} ELSE to_json({_number_word(number)})::VARCHAR END"
        )
    elif kind == "mixed":
        as_json, number = f"{name}::VARCHAR", f"TRY_CAST({name} AS DOUBLE)"
        text = f"CASE WHEN json_valid({name}) THEN json_extract_string({name}, '$') ELSE {name} END"
    return (
        f'SELECT "id" AS run_id, {_literal(column.name)} AS key, {as_json} AS value, {number} AS number, '
        f"{text} AS text FROM {table} WHERE {name} IS NOT NULL"
    )


def summary_select(columns: Iterable[Column], table: str) -> str:
    """`summary` over a table that has columns for each metric's key and its statistics."""
    branches = []
    for column in columns:
        if column.kind != "metric":
            continue
        goal = quote_text(column.goal) if column.goal else "NULL"
        values = {each: f"{column.key}.{each}" for each in STATISTICS} | {"last": column.key}
        selected = ", ".join(f"{quote_name(values[each])} AS {quote_name(each)}" for each in STATISTICS)
        branches.append(
            f'SELECT "id" AS run_id, {_literal(column.name)} AS name, {goal}::VARCHAR AS goal, {selected} FROM {table} '
            f"WHERE {quote_name(values['count'])} IS NOT NULL OR {quote_name(values['last'])} IS NOT NULL"
        )
    types = {"run_id": "VARCHAR", "name": "VARCHAR", "goal": "VARCHAR", "count": "BIGINT"}
    return " UNION ALL ".join(branches) or nothing(types | dict.fromkeys(STATISTICS[1:], "DOUBLE"))


def packages_select(table: str) -> str:
    """`packages` over a table with run_id and the environment's JSON."""
    return f"""SELECT r.run_id, e.key AS name, json_extract_string(e.value, '$') AS version
        FROM (SELECT run_id, json_extract({json_of_type("environment", "OBJECT")}, '$.packages') AS packages
              FROM {table}) r, json_each({json_of_type("r.packages", "OBJECT")}) e"""


def data_select(table: str) -> str:
    """`data` over a table with run_id and the list of inputs as JSON."""
    return _list_select(table, "data", _DATA)


def artifacts_select(table: str) -> str:
    """`artifacts` over a table with run_id and the list of artifacts as JSON."""
    return _list_select(table, "artifacts", _ARTIFACTS)


def _list_select(table: str, column: str, fields: Mapping[str, str]) -> str:
    selected = ", ".join(
        f"TRY_CAST(json_extract_string(e.value, '$.{name}') AS {sql}) AS {quote_name(name)}"
        for name, sql in fields.items()
    )
    return f"SELECT r.run_id, {selected} FROM {table} r, json_each({json_of_type(f'r.{column}', 'ARRAY')}) e"


_SHOWN = "run_id, name, step, time, value"


def shown_select(single: str | None, several: str | None, tail: str | None, roles: str | None) -> str:
    """A run's own points as `metrics` shows them, with their rank, over the parts that hold them.

    `single` holds each (writer, seq) once, `several` and `tail` may hold them again. `tail` is what lies in write-ahead
    logs; a sealed part wins over it. `roles` is a table of the writers of runs that have several: run_id, writer, rank,
    is_helper, turn. What is shown of those is told in query/ranks.py.
    """
    if roles is None:
        return f"SELECT {_SHOWN}, 0::INTEGER AS rank FROM ({_branches(single, several, tail, _SHOWN)})"
    points = _branches(single, several, tail, f"{_SHOWN}, writer", {"writer": "VARCHAR"})
    return f"""SELECT {_SHOWN}, 0::INTEGER AS rank FROM ({points}) WHERE run_id NOT IN (SELECT run_id FROM {roles})
        UNION ALL SELECT {_SHOWN}, rank FROM (
            SELECT *, min(step) OVER (PARTITION BY run_id, name ORDER BY turn
                                      RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS until
            FROM (SELECT p.*, r.turn, r.rank, r.is_helper, r.rank * 2 + r.is_helper::INTEGER AS place,
                         min(place) OVER (PARTITION BY p.run_id, p.name) AS best
                  FROM ({points}) p JOIN {roles} r USING (run_id, writer))
            WHERE place = best)
        WHERE is_helper OR until IS NULL OR step < until"""


def metrics_own_select(shown: str) -> str:
    """`metrics_own` over the view of `shown_select`."""
    return f"SELECT {_SHOWN} FROM {shown}"


def metrics_select(shown: str, forks: str | None) -> str:
    """`metrics` over the same; `forks` is a table of the ancestors of forked runs: run_id, ancestor, step, depth.

    As query/lineage.py does it: an ancestor's points count up to the step where it was left, and up to the first one
    of whoever is nearer.
    """
    if forks is None:
        return metrics_own_select(shown)
    forked = f"SELECT run_id FROM {forks}"
    return f"""SELECT {_SHOWN} FROM {shown} WHERE run_id NOT IN ({forked})
        UNION ALL SELECT {_SHOWN} FROM (
            SELECT *, min(step) OVER (PARTITION BY run_id, name, rank ORDER BY depth
                                      RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until
            FROM (SELECT *, 0 AS depth FROM {shown} WHERE run_id IN ({forked})
                  UNION ALL SELECT f.run_id, p.name, p.step, p.time, p.value, p.rank, f.depth
                  FROM {shown} p JOIN {forks} f ON p.run_id = f.ancestor AND p.step <= f.step))
        WHERE until IS NULL OR step < until"""


def points_select(single: str | None, several: str | None, tail: str | None, roles: str | None) -> str:
    """`points` over the same: all of them, with the rank of who logged them."""
    columns = "run_id, name, step, time, value"
    points = _branches(single, several, tail, f"{columns}, writer", {"writer": "VARCHAR"})
    if roles is None:
        return f"SELECT {columns}, 0::INTEGER AS rank, writer FROM ({points})"
    return f"""SELECT {columns}, coalesce(r.rank, 0)::INTEGER AS rank, writer
        FROM ({points}) p LEFT JOIN {roles} r USING (run_id, writer)"""


def _branches(
    single: str | None,
    several: str | None,
    tail: str | None,
    columns: str,
    more_types: Mapping[str, str] | None = None,
) -> str:
    """The points of all parts, each once."""
    branches = []
    if single:
        branches.append(f"SELECT {columns} FROM {single}")
    if several:
        branches.append(f"SELECT {columns} FROM (SELECT DISTINCT ON (run_id, writer, seq) * FROM {several})")
    if tail:
        sealed = " UNION ALL ".join(
            f"SELECT run_id, writer, seq FROM {part} WHERE writer IN (SELECT writer FROM {tail})"
            for part in (single, several)
            if part
        )
        anti = f"ANTI JOIN ({sealed}) s USING (run_id, writer, seq)" if sealed else ""
        branches.append(
            f"SELECT {columns} FROM (SELECT DISTINCT ON (run_id, writer, seq) * FROM {tail}) t {anti}"
        )
    types = {"run_id": "VARCHAR", "name": "VARCHAR", "step": "DOUBLE", "time": "TIMESTAMP", "value": "DOUBLE"}
    return " UNION ALL ".join(branches) or nothing(types | dict(more_types or {}))


def create_view(name: str, select: str) -> str:
    """The statement that makes a view."""
    return f"CREATE OR REPLACE VIEW {quote_name(name)} AS {select}"


def json_of_type(column: str, type_name: str) -> str:
    """A JSON column where it is valid and of a type, else null: a damaged document is nothing, not an error."""
    return f"CASE WHEN json_valid({column}) THEN CASE WHEN json_type({column}) = '{type_name}' THEN {column} END END"


def _number_word(number: str) -> str:
    return f"CASE WHEN isnan({number}) THEN 'NaN' WHEN {number} > 0 THEN 'Infinity' ELSE '-Infinity' END"


def _literal(text: str) -> str:
    return quote_text(text.replace("\0", "�"))


def nothing(types: Mapping[str, str]) -> str:
    """A SELECT without rows: what a view is when there is nothing to read."""
    selected: Sequence[str] = [f"NULL::{sql} AS {quote_name(name)}" for name, sql in types.items()]
    return f"SELECT {', '.join(selected)} WHERE false"
