"""A value through a file and back, as a run keeps it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TypeVar

from labtop.model.run import Artifact
from labtop.model.values.base import RichValue
from labtop.store.values.decoding import read_value
from labtop.store.values.encoding import Encoded, encode_value

Value = TypeVar("Value", bound=RichValue)


def encoded(value: RichValue) -> Encoded:
    """What is written of a value."""
    return encode_value(value.snapshot(), str)


def back(value: Value) -> Value:
    """The value that is read from what was written."""
    written = encoded(value)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"x.{written.suffix}").write_bytes(written.content)
        artifact = Artifact(name="x", path=f"x.{written.suffix}", kind=value.kind, about=written.about)
        read = read_value(Path(folder), artifact)
    assert isinstance(read, type(value))
    return read
