"""Makes wide rows of the run table out of encoded records: from the table `chunk` to the table `index_chunk`.

All in SQL, a chunk of runs at a time. Params keep their types; what is of several types, or a list, is kept as JSON
text. A document that is no JSON leaves its columns empty and counts as a problem of its run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labtop.errors import QueryError
from labtop.model.columns import COLUMN_TYPES, FIELDS
from labtop.model.packages import NUMERIC
from labtop.model.score import PILLARS
from labtop.model.tree import is_seed
from labtop.query.engine import Engine, InterruptedQueryError, quote_name, quote_text
from labtop.query.found_columns import (
    SUMMARIES,
    Changes,
    FoundColumn,
    FoundColumns,
    Path,
    SeenMetric,
    SeenParam,
    flat_name,
)
from labtop.query.marks import make_marks
from labtop.query.record_files import CHUNK_COLUMNS
from labtop.query.summaries import make_summaries
from labtop.store.format import GROUPS

HIDDEN = {
    "row": "UINTEGER",
    "_folder": "VARCHAR",  # where it was read, relative to the store
    "_stamp": "BIGINT",  # identifies the version of the record that was read
    "_final": "BOOLEAN",  # whether the run has ended by its own word
    "_twins": "UBIGINT",  # the same in runs that are the same but for the seed
    "_environment": "UBIGINT",  # its text is in the table `environments`
}
"""Columns of the index besides those people see."""

_STRUCTS = {
    "life": '{"group":"VARCHAR","job_type":"VARCHAR","tags":["VARCHAR"],"notes":"VARCHAR","parent_id":"VARCHAR",'
    '"exit_code":"BIGINT","signal":"VARCHAR","error":{"type":"VARCHAR","message":"VARCHAR"},'
    '"process":{"host":"VARCHAR"},"degraded":"VARCHAR"}',
    "command": '{"argv":["VARCHAR"]}',
    "code": '{"commit":"VARCHAR","branch":"VARCHAR","dirty":"BOOLEAN","patch_sha256":"VARCHAR"}',
    "environment": '{"python":"VARCHAR"}',
    "hardware": '{"gpus":[{"name":"VARCHAR"}]}',
    "source": '{"tracker":"VARCHAR","problems":["VARCHAR"]}',
}

_SHELL_WORD = (
    r"""if(regexp_full_match(x, '[\w@%+=:,./-]+'), x, '''' || replace(x, '''', '''"''"''') || '''')"""
)

_FIELD_SQL = {
    "id": "id",
    "name": "coalesce(nullif(name, ''), id)",
    "project": "coalesce(project, '')",
    "status": "coalesce(status, 'unknown')",
    "started_at": "started_at",
    "ended_at": "ended_at",
    "duration_s": "greatest(epoch_us(coalesce(ended_at, seen_until)) - epoch_us(started_at), 0) / 1e6",
    "group": 'life."group"',
    "job_type": "life.job_type",
    "tags": "coalesce(list_filter(life.tags, lambda x: x IS NOT NULL), [])",
    "notes": "nullif(life.notes, '')",
    "parent_id": "life.parent_id",
    "exit_code": "life.exit_code",
    "signal": "life.signal",
    "error": "nullif(concat_ws(': ', nullif(life.error.type, ''), nullif(life.error.message, '')), '')",
    "commit": 'code."commit"',
    "branch": "code.branch",
    "dirty": "code.dirty",
    "host": "life.process.host",
    "command": f"nullif(array_to_string(list_transform(command.argv, lambda x: {_SHELL_WORD}), ' '), '')",
    "python": "environment.python",
    "gpu": """if(len(list_distinct(gpus)) = 1 AND len(gpus) > 1, len(gpus) || 'x ' || gpus[1],
                 nullif(array_to_string(list_distinct(gpus), ', '), ''))""",
    "score": "score",
    "archived": "coalesce(archived, false)",
    "tracker": "coalesce(source.tracker, 'labtop')",
    "problems": "coalesce(len(source.problems), 0) + (life.degraded IS NOT NULL)::BIGINT + broken",
}
"""A field of the table from the parsed record. `points` and `seed` need the metrics and params there are."""

_METRIC_SHAPE = ", ".join(
    ["goal VARCHAR", "last DOUBLE", "spark DOUBLE[]", *(f"{name} {sql}" for name, sql in SUMMARIES.items())]
)

_LEAF_TYPE = """CASE
    WHEN type = 'NULL' THEN NULL
    WHEN type = 'VARCHAR' THEN if(value IN ('"NaN"', '"Infinity"', '"-Infinity"'), 'nan', 'text')
    WHEN type = 'BOOLEAN' THEN 'boolean'
    WHEN type IN ('BIGINT', 'UBIGINT') THEN if(try_cast(value AS BIGINT) IS NULL, 'mixed', 'integer')
    WHEN type = 'DOUBLE' THEN 'number'
    ELSE 'mixed' END"""
_DEEPEST = 64
"""Levels of nested params that become columns; what lies deeper stays JSON text."""

