"""Keeps what a source tells of a run within bounds: texts of megabytes are cut, and what is no Unicode is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from labtop.sources.source import RunRead

MOST_CHARACTERS = 2**20
"""Of a parameter: more is a file that somebody put into one."""


def bounded(read: RunRead) -> RunRead:
    """The same with no parameter longer than `MOST_CHARACTERS`; what is cut is a problem of the run."""
    record = read.record
    told: list[str] = []
    params, summary = _cut(record.params, "", told), _cut(record.summary, "", told)
    texts = _cut(record.source.texts, "", [])
    if not told and texts is record.source.texts:
        return read
    source = replace(record.source, problems=(*record.source.problems, *told), texts=texts)
    return replace(read, record=replace(record, params=params, summary=summary, source=source))


def _cut(tree: Mapping[str, Any], prefix: str, told: list[str]) -> Any:
    """A tree with its long texts cut; the very same where there are none."""
    changed: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, str) and len(value) > MOST_CHARACTERS:
            changed[key] = value[:MOST_CHARACTERS]
            told.append(
                f"{prefix}{key[:80]}: only {MOST_CHARACTERS:,} of its {len(value):,} characters are kept"
            )
        elif isinstance(value, Mapping):
            inner = _cut(value, f"{prefix}{key}.", told)
            if inner is not value:
                changed[key] = inner
    return {**tree, **changed} if changed else tree


def escaped(value: Any) -> Any:
    """A value of any kind in which texts hold no half characters, as file names of other encodings bring them."""
    if isinstance(value, Enum):  # words of labtop's own
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {escaped(key): escaped(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(escaped, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: escaped(getattr(value, each.name)) for each in fields(value)})
    return value


def escaped_read(read: RunRead) -> RunRead:
    """The same run with all that is told of it escaped; its key and folder stay as they are."""
    curves = {escaped(name): curve for name, curve in read.curves.items()}
    return replace(read, record=escaped(read.record), curves=curves, identity=escaped(read.identity))
