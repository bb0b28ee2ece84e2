"""What people log without wrapping it, taken for the rich value that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtop.model.values.base import RichValue, is_frame


def as_value(thing: Any) -> RichValue | None:
    """What people log without wrapping it: a figure or picture is an image, a frame a table. Imports nothing."""
    if isinstance(thing, RichValue):
        return thing
    home = type(thing).__module__.partition(".")[0]
    if home in ("matplotlib", "PIL") and (hasattr(thing, "savefig") or hasattr(thing, "convert")):
        from labtop.model.values.image import Image

        return Image(thing)
    if home in ("pandas", "polars", "pyarrow") and is_frame(thing):
        from labtop.model.values.table import Table

        return Table(thing)
    return None


def values_in(thing: Any) -> Mapping[str, RichValue] | None:
    """The rich values in what was logged under one name, by what follows the name: one, or a list of them."""
    if isinstance(thing, list | tuple):
        if not thing or as_value(thing[0]) is None:  # a long list of numbers costs nothing
            return None
        found = [as_value(each) for each in thing]
        if all(found):
            return {f"/{at}": each for at, each in enumerate(found) if each is not None}
        return None
    value = as_value(thing)
    return None if value is None else {"": value}