_DEEPER = "type = 'OBJECT' AND value <> '{}'"


SCRATCH = (
    "chunk", "next_chunk", "leaf", "metric_long", "metric_numbered", "summary_chunk", "twin_chunk", "judged",
    "mark_chunk", "index_chunk", *(f"{pillar}_marks" for pillar in PILLARS),
)  # fmt: skip
"""Tables that are of no use once a chunk is in the run table."""


class ChunkIndexer:
    """Indexes chunk after chunk; `found` grows with what they hold."""

    def __init__(self, engine: Engine, found: FoundColumns) -> None:
        self._engine = engine
        self._found = found
        self._seeds: list[Path] = []

    def learn(self) -> Changes:
        """Find the params and metrics of the runs in `chunk`, which have row numbers by now."""
        self._unless_broken(self._take_apart)
        params = self._engine.query(
            f"""SELECT path, list(DISTINCT type) FILTER (type IS NOT NULL), count(*), any_value(place) AS place
                FROM (SELECT path, place, {_LEAF_TYPE} AS type FROM leaf) GROUP BY path ORDER BY place"""
        )
        metrics = self._engine.query(
            """SELECT name, count(*), any_value(m.goal), any_value(place) AS place
               FROM metric_long GROUP BY name ORDER BY place"""
        )
        self._seeds = [tuple(path) for path, *_ in params if is_seed(flat_name(tuple(path)))]
        return self._found.observe(
            [SeenParam(tuple(path), frozenset(types), runs) for path, types, runs, _ in params if types],
            [SeenMetric(name, goal, runs) for name, runs, goal, _ in metrics],
        )

    def make(self) -> None:
        """Make `index_chunk`, with a column for each found so far. Follows `learn`."""
        self._unless_broken(self._make)

    def _make(self) -> None:
        params, metrics = self._found.of_kind("param"), self._found.of_kind("metric")
        make_summaries(self._engine, [each.path[0] for each in metrics])
        self._make_twins()
        make_marks(self._engine)
        self._engine.execute(_index_sql(params, metrics))

    def _unless_broken(self, step: Callable[[], None]) -> None:
        """Do a step; should it fail, take out documents that are no JSON and do it again."""
        try:
            step()
        except InterruptedQueryError:
            raise
        except QueryError:
            self._take_out_broken()
            step()

    def _take_out_broken(self) -> None:
        names = [quote_name(group) for group in GROUPS if group in CHUNK_COLUMNS]
        invalid = [f"NOT coalesce(json_valid({name}), true)" for name in names]
        self._engine.execute(
            f"UPDATE chunk SET broken = broken + {' + '.join(f'({each})::BIGINT' for each in invalid)}"
        )
        kept = ", ".join(
            f"{name} = if({bad}, NULL, {name})" for name, bad in zip(names, invalid, strict=True)
        )
        self._engine.execute(f"UPDATE chunk SET {kept}")

    def _take_apart(self) -> None:
        self._make_leaves()
        # a map takes any names, in one pass; the fields of a struct may not differ by case alone
        self._engine.execute(
            """CREATE OR REPLACE TABLE metric_long AS
               SELECT "row", unnest(map_keys(s)) AS name, unnest(map_values(s)) AS m,
                      generate_subscripts(map_keys(s), 1) AS place
               FROM (SELECT "row", json_transform(metrics, ?) AS s FROM chunk)""",
            [f'"MAP(VARCHAR, STRUCT({_METRIC_SHAPE}))"'],
        )
        # a key that is there twice (only a foreign writer does that) makes no map in DuckDB 2, but one in 1.5
        doubled = 'SELECT "row" FROM metric_long GROUP BY "row", name HAVING count(*) > 1'
        if self._engine.query(f"{doubled} LIMIT 1"):
            self._engine.execute(f'DELETE FROM metric_long WHERE "row" IN ({doubled})')
        self._engine.execute(
            """UPDATE chunk SET broken = broken + 1
               WHERE metrics <> '{}' AND "row" NOT IN (SELECT "row" FROM metric_long)"""
        )

    def _make_leaves(self) -> None:
        """Make `leaf` (row, path, place, type, value): the params of all runs, each at the end of its path."""
        self._engine.execute(
            """CREATE OR REPLACE TABLE leaf AS
               SELECT c.row, [e.key] AS path, [e.id::BIGINT] AS place, e.type, e.value::VARCHAR AS value
               FROM (SELECT row, params FROM chunk WHERE json_type(params) = 'OBJECT') c, json_each(c.params) e"""
        )
        for _ in range(_DEEPEST):
            if not self._engine.query(f"SELECT 1 FROM leaf WHERE {_DEEPER} LIMIT 1"):
                return
            self._engine.execute(
                f"""CREATE OR REPLACE TABLE leaf AS
                    SELECT * FROM leaf WHERE NOT ({_DEEPER})
                    UNION ALL
                    SELECT l.row, list_append(l.path, e.key), list_append(l.place, e.id::BIGINT), e.type,
                           e.value::VARCHAR
                    FROM (SELECT * FROM leaf WHERE {_DEEPER}) l, json_each(l.value) e"""
            )

    def _make_twins(self) -> None:
        """Make `twin_chunk`: what runs share that are the same but for the seed, and whether a param names one."""
        # a sum of hashes does not depend on the order of params, which the key of "the same" must not either
        self._engine.execute(
            """CREATE OR REPLACE TABLE twin_chunk AS
               SELECT row, bool_or(is_seed) AS has_seed,
                   coalesce(sum(hash(path, value)) FILTER (NOT is_seed), 0)::VARCHAR AS params_hash
               FROM (SELECT row, path, value, list_contains(?::VARCHAR[][], path) AS is_seed FROM leaf)
               GROUP BY row""",
            [[list(path) for path in self._seeds]],
        )


