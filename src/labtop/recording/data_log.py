"""Puts inputs and outputs into a live run's record: what they are, which split, and which of their rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from labtop.model.run import DataInput
from labtop.recording.artifacts import ArtifactFolder
from labtop.recording.capture.data import Reader, describe
from labtop.recording.facts import RunFacts
from labtop.settings import Settings, cache_folder

Role = Literal["input", "output"]


def keep_data(
    facts: RunFacts,
    run_folder: Path,
    data: object,
    name: str | None,
    split: str | None,
    indices: Any,
    role: Role,
) -> DataInput | None:
    """Record an input or output; declared again, it replaces what was there. None where it could not be read."""
    try:
        reader = Reader(facts.root, facts.redactor, cache_folder() / "hashes", Settings.load().resolve_data)
        known = replace(
            describe(data, name, reader),
            role=role,
            split=facts.redactor.text(str(split)) if split else None,
            rank=facts.writer.rank or None,
        )
        if indices is not None:
            known = _with_indices(facts, run_folder, known, indices)
    except (OSError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        label = data if isinstance(data, str) else name or type(data).__name__
        facts.trouble(f"data {label}", f"data {str(label)!r} is not recorded: {reason}")
        return None
    with facts.lock:
        others = (each for each in facts.record.data if _place(each) != _place(known))
        facts.keep(data=(*others, known))
    return known


def _place(each: DataInput) -> tuple[str | None, ...]:
    return each.name, each.uri, each.split, each.role


def _with_indices(facts: RunFacts, run_folder: Path, known: DataInput, indices: Any) -> DataInput:
    """Keep which rows were used, as a Parquet file among the run's artifacts."""
    values = [
        facts.redactor.text(value) if isinstance(value, str) else value for value in plain_indices(indices)
    ]
    digest = indices_sha256(values)
    name = f"indices/{known.name}{f'-{known.split}' if known.split else ''}-{digest[:12]}.parquet"
    (artifact,) = ArtifactFolder(run_folder, facts.redactor, facts.shared).keep(
        _as_parquet(values), name, "indices", None
    )
    with facts.lock:
        if artifact.path not in [each.path for each in facts.record.artifacts]:
            facts.add_artifacts([artifact])
    return replace(known, indices=artifact.path, indices_sha256=digest, used_rows=len(values))


def plain_indices(indices: Any) -> Sequence[int] | Sequence[str]:
    """Row numbers or names as a list; a mask of booleans gives the numbers of its true rows.

    Raises:
        TypeError: they are neither.
    """
    values = indices.tolist() if hasattr(indices, "tolist") else list(indices)
    if values and all(isinstance(value, bool) for value in values):
        return [at for at, value in enumerate(values) if value]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return values
    if all(isinstance(value, str) for value in values):
        return values
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    if all(isinstance(value, int) for value in plain):
        return plain
    raise TypeError("indices are row numbers, names of rows, or a mask")


def indices_sha256(values: Sequence[int | str]) -> str:
    """A hash of the values in their order: of 64-bit little-endian numbers, or of JSON where they are names."""
    if values and isinstance(values[0], str):
        return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()
    return hashlib.sha256(
        b"".join(int(value).to_bytes(8, "little", signed=True) for value in values)
    ).hexdigest()


def _as_parquet(values: Sequence[int | str]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    kind = pyarrow.string() if values and isinstance(values[0], str) else pyarrow.int64()
    sink = pyarrow.BufferOutputStream()
    table = pyarrow.table({"index": pyarrow.array(list(values), kind)})
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content
