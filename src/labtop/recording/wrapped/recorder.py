"""What records a command in a thread, and what picks up its metrics. Light: all that is heavy is imported in there."""

from __future__ import annotations

from labtop.recording.wrapped.order import Order, Place

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable

    from labtop.recording.wrapped.picking import Picker
    from labtop.recording.wrapped.told import Told


def picker_of(order: Order, place: Place) -> Picker | None:
    """What picks up metrics, with a look at the files as they are before the command starts."""
    if not place.rules:
        return None
    from labtop.recording.wrapped.picking import Picker

    return Picker(place.rules, order.step)


def recorder(order: Order, place: Place, picker: Picker | None, began_at: float) -> Callable[[Told], None]:
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
