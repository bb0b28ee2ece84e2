"""Event files are read whole, while they grow, and never into trouble."""

from __future__ import annotations

import io
import math
import random
import struct
import tracemalloc

import pytest

from labtop.formats.crc32c import masked_crc
from labtop.formats.protobuf import ProtobufError, fields, signed
from labtop.formats.tensorboard import Scalar, is_event_file, read_scalars
from labtop.formats.tfrecord import Damage, read_pieces
from tests.formats.event_files import event, field, header, record, simple, tensor, varint

CONTENT = header() + b"".join(
    record(event(at, 1e9 + at, simple("loss", 1 / (at + 1)), tensor("val/acc", at / 10))) for at in range(5)
)


def read(content: bytes, offset: int = 0) -> tuple[list[Scalar], list[Damage], int]:
    """Scalars, damage, and where to read on."""
    scalars, damage, end = [], [], offset
    for each in read_scalars(io.BytesIO(content), len(content), offset):
        if isinstance(each, Scalar):
            scalars.append(each)
        elif isinstance(each, Damage):
            damage.append(each)
        else:
            end = each
    return scalars, damage, end


def test_the_checksum_is_crc_32c() -> None:
    """The check value of the polynomial's own specification, then masked."""
    crc = 0xE3069283  # of "123456789"; RFC 3720 B.4 has others
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_both_ways_of_writing_scalars_are_read() -> None:
    """With tags, steps and times."""
    scalars, damage, end = read(CONTENT)
    assert not damage
    assert end == len(CONTENT)
    assert [each.tag for each in scalars[:2]] == ["loss", "val/acc"]
    assert [each.step for each in scalars] == [at for at in range(5) for _ in range(2)]
    assert scalars[2].value == 0.5
    assert scalars[3].value == pytest.approx(0.1)
    assert scalars[0].time_s == 1e9


def test_nan_infinity_and_negative_steps_are_kept() -> None:
    """As they were written."""
    content = record(event(-3, 1.0, simple("a", math.nan), simple("b", -math.inf)))
    scalars, _, _ = read(content)
    assert math.isnan(scalars[0].value)
    assert (scalars[1].value, scalars[1].step) == (-math.inf, -3)


def test_images_histograms_and_tensors_with_dimensions_are_passed_over() -> None:
    """They are no scalars."""
    shape = field(2, field(2, b"\x08\x02"))
    vector = field(1, b"v") + field(8, b"\x08\x01" + shape + field(4, struct.pack("<2f", 1, 2)))
    scalars, damage, _ = read(
        record(event(1, 1.0, field(1, b"i") + field(4, b"png"), vector, simple("x", 1)))
    )
    assert ([each.tag for each in scalars], damage) == (["x"], [])


def test_a_file_cut_at_every_byte_gives_its_whole_events() -> None:
    """Without a word: it may still be growing. Reading on from there gives the rest, and nothing twice."""
    everything, _, _ = read(CONTENT)
    for size in range(len(CONTENT)):
        first, damage, end = read(CONTENT[:size])
        rest, _, _ = read(CONTENT, end)
        assert not damage
        assert first + rest == everything


def test_one_flipped_bit_never_gives_a_wrong_value() -> None:
    """Every bit of the file: the event is damage, or all is as it was."""
    content = CONTENT[: len(header()) + len(CONTENT) // 5]
    everything, _, _ = read(content)
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        scalars, damage, _ = read(bytes(flipped))
        assert set(scalars) <= set(everything)
        assert damage or scalars == everything
        assert len(damage) <= 1


def test_after_a_damaged_event_reading_goes_on() -> None:
    """Where its length is sound."""
    damaged = bytearray(CONTENT)
    damaged[len(header()) + 20] ^= 0xFF
    scalars, (damage,), end = read(bytes(damaged))
    assert [each.step for each in scalars[::2]] == [1, 2, 3, 4]
    assert (damage.offset, end) == (len(header()), len(CONTENT))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 10**9])
def test_a_length_beyond_the_file_takes_no_memory(length: int) -> None:
    """Also when its checksum is right."""
    head = struct.pack("<Q", length)
    content = head + struct.pack("<I", masked_crc(head)) + bytes(100)
    tracemalloc.start()
    try:
        assert list(read_pieces(io.BytesIO(content), len(content))) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_fuzzed_messages_raise_only_their_own_error() -> None:
    """Random bytes, and sound messages with random changes."""
    rng = random.Random(1)
    sound = event(7, 1.0, simple("loss", 0.5), tensor("acc", 0.25))
    for _ in range(5000):
        content = bytearray(sound if rng.random() < 0.7 else rng.randbytes(rng.randrange(40)))
        for _ in range(rng.randrange(1, 4) if content else 0):
            content[rng.randrange(len(content))] = rng.randrange(256)
        try:
            for number, _, _ in fields(bytes(content)):
                assert number > 0
        except ProtobufError:
            pass
        for each in read_scalars(io.BytesIO(record(bytes(content))), len(content) + 16):
            assert isinstance(each, int | Scalar | Damage)


def test_numbers_of_the_wire_format() -> None:
    """Up to 64 bits; more is an error."""
    (found,) = fields(b"\x08" + varint(-5))
    assert signed(int(found[2])) == -5
    for wrong in (b"\x08" + b"\xff" * 11, b"\x08\x80", b"\x0a\x05ab", b"\x0b", b"\x00\x00"):
        with pytest.raises(ProtobufError):
            list(fields(wrong))


def test_names_of_event_files() -> None:
    """As TensorBoard finds them."""
    assert is_event_file("events.out.tfevents.1700000000.host.1.0")
    assert not is_event_file("events.txt")
