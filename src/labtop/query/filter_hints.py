"""What to say where a filter lets nothing through: a parameter or metric may stand before the field that was meant."""

from __future__ import annotations

from collections.abc import Sequence

from labtop.errors import FilterError
from labtop.model.columns import Column
from labtop.query.filter_names import names_of
from labtop.query.filter_tokens import tokenise

_KINDS = {"param": "a parameter", "metric": "a metric"}


def hidden_fields(text: str, columns: Sequence[Column]) -> list[str]:
    """A sentence for each name in a filter that means no field, although there is one of that name."""
    names, fields = names_of(columns), {each.name for each in columns if each.kind == "field"}
    try:
        words = [token.text for token in tokenise(text, names) if token.kind == "name"]
    except FilterError:
        return []
    return [
        f"{word} is {_KINDS[found.kind]} here; the field is run.{word}"
        for word in dict.fromkeys(words)
        if word in fields and (found := names.exact(word)) is not None and found.kind in _KINDS
    ]
