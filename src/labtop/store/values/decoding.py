"""Rich values from the files of a run, which may be damaged or come from anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.model.run import Artifact
from labtop.model.values.base import RichValue
from labtop.model.values.confusion import MOST_CLASSES, ConfusionMatrix
from labtop.model.values.curve import Curve, CurveLine
from labtop.model.values.histogram import Histogram
from labtop.model.values.image import Image
from labtop.model.values.table import Table
from labtop.model.values.text import Text
from labtop.store.inside import read_inside
from labtop.store.values.parquet import read_table

MOST_BYTES = 512 * 2**20


def read_value(run_folder: Path, artifact: Artifact) -> RichValue:
    """The value that an artifact of a run is.

    Raises:
        InputError: it is none, its file is damaged, or its path leads out of the run.
    """
    decode = _DECODERS.get(artifact.kind)
    if decode is None or not artifact.path:
        raise InputError(f"{artifact.name!r} is a {artifact.kind}, no value that labtop shows")
    try:
        return decode(read_inside(run_folder, artifact.path, MOST_BYTES), artifact)
    except OSError as error:
        raise InputError(f"{artifact.path!r} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise InputError(f"{artifact.path!r} is damaged: {error}") from error


def _image(content: bytes, artifact: Artifact) -> Image:
    caption = artifact.about.get("caption")
    return Image(content, caption=None if caption is None else str(caption)).snapshot()


def _text(content: bytes, artifact: Artifact) -> Text:
    is_markdown = artifact.about.get("format") == "markdown"
    return Text(content.decode("utf-8", "backslashreplace"), "markdown" if is_markdown else "plain")


def _table(content: bytes, artifact: Artifact) -> Table:
    return Table.of_arrow(read_table(content)[0])


def _histogram(content: bytes, artifact: Artifact) -> Histogram:
    import numpy as np

    table, about = read_table(content, ["low", "high", "count"])
    low, high = (_floats(table, name) for name in ("low", "high"))
    edges = np.append(low, high[-1:])
    histogram = Histogram(counts=_floats(table, "count"), edges=edges).snapshot()
    histogram.nan_count = int(about.get("nan_count", 0))
    histogram.infinite_count = int(about.get("infinite_count", 0))
    return histogram


def _confusion(content: bytes, artifact: Artifact) -> ConfusionMatrix:
    import numpy as np

    table, about = read_table(content, ["actual", "predicted", "count"])
    labels = [str(each) for each in about.get("labels", ())]
    if len(labels) > MOST_CLASSES:
        raise InputError(f"a confusion matrix of {len(labels)} classes is too large")
    places = {each: at for at, each in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)))
    pairs = (table.column(name).to_pylist() for name in ("actual", "predicted"))
    for actual, predicted, count in zip(*pairs, _floats(table, "count").tolist(), strict=True):
        matrix[places[actual], places[predicted]] += count
    return ConfusionMatrix(labels=labels, matrix=matrix).snapshot()


def _curve(content: bytes, artifact: Artifact) -> Curve:
    table, about = read_table(content, ["line", "x", "y", "threshold"])
    x, y, threshold = (_floats(table, name) for name in ("x", "y", "threshold"))
    lines: list[CurveLine] = []
    at = 0
    for each in about.get("each", ()):
        count = int(each["points"])
        part = slice(at, at + count)
        if count < 0 or at + count > len(x):
            raise InputError("the file is damaged: fewer points than it says")
        at += count
        area = each.get("area")
        lines.append(
            CurveLine(
                str(each["name"]),
                x[part],
                y[part],
                threshold[part] if each.get("scored") else None,
                None if area is None else float(area),
                int(each.get("of_points", count)),
            )
        )
    names = str(about.get("x_name", "x")), str(about.get("y_name", "y"))
    return Curve.of_lines(str(about.get("curve", "curve")), lines, *names, int(about.get("skipped", 0)))


def _floats(table: Any, name: str) -> Any:
    import numpy as np

    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


_DECODERS: dict[str, Callable[[bytes, Artifact], RichValue]] = {
    "image": _image,
    "text": _text,
    "table": _table,
    "histogram": _histogram,
    "confusion_matrix": _confusion,
    "curve": _curve,
}
