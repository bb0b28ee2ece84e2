"""THE schemas of labtop format 1: columns of points and records, and a record as columns and back.

`run.parquet` is one flat row: true columns for what every reader sorts by, one JSON document a group of facts.
Encoding and decoding need no Parquet library; only the functions that write import pyarrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from labtop.errors import InputError
from labtop.model.run import (
    Artifact,
    Code,
    Command,
    DataInput,
    Environment,
    Hardware,
    Life,
    MetricSummary,
    Randomness,
    RunRecord,
    Source,
    Status,
)
from labtop.store.quick_json import quick_json

if TYPE_CHECKING:
    import pyarrow

POINT_COLUMNS: Mapping[str, str] = {
    "run_id": "VARCHAR",
    "name": "VARCHAR",
    "step": "DOUBLE",
    "time": "TIMESTAMP",  # microseconds, UTC
    "value": "DOUBLE",
    "writer": "VARCHAR",
    "seq": "BIGINT",
}
"""Columns of `metrics/*.parquet` and their SQL types."""

RECORD_COLUMNS: Mapping[str, str] = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "project": "VARCHAR",
    "status": "VARCHAR",
    "started_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "format": "INTEGER",
    **dict.fromkeys(
        (
            "params", "metrics", "summary", "life", "command", "code", "data", "randomness", "environment",
            "hardware", "artifacts", "source",
        ),
        "JSON",
    ),
}  # fmt: skip
"""Columns of `run.parquet`; those said to be JSON are stored as text."""

_REPEATED = ["run_id", "name", "writer", "step"]
_ENCODINGS = {"time": "DELTA_BINARY_PACKED", "seq": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"}

GROUPS = tuple(name for name, type_name in RECORD_COLUMNS.items() if type_name == "JSON")
"""The columns that hold a JSON document."""

_DEEPEST = 60  # a configuration nested deeper is kept as text from there on


def safe_text(text: str) -> str:
    """`text` as something UTF-8 can say: a lone surrogate becomes its escape, `\\udcff`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def number_text(number: float) -> str:
    """The word that stands in JSON for a number it cannot say."""
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can hold it. What is None or an empty list is left out of groups of facts."""
    if type(value) is float:  # by far the most: sparklines
        return value if -math.inf < value < math.inf else number_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return safe_text(str(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else number_text(value)
    if isinstance(value, int):
        return _plain_int(int(value))
    if depth >= _DEEPEST:
        return safe_text(f"… {type(value).__name__} nested deeper than {_DEEPEST} levels")
    if is_dataclass(value):
        return _plain_facts(value, depth)
    if isinstance(value, Mapping):
        return {safe_text(str(key)): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(
        value, bytes | bytearray | memoryview
    ):
        return [plain(each, depth + 1) for each in value]
    return safe_text(str(value))


def _plain_int(number: int) -> int | msgspec.Raw:
    # JSON has integers of any length, msgspec writes 64 bits of them by itself
    return number if -(2**63) <= number < 2**63 else msgspec.Raw(str(number).encode())


def _plain_facts(facts: Any, depth: int) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name in _field_names(facts.__class__):
        value = getattr(facts, name)
        if value is None:
            continue
        kind = type(value)
        if kind is float:
            known[name] = value if -math.inf < value < math.inf else number_text(value)
        elif kind is tuple and _is_finite(value):
            known[name] = value
        elif value or isinstance(value, (str, float, int)):
            known[name] = plain(value, depth + 1)
    return known


def _is_finite(numbers: tuple[Any, ...]) -> bool:
    """Whether these are numbers that JSON can say as they are: nearly all sparklines."""
    return set(map(type, numbers)) == _FLOAT and math.isfinite(sum(numbers))


_FLOAT = {float}


@cache
def _nothing(shape: type[Any]) -> tuple[Any, str]:
    """A group of facts when nothing is known, and its JSON text."""
    return shape(), msgspec.json.encode(plain(shape())).decode("utf-8")


@cache
def _field_names(shape: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(shape))


Encoded = dict[str, tuple[object, str]]
"""Groups of facts as they were encoded before, each with the facts themselves."""


def encode_record(record: RunRecord, known: Encoded | None = None) -> dict[str, Any]:
    """The one row of `run.parquet`: text, naive UTC datetimes, the format number, and JSON text for each group.

    `known` is looked at and added to: facts that never change are not encoded again with every beat.
    """
    row: dict[str, Any] = {
        "id": safe_text(record.id),
        "name": safe_text(record.name),
        "project": safe_text(record.project),
        "status": str(record.status),
        "started_at": _naive_utc(record.started_at),
        "ended_at": _naive_utc(record.ended_at),
        "format": record.format,
    }
    for group in GROUPS:
        row[group] = _encode_once(group, getattr(record, group), {} if known is None else known)
    return row


def _encode_once(group: str, facts: object, known: Encoded) -> str:
    before = known.get(group)
    if before is not None and before[0] is facts:
        return before[1]
    text = encode_group(facts)
    if is_dataclass(facts):  # immutable; of a mapping nobody knows
        known[group] = (facts, text)
    return text


def encode_group(facts: Any) -> str:
    """One group of facts as JSON text."""
    if type(facts) is dict:
        quick = quick_json(facts)
        if quick is not None:
            return quick.decode("utf-8")
    elif type(facts) is tuple and not facts:
        return "[]"
    elif is_dataclass(facts):
        nothing, text = _nothing(facts.__class__)
        if facts == nothing:  # as most groups of most foreign runs
            return text
    return msgspec.json.encode(plain(facts)).decode("utf-8")


def _naive_utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)


def decode_record(row: Mapping[str, Any]) -> RunRecord:
    """A record from the columns of a row, however it was read.

    Unknown columns and fields are ignored, missing ones get their defaults. A group that cannot be understood is
    left empty and named in `source.problems`; the rest is given.
    """
    known: dict[str, Any] = {}
    problems: list[str] = []
    for group in GROUPS:
        if row.get(group) is not None:
            try:
                known[group] = decode_group(group, row[group])
            except InputError as error:
                problems.append(error.message)
    if problems:
        source: Source = known.get("source", Source())
        known["source"] = replace(source, problems=(*source.problems, *problems))
    return RunRecord(
        id=str(row.get("id") or ""),
        name=str(row.get("name") or row.get("id") or ""),
        project=str(row.get("project") or ""),
        status=as_status(row.get("status")),
        started_at=_aware_utc(row.get("started_at")),
        ended_at=_aware_utc(row.get("ended_at")),
        format=int(row.get("format") or 1),
        **known,
    )


def as_status(word: Any) -> Status:
    """The status that a word names; unknown for any other."""
    try:
        return Status(word)
    except ValueError:
        return Status.UNKNOWN


def _aware_utc(time: Any) -> datetime | None:
    if not isinstance(time, datetime):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def decode_group(name: str, json_text: str | bytes) -> Any:
    """The facts of the group `name` (one of `GROUPS`) from its JSON text.

    Raises:
        InputError: the text is no JSON, or not of this group's shape.
    """
    try:
        return _DECODERS[name](json_text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"the record's {name!r} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredRandomness:
    """Randomness with a type of `flags` that msgspec knows: a recursive alias is beyond it."""

    seeds: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    ranks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def _decoder(shape: Any) -> Callable[[str | bytes], Any]:
    # not strict: "NaN" and "Infinity" are numbers where a field is one
    decode: Callable[[str | bytes], Any] = msgspec.json.Decoder(shape, strict=False).decode
    return decode


def _decode_randomness(json_text: str | bytes) -> Randomness:
    stored = _decode_stored_randomness(json_text)
    return Randomness(seeds=stored.seeds, flags=stored.flags, imported=stored.imported, ranks=stored.ranks)


_decode_stored_randomness = _decoder(_StoredRandomness)
_DECODERS: Mapping[str, Callable[[str | bytes], Any]] = {
    "params": _decoder(dict[str, Any]),
    "metrics": _decoder(dict[str, MetricSummary]),
    "summary": _decoder(dict[str, Any]),
    "life": _decoder(Life),
    "command": _decoder(Command),
    "code": _decoder(Code),
    "data": _decoder(tuple[DataInput, ...]),
    "randomness": _decode_randomness,
    "environment": _decoder(Environment),
    "hardware": _decoder(Hardware),
    "artifacts": _decoder(tuple[Artifact, ...]),
    "source": _decoder(Source),
}


@cache
def record_schema() -> pyarrow.Schema:
    """The Arrow schema of `run.parquet`: plain strings, no dictionaries."""
    return _schema(RECORD_COLUMNS)


@cache
def point_schema() -> pyarrow.Schema:
    """The Arrow schema of a sealed part."""
    return _schema(POINT_COLUMNS)


def _schema(columns: Mapping[str, str]) -> pyarrow.Schema:
    import pyarrow

    types = {
        "VARCHAR": pyarrow.string(),
        "JSON": pyarrow.string(),
        "DOUBLE": pyarrow.float64(),
        "BIGINT": pyarrow.int64(),
        "INTEGER": pyarrow.int32(),
        "TIMESTAMP": pyarrow.timestamp("us"),
    }
    return pyarrow.schema([(name, types[type_name]) for name, type_name in columns.items()])


def record_parquet(record: RunRecord, known: Encoded | None = None) -> bytes:
    """The bytes of `run.parquet`; `known` as for `encode_record`.

    Without statistics, dictionary and the Arrow schema a file of one row is a seventh of the size and reads ten times
    as fast.
    """
    return records_parquet([encode_record(record, known)])


def records_parquet(
    rows: Sequence[Mapping[str, Any]], also: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """The bytes of a file with records as `encode_record` gives them; `also` are columns behind theirs."""
    import pyarrow

    schema = _schema({**RECORD_COLUMNS, **also}) if also else record_schema()
    columns = [pyarrow.array([row[each.name] for row in rows], each.type) for each in schema]
    return row_parquet(pyarrow.Table.from_arrays(columns, schema=schema))


def row_parquet(table: pyarrow.Table) -> bytes:
    """The bytes of a file with records from a table."""
    return _parquet(table, use_dictionary=False, write_statistics=False)


def sorted_points_parquet(table: pyarrow.Table) -> bytes:
    """The bytes of a sealed part from a table of `point_schema`, sorted by name, step, writer and seq.

    A dictionary of values, times or numbers, hardly two of them alike, is work thrown away: without it, and with
    encodings that suit them, a part takes half the time and two thirds of the bytes.
    """
    return _parquet(table, use_dictionary=_REPEATED, column_encoding=_ENCODINGS)


def _parquet(table: pyarrow.Table, **options: Any) -> bytes:
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(
        table, sink, compression="zstd", write_page_checksum=True, store_schema=False, **options
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content
