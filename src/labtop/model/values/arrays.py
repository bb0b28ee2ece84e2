"""Arrays from whatever holds numbers: numpy, torch, tensorflow, jax, lists. No library is imported but numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_LONG = 50_000


def held(thing: Any) -> Any:
    """A copy that nobody changes, as cheap as can be: an array, or a long list with its values as they are.

    Making an array of a list of three million numbers takes a quarter of a second, copying the list 10 ms.
    Raises as `as_array` does, for a long list not before that is called.
    """
    return list(thing) if isinstance(thing, list | tuple) and len(thing) > _LONG else as_array(thing)


def held_bytes(thing: Any) -> int:
    """About how many bytes of memory that takes."""
    return 40 * len(thing) if isinstance(thing, list) else int(getattr(thing, "nbytes", 1000))


def as_array(thing: Any) -> npt.NDArray[Any]:
    """A copy of `thing` as an array of numbers, truth values or texts.

    Raises:
        TypeError: it holds other objects.
        ValueError: it is ragged.
    """
    import numpy as np

    if callable(detach := getattr(thing, "detach", None)):  # torch: off the graph and off the device
        thing = detach().cpu()
        try:
            thing = thing.numpy()
        except TypeError:  # bfloat16, which numpy has not
            thing = thing.float().numpy()
    elif not isinstance(thing, np.ndarray) and callable(to_numpy := getattr(thing, "numpy", None)):
        thing = to_numpy()  # tensorflow
    elif isinstance(thing, list | tuple) and thing and hasattr(thing[0], "detach"):
        thing = [as_array(each) for each in thing]
    if isinstance(thing, list | tuple) and len(thing) > _LONG:
        # piece by piece: as one, it would keep the interpreter from all other threads
        return np.concatenate([as_array(thing[at : at + _LONG]) for at in range(0, len(thing), _LONG)])
    array = np.array(thing)
    if array.dtype.kind == "O":
        array = _of_objects(array)
    if array.dtype.kind not in "biufUSM":
        raise TypeError(f"an array of numbers is needed, not of {array.dtype}")
    return array


def _of_objects(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers, or texts, that were kept as objects; None is NaN."""
    import numpy as np

    flat = array.ravel().tolist()
    if all(isinstance(each, str) for each in flat):
        return array.astype(str)
    if all(each is None or isinstance(each, bool | int | float) for each in flat):
        return np.array([np.nan if each is None else float(each) for each in flat]).reshape(array.shape)
    raise TypeError("an array of numbers is needed, not of objects of several types")


def as_numbers(thing: Any) -> npt.NDArray[np.float64]:
    """`thing` as a flat array of doubles.

    Raises:
        TypeError: it holds something else than numbers.
    """
    import numpy as np

    array = as_array(thing)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"numbers are needed, not {array.dtype}")
    return array.ravel().astype(np.float64)
