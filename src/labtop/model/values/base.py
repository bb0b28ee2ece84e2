"""What all rich values have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from labtop.model.run import Artifact

MEDIA = "media"
"""The folder of a run in which values lie, each under the hash of its content."""

About = dict[str, str | int | float | bool]
"""What the record says of a value besides its file: a caption, a size, an area."""


class RichValue(ABC):
    """Something to look at that a run logs. Making one is cheap; what it takes to keep it is done when it is logged."""

    kind: ClassVar[str]
    """The word of the record: image, table, histogram, confusion_matrix, curve, text."""

    unused: tuple[str, ...] = ()  # keywords of another tracker that were given

    @abstractmethod
    def snapshot(self) -> Self:
        """The same value, which nothing that the program does later can change; only copies, as cheap as can be.

        Raises:
            ValueError, TypeError, OSError: it cannot be meant, or cannot be read; in words for a person.
        """

    @property
    def weight(self) -> int:
        """About how many bytes of memory a snapshot holds."""
        return 1000

    def finished(self) -> Self:
        """The same value with all that takes time computed. Called on a snapshot, in a thread of its own."""
        return self


KINDS = ("image", "table", "histogram", "confusion_matrix", "curve", "text")


def is_value(artifact: Artifact) -> bool:
    """Whether an artifact is a rich value that a run logged."""
    return artifact.kind in KINDS and (artifact.path or "").startswith(f"{MEDIA}/")


def is_frame(thing: Any) -> bool:
    """Whether something is a data frame of any library: it has columns and gives itself as Arrow, or is pandas'."""
    home = type(thing).__module__.partition(".")[0]
    has_columns = hasattr(thing, "columns") or hasattr(thing, "column_names")
    return has_columns and (hasattr(thing, "__arrow_c_stream__") or home == "pandas")
