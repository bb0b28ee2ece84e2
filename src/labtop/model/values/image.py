"""A picture: pixels, a file, a figure."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from labtop.model.values.arrays import as_array
from labtop.model.values.base import RichValue
from labtop.model.values.image_header import Header, read_header

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

MOST_PIXELS = 50_000_000
MOST_BYTES = 64 * 2**20  # of a file


class Image(RichValue):
    """A picture with a caption.

    Arguments:
        data: a path; an array of height x width, or with 1, 2, 3 or 4 channels last (first, from torch), of bytes or of
            numbers from 0 to 1; a PIL picture; a matplotlib figure; or the bytes of a PNG, JPEG, GIF or WebP file.
        mode: accepted for wandb's sake.
        caption: a line of text.
    """

    kind: ClassVar[str] = "image"

    def __init__(
        self, data: Any = None, mode: str | None = None, caption: str | None = None, **unused: Any
    ) -> None:
        self.caption = None if caption is None else str(caption)
        self.note = ""  # what was done to the values so that they became pixels
        self.unused = tuple(unused)
        self._data = data
        self._array: tuple[npt.NDArray[Any], bool] | None = None  # not pixels yet; whether channels are first
        self._picture: Any = None  # of PIL, our own copy
        self._pixels: Pixels | None = None
        self._encoded: tuple[bytes, Header] | None = None

    def snapshot(self) -> Self:
        """A copy of the pixels, or the bytes of the file."""
        copy = type(self)(None, caption=self.caption)
        copy.note, copy.unused = self.note, self.unused
        copy._pixels, copy._encoded, copy._array = self._pixels, self._encoded, self._array
        copy._picture = self._picture
        if not copy._is_taken:
            copy._take(self._data)
        return copy

    @property
    def _is_taken(self) -> bool:
        return any(each is not None for each in (self._pixels, self._encoded, self._array, self._picture))

    def finished(self) -> Self:
        """With the numbers of an array as pixels."""
        ready = self if self._is_taken else self.snapshot()
        if ready._array is None and ready._picture is None:
            return ready
        done = type(self)(None, caption=ready.caption)
        done.unused = ready.unused
        if ready._array is None:
            done._pixels, done.note = _of_picture(ready._picture), ready.note
        else:
            done._pixels, done.note = as_pixels(*ready._array)
        return done

    def _take(self, data: Any) -> None:
        if isinstance(data, Image):
            taken = data.snapshot()
            self._pixels, self._encoded, self._array = taken._pixels, taken._encoded, taken._array
            self._picture = taken._picture
            self.note = taken.note
            self.caption = self.caption or taken.caption
        elif isinstance(data, str | os.PathLike):
            self._take_bytes(_read(Path(data).expanduser()))
        elif isinstance(data, bytes | bytearray | memoryview):
            self._take_bytes(bytes(data))
        elif callable(save := getattr(data, "savefig", None)):
            self._take_figure(save)
        elif callable(getattr(data, "get_figure", None)):  # axes
            self._take_figure(data.get_figure().savefig)
        elif callable(getattr(data, "convert", None)) and hasattr(data, "mode"):
            _check_size(*data.size)
            self._picture = data.copy()
        elif data is None:
            raise ValueError("an image needs pixels, a path or a figure")
        else:
            _check_pixels(data)
            self._array = as_array(data), hasattr(data, "detach")

    def _take_figure(self, save: Any) -> None:
        buffer = io.BytesIO()
        save(buffer, format="png")
        self._take_bytes(buffer.getvalue())

    def _take_bytes(self, content: bytes) -> None:
        header = read_header(content)
        if header is None:
            raise ValueError("the file is no PNG, JPEG, GIF or WebP picture")
        _check_size(header.width, header.height)
        self._encoded = (content, header)

    @property
    def weight(self) -> int:
        """Bytes of the pixels, or of the file."""
        if self._pixels is not None:
            return int(self._pixels.nbytes)
        if self._array is not None:
            return int(self._array[0].nbytes)
        if self._picture is not None:
            return 4 * int(self._picture.size[0]) * int(self._picture.size[1])
        return len(self._encoded[0]) if self._encoded is not None else 1000

    @property
    def encoded(self) -> tuple[bytes, Header] | None:
        """The bytes of the file it was given as, with what they are; None for pixels."""
        return self.finished()._encoded

    @property
    def pixels(self) -> Pixels | None:
        """Bytes, height x width x channels (grey, grey and alpha, RGB, RGBA); None for a file, which stays one."""
        return self.finished()._pixels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ready = self.finished()
        if ready._encoded is not None:
            return ready._encoded[1].width, ready._encoded[1].height
        assert ready._pixels is not None
        return ready._pixels.shape[1], ready._pixels.shape[0]

    def __repr__(self) -> str:
        return f"Image({'' if self.caption is None else repr(self.caption)})"


def _read(path: Path) -> bytes:
    """A file that the program names: links are its own business, but a pipe would never end."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES >> 20} MiB")
    return path.read_bytes()


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"an image has 1 to {MOST_PIXELS} pixels, not {width} x {height}")


