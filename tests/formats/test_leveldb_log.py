"""The framing of `.wandb` files: what is whole is read, whatever lies around it."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from labtop.formats.leveldb_log import BLOCK, HEADER, Damage, read_log
from tests.sources.writers.wandb_log import framed, log


def _read(
    content: bytes, offset: int = len(HEADER), at_once: int = 64 * BLOCK
) -> tuple[list[bytes], list[Damage]]:
    records, damage = [], []
    for each in read_log(io.BytesIO(content), len(content), offset, at_once):
        if isinstance(each, Damage):
            damage.append(each)
        else:
            records.append(each[2])
    return records, damage


def _records(count: int, size: int = 40) -> list[bytes]:
    return [bytes([65 + number % 26]) * (size + number % 7) for number in range(count)]


@pytest.mark.parametrize("at_once", [BLOCK, 2 * BLOCK, 64 * BLOCK])
@pytest.mark.parametrize("first", range(BLOCK - 40, BLOCK - 7))
def test_records_at_the_end_of_a_block(first: int, at_once: int) -> None:
    """Records that end just before a block does, or cross into the next ones, come whole."""
    records = [b"a" * (first - 7), b"b", b"c" * 100_000, b"", b"d"]
    assert _read(log(records), at_once=at_once) == (records, [])


def test_every_byte_flipped() -> None:
    """A damaged record costs itself; a damaged head at most the rest of its block. It is always told."""
    records = [*_records(8), b"x" * BLOCK, *_records(6)]
    content = log(records)
    after = len(_records(6))
    for position in [
        *range(len(HEADER), 500),
        *range(BLOCK - 40, BLOCK + 400),
        *range(len(content) - 300, len(content)),
    ]:
        flipped = bytearray(content)
        flipped[position] ^= 0x10
        found, damage = _read(bytes(flipped))
        assert set(found) <= set(records)
        if position < BLOCK // 2:
            assert found[-after:] == records[-after:]
        is_cut_short = position > 2 * BLOCK  # the last head may announce more than there is
        assert damage or is_cut_short or found == records[: len(found)]
        assert len(found) < len(records)


def test_one_flipped_value_costs_one_record() -> None:
    """What follows a record with a wrong checksum in the same block is read."""
    records = _records(10)
    content = bytearray(log(records))
    content[len(HEADER) + 7 + 5] ^= 1
    found, damage = _read(bytes(content))
    assert found == records[1:]
    assert damage == [Damage(7, 7 + 7 + len(records[0]), "a record does not have its checksum")]


def test_cut_at_every_byte() -> None:
    """A file that was cut gives all records that are whole, without a complaint."""
    records = _records(6)
    content = log(records)
    for length in range(len(HEADER), len(content)):
        found, damage = _read(content[:length])
        assert found == records[: len(found)]
        assert not damage
        assert length < len(HEADER) + sum(7 + len(each) for each in records[: len(found) + 1])


def test_reading_goes_on() -> None:
    """From the end of a record the rest is read."""
    records = _records(2000)
    content = log(records)
    ends = [each[1] for each in read_log(io.BytesIO(content), len(content)) if not isinstance(each, Damage)]
    for number in (0, 1, 700, 1998):
        assert _read(content, ends[number])[0] == records[number + 1 :]


def test_zero_bytes_at_the_end() -> None:
    """What a crash leaves behind the last record is told, and costs nothing."""
    records = _records(5)
    found, damage = _read(log(records) + bytes(100_000))
    assert found == records
    assert [each.reason for each in damage] == ["zero bytes"]


def test_zero_bytes_between() -> None:
    """Blocks of zero bytes are passed over."""
    head = log(_records(5))
    content = head + bytes(3 * BLOCK - len(head))
    content += framed([b"behind"], len(content))
    found, damage = _read(content)
    assert found == [*_records(5), b"behind"]
    assert len(damage) == 1


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="no way to find the holes of a file")
def test_huge_sparse_file(tmp_path: Path) -> None:
    """A hole of many gigabytes costs no time."""
    path = tmp_path / "run-a.wandb"
    content = log(_records(5))
    with path.open("wb") as file:
        file.write(content)
        try:
            file.truncate(50 * 2**30)
        except OSError:
            pytest.skip("no sparse files here")
    if path.stat().st_blocks * 512 > 2**30:
        pytest.skip("no sparse files here")
    started = time.perf_counter()
    with path.open("rb") as file:
        found = [each for each in read_log(file, 50 * 2**30) if not isinstance(each, Damage)]
    assert len(found) == 5
    assert time.perf_counter() - started < 10


def test_record_without_end() -> None:
    """A record whose end is missing is told when the next one begins."""
    first = bytearray(log([b"x" * 200_000]))[: 3 * BLOCK]
    content = bytes(first) + framed([b"next"], len(first))
    found, damage = _read(content)
    assert found == [b"next"]
    assert damage == [Damage(len(HEADER), len(first), "the end of a record is missing")]