_NUMERIC = "[" + ", ".join(f"'$.packages.\"{name}\"'" for name in NUMERIC) + "]"


def _index_sql(params: Sequence[FoundColumn], metrics: Sequence[FoundColumn]) -> str:
    """The statement that makes `index_chunk` from the tables of a chunk."""
    pointers = f"[{', '.join(_text(_pointer(each.path)) for each in params)}]::VARCHAR[]"
    structs = ", ".join(f"json_transform({name}, '{shape}') AS {name}" for name, shape in _STRUCTS.items())
    columns = [
        "row", "folder AS _folder", "stamp AS _stamp", "final AS _final", "hash(environment_text) AS _environment",
        """hash([project, code."commit", code.patch_sha256, digests, computing, params_hash]) AS _twins""",
    ]  # fmt: skip
    fields = {
        **_FIELD_SQL,
        "points": "coalesce(points, 0)",
        "seed": _seed_sql(params),
    }
    columns += [f"({fields[each.key]})::{each.type.sql} AS {quote_name(each.key)}" for each in FIELDS]
    columns += [
        f"{_param_sql(i, each, params)} AS {quote_name(each.key)}" for i, each in enumerate(params, 1)
    ]
    for number, each in enumerate(metrics, 1):
        columns.append(f"m[{number}].last AS {quote_name(each.key)}")
        columns += [f"m[{number}].{name} AS {quote_name(f'{each.key}.{name}')}" for name in SUMMARIES]
        columns.append(f"m[{number}].spark AS {quote_name(each.spark_key)}")
    return f"""CREATE OR REPLACE TABLE index_chunk AS
        SELECT {", ".join(columns)}
        FROM (SELECT chunk.* REPLACE ({structs}), environment AS environment_text,
                  json_extract(params, {pointers}) AS x, json_extract_string(params, {pointers}) AS y,
                  list_transform(json_extract_string(hardware, '$.gpus[*].name'), lambda g: g) AS gpus,
                  list_sort(json_extract_string(data, '$[*].digest'))::VARCHAR AS digests,
                  json_extract_string(environment, {_NUMERIC})::VARCHAR AS computing,
                  json_extract(randomness, '$.seeds')::VARCHAR AS seeds,
                  list_distinct(json_extract(randomness, '$.seeds.*')::VARCHAR[]) AS seed_values
              FROM chunk)
            LEFT JOIN summary_chunk USING (row)
            LEFT JOIN twin_chunk USING (row) LEFT JOIN mark_chunk USING (row)"""


def _param_sql(number: int, column: FoundColumn, params: Sequence[FoundColumn]) -> str:
    """The value of a param by its position in the extracted lists: x as JSON, y as text."""
    value = f"y[{number}]"
    if column.type_name == "mixed":
        value = f"if(y[{number}] IS NULL, NULL, x[{number}]::VARCHAR)"
    elif column.type_name != "text":
        value = f"try_cast(y[{number}] AS {COLUMN_TYPES[column.type_name].sql})"
    length = len(column.path)
    if any(each.path[:length] == column.path for each in params if len(each.path) > length):
        # a value in some runs, a mapping in others: the mapping's own columns have it
        value = f"""if(starts_with(x[{number}]::VARCHAR, '{{"'), NULL, {value})"""
    return value


def _seed_sql(params: Sequence[FoundColumn]) -> str:
    """The seed as JSON: the one that all libraries got, else all of them, else the param that names one."""
    named = [
        f"if(y[{i}] IS NULL, NULL, x[{i}]::VARCHAR)" for i, each in enumerate(params, 1) if is_seed(each.name)
    ]
    fallback = f"coalesce({', '.join(named)}, NULL)" if named else "NULL"
    return f"""CASE WHEN len(seed_values) = 1 THEN seed_values[1]
                    WHEN len(seed_values) > 1 THEN seeds ELSE {fallback} END"""


def _pointer(path: Path) -> str:
    """A path as a JSON pointer."""
    return "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in path)


def _text(text: str) -> str:
    """A text literal; one with a NUL character is put together, for none may stand in a statement."""
    return (
        "(" + " || chr(0) || ".join(quote_text(part) for part in text.split("\0")) + ")"
        if "\0" in text
        else quote_text(text)
    )
