"""Many events at once give what each gives alone."""

from __future__ import annotations

import io
import math
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.formats.crc32c import masked_crc, masked_crcs
from labtop.formats.event_columns import columns_of
from labtop.formats.tensorboard import Scalar, values_of
from labtop.formats.tfrecord import Piece, read_pieces
from tests.formats.event_files import event, field, header, record, simple, tensor, varint

Row = tuple[int, str, int, float, str]

FLOAT = field(5, struct.pack("<f", 2))
STEPS = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1))
TAGS = st.sampled_from(["loss", "val/acc", "é日本💥", "", "x" * 130, "t" * 1200])
VALUES = st.builds(
    lambda make, tag, value: bytes(make(tag, value)),
    st.sampled_from([simple, tensor]),
    TAGS,
    st.floats(width=32),
)
OTHERS = st.sampled_from(
    [
        field(1, b"image") + field(4, b"png"),
        field(1, b"histogram") + field(5, bytes(300)),
        field(1, b"double") + field(8, b"\x08\x02" + field(2, b"") + field(4, struct.pack("<d", 1 / 3))),
        field(1, b"half") + field(8, b"\x08\x13" + field(2, b"") + b"\x6a\x02" + varint(0x3C00)),
        field(1, b"text") + field(8, b"\x08\x07" + field(2, b"") + field(8, b"hello")),
        field(1, b"other") + field(8, b"\x08\x01\x12\x00" + FLOAT) + field(9, field(1, field(1, b"custom"))),
        field(7, b"node") + field(1, b"after") + b"\x15" + struct.pack("<f", 4),
        b"",
    ]
)  # fmt: skip
EVENTS = st.builds(
    lambda step, time_s, values: event(step, time_s, *values),
    STEPS,
    st.floats(allow_nan=False),
    st.lists(st.one_of(VALUES, VALUES, VALUES, OTHERS), max_size=4),
)


def pieces(content: bytes, most: int = 2**22) -> list[Piece]:
    """All pieces of a file."""
    return list(read_pieces(io.BytesIO(content), len(content), most=most))


def one_by_one(piece: Piece) -> list[Row]:
    """The scalars of a piece, event by event; numbers as text, so that NaN is NaN."""
    rows: list[Row] = []
    for index in range(len(piece.starts)):
        for each in values_of(piece, index):
            if isinstance(each, Scalar):
                rows.append((index, each.tag, each.step, each.time_s, repr(each.value)))
    return rows


def at_once(piece: Piece) -> list[Row]:
    """The same by columns."""
    columns = columns_of(piece)
    return [
        (record, columns.tags[tag], step, time_s, repr(value))
        for record, tag, step, time_s, value in zip(
            columns.records.tolist(),
            columns.tag_of.tolist(),
            columns.steps.tolist(),
            columns.times_s.tolist(),
            columns.values.tolist(),
            strict=True,
        )
    ]


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_any_events_are_read_alike(events: list[bytes]) -> None:
    """Of all layouts, mixed in one file."""
    content = b"".join(record(each) for each in events) * -(-120 // len(events))
    (piece,) = pieces(content)
    assert piece.is_many
    assert at_once(piece) == one_by_one(piece)


def test_changed_bytes_are_read_alike() -> None:
    """Sound records of events that a fault of memory changed before they were written: no error, nothing made up."""
    rng = random.Random(3)
    sound = [event(7, 1e9, simple("loss", 0.5), tensor("acc", 0.25)), event(2**40, 1e9, tensor("acc", 1))]
    for _ in range(12):
        events = []
        for _ in range(150):
            content = bytearray(rng.choice(sound))
            content[rng.randrange(len(content))] = rng.randrange(256)
            events.append(record(bytes(content)))
        (piece,) = pieces(b"".join(events))
        assert at_once(piece) == one_by_one(piece)


def test_small_pieces_give_the_same_as_large_ones() -> None:
    """Records that lie across two pieces are read once."""
    content = header() + b"".join(record(event(at, 1e9 + at, simple("loss", at))) for at in range(1000))
    whole = [row[1:] for piece in pieces(content) for row in at_once(piece)]
    small = [row[1:] for piece in pieces(content, most=777) for row in at_once(piece)]
    assert len(whole) == 1000
    assert small == whole


def test_a_long_record_between_is_passed_over() -> None:
    """A picture larger than a piece: what it is is told, and the next event is found."""
    picture = field(1, b"sample") + field(4, bytes(500_000))
    content = record(event(1, 1.0, picture)) + record(event(2, 1.0, simple("loss", 0.5)))
    columns = [columns_of(each) for each in pieces(content, most=100_000)]
    assert [(other.kind, other.tag) for each in columns for _, other in each.others] == [("image", "sample")]
    assert [each.values.tolist() for each in columns if len(each.values)] == [[0.5]]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 59, 255, 256, 511, 512, 513, 5000])
