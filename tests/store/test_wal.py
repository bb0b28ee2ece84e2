"""The write-ahead log: no damage makes a wrong value, and none stops the reader."""

from __future__ import annotations

import math
import os
import random
import struct
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtop.store.tail import Tail
from labtop.store.wal import (
    LONGEST_PAYLOAD,
    MARK,
    PointFrame,
    WalWriter,
    encode_header,
    encode_points,
    parse_wal,
    read_wal,
)

FRAMES = [
    PointFrame(
        at * 3, 1_700_000_000_000_000 + at, at / 2, {"loss": 1 / (at + 1), "val/acc": at * 0.01, "n": -0.0}
    )
    for at in range(12)
]
PIECES = [encode_header("r" * 10, "w" * 10), *(encode_points(*each) for each in FRAMES)]
CONTENT = b"".join(PIECES)
STARTS = [sum(map(len, PIECES[:at])) for at in range(len(PIECES) + 1)]


def test_frames_come_back() -> None:
    """In order, with the header's names."""
    log = parse_wal(CONTENT)
    assert log.frames == FRAMES
    assert (log.run_id, log.writer, log.problems, log.torn_at) == ("r" * 10, "w" * 10, [], None)
    assert log.next_offset == len(CONTENT)


def test_every_cut_gives_exactly_the_whole_frames() -> None:
    """Truncated at each byte, the reader says where the torn frame begins and goes on from there later."""
    for length in range(len(CONTENT) + 1):
        log = parse_wal(CONTENT[:length])
        whole = max(at for at, start in enumerate(STARTS) if start <= length)
        assert log.frames == FRAMES[: max(whole - 1, 0)]
        assert log.next_offset == STARTS[whole]
        assert log.torn_at == (None if length == STARTS[whole] else STARTS[whole])
        assert log.problems == []
        rest = parse_wal(CONTENT[log.next_offset :], log.next_offset)
        assert log.frames + rest.frames == FRAMES


def test_2000_flipped_bits_never_make_a_wrong_value() -> None:
    """Only the frame that was hit is missing, and the reader says so."""
    chance = random.Random(7)
    for _ in range(2000):
        at = chance.randrange(len(CONTENT))
        damaged = bytearray(CONTENT)
        damaged[at] ^= 1 << chance.randrange(8)
        log = parse_wal(bytes(damaged))
        hit = max(number for number, start in enumerate(STARTS[:-1]) if start <= at)
        assert log.frames == [frame for number, frame in enumerate(FRAMES, 1) if number != hit]
        assert bool(log.problems) or log.torn_at == STARTS[hit]


def test_a_bad_frame_in_the_middle_is_reported_with_its_offset() -> None:
    """Later frames are read all the same."""
    damaged = bytearray(CONTENT)
    damaged[STARTS[4] + 20] ^= 0xFF
    log = parse_wal(bytes(damaged), 1000)
    assert log.frames == FRAMES[:3] + FRAMES[4:]
    assert [(each.offset, each.reason) for each in log.problems] == [
        (1000 + STARTS[4], "the frame's checksum is wrong")
    ]


def test_a_zero_filled_tail_is_a_torn_tail() -> None:
    """What a file system leaves that gave the size but not the bytes."""
    log = parse_wal(CONTENT + bytes(5000))
    assert log.frames == FRAMES
    assert log.torn_at == log.next_offset == len(CONTENT)
    assert log.problems == []


def test_zeros_before_good_frames_are_damage() -> None:
    """They are skipped and named."""
    log = parse_wal(PIECES[0] + bytes(100) + PIECES[1])
    assert log.frames == FRAMES[:1]
    assert [each.offset for each in log.problems] == [STARTS[1]]


@pytest.mark.parametrize("length", [0xFFFFFFFF, LONGEST_PAYLOAD + 1])
def test_an_impossible_length_is_rejected_without_memory(length: int) -> None:
    """Nothing of that size is asked for."""
    bad = struct.pack("<4sII", MARK, length, 0)
    log = parse_wal(PIECES[0] + bad + PIECES[1])
    assert log.frames == FRAMES[:1]
    assert str(length) in log.problems[0].reason


def test_a_file_of_false_marks_takes_no_time() -> None:
    """Marks that each claim megabytes cannot keep a reader busy."""
    bad = struct.pack("<4sII", MARK, LONGEST_PAYLOAD, 1)
    begun = time.process_time()
    assert parse_wal(bad * 200_000 + CONTENT).frames in ([], FRAMES)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "payload",
    [
        [1],
        [1, "x", 0, 0.0, {}],
        [1, -1, 0, 0.0, {"a": 1.0}],
        [1, 2**64 - 1, 0, 0.0, {"a": 1.0}],
        [1, 0, 2**64 - 1, 0.0, {"a": 1.0}],
        [1, 0, 0, 0.0, {"a": "b"}],
        [1, 0, 0, 0.0, {"a": None}],
        [1, 0, 0, 0.0, {3: 1.0}],
        [0, 99, "r", "w"],
        [0, "x"],
    ],
)
def test_sound_frames_that_make_no_sense_are_reported(payload: list[object]) -> None:
    """A checksum proves only that somebody wrote them."""
    frame = _frame(msgspec.msgpack.encode(payload))
    log = parse_wal(PIECES[0] + frame + PIECES[1])
    assert log.frames == FRAMES[:1]
    assert [each.offset for each in log.problems] == [STARTS[1]]


