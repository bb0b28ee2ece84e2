"""A rich value as the content of a file, and what the record says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labtop.model.values.base import About, RichValue
from labtop.model.values.confusion import ConfusionMatrix
from labtop.model.values.curve import Curve
from labtop.model.values.histogram import Histogram
from labtop.model.values.image import Image
from labtop.model.values.image_header import SUFFIXES
from labtop.model.values.table import Table
from labtop.model.values.table_columns import different_names
from labtop.model.values.text import MOST_CHARACTERS, Text
from labtop.store.values.parquet import write_table
from labtop.store.values.png import encode_png

if TYPE_CHECKING:
    import pyarrow

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The content of a file, how its name ends, and facts for the record."""

    content: bytes
    suffix: str
    about: About


def encode_value(value: RichValue, redact: Redact) -> Encoded:
    """Encode a snapshot of a value; every text in it goes through `redact`. May take long: not for a training loop.

    Raises:
        ValueError, TypeError: the value cannot be meant.
    """
    import numpy as np

    with np.errstate(all="ignore"):  # NaN and overflow are data here
        return _ENCODERS[value.kind](value.finished(), redact)


def _image(image: Image, redact: Redact) -> Encoded:
    width, height = image.size
    about: About = {"width": width, "height": height}
    if image.caption:
        about["caption"] = redact(image.caption)[:1000]
    if image.note:
        about["note"] = image.note
    if image.encoded is not None:
        content, header = image.encoded
        return Encoded(content, SUFFIXES[header.format], about)
    if image.pixels is None:
        raise ValueError("an image needs pixels, a path or a figure")
    return Encoded(encode_png(image.pixels), "png", about)


def _text(text: Text, redact: Redact) -> Encoded:
    about: About = {"characters": len(text.text)}
    kept = redact(text.text[:MOST_CHARACTERS])
    if len(text.text) > MOST_CHARACTERS:
        about["note"] = f"cut to the first {MOST_CHARACTERS} characters"
    if text.format == "markdown":
        about["format"] = "markdown"
    return Encoded(
        kept.encode("utf-8", "backslashreplace"), "md" if text.format == "markdown" else "txt", about
    )


def _table(table: Table, redact: Redact) -> Encoded:
    arrow = _redacted(table.to_arrow(), redact)
    about: About = {"rows": arrow.num_rows, "columns": arrow.num_columns}
    if table.of_rows is not None:
        about["note"] = f"the first {arrow.num_rows} of {table.of_rows} rows"
    return Encoded(write_table(arrow, {"kind": "table", **about}), "parquet", about)


def _redacted(table: pyarrow.Table, redact: Redact) -> pyarrow.Table:
    """A table whose texts hold no secret: each different text is looked at once."""
    import pyarrow

    columns = []
    for column in table.columns:
        if pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type):
            known = column.combine_chunks().dictionary_encode()
            texts = [None if each is None else redact(each) for each in known.dictionary.to_pylist()]
            if texts != known.dictionary.to_pylist():
                clean = pyarrow.DictionaryArray.from_arrays(known.indices, pyarrow.array(texts, column.type))
                column = pyarrow.chunked_array([clean.cast(column.type)])
        elif pyarrow.types.is_binary(column.type) or pyarrow.types.is_large_binary(column.type):
            column = pyarrow.chunked_array(
                [pyarrow.array([_clean_bytes(each, redact) for each in column.to_pylist()], column.type)]
            )
        elif pyarrow.types.is_nested(column.type):
            cells = [_clean(each, column.type, redact) for each in column.to_pylist()]
            column = pyarrow.chunked_array([pyarrow.array(cells, _clean_type(column.type, redact))])
        columns.append(column)
    return pyarrow.table(columns, names=different_names([redact(each) for each in table.column_names]))


def _clean(cell: Any, kind: pyarrow.DataType, redact: Redact) -> Any:
    """A cell of a nested type whose texts, and names of fields, hold no secret."""
    import pyarrow

    if isinstance(cell, str):
        return redact(cell)
    if isinstance(cell, bytes):
        return _clean_bytes(cell, redact)
    if isinstance(cell, dict) and pyarrow.types.is_struct(kind):
        names = _field_names(kind, redact)
        return {
            name: _clean(cell.get(field.name), field.type, redact)
            for name, field in zip(names, kind, strict=True)
        }
    if isinstance(cell, list) and pyarrow.types.is_map(kind):
        return [
            (_clean(key, kind.key_type, redact), _clean(value, kind.item_type, redact)) for key, value in cell
        ]
    if isinstance(cell, list):
        return [_clean(each, kind.value_type, redact) for each in cell]
    return cell


