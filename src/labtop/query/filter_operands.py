"""What a name or a value of a filter stands for: a column, something to compare with, or words to search for."""

from __future__ import annotations

from dataclasses import dataclass, field

from labtop.errors import FilterError
from labtop.model.columns import Column
from labtop.query.filter_compare import Compare
from labtop.query.filter_terms import Operand, Term, Value, column_term, fill, literal
from labtop.query.filter_tokens import Token
from labtop.query.filter_tree import Node

_SEARCHED = ("name", "tags", "notes", "id")
_SEARCH = " OR ".join(
    f"contains(lower(coalesce({text}, '')), lower({{0}}))"
    for text in ('"name"', 'array_to_string("tags", chr(10))', '"notes"', '"id"')
)


@dataclass(slots=True)
class Operands:
    """The names and values of one filter; `keys` collects the columns that it reads."""

    tokens: list[Token]
    rules: Compare
    keys: set[str] = field(default_factory=set)

    def token(self, node: Node) -> Token:
        """The token that a placeholder of the tree stands for."""
        placeholder = node["column_names"][-1]
        return self.tokens[int(placeholder[1:])]

    def of(self, token: Token) -> Operand:
        """The column of a name, or a value; a name that no column has is a value too."""
        if token.kind != "name":
            return Value(token)
        column = self._column(token)
        return Value(token) if column is None else self.use(column, token.start, token.end)

    def use(self, column: Column, start: int, end: int) -> Term:
        """A column as a piece of SQL, noted as one that is read."""
        self.keys.add(column.key)
        return column_term(column, start, end)

    def _column(self, token: Token) -> Column | None:
        found = self.rules.names.candidates(token.text)
        if len(found) > 1:
            by_key = len({column.name for column in found}) < len(found)
            choices = ", ".join(column.key if by_key else column.name for column in found[:8])
            raise FilterError(
                f"{token.text!r} fits several columns",
                self.rules.text,
                token.start,
                token.end - token.start,
                choices,
            )
        return found[0] if found else None

    def condition(self, token: Token) -> Term:
        """A name or value where a condition is wanted: a boolean column, or words to search for."""
        if token.kind == "constant" and token.text in ("true", "false"):
            return self.rules.as_condition(Value(token))
        column = self.rules.names.exact(token.text) if token.kind == "name" else None
        if token.kind == "name" and column is None:
            found = self.rules.names.candidates(token.text)
            column = found[0] if len(found) == 1 and found[0].type.name == "boolean" else None
        if column is None:
            self.keys.update(_SEARCHED)
            return fill(f"({_SEARCH})", literal(token.text, Value(token), "text"))
        term = self.use(column, token.start, token.end)
        if term.kind == "condition":
            return term
        raise FilterError(
            f"{token.text} is not true or false by itself",
            self.rules.text, token.end, 1, f"compare it, as in {_example(column)}",
        )  # fmt: skip


def _example(column: Column) -> str:
    if column.type.name == "tags":
        return f"{column.name} has 'paper'"
    if column.type.name == "time":
        return f"{column.name} > yesterday"
    return f"{column.name} < 1" if column.type.is_number else f"{column.name} = 'x'"
