"""The content of tables and arrays in memory, as one hash that no library's version and no layout changes.

Data frames of pandas, Polars, PyArrow and others are read through the Arrow interface that they all have, so none of
them is imported here. A column counts by its name, its type and its values; how it is cut into chunks, whether text
has short or long offsets, or is kept as categories, does not.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import Any

FRAME = "labtop-frame-1"
ARRAY = "labtop-array-1"
_PIECE = 1 << 24


@dataclass(frozen=True, slots=True)
class FrameContent:
    """What is known of a table or an array in memory."""

    kind: str  # as people know it: pandas.DataFrame
    algorithm: str
    digest: str | None
    rows: int | None = None
    bytes: int | None = None
    columns: dict[str, str] = field(default_factory=dict)
    problem: str | None = None


def read_frame(value: object) -> FrameContent | None:
    """The content of a data frame, a table, an array or a tensor; None where `value` is nothing of that."""
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    array = _as_array(value)
    try:
        if array is not None:
            return _of_array(array, kind)
        if isinstance(fingerprint := getattr(value, "_fingerprint", None), str) and hasattr(
            value, "features"
        ):
            return _of_hugging_face(value, kind, fingerprint)
        if hasattr(value, "__arrow_c_stream__") and hasattr(value, "__len__"):
            return _of_table(_as_table(value), kind)
    except Exception as error:  # columns of mixed objects, types that no table has
        return FrameContent(kind, FRAME, None, problem=f"its content cannot be read: {error}"[:300])
    return None


def _as_array(value: object) -> Any | None:
    """A numpy array, or a tensor of torch as one; nothing is imported for it."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value
    if (
        torch is not None
        and isinstance(tensor := getattr(torch, "Tensor", None), type)
        and isinstance(value, tensor)
    ):
        return value.detach().cpu().numpy()  # type: ignore[attr-defined]
    return None


def _of_array(array: Any, kind: str) -> FrameContent:
    import numpy

    if array.dtype.hasobject:
        raise TypeError("it holds Python objects")
    little = array.dtype.newbyteorder("<")
    digest = hashlib.sha256(f"{little.str} {array.shape}\n".encode())
    rows = max(1, _PIECE // max(1, array.nbytes // max(1, len(array) if array.ndim else 1)))
    pieces = (array[at : at + rows] for at in range(0, len(array), rows)) if array.ndim else (array,)
    for piece in pieces:
        digest.update(numpy.ascontiguousarray(piece, dtype=little).tobytes())
    shape = "×".join(map(str, array.shape[1:]))
    return FrameContent(
        kind, ARRAY, digest.hexdigest(), int(array.shape[0]) if array.ndim else None, int(array.nbytes),
        {"array": f"{array.dtype}{f'[{shape}]' if shape else ''}"},
    )  # fmt: skip


def _of_hugging_face(dataset: Any, kind: str, fingerprint: str) -> FrameContent:
    """A dataset of the library `datasets`, which keeps a fingerprint of how it was made."""
    columns = {
        str(name): str(getattr(each, "dtype", None) or each) for name, each in dataset.features.items()
    }
    return FrameContent(kind, "fingerprint", fingerprint, len(dataset), None, columns)


def _as_table(value: Any) -> Any:
    import pyarrow

    try:
        return pyarrow.table(value)
    except (TypeError, ValueError, pyarrow.ArrowInvalid):  # one column: a series
        return pyarrow.table({str(getattr(value, "name", None) or "values"): pyarrow.chunked_array(value)})


def _of_table(table: Any, kind: str) -> FrameContent:
    digest = hashlib.sha256(f"{table.num_rows}\n".encode())
    columns: dict[str, str] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        columns[str(name)] = _type_name(column.type)
        parts: dict[str, Any] = {}
        for chunk in column.chunks:
            if len(chunk):
                _feed(chunk, "", parts)
        digest.update(repr((str(name), columns[str(name)])).encode("utf-8", "surrogatepass"))
        for path in sorted(parts):
            digest.update(f"{path}\0{parts[path].hexdigest()}\n".encode())
    return FrameContent(kind, FRAME, digest.hexdigest(), int(table.num_rows), int(table.nbytes), columns)


def _type_name(kind: Any) -> str:
    """The type without how it is laid out: a category of texts is text."""
    import pyarrow
    from pyarrow import types

    if isinstance(kind, pyarrow.BaseExtensionType):
        return _type_name(kind.storage_type)
    if types.is_dictionary(kind):
        return _type_name(kind.value_type)
    if _is_text(kind):
        return "string"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "binary"
    if _is_list(kind):
        return f"list<{_type_name(kind.value_type)}>"
    if types.is_struct(kind):
        return f"struct<{', '.join(f'{each.name}: {_type_name(each.type)}' for each in kind)}>"
    return str(kind)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    is_view = getattr(types, "is_string_view", None)
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or (is_view is not None and is_view(kind))
    )


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _feed(array: Any, path: str, parts: dict[str, Any]) -> None:
    """Add a chunk of a column: which values are missing, and the values, each to a hash of its own.

    Hashes of its own make the result independent of where chunks end.
    """
    import pyarrow
    from pyarrow import compute, types

    def put(name: str, content: Any) -> None:
        parts.setdefault(path + name, hashlib.sha256()).update(content)

    kind = array.type
    if isinstance(array, pyarrow.ExtensionArray):
        return _feed(array.storage, path, parts)
    if types.is_dictionary(kind):
        return _feed(array.dictionary_decode(), path, parts)
    if types.is_map(kind):
        entries = pyarrow.list_(pyarrow.struct([kind.key_field, kind.item_field]))
        return _feed(array.cast(entries), path, parts)
    put("?", array.is_null().cast(pyarrow.uint8()).to_numpy(zero_copy_only=False).tobytes())
    if types.is_null(kind):
        return None
    if types.is_struct(kind):
        for field_, values in zip(kind, array.flatten(), strict=True):
            _feed(values, f"{path}.{field_.name}", parts)
    elif _is_list(kind):
        lengths = compute.fill_null(compute.list_value_length(array), 0).cast(pyarrow.int64())
        put("#", lengths.to_numpy(zero_copy_only=False).tobytes())
        _feed(array.flatten(), f"{path}[]", parts)
    elif types.is_boolean(kind):
        put(
            "", compute.fill_null(array, False).cast(pyarrow.uint8()).to_numpy(zero_copy_only=False).tobytes()
        )
    elif types.is_primitive(kind):
        number = {8: pyarrow.uint8(), 16: pyarrow.uint16(), 32: pyarrow.uint32(), 64: pyarrow.uint64()}[
            kind.bit_width
        ]
        put("", compute.fill_null(array.view(number), 0).to_numpy(zero_copy_only=False).tobytes())
    else:
        text = array.cast(pyarrow.large_string()) if _is_text(kind) or types.is_decimal(kind) else array
        values = compute.fill_null(text.cast(pyarrow.large_binary()), b"")
        put("#", compute.binary_length(values).cast(pyarrow.int64()).to_numpy(zero_copy_only=False).tobytes())
        put("", _bytes_of(values))
    return None


def _bytes_of(values: Any) -> Any:
    """The bytes of all values of a large binary array, one after the other."""
    import numpy

    if not len(values):
        return b""
    _, offsets, content = values.buffers()
    ends = numpy.frombuffer(offsets, numpy.int64)[values.offset : values.offset + len(values) + 1]
    return memoryview(content)[int(ends[0]) : int(ends[-1])] if content is not None else b""