def _check_pixels(array: Any) -> None:
    """Refuse what is no single picture by its size before it is copied."""
    count = 1
    for each in getattr(array, "shape", ()):
        count *= int(each)
    if count > 4 * MOST_PIXELS:
        raise ValueError(f"an image has 1 to {MOST_PIXELS} pixels, not an array of {count} numbers")


def _of_picture(picture: Any) -> Pixels:
    """The pixels of a PIL picture; palettes, CMYK and their like become RGB, with alpha where there is some."""
    import numpy as np

    if picture.mode not in ("L", "LA", "RGB", "RGBA"):
        deep = picture.mode in ("1", "I", "F") or picture.mode.startswith("I;")
        has_alpha = "transparency" in getattr(picture, "info", {})
        picture = picture.convert("L" if deep else "RGBA" if has_alpha else "RGB")
    pixels = np.array(picture, dtype=np.uint8)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def as_pixels(array: npt.NDArray[Any], channels_first: bool = False) -> tuple[Pixels, str]:
    """An array as pixels, and what had to be done to its values.

    Raises:
        ValueError: it has not the shape of one picture.
    """
    import numpy as np

    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    shape = array.shape
    if array.ndim == 2:
        array = array[:, :, None]
    elif array.ndim == 3 and shape[0] in (1, 3, 4) and (channels_first or shape[2] not in (1, 2, 3, 4)):
        array = np.moveaxis(array, 0, 2)
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f"an array of shape {shape} is no picture; log several of them as a list of images")
    _check_size(array.shape[1], array.shape[0])
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array), ""
    if kind == "b":
        return np.ascontiguousarray(array, dtype=np.uint8) * np.uint8(255), ""
    if kind in "iu":
        low, high = int(array.min()), int(array.max())
        note = "" if low >= 0 and high <= 255 else f"values from {low} to {high} were cut to 0 to 255"
        return np.clip(array, 0, 255).astype(np.uint8), note
    if kind != "f":
        raise ValueError(f"pixels are numbers, not {array.dtype}")
    return _of_floats(array.astype(np.float32))


def _of_floats(array: npt.NDArray[np.float32]) -> tuple[Pixels, str]:
    """Numbers from 0 to 1 as bytes; what lies outside is cut, NaN is black."""
    import numpy as np

    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    notes = []
    if low < 0 or high > 1:
        notes.append(f"values from {low:.4g} to {high:.4g} were cut to 0 to 1")
    if finite.size < array.size:
        notes.append(f"{array.size - finite.size} values that are no numbers are black or white")
    plain = np.nan_to_num(array, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(plain, 0, 1) * 255).astype(np.uint8), "; ".join(notes)
