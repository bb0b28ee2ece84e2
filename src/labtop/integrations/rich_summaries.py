"""The methods of TensorBoard's `SummaryWriter` for what is more than a number: they log rich values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from labtop.integrations.joining import never_raising
from labtop.model.values.curve import Curve
from labtop.model.values.histogram import Histogram
from labtop.model.values.image import Image
from labtop.model.values.text import Text
from labtop.recording.run import Run


class RichSummaries:
    """Histograms, pictures, figures, texts and curves, logged to `run`."""

    run: Run

    def add_histogram(
        self, tag: str, values: Any, global_step: float | None = None, bins: Any = "auto", *_: Any, **__: Any
    ) -> None:
        """Log how values are distributed."""
        bins = (
            bins if isinstance(bins, int) else "auto"
        )  # the names of TensorBoard's other rules mean nothing here
        self._keep(global_step, lambda: {tag: Histogram(_array(values), bins=bins)})

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: float | None = None,
        walltime: Any = None,
        dataformats: str = "CHW",
    ) -> None:
        """Log a picture; `dataformats` names its axes: CHW, HWC or HW."""
        self._keep(global_step, lambda: {tag: Image(_height_first(_array(img_tensor), dataformats))})

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: float | None = None,
        walltime: Any = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Log several pictures as tag/0, tag/1, …; `dataformats` begins with N."""
        self._keep(
            global_step,
            lambda: {
                f"{tag}/{at}": Image(_height_first(array, dataformats[1:]))
                for at, array in enumerate(_array(img_tensor))
            },
        )

    def add_figure(
        self, tag: str, figure: Any, global_step: float | None = None, close: bool = True, *_: Any
    ) -> None:
        """Log a figure of matplotlib as a picture, and close it as TensorBoard does."""
        self._keep(global_step, lambda: {tag: Image(figure)})
        if close and (pyplot := sys.modules.get("matplotlib.pyplot")):
            pyplot.close(figure)

    def add_text(self, tag: str, text_string: str, global_step: float | None = None, *_: Any) -> None:
        """Log a text, which may be Markdown."""
        self._keep(global_step, lambda: {tag: Text(text_string, "markdown")})

    def add_pr_curve(
        self, tag: str, labels: Any, predictions: Any, global_step: float | None = None, *_: Any, **__: Any
    ) -> None:
        """Log precision over recall."""
        self._keep(global_step, lambda: {tag: Curve.pr(_array(labels), _array(predictions))})

    def _keep(self, step: float | None, make: Callable[[], Mapping[str, Any]]) -> None:
        with never_raising("labtop's SummaryWriter"):
            self.run.log(make(), step=step)


def _array(values: Any) -> Any:
    """What torch, numpy or a list holds, as an array of numpy."""
    import numpy

    values = values.detach().cpu() if hasattr(values, "detach") else values
    return numpy.asarray(values)


def _height_first(array: Any, axes: str) -> Any:
    axes = axes.upper()
    return array.transpose([axes.index(axis) for axis in "HWC" if axis in axes])