@pytest.mark.parametrize("payload", [[2, "later"], [7], [], {}, 3, "x"])
def test_kinds_of_later_versions_are_passed_over(payload: object) -> None:
    """The format grows by adding."""
    log = parse_wal(_frame(msgspec.msgpack.encode(payload)) + PIECES[1])
    assert log.frames == FRAMES[:1]
    assert log.problems == []


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_no_bytes_make_the_reader_raise(payload: bytes, noise: bytes) -> None:
    """Neither as a payload with a right checksum nor between frames."""
    log = parse_wal(PIECES[0] + _frame(payload) + noise + PIECES[1])
    assert len(log.frames) >= 1


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.floats(), max_size=5), st.floats()
)
def test_any_values_come_back(values: dict[str, float], step: float) -> None:
    """NaN, infinities and −0 included."""
    frame = parse_wal(encode_points(5, -1, step, values)).frames[0]
    assert repr(frame) == repr(PointFrame(5, -1, step, values))


def test_a_frame_has_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One system call a log(): that is what `kill -9` cannot cut."""
    from tests.store.runs import FaultyFiles

    files = FaultyFiles()
    wal = WalWriter(tmp_path / "w-00001.wal", "r" * 10, "w" * 10, files)
    files.calls.clear()
    wal.append(encode_points(0, 1, 0.0, {"a": math.nan, "b": math.inf}))
    wal.close()
    assert files.calls == ["write", "close"]


def test_short_writes_are_gone_on_with(tmp_path: Path) -> None:
    """A system may take half without an error."""
    from tests.store.runs import FaultyFiles

    files = FaultyFiles(failing=range(1, 1000, 2), short=True)
    wal = WalWriter(tmp_path / "w-00001.wal", "r" * 10, "w" * 10, files)
    for frame in FRAMES:
        wal.append(encode_points(*frame))
    wal.close()
    assert read_wal(wal.path).frames == FRAMES
    assert len(files.calls) > len(FRAMES) + 2


@pytest.mark.parametrize("short_call", range(1, 6))
def test_a_short_write_of_the_quick_way_is_gone_on_with(short_call: int, tmp_path: Path) -> None:
    """When `log` returns, the whole frame is in the log: a kill the next moment costs nothing."""
    from tests.store.runs import FaultyFiles, log_of

    files = FaultyFiles(failing=range(short_call, short_call + 1), short=True)
    wal = WalWriter(tmp_path / "w-00001.wal", "r" * 10, "w" * 10, files)
    tail = Tail(wal, sync_each=False, strict=False, most_waiting=9)
    points = log_of(tail)
    for step in range(4):
        points.log({"a": float(step)}, step=step)
        frames = read_wal(tail.wal.path).frames
        assert [(each.step, each.values) for each in frames] == [(at, {"a": at}) for at in range(step + 1)]
    tail.let_go()
    tail.wal.close()
    assert len([each for each in files.calls if each == "write"]) == 6


def test_reading_on_gives_what_was_added(tmp_path: Path) -> None:
    """A reader that follows a run opens the file at where it was."""
    wal = WalWriter(tmp_path / "w-00001.wal", "r" * 10, "w" * 10)
    wal.append(encode_points(*FRAMES[0]))
    first = read_wal(wal.path)
    wal.append(encode_points(*FRAMES[1]))
    wal.close()
    assert read_wal(wal.path, first.next_offset).frames == FRAMES[1:2]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_log_that_is_no_file_is_an_error_and_no_hang(kind: str, tmp_path: Path) -> None:
    """A pipe of that name must not make a reader wait."""
    path = tmp_path / "w-00001.wal"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        read_wal(path)


def _frame(payload: bytes) -> bytes:
    from binascii import crc32

    return struct.pack("<4sII", MARK, len(payload), crc32(payload)) + payload


def test_a_log_of_a_newer_format_is_named() -> None:
    """What it holds may mean something else by then: it is said, and no name of a run is taken from it."""
    from labtop.store.layout import FORMAT
    from labtop.store.wal import encode_payload, frame_of, parse_wal

    read = parse_wal(frame_of(encode_payload((0, FORMAT + 1, "a" * 10, "b" * 10))))
    assert [each.reason for each in read.problems] == [
        f"written in format {FORMAT + 1}; this labtop knows {FORMAT}"
    ]
    assert (read.run_id, read.writer) == (None, None)