def _clean_bytes(cell: bytes | None, redact: Redact) -> bytes | None:
    """Bytes as they are, unless they are text that holds a secret."""
    if cell is None or b"\0" in cell:
        return cell
    try:
        text = cell.decode("utf-8")
    except UnicodeDecodeError:
        return cell
    clean = redact(text)
    return cell if clean == text else clean.encode("utf-8")


def _clean_type(kind: pyarrow.DataType, redact: Redact) -> pyarrow.DataType:
    """A type whose fields have names without secrets."""
    import pyarrow

    if pyarrow.types.is_struct(kind):
        names = _field_names(kind, redact)
        kinds = [_clean_type(field.type, redact) for field in kind]
        return pyarrow.struct(list(zip(names, kinds, strict=True)))
    if pyarrow.types.is_map(kind):
        return pyarrow.map_(_clean_type(kind.key_type, redact), _clean_type(kind.item_type, redact))
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        make = pyarrow.list_ if pyarrow.types.is_list(kind) else pyarrow.large_list
        return make(_clean_type(kind.value_type, redact))
    if pyarrow.types.is_fixed_size_list(kind):
        return pyarrow.list_(_clean_type(kind.value_type, redact), kind.list_size)
    return kind


def _field_names(kind: pyarrow.StructType, redact: Redact) -> list[str]:
    return different_names([redact(field.name) for field in kind])


def _histogram(histogram: Histogram, redact: Redact) -> Encoded:
    import pyarrow

    counts, edges = histogram.counts, histogram.edges
    about: About = {"bins": len(counts)}
    if (total := float(counts.sum())) == int(total):
        about["count"] = int(total)
    if histogram.nan_count:
        about["nan_count"] = histogram.nan_count
    if histogram.infinite_count:
        about["infinite_count"] = histogram.infinite_count
    table = pyarrow.table({"low": edges[:-1], "high": edges[1:], "count": counts})
    return Encoded(write_table(table, {"kind": "histogram", **about}), "parquet", about)


def _confusion(confusion: ConfusionMatrix, redact: Redact) -> Encoded:
    """The counts that are not 0, a row each: what SQL can sum; the order of the labels in the metadata."""
    import numpy as np
    import pyarrow

    matrix, labels = confusion.matrix, [redact(each) for each in confusion.labels]
    about: About = {"classes": len(labels)}
    if (accuracy := confusion.accuracy) is not None and np.isfinite(accuracy):
        about["accuracy"] = accuracy
    rows, columns = np.nonzero(matrix)
    named = np.array(labels, dtype=object)
    table = pyarrow.table(
        {
            "actual": pyarrow.array(named[rows].tolist(), pyarrow.string()),
            "predicted": pyarrow.array(named[columns].tolist(), pyarrow.string()),
            "count": matrix[rows, columns],
        }
    )
    metadata = {"kind": "confusion_matrix", **about, "labels": labels}
    return Encoded(write_table(table, metadata), "parquet", about)


def _curve(curve: Curve, redact: Redact) -> Encoded:
    import numpy as np
    import pyarrow

    lines = curve.lines
    about: About = {"curve": curve.form, "lines": len(lines), "points": sum(len(line.x) for line in lines)}
    if (area := curve.area) is not None and np.isfinite(area):
        about["area"] = area
    if (total := sum(line.of_points for line in lines)) > int(about["points"]):
        about["note"] = f"thinned from {total} points; the hull is kept, the area is of all"
    if curve.skipped:
        about["skipped"] = curve.skipped
    names = [redact(line.name) for line in lines]
    unscored = [np.full(len(line.x), np.nan) if line.threshold is None else line.threshold for line in lines]
    parts = {"x": [line.x for line in lines], "y": [line.y for line in lines], "threshold": unscored}
    named = [name for name, line in zip(names, lines, strict=True) for _ in line.x]
    table = pyarrow.table(
        {
            "line": pyarrow.array(named, pyarrow.string()),
            **{key: np.concatenate([np.empty(0), *each]) for key, each in parts.items()},
        }
    )
    metadata = {
        "kind": "curve", **about, "x_name": redact(curve.x_name), "y_name": redact(curve.y_name),
        "each": [
            {"name": name, "points": len(line.x), "of_points": line.of_points, "area": line.area,
             "scored": line.threshold is not None}
            for name, line in zip(names, lines, strict=True)
        ],
    }  # fmt: skip
    return Encoded(write_table(table, metadata), "parquet", about)


_ENCODERS: dict[str, Callable[[Any, Redact], Encoded]] = {
    "image": _image,
    "text": _text,
    "table": _table,
    "histogram": _histogram,
    "confusion_matrix": _confusion,
    "curve": _curve,
}
