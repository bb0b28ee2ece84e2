"""Values that jsonpickle wrote, as plain ones. Nothing is imported, called or restored: only the wrapping comes off.

A numpy scalar is `{"py/object": "numpy.float64", "dtype": …, "value": x}`; an array has `values`, nested lists or
base64 of zlib. Tuples and sets are lists in a mapping. Of any other object what it holds is kept, without the class.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any

_DEEPEST = 60
_MOST_ARRAY_BYTES = 4 * 2**20
_CODES = {
    "float64": "d", "float32": "f", "float16": "e", "int64": "q", "int32": "i", "int16": "h", "int8": "b",
    "uint64": "Q", "uint32": "I", "uint16": "H", "uint8": "B", "bool": "?",
}  # fmt: skip
_LONG = {"f8": "float64", "f4": "float32", "f2": "float16", "i8": "int64", "i4": "int32", "b1": "bool"}
_SHORT = re.compile(r'"[<>|=]?([fib][1248])"')
_LISTS = ("py/tuple", "py/set", "py/iterator")
_TEXTS = ("py/type", "py/function", "py/repr", "py/mod", "py/ref")
_KEY = "json://"


def plain(value: Any, depth: int = 0) -> Any:
    """A value without the wrapping; what lies deeper than any sensible nesting is left out."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    for tag in _LISTS:
        if isinstance(value.get(tag), list):
            return [plain(each, depth + 1) for each in value[tag]]
    for tag in _TEXTS:
        if isinstance(value.get(tag), str):
            return value[tag]
    if isinstance(value.get("py/reduce"), list):
        return _scalar_of_pickle(value["py/reduce"])
    if "py/b64" in value:
        return _as_text(value["py/b64"])
    if "py/id" in value:
        return None  # an object that was written before; the order of writing is lost when keys are sorted
    if isinstance(value.get("py/object"), str):
        return _object(value, depth)
    return {_key(name): plain(each, depth + 1) for name, each in value.items() if not name.startswith("py/")}


def _object(value: Mapping[str, Any], depth: int) -> Any:
    if "dtype" in value and "value" in value:
        return plain(value["value"], depth + 1)
    if "dtype" in value and "values" in value:
        values = value["values"]
        return _array(value) if isinstance(values, str) else plain(values, depth + 1)
    if "py/state" in value:
        return plain(value["py/state"], depth + 1)
    rest = {_key(name): plain(each, depth + 1) for name, each in value.items() if not name.startswith("py/")}
    return rest or str(value["py/object"])


def _scalar_of_pickle(reduced: list[Any]) -> Any:
    """A numpy scalar that was written as its pickle would make it: `multiarray.scalar(dtype, bytes)`; else None."""
    made = reduced[0] if reduced else None
    arguments = reduced[1].get("py/tuple") if len(reduced) > 1 and isinstance(reduced[1], dict) else None
    name = made.get("py/function") if isinstance(made, dict) else None
    if not str(name).endswith("multiarray.scalar") or not isinstance(arguments, list) or len(arguments) != 2:
        return None
    found = _SHORT.search(json.dumps(arguments[0])) if isinstance(arguments[0], dict) else None
    encoded = arguments[1].get("py/b64") if isinstance(arguments[1], dict) else None
    try:
        content = base64.b64decode(str(encoded))
        code = _CODES[_LONG[found[1]]] if found else "d"  # the second of a kind only refers to the first
        return struct.unpack(f"<{code}", content)[0]
    except (ValueError, TypeError, KeyError, struct.error):
        return None


def _array(value: Mapping[str, Any]) -> Any:
    """An array that was written as base64 of its bytes: a flat list, or a word about it where it cannot be had."""
    dtype = str(value["dtype"]).lstrip("<>=|")
    code = _CODES.get(dtype)
    try:
        packed = base64.b64decode(value["values"], validate=False)
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, _MOST_ARRAY_BYTES)
        if code is None or not unpacking.eof:
            raise ValueError
        order = ">" if value.get("byteorder") == ">" else "<"
        return list(struct.unpack(f"{order}{len(content) // struct.calcsize(code)}{code}", content))
    except (ValueError, struct.error, zlib.error):
        return f"array of {dtype} {value.get('shape', '')}".strip()


def _as_text(encoded: Any) -> Any:
    try:
        return base64.b64decode(encoded).decode("utf-8", "replace")
    except (ValueError, TypeError):
        return None


def _key(name: str) -> str:
    """The text of a key; one that was no text is JSON behind a mark."""
    if not name.startswith(_KEY):
        return name
    try:
        key = json.loads(name[len(_KEY) :])
    except (ValueError, RecursionError):
        return name
    return key if isinstance(key, str) else str(key)
