"""Arrays from whatever holds numbers: numpy, torch, tensorflow, jax, lists. No library is imported but numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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