def test_checksums_of_many_and_of_long_messages(length: int) -> None:
    """As of each byte after the other, by the definition."""
    data = random.Random(length).randbytes(length)
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1
    crc ^= 0xFFFFFFFF
    expected = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc(data) == expected
    if length <= 512:
        import numpy as np

        content = np.frombuffer(b"xx" + data * 3, dtype=np.uint8)
        ends = np.array([2 + length, 2 + 2 * length, 2 + 3 * length], dtype=np.int64)
        assert masked_crcs(content, ends, np.full(3, length)).tolist() == [expected] * 3
        mixed = masked_crcs(content, np.array([2 + length, 2]), np.array([length, 2])).tolist()
        assert mixed == [expected, masked_crc(b"xx")]


def test_one_flipped_bit_among_many_events_costs_one_event() -> None:
    """Wherever it is: in a length the next sound record is found again."""
    events = [record(event(at, 1e9 + at, simple("loss", 1 / (at + 1)))) for at in range(300)]
    content = b"".join(events)
    (piece,) = pieces(content)
    everything = {row[1:] for row in at_once(piece)}
    begin = sum(map(len, events[:150]))
    for bit in range(0, len(events[150]) * 8, 3):
        flipped = bytearray(content)
        flipped[begin + bit // 8] ^= 1 << bit % 8
        found = pieces(bytes(flipped))
        rows = {row[1:] for each in found for row in at_once(each)}
        assert rows == everything - {
            ("loss", 150, 1e9 + 150, repr(float(struct.unpack("<f", struct.pack("<f", 1 / 151))[0])))
        }
        assert sum(len(each.damage) for each in found) == 1


def test_garbage_between_records_is_passed_over() -> None:
    """Up to the next record that is sound; also where it looks like a length with its checksum."""
    sound = [record(event(at, 1e9, simple("loss", at))) for at in range(3)]
    head = struct.pack("<Q", 2**40)
    absurd = head + struct.pack("<I", masked_crc(head))
    for garbage in (b"\0" * 5000, random.Random(1).randbytes(70_000), absurd + b"xyz"):
        found = pieces(sound[0] + garbage + sound[1] + sound[2])
        assert [row[2] for each in found for row in at_once(each)] == [0, 1, 2]
        (damage,) = [damage for each in found for damage in each.damage]
        assert (damage.offset, damage.end) == (len(sound[0]), len(sound[0]) + len(garbage))


def test_infinite_times_are_kept_as_they_are() -> None:
    """What becomes of them is the caller's."""
    (piece,) = pieces(record(event(1, math.inf, simple("a", 1))) * 250)
    assert set(columns_of(piece).times_s.tolist()) == {math.inf}


def test_many_tags_and_summaries_of_many_values() -> None:
    """Of one length and of many; as many values as fit into an event."""
    names = [f"layer{at:03}/{'x' * (at % 7)}" for at in range(120)]
    many = record(event(1, 1e9, *(simple("a", at) for at in range(3000))))
    for times in (3, 80):  # few enough to look up, and so many that they are compared at once
        content = (
            b"".join(record(event(at, 1e9, simple(name, at))) for at in range(times) for name in names) + many
        )
        (piece,) = pieces(content)
        assert at_once(piece) == one_by_one(piece)
