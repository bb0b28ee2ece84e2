"""Columns of any origin as Arrow columns of a type that Parquet keeps and every reader knows."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

_PIECE = 50_000  # values; a millisecond or two


def arrow_of_frame(frame: Any) -> pyarrow.Table:
    """A frame of pandas, polars or pyarrow, or of what gives itself as Arrow; an index with a name is a column."""
    import pyarrow

    if isinstance(frame, pyarrow.Table):
        table = frame
    elif type(frame).__module__.partition(".")[0] == "pandas":
        table = _of_pandas(frame)
    else:
        table = pyarrow.table(frame)
    columns = [plain_column(table.column(at)) for at in range(table.num_columns)]
    return pyarrow.table(columns, names=different_names(table.column_names))


def _of_pandas(frame: Any) -> pyarrow.Table:
    import pyarrow

    has_names = any(each is not None for each in getattr(frame.index, "names", ()))
    if has_names:
        frame = frame.reset_index()
    named = {str(name): frame.iloc[:, at] for at, name in enumerate(frame.columns)}
    columns = []
    for column in named.values():
        try:
            columns.append(pyarrow.chunked_array([pyarrow.Array.from_pandas(column)]))
        except (pyarrow.ArrowException, TypeError, ValueError):  # objects of several types
            columns.append(pyarrow.chunked_array([_of_list(column.tolist())]))
    return pyarrow.table(columns, names=list(named))


def arrow_of_lists(named: Mapping[str, Any]) -> pyarrow.Table:
    """Columns given as sequences or arrays."""
    import pyarrow

    columns = [plain_column(pyarrow.chunked_array([_of_list(each)])) for each in named.values()]
    return pyarrow.table(columns, names=different_names(list(named)))


def different_names(names: Sequence[str]) -> list[str]:
    """Names with numbers behind those that are taken, also to engines that don't tell capitals from small letters."""
    taken: set[str] = set()
    different = []
    for name in names:
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.casefold())
        different.append(free)
    return different


def _of_pieces(values: Sequence[Any]) -> pyarrow.Array | None:
    """A long list piece by piece: as one, it would keep the interpreter from the training loop. None: of two types."""
    import pyarrow

    try:
        pieces = [pyarrow.array(values[at : at + _PIECE]) for at in range(0, len(values), _PIECE)]
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        return None
    return pyarrow.concat_arrays(pieces) if len({each.type for each in pieces}) == 1 else None


def _of_list(values: Any) -> pyarrow.Array:
    """One column. Whole and broken numbers together are numbers; other mixtures are texts."""
    import pyarrow

    if hasattr(values, "detach") or hasattr(values, "numpy"):
        from labtop.model.values.arrays import as_array

        values = as_array(values)
    if getattr(values, "ndim", 1) > 1:
        values = list(values.tolist())
    is_long = isinstance(values, list | tuple) and len(values) > _PIECE
    if is_long and (whole := _of_pieces(values)) is not None:
        return whole
    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        cells = [plain_cell(each) for each in values]
    try:
        return pyarrow.array(cells)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        pass
    if all(each is None or isinstance(each, int | float) for each in cells):
        try:
            return pyarrow.array([None if each is None else float(each) for each in cells])
        except OverflowError:
            pass
    return pyarrow.array([None if each is None else text_of(each) for each in cells])


def plain_cell(value: Any) -> Any:
    """A cell that Arrow knows; anything else as its text."""
    if value is None or isinstance(
        value,
        bool
        | int
        | float
        | str
        | bytes
        | datetime.date
        | datetime.time
        | datetime.timedelta
        | decimal.Decimal,
    ):
        return value
    if callable(item := getattr(value, "item", None)) and getattr(value, "size", 1) == 1:
        try:
            return plain_cell(item())
        except Exception:  # not a number after all, or a device that fails
            return text_of(value)
    if callable(tolist := getattr(value, "tolist", None)):
        return tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_cell(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_cell(each) for each in value]
    return text_of(value)


def text_of(value: Any) -> str:
    """The text of anything, without a character that no file can hold."""
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # somebody's __str__
        text = f"<{type(value).__name__}>"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_column(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """A column without what only Arrow knows: dictionaries, extensions, views, spans of time."""
    import pyarrow
    import pyarrow.compute

    kind = column.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        chunks = [each.storage for each in column.chunks]
        return plain_column(pyarrow.chunked_array(chunks, kind.storage_type))
    if pyarrow.types.is_dictionary(kind):
        values = plain_column(pyarrow.chunked_array([], kind.value_type)).type
        parts = [each.dictionary.cast(values).take(each.indices) for each in column.chunks]
        return pyarrow.chunked_array(parts, values)
    if (
        pyarrow.types.is_null(kind)
        or pyarrow.types.is_string_view(kind)
        or pyarrow.types.is_large_string(kind)
    ):
        return column.cast(pyarrow.string()) if column.nbytes < 2**30 else column.cast(pyarrow.large_string())
    if pyarrow.types.is_binary_view(kind):
        return column.cast(pyarrow.binary())
    if pyarrow.types.is_float16(kind):
        return column.cast(pyarrow.float32())
    if pyarrow.types.is_duration(kind):  # seconds
        whole = column.cast(pyarrow.duration("us"), safe=False).cast(pyarrow.int64())
        return pyarrow.compute.divide(whole.cast(pyarrow.float64()), 1e6)
    if (
        pyarrow.types.is_union(kind)
        or pyarrow.types.is_interval(kind)
        or pyarrow.types.is_run_end_encoded(kind)
    ):
        return pyarrow.chunked_array([pyarrow.array([text_of(each) for each in column.to_pylist()])])
    return column
