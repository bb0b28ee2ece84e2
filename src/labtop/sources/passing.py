"""Passes values between processes and to the next time as JSON, also names of files that are no UTF-8.

JSON can say half characters, by which Python keeps such names; msgspec cannot, so for these it is the slower way.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def encode(value: Any) -> bytes:
    """A value as one line of JSON."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()


def decode(content: bytes, kind: type[T]) -> T:
    """The value of a line of JSON. Raises msgspec.MsgspecError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError:
        if b"\\ud" not in content:
            raise
        try:
            return msgspec.convert(json.loads(content), kind)
        except (ValueError, RecursionError) as error:
            raise msgspec.DecodeError(str(error)) from error
