"""Data sets that a run read, as MLflow describes them: a digest, and JSON of where they are from and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtop.model.run import DataInput
from labtop.sources.mlflow.words import CONTEXT, json_of, number_of, text_of

_ADDRESSES = ("uri", "path", "url", "table_name", "delta_table_name", "delta_table", "name")


def data_input(described: Mapping[str, Any], tags: Mapping[str, str], problems: list[str]) -> DataInput:
    """A data set from what MLflow keeps of it: `name`, `digest`, `source_type`, `source`, `schema`, `profile`."""
    name = text_of(described.get("name"))
    where = f"data set {name}"
    source = json_of(described.get("source"), problems, f"{where}: source")
    schema = json_of(described.get("schema"), problems, f"{where}: schema")
    profile = json_of(described.get("profile"), problems, f"{where}: profile")
    return DataInput(
        name=name,
        uri=_address(source, described.get("source")),
        kind=text_of(described.get("source_type")),
        digest=text_of(described.get("digest")) or None,
        rows=_rows(profile),
        columns=_columns(schema),
        split=tags.get(CONTEXT) or None,
    )


def _address(source: Any, text: Any) -> str:
    if isinstance(source, dict):
        for key in _ADDRESSES:
            if isinstance(source.get(key), str) and source[key]:
                return str(source[key])
        return ""
    return text_of(text)


def _rows(profile: Any) -> int | None:
    """How many rows: `num_rows` of a table, the first length of an array."""
    if not isinstance(profile, dict):
        return None
    rows = number_of(profile.get("num_rows"))
    shape = profile.get("features_shape")
    if rows is None and isinstance(shape, list) and shape:
        rows = number_of(shape[0])
    return rows


def _columns(schema: Any) -> dict[str, str]:
    """Names and types of columns, where the data set is a table."""
    columns = schema.get("mlflow_colspec") if isinstance(schema, dict) else None
    if isinstance(columns, dict):
        columns = columns.get("features")
    if not isinstance(columns, list):
        return {}
    return {
        text_of(each.get("name", number)): text_of(each.get("type"))
        for number, each in enumerate(columns)
        if isinstance(each, dict)
    }
