"""The filter language: text to a condition over the run table, or an error at a character.

One language for `--where`, the filter bar and saved views; docs/filters.md describes it. The steps, a module each:
tokens (which knows the names of columns), grammar (what may follow what), tree (DuckDB's own parser), walk (types,
and SQL rendered from the tree with every value bound as a parameter).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from labtop.errors import FilterError
from labtop.model.columns import Column
from labtop.query.filter_compare import Compare
from labtop.query.filter_completion import Completion, complete
from labtop.query.filter_grammar import with_conjunctions
from labtop.query.filter_names import names_of
from labtop.query.filter_operands import Operands
from labtop.query.filter_tokens import tokenise
from labtop.query.filter_tree import Parser, parse
from labtop.query.filter_walk import Walk
from labtop.query.request import EVERYTHING, CompiledFilter

__all__ = ["EVERYTHING", "CompiledFilter", "Completion", "compile_filter", "complete"]


def compile_filter(
    text: str, columns: Sequence[Column], engine: Parser, now: datetime | None = None
) -> CompiledFilter:
    """Compile a filter over a table of `columns`; an empty one lets everything through.

    `now` (aware) is what "2 days ago" is counted from. Raises FilterError with the character at fault.
    """
    if not text.strip():
        return EVERYTHING
    names = names_of(columns)
    tokens = with_conjunctions(text, tokenise(text, names))
    rules = Compare(text, names, now or datetime.now().astimezone())
    operands = Operands(tokens, rules)
    try:
        term = Walk(operands, rules, engine).condition(parse(text, tokens, engine))
    except RecursionError:  # the caller stands deep in the stack already; the grammar keeps trees shallow
        raise FilterError("the filter is nested too deeply", text, 0, len(text)) from None
    return CompiledFilter(term.sql, term.parameters, frozenset(operands.keys))
