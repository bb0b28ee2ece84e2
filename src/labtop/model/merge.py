"""Brings two versions of a record together that were written on by two processes since they were one.

Group by group: what only one side changed is taken from it. Where both did, mappings and lists are joined, and in what
cannot be joined the side that goes on (`mine`) wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from labtop.model.run import Code, RunRecord

_NOT_MERGED = frozenset(("metrics", "status", "ended_at", "writers"))  # the writer itself knows these best
Facts = TypeVar("Facts")


def merge_records(base: RunRecord, mine: RunRecord, theirs: RunRecord) -> RunRecord:
    """`mine` with what changed from `base` to `theirs`; metrics, status and end are those of `mine`."""
    return replace(mine, **_merged_fields(base, mine, theirs, _NOT_MERGED))


def _merged_fields(
    base: object, mine: object, theirs: object, left_out: frozenset[str] = frozenset()
) -> dict[str, Any]:
    names = [each.name for each in fields(mine) if each.name not in left_out]  # type: ignore[arg-type]
    return {name: _merge(getattr(base, name), getattr(mine, name), getattr(theirs, name)) for name in names}


def _merge(base: Any, mine: Any, theirs: Any) -> Any:
    if isinstance(mine, Code) and isinstance(theirs, Code) and isinstance(base, Code):
        return _merge_code(base, mine, theirs)
    if theirs == base or mine == theirs:
        return mine
    if mine == base:
        return theirs
    if is_dataclass(mine) and type(mine) is type(theirs) is type(base):
        return replace(mine, **_merged_fields(base, mine, theirs))  # type: ignore[type-var]
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return _merge_mappings(base if isinstance(base, Mapping) else {}, mine, theirs)
    if isinstance(mine, tuple) and isinstance(theirs, tuple):
        return (*theirs, *(each for each in mine if each not in theirs))
    return mine


def _merge_code(base: Code, mine: Code, theirs: Code) -> Code:
    """Code is found out bit by bit, and nothing of it is ever taken back: who lacks a bundle has joined too early."""
    merged = _merged_fields(base, mine, theirs)
    for name, value in merged.items():
        if value is None:
            merged[name] = getattr(theirs, name) if getattr(mine, name) is None else getattr(mine, name)
    return replace(mine, **merged)


def _merge_mappings(
    base: Mapping[Any, Any], mine: Mapping[Any, Any], theirs: Mapping[Any, Any]
) -> dict[Any, Any]:
    """Entry by entry; what one side removed and the other left as it was is gone."""
    merged = {}
    for name in {**theirs, **mine}:
        if name in mine and name in theirs:
            merged[name] = _merge(base.get(name), mine[name], theirs[name])
            continue
        value = mine[name] if name in mine else theirs[name]
        if name not in base or value != base[name]:
            merged[name] = value
    return merged
