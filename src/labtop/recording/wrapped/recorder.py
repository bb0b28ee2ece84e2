"""What every way of running a command begins with: where its run goes, and what records it in a thread.

Light: all that is heavy is imported in that thread.
"""

from __future__ import annotations

import time

from labtop.recording.wrapped.order import Order, Place

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable

    from labtop.recording.wrapped.picking import Picker
    from labtop.recording.wrapped.told import Told


def prepared(order: Order) -> tuple[dict[str, str], Callable[[Told], None]] | None:
    """The environment of the command, and what records it; None where nothing is to be recorded.

    Raises:
        UsageError: the line or the settings cannot be meant.
    """
    began_at = time.time()
    order.check()
    place = Place(order)
    if place.is_disabled:
        return None
    return place.environment(), _recorder(order, place, _picker_of(order, place), began_at)


def _picker_of(order: Order, place: Place) -> Picker | None:
    """What picks up metrics, with a look at the files as they are before the command starts."""
    if not place.rules:
        return None
    from labtop.recording.wrapped.picking import Picker

    return Picker(place.rules, order.step)


def _recorder(order: Order, place: Place, picker: Picker | None, began_at: float) -> Callable[[Told], None]:
    """What records the command, in a thread: importing it takes longer than many a command."""

    def record(told: Told) -> None:
        try:
            from labtop.recording.wrapped.keeper import Keeper

            Keeper(order, place, picker, began_at, told).record()
        except Exception as error:
            told.words.append(f"labtop: an internal error, please report it: {error!r}")
        finally:
            told.tap.close()
            told.done.set()

    return record
