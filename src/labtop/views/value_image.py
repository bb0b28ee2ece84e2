"""Draws a picture in half blocks: two pixels a cell, each the mean of those that it stands for.

Foreign bytes are decoded to pixels within limits; what a terminal gets is colours that were computed here.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labtop.errors import InputError
from labtop.model.values.image import Image
from labtop.store.values.png import decode_png
from labtop.views.value_canvas import Canvas, Line, Rgb, Span

MOST_PIXELS = 16_000_000
_RAMP = " .:-=+*#%@"
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def draw_image(image: Image, canvas: Canvas) -> list[Line]:
    """The picture as large as fits; where it cannot be decoded here, a word that says so."""
    try:
        pixels = decode_image(image)
    except InputError as error:
        return [(Span(f"not drawn: {error.message}", quiet=True),)]
    columns, rows = _fitting(pixels.shape[1], pixels.shape[0], canvas)
    if canvas.has_colours and not canvas.glyphs.is_ascii:
        small = _shrunk(pixels, columns, rows * 2)
        return [
            tuple(Span("▀", _rgb(upper), _rgb(lower)) for upper, lower in zip(*pair, strict=True))
            for pair in zip(small[::2].tolist(), small[1::2].tolist(), strict=True)
        ]
    grey = _shrunk(pixels, columns, rows).mean(axis=2) / 255
    ramp = _RAMP if canvas.glyphs.is_ascii else " ░▒▓█"
    levels = np.minimum((grey * len(ramp)).astype(int), len(ramp) - 1)
    return [(Span("".join(ramp[level] for level in row)),) for row in levels.tolist()]


def _rgb(colour: list[int]) -> Rgb:
    red, green, blue = colour
    return red, green, blue


def decode_image(image: Image) -> NDArray[np.uint8]:
    """RGB pixels of a picture, height x width x 3, over black where it is transparent.

    Raises:
        InputError: it is damaged, too large, or of a format that needs Pillow where there is none.
    """
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(f"a picture of {width} x {height} pixels is too large to be drawn")
    if image.pixels is not None:
        return _as_rgb(image.pixels)
    assert image.encoded is not None
    content, header = image.encoded
    if header.format == "png":
        try:
            return _as_rgb(decode_png(content, MOST_PIXELS))
        except InputError as error:
            if "Pillow" not in error.message:
                raise
    return _as_rgb(_by_pillow(content, header.format))


def _by_pillow(content: bytes, format: str) -> NDArray[np.uint8]:
    try:
        import PIL.Image
    except ImportError:
        raise InputError(f"a {format} picture needs Pillow to be drawn", "pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise InputError("the picture is larger than it says")
                return np.asarray(picture.convert("RGBA"))
    except InputError:
        raise
    except Exception as error:  # decoders of foreign formats raise anything
        raise InputError(f"a damaged {format} picture: {error}") from error


def _as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    channels = pixels.shape[2]
    colours = pixels[:, :, : channels - (channels in (2, 4))]
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    if channels in (2, 4):
        alpha = pixels[:, :, -1:].astype(np.uint16)
        return (colours * alpha // 255).astype(np.uint8)
    return colours


def _fitting(width: int, height: int, canvas: Canvas) -> tuple[int, int]:
    """Cells for a picture: a cell is about twice as high as wide, and no pixel is drawn larger than four cells."""
    scale = min(canvas.width / width, max(canvas.height, 1) * 2 / height, 4.0)
    return max(1, round(width * scale)), max(1, round(height * scale / 2))


def _shrunk(pixels: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.uint8]:
    """The mean colour of the pixels behind each of columns x rows places; of a large picture of a sample of them."""
    every = max(1, min(pixels.shape[0] // (rows * 8), pixels.shape[1] // (columns * 8)))
    pixels = pixels[::every, ::every]
    height, width = pixels.shape[:2]
    sums: Any = pixels.astype(np.uint32)
    for axis, length, places in ((0, height, rows), (1, width, columns)):
        starts = (np.arange(places) * length) // places
        stops = np.maximum(((np.arange(places) + 1) * length) // places, starts + 1)
        total = np.concatenate([np.zeros_like(sums.take([0], axis)), np.cumsum(sums, axis=axis)], axis=axis)
        counts = (stops - starts).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        sums = (total.take(stops, axis) - total.take(starts, axis)) // counts
    return np.asarray(sums, dtype=np.uint8)
