"""Writes an export of Neptune as `neptune-exporter` does: one long table a run, in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

COLUMNS = {
    "int": "int_value", "float": "float_value", "string": "string_value", "bool": "bool_value",
    "datetime": "datetime_value", "string_set": "string_set_value", "float_series": "float_value",
    "string_series": "string_value", "histogram_series": "histogram_value", "file": "file_value",
    "file_series": "file_value",
}  # fmt: skip
Row = tuple[str, str, Any, float | None]
"""Path, type, value, step."""


def safe(name: str) -> str:
    """A name as the exporter makes file names of it."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name) + f"-{digest}"


def schema() -> Any:
    """The columns of all exports."""
    import pyarrow as pa

    time, doubles = pa.timestamp("ms", tz="UTC"), pa.list_(pa.float64())
    return pa.schema({
        "project_id": pa.string(), "run_id": pa.string(), "attribute_path": pa.string(), "attribute_type": pa.string(),
        "step": pa.decimal128(18, 6), "timestamp": time, "int_value": pa.int64(), "float_value": pa.float64(),
        "string_value": pa.string(), "bool_value": pa.bool_(), "datetime_value": time,
        "string_set_value": pa.list_(pa.string()), "file_value": pa.struct({"path": pa.string()}),
        "histogram_value": pa.struct({"type": pa.string(), "edges": doubles, "values": doubles}),
    })  # fmt: skip


def write_run(
    data: Path, project: str, run: str, parts: Sequence[Sequence[Row]], numbers: Sequence[int] = ()
) -> list[Path]:
    """Write the parts of a run; point `n` was logged at second `n` of 2024. Returns the files."""
    import pyarrow as pa
    from pyarrow import parquet

    folder = data / safe(project)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, rows in zip(numbers or range(len(parts)), parts, strict=True):
        table = pa.Table.from_pylist([_row(project, run, *each) for each in rows], schema=schema())
        written.append(folder / f"{safe(run)}_part_{number}.parquet")
        parquet.write_table(table, written[-1], compression="snappy", row_group_size=50)
    return written


def _row(project: str, run: str, path: str, kind: str, value: Any, step: float | None) -> Mapping[str, Any]:
    row: dict[str, Any] = {
        "project_id": project,
        "run_id": run,
        "attribute_path": path,
        "attribute_type": kind,
    }
    if kind.endswith("_series"):
        row["step"] = None if step is None else Decimal(str(step))
        row["timestamp"] = datetime(2024, 1, 1, tzinfo=UTC).replace(second=int(step or 0) % 60)
    row[COLUMNS[kind]] = {"path": value} if kind.startswith("file") else value
    return row
