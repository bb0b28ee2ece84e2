"""The syntax tree of a filter, from DuckDB's own parser.

The parser never sees the user's text: names, values and functions reach it as numbered placeholders, so that the tree
is the same in every version of DuckDB, leads back to the user's characters, and can hold nothing that was not meant.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from labtop.errors import FilterError
from labtop.query.filter_tokens import OPERANDS, Token

Node: TypeAlias = dict[str, Any]

_START = "SELECT 1 WHERE "


class Parser(Protocol):
    """What a filter needs of an engine."""

    def query(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""


def parse(text: str, tokens: list[Token], engine: Parser) -> Node:
    """The tree of one boolean expression; column `n3` and function `f3` stand for `tokens[3]`."""
    import msgspec

    written, starts = _placeholders(tokens)
    answer = msgspec.json.decode(engine.query("SELECT json_serialize_sql(?)", [written])[0][0])
    if answer["error"]:
        at = int(answer.get("position") or len(written))
        token = next((each for each, start in zip(tokens, starts, strict=True) if start >= at), None)
        start, end = (token.start, token.end) if token else (len(text), len(text) + 1)
        raise FilterError("this does not fit here", text, start, max(end - start, 1))
    statements = answer["statements"]
    if len(statements) != 1 or not isinstance(statements[0]["node"].get("where_clause"), dict):
        raise FilterError("a filter is one expression", text, 0, len(text))
    tree: Node = statements[0]["node"]["where_clause"]
    return tree


def arguments(node: Node) -> list[Node]:
    """The arguments of a function: DuckDB 2 wraps each one in its name."""
    if "arguments" in node:
        return [each["expression"] for each in node["arguments"]]
    children: list[Node] = node["children"]
    return children


def _placeholders(tokens: list[Token]) -> tuple[str, list[int]]:
    """The statement to parse, and where in it each token starts."""
    pieces: list[str] = []
    starts: list[int] = []
    length = len(_START)
    for index in range(len(tokens)):
        starts.append(length)
        pieces.append(f"{_placeholder(index, tokens)} ")
        length += len(pieces[-1])
    return _START + "".join(pieces), starts


def _placeholder(index: int, tokens: list[Token]) -> str:
    token = tokens[index]
    before = tokens[index - 1] if index else None
    if token.kind == "function":
        return f'"f{index}"'
    if token.kind in OPERANDS:
        is_null = token.kind == "constant" and token.text == "null"
        return "null" if is_null and _is_after_is(index, tokens) else f'"n{index}"'
    if token.kind == "keyword" and token.text == "is":
        return "is" if _is_null_test(index, tokens) else _distinct(index, tokens)
    if token.kind == "keyword" and token.text == "not" and before and _is_keyword(before, "is"):
        return "not" if _is_null_test(index - 1, tokens) else ""
    if token.kind == "keyword" and token.text == "not" and _follows(index, tokens, "has"):
        return ""
    if token.kind == "keyword" and token.text == "has":
        return "<@" if before and _is_keyword(before, "not") else "@>"
    return token.text


def _distinct(index: int, tokens: list[Token]) -> str:
    """`is X` holds for nulls and NaN too, so it is the comparison that knows them."""
    return "is distinct from" if _follows(index, tokens, "not") else "is not distinct from"


def _is_null_test(index: int, tokens: list[Token]) -> bool:
    after = index + 2 if _follows(index, tokens, "not") else index + 1
    return after < len(tokens) and tokens[after].kind == "constant" and tokens[after].text == "null"


def _is_after_is(index: int, tokens: list[Token]) -> bool:
    before = index - 2 if index and _is_keyword(tokens[index - 1], "not") else index - 1
    return before >= 0 and _is_keyword(tokens[before], "is")


def _follows(index: int, tokens: list[Token], word: str) -> bool:
    return index + 1 < len(tokens) and _is_keyword(tokens[index + 1], word)


def _is_keyword(token: Token, word: str) -> bool:
    return token.kind == "keyword" and token.text == word
