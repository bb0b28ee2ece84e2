"""Pictures from what people have, and PNG without Pillow."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labtop import Image
from labtop.errors import InputError
from labtop.store.values.png import decode_png, encode_png
from tests.values.roundtrip import back, encoded

RANDOM = np.random.default_rng(0)


def pixels(image: Image) -> Any:
    """What is in the file that is written."""
    return decode_png(encoded(image).content, 10**6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64)])
def test_png_and_back(size: tuple[int, int], channels: int) -> None:
    """Noise and gradients come back to the byte, by this decoder and by Pillow's."""
    noise = RANDOM.integers(0, 256, (*size, channels), dtype=np.uint8)
    ramp = np.broadcast_to(np.arange(size[1], dtype=np.uint8)[None, :, None] * 3, noise.shape).copy()
    for each in (noise, ramp, ramp.transpose(0, 1, 2) + noise // 64):
        content = encode_png(each)
        assert np.array_equal(decode_png(content, 10**6), each)
        pillow = pytest.importorskip("PIL.Image", reason="needs Pillow to compare with")
        assert np.array_equal(np.asarray(pillow.open(io.BytesIO(content))).reshape(each.shape), each)


def test_png_of_other_programs() -> None:
    """Every filter and palettes, as Pillow writes them; what is not of the plain kind is refused in words."""
    pillow = pytest.importorskip("PIL.Image", reason="needs Pillow to write them")
    smooth = (np.add.outer(np.arange(40), np.arange(50))[:, :, None] * [1, 2, 3] % 256).astype(np.uint8)
    for picture in (
        pillow.fromarray(smooth),
        pillow.fromarray(smooth).quantize(200),
        pillow.fromarray(smooth[:, :, 0]),
    ):
        file = io.BytesIO()
        picture.save(file, "png")
        mode = "L" if picture.mode == "L" else "RGB"
        wanted = np.asarray(picture.convert(mode)).reshape(40, 50, -1)
        assert np.array_equal(decode_png(file.getvalue(), 10**6)[:, :, : wanted.shape[2]], wanted)
    file = io.BytesIO()
    pillow.fromarray(smooth).convert("1").save(file, "png")
    with pytest.raises(InputError, match="Pillow"):
        decode_png(file.getvalue(), 10**6)


def test_a_bomb_is_not_inflated() -> None:
    """The size of a picture is looked at before it is decoded, and no more is decoded than it says."""
    content = encode_png(np.zeros((2000, 2000, 1), dtype=np.uint8))
    with pytest.raises(InputError, match="too large"):
        decode_png(content, 1000)
    for at in range(0, len(content), 7):
        for broken in (content[:at], content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]):
            try:
                decode_png(broken, 10**7)
            except InputError:
                continue


def test_no_more_is_inflated_than_a_picture_says() -> None:
    """Two by two pixels whose data would be 50 MB: what is beyond them takes no memory."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(50 * 2**20))),
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    )
    tracemalloc.start()
    try:
        with suppress(InputError):
            decode_png(content, 10**6)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("given", "shape", "value"),
    [
        (np.full((4, 6), 0.5), (4, 6, 1), 128),
        (np.full((4, 6, 3), 1.0, dtype=np.float32), (4, 6, 3), 255),
        (np.full((4, 6, 1), 7, dtype=np.uint8), (4, 6, 1), 7),
        (np.full((3, 40, 60), 0.5), (40, 60, 3), 128),
        (np.full((1, 4, 6, 3), 0.0), (4, 6, 3), 0),
        (np.full((4, 6, 4), 9, dtype=np.int64), (4, 6, 4), 9),
        (np.ones((4, 6), dtype=bool), (4, 6, 1), 255),
        ([[0.0, 1.0], [1.0, 1.0]], (2, 2, 1), None),
    ],
)
def test_arrays(given: Any, shape: tuple[int, ...], value: int | None) -> None:
    """Height x width, channels last or first, bytes or 0 to 1."""
    found = pixels(Image(given))
    assert found.shape == shape
    assert value is None or (found == value).all()


def test_values_beyond_are_cut_and_said() -> None:
    """What a float outside of 0 to 1 became is a note."""
    image = Image(np.array([[-1.0, 0.5], [2.0, np.nan]]))
    assert pixels(image).ravel().tolist() == [0, 128, 255, 0]
    assert "from -1 to 2 were cut" in str(encoded(image).about["note"])
    assert "1 values that are no numbers" in str(encoded(image).about["note"])


def test_a_tensor_is_channels_first() -> None:
    """Anything that can be detached, taken to the processor and made an array, by duck typing."""

    class Tensor:
        def __init__(self, array: Any, is_half: bool = False) -> None:
            self.array, self.is_half = array, is_half

        def detach(self) -> Tensor:
            return self

        def cpu(self) -> Tensor:
            return self

        def float(self) -> Tensor:
            return Tensor(self.array)

        def numpy(self) -> Any:
            if self.is_half:
                raise TypeError("bfloat16")
            return self.array

    for is_half in (False, True):
        tensor = Tensor(np.stack([np.ones((4, 3)), np.zeros((4, 3)), np.zeros((4, 3))]), is_half)
        found = pixels(Image(tensor))
        assert found.shape == (4, 3, 3)
        assert (found[:, :, 0] == 255).all()
        assert (found[:, :, 1:] == 0).all()


def test_files_and_pictures(tmp_path: Path) -> None:
    """A path keeps its bytes; pictures of every mode become plain ones."""
    pillow = pytest.importorskip("PIL.Image", reason="needs Pillow")
    colour = pillow.fromarray(RANDOM.integers(0, 256, (5, 9, 3), dtype=np.uint8))
    for name in ("a.png", "a.jpg", "a.gif", "a.webp"):
        colour.save(tmp_path / name)
        written = encoded(Image(tmp_path / name, caption="a cat"))
        assert written.content == (tmp_path / name).read_bytes()
        assert written.about == {"width": 9, "height": 5, "caption": "a cat"}
        assert written.suffix == name[2:]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"):
        found = pixels(
            Image(colour.convert("RGB").convert(mode) if mode != "LA" else colour.convert("L").convert("LA"))
        )
        assert found.shape[:2] == (5, 9)


def test_a_figure() -> None:
    """Anything that saves itself as PNG is taken at its word."""

    class Figure:
        def savefig(self, file: Any, format: str) -> None:
            assert format == "png"
            file.write(encode_png(np.zeros((3, 8, 3), dtype=np.uint8)))

    assert encoded(Image(Figure())).about == {"width": 8, "height": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        np.zeros(5),
        np.zeros((2, 3, 3, 3)),
        np.zeros((0, 5)),
        b"<svg/>",
        "gone.png",
        "/dev/zero",
        np.array(["a"]),
        object(),
    ],
)
def test_what_is_no_picture(wrong: Any) -> None:
    """An error in words, never a hang."""
    with pytest.raises((ValueError, TypeError, OSError)):
        Image(wrong).snapshot().finished()


def test_round_trip_and_independence() -> None:
    """What is read has size, caption and bytes; a snapshot does not change with the array."""
    array = np.zeros((3, 4), dtype=np.uint8)
    taken = Image(array, caption="x").snapshot()
    array[:] = 9
    assert taken.pixels is not None
    assert not taken.pixels.any()
    read = back(taken)
    assert (read.caption, read.size) == ("x", (4, 3))
    assert read.encoded is not None
    assert read.encoded[1].format == "png"
