"""The first two gates for SQL of a user: it is one SELECT, and it names nothing but our views and plain functions.

Both look at the tree that DuckDB's own parser makes. The third gate, a connection that can do no harm, is in
sandbox.py; each of the three must hold by itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from labtop.errors import QueryError

TABLE_FUNCTIONS = frozenset(
    ("unnest", "range", "generate_series", "json_each", "json_tree", "regexp_split_to_table")
)
"""The only functions that may stand where a table stands."""

DENIED_FUNCTIONS = frozenset(
    (
        "getenv", "getvariable", "current_setting", "current_query", "current_query_id", "current_connection_id",
        "in_search_path", "nextval", "currval", "setval", "setseed", "sleep_ms", "pg_sleep", "write_log", "stats",
        "which_secret", "query", "query_table", "json_execute_serialized_sql", "parse_duckdb_log_message",
        "txid_current", "current_transaction_id", "vector_type", "index_key",
    )
)  # fmt: skip
_DENIED_STARTS = (
    "read_",
    "write_",
    "duckdb_",
    "pragma_",
    "parquet_",
    "pg_",
    "inet_",
    "has_",
    "glob",
    "sniff_",
    "get_",
)
_DENIED_STARTS_ALLOWED = frozenset(
    ("pg_typeof", "get_bit", "get_current_time", "get_current_timestamp", "get_type")
)
_SYNTAX_FUNCTIONS = frozenset(
    (
        "row", "unnest", "list_value", "struct_pack", "array_slice", "array_extract", "grouping", "grouping_id",
        "row_number", "rank", "rank_dense", "dense_rank", "percent_rank", "cume_dist", "ntile", "lead", "lag", "fill",
        "first_value", "last_value", "nth_value", "if", "ifnull", "coalesce", "try", "operator", "!__postfix",
        "map", "columns", "construct_array", "array", "list",
    )
)  # fmt: skip
"""What the parser writes for syntax, and window functions: not all versions list these among their functions."""

_EXPRESSIONS = frozenset(
    (
        "CONSTANT", "COLUMN_REF", "STAR", "FUNCTION", "WINDOW", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "CAST",
        "BETWEEN", "COLLATE", "SUBQUERY", "LAMBDA", "LAMBDA_REF", "POSITIONAL_REFERENCE", "TYPE",
    )
)  # fmt: skip
_NODES = frozenset(
    (
        "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
        "BASE_TABLE", "JOIN", "SUBQUERY", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF",
        "ASCENDING", "DESCENDING",
    )
)  # fmt: skip
_NODE_KINDS = re.compile(r"ORDER_\w+|\w+_MODIFIER|\w+_TYPE_INFO")
_PLAIN_NAME = re.compile(r"\w+")
_MOST_CHARACTERS = 100_000

Ask = Callable[[str, list[Any]], list[tuple[Any, ...]]]
"""A query of ours with its parameters, answered by any connection."""


def is_denied_function(name: str) -> bool:
    """Whether a function is refused whatever DuckDB says of it: files, settings, secrets, sequences, sleep."""
    denied_start = name.startswith(_DENIED_STARTS) and name not in _DENIED_STARTS_ALLOWED
    return name in DENIED_FUNCTIONS or denied_start


def plain_functions(ask: Ask) -> frozenset[str]:
    """The scalar, aggregate and window functions of this DuckDB less those that are denied."""
    rows = ask(
        """SELECT DISTINCT lower(function_name) FROM duckdb_functions()
           WHERE function_type IN ('scalar', 'aggregate', 'macro', 'window')""",
        [],
    )
    return frozenset(name for (name,) in rows if not is_denied_function(name)) | _SYNTAX_FUNCTIONS


@dataclass(frozen=True, slots=True)
class Needs:
    """Which of our tables a query reads, and whether it counts rows, which alone would read nothing of them."""

    tables: frozenset[str]
    is_count: bool = False


def check_query(query: str, tables: Iterable[str], functions: frozenset[str], ask: Ask) -> Needs:
    """What a query needs of our `tables`. Raises QueryError when it is anything but one harmless SELECT."""
    if len(query) > _MOST_CHARACTERS:
        raise QueryError(f"the query is longer than {_MOST_CHARACTERS:,} characters")
    statements = _parse(query, ask)
    if not statements:
        raise QueryError("there is no query", "write a SELECT, as in: SELECT name, status FROM runs")
    if len(statements) > 1:
        raise QueryError("several statements in one", "write one SELECT")
    gate = _Gate(query, frozenset(tables), functions)
    try:
        gate.collect_ctes(statements[0])
        gate.check(statements[0])
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    return Needs(frozenset(gate.used), gate.is_count)


def _parse(query: str, ask: Ask) -> list[Any]:
    import msgspec

    try:
        query.encode()
        answer = msgspec.json.decode(ask("SELECT json_serialize_sql(?)", [query])[0][0])
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    except UnicodeEncodeError as error:
        raise QueryError("the query is not valid Unicode", position=error.start) from None
    if not answer["error"]:
        statements: list[Any] = answer["statements"]
        return statements
    if answer["error_type"] == "not implemented":
        raise QueryError(
            "only SELECT is allowed here",
            "nothing can be changed, loaded or copied; instead of PIVOT group and use count(*) FILTER (WHERE …)",
        )
    position = int(answer["position"]) if answer.get("position") else None
    if position is not None and "location" in answer:  # DuckDB 2 counts bytes, 1.5 characters
        position = _character(query, position)
    raise QueryError(answer["error_message"], position=position)


@dataclass(slots=True)
class _Gate:
    """One walk over one tree; refuses every kind of node that it does not know."""

    query: str
    tables: frozenset[str]
    functions: frozenset[str]
    ctes: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    is_count: bool = False

    def collect_ctes(self, tree: Any) -> None:
        """Note the names that WITH gives; one that could be a file's is refused."""
        if isinstance(tree, list):
            for each in tree:
                self.collect_ctes(each)
        elif isinstance(tree, dict):
            named = tree.get("cte_map")
            for entry in named["map"] if isinstance(named, dict) else ():
                self._add_cte(entry["key"])
            if isinstance(tree.get("cte_name"), str):
                self._add_cte(tree["cte_name"])
            for each in tree.values():
                self.collect_ctes(each)

    def check(self, tree: Any) -> None:
        """Refuse what is not allowed anywhere below."""
        if isinstance(tree, list):
            for each in tree:
                self.check(each)
        elif isinstance(tree, dict):
            if isinstance(tree.get("type"), str):
                self._check_node(tree, tree["type"])
            for each in tree.values():
                self.check(each)

    def _add_cte(self, name: str) -> None:
        if not name:
            return
        if not _PLAIN_NAME.fullmatch(name):
            raise QueryError(f"a name after WITH may hold letters, digits and _ only, not {name!r}")
        self.ctes.add(name.lower())

    def _check_node(self, node: dict[str, Any], kind: str) -> None:
        group = node.get("class")
        if group is not None:
            if group == "PARAMETER":
                raise self._refusal(node, "a query takes no parameters here")
            if group not in _EXPRESSIONS:
                raise self._refusal(node, f"{str(group).lower()} is not allowed here")
            if group in ("FUNCTION", "WINDOW"):
                self._check_function(node)
        elif kind == "BASE_TABLE":
            self._check_table(node)
        elif kind == "TABLE_FUNCTION":
            self._check_table_function(node)
        elif kind == "SHOW_REF":
            if node.get("query") is None and node.get("table_name") != '"tables"':
                raise self._refusal(node, "only DESCRIBE, SUMMARIZE and SHOW TABLES are allowed of this kind")
        elif kind not in _NODES and not _NODE_KINDS.fullmatch(kind):
            raise QueryError("only SELECT is allowed here", f"not {kind.lower().replace('_', ' ')}")

    def _check_table(self, node: dict[str, Any]) -> None:
        name = node["table_name"].lower()
        if node.get("at_clause") is not None:
            raise self._refusal(node, "AT is not allowed here")
        place = (node.get("catalog_name") or "", node.get("schema_name") or "")
        if place not in (("", ""), ("", "main"), ("memory", "main")):
            raise self._refusal(
                node, f"no table {'.'.join(filter(None, (*place, name)))!r}", self._nearest(name)
            )
        if name in self.tables:
            self.used.add(name)
        elif name not in self.ctes:
            raise self._refusal(node, f"no table {node['table_name']!r}", self._nearest(name))

    def _check_table_function(self, node: dict[str, Any]) -> None:
        called = node.get("function")
        name = str(called.get("function_name", "")).lower() if isinstance(called, dict) else ""
        if name not in TABLE_FUNCTIONS:
            error = self._refusal(
                called if isinstance(called, dict) else node,
                f"{name or 'this'}() is not allowed as a table",
                f"there are the tables {', '.join(sorted(self.tables))}",
            )
            if error.position is None:  # DuckDB 2 gives the place to the table reference
                error.position = self._refusal(node, "").position
            raise error

    def _check_function(self, node: dict[str, Any]) -> None:
        name = str(node.get("function_name", "")).lower()
        self.is_count |= name in ("count_star", "count")
        if name in TABLE_FUNCTIONS or (name in self.functions and not is_denied_function(name)):
            if node.get("catalog"):
                raise self._refusal(node, f"{name}() is not looked for in a catalog")
            return
        if is_denied_function(name):
            raise self._refusal(node, f"{name}() is not allowed here", "it reaches beyond the runs")
        close = difflib.get_close_matches(name, self.functions, 3, 0.7)
        raise self._refusal(node, f"no function {name}()", f"nearest: {', '.join(close)}" if close else "")

    def _nearest(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.tables, 1, 0.5)
        known = f"there are {', '.join(sorted(self.tables))}"
        return f"nearest: {close[0]}; {known}" if close else known

    def _refusal(self, node: dict[str, Any], message: str, hint: str = "") -> QueryError:
        at = node.get("query_location")
        position = _character(self.query, at) if isinstance(at, int) and at < 2**63 else None
        return QueryError(message, hint, position)


def _character(query: str, byte: int) -> int:
    """Which character a byte of the query belongs to: the parser counts bytes."""
    return len(query.encode()[:byte].decode(errors="ignore"))
