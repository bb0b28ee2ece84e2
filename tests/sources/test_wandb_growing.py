"""A run of W&B in progress: what is new is read, and put together it is what there is."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.model.run import RunRecord, Status
from labtop.sources.source import Curve, RunRead
from labtop.sources.wandb import WandbSource, reading
from tests.sources.writers.wandb_log import (
    BLOCK,
    end,
    item,
    log,
    message,
    record,
    row,
    run,
    stats,
    summary,
    write_run,
)

SOURCE = WandbSource()
PICTURE = {"_type": "image-file", "path": "media/a.png"}


def _records(count: int) -> list[bytes]:
    """A run with something of everything."""
    records = [run(lr=0.1)]
    for step in range(count):
        values = {"x": float(step), "long": 1.0, "late" if step > count // 2 else "early": 0.5}
        records.append(row(step, values))
        records.append(summary({**values, "best": step // 3}))
        if step % 7 == 0:
            records.append(
                row(step, {"picture": PICTURE, "bars": {"_type": "histogram", "values": [1]}}, nested=False)
            )
            records.append(stats(1_700_000_000 + step, {"cpu": 1.0 * step}))
    return [*records, end()]


class _Follower:
    """Reads a place again and again, as the mirror does."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.state: bytes | None = None
        self.curves: dict[str, Curve] = {}
        self.last: RunRead | None = None
        self.new = 0

    def read(self) -> RunRead:
        (ref,) = SOURCE.runs(self.place)
        self.new = 0
        for read in SOURCE.read(self.place, [replace(ref, state=self.state)]):
            if not read.appended:
                self.curves = {}
            for name, curve in read.curves.items():
                into = self.curves.setdefault(name, Curve())
                into.steps.extend(curve.steps)
                into.times_us.extend(curve.times_us)
                into.values.extend(curve.values)
                self.new += len(curve)
            self.last, self.state = read, read.state
        assert self.last is not None
        return self.last


def _whole(place: Path) -> tuple[RunRecord, dict[str, Curve]]:
    follower = _Follower(place)
    return follower.read().record, follower.curves


def test_growing_run(tmp_path: Path) -> None:
    """Read at any moment, also in the middle of a record, a run is what a reading of all gives."""
    content = log(_records(40))
    path = write_run(tmp_path, [])
    follower = _Follower(tmp_path)
    for length in [*range(0, len(content), 611), len(content)]:
        path.write_bytes(content[:length])
        read = follower.read()
        record, curves = _whole(tmp_path)
        assert follower.curves == curves
        assert replace(read.record, metrics={}) == replace(record, metrics={})
        assert len(follower.state or b"") < 4096
    assert read.record.status is Status.FINISHED
    assert read.record.summary == {"best": 13}
    assert [each.kind for each in read.record.artifacts].count("image") == 6


def test_only_what_is_new(tmp_path: Path) -> None:
    """A reading gives what came since the last one, and nothing when nothing came."""
    records = _records(20)
    path = write_run(tmp_path, records[:-8])
    follower = _Follower(tmp_path)
    follower.read()
    path.write_bytes(log(records))
    assert follower.read().appended
    assert 0 < follower.new < 12
    assert follower.read().appended
    assert follower.new == 0


@pytest.mark.parametrize("change", ["shorter", "other"])
def test_file_that_is_another(tmp_path: Path, change: str) -> None:
    """A file that became shorter, or is another one, is read from its beginning."""
    path = write_run(tmp_path, _records(20))
    follower = _Follower(tmp_path)
    follower.read()
    path.write_bytes(log(_records(5) if change == "shorter" else [run(), *_records(40)]))
    assert not follower.read().appended
    assert follower.curves == _whole(tmp_path)[1]


def test_state_of_nobody(tmp_path: Path) -> None:
    """A state that is none of ours is passed over."""
    write_run(tmp_path, _records(5))
    for state in (b"", b"x", b"x" * 100_000):
        follower = _Follower(tmp_path)
        follower.state = state
        assert not follower.read().appended


def test_resumed_while_followed(tmp_path: Path) -> None:
    """When a second folder begins the run is read again, and from then on that one is followed."""
    write_run(tmp_path, [run(), row(0, {"x": 0.0}), end(1)])
    follower = _Follower(tmp_path)
    assert follower.read().record.status is Status.FAILED
    path = write_run(tmp_path, [run(), row(1, {"x": 1.0})], date="20231115_101010")
    assert follower.read().record.status is Status.RUNNING
    path.write_bytes(log([run(), row(1, {"x": 1.0}), row(2, {"x": 2.0})]))
    read = follower.read()
    assert (read.appended, follower.new) == (True, 1)
    assert list(follower.curves["x"].values) == [0, 1, 2]
    assert read.record.life.exit_code is None


def test_long_run_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run comes in pieces of bounded size, and all of it."""
    monkeypatch.setattr(reading, "BYTES_AT_ONCE", BLOCK)
    write_run(tmp_path, _records(1000))
    _, curves = _whole(tmp_path)
    monkeypatch.setattr(reading, "_POINTS_A_PIECE", 20)
    pieces = list(SOURCE.read(tmp_path, list(SOURCE.runs(tmp_path))))
    assert [piece.appended for piece in pieces] == [False] + [True] * (len(pieces) - 1)
    assert max(sum(map(len, piece.curves.values())) for piece in pieces) < 1000
    assert _whole(tmp_path)[1] == curves
    assert pieces[-1].record.summary == {"best": 333}


def test_damaged_messages(tmp_path: Path) -> None:
    """Records that have their checksum and yet are damaged cost themselves, now and when the run is read on."""
    bad_config = message((1, b"\x0a\x05ab"))
    twice = record(2, message((1, item(("x",), None, raw="1,2")), (1, item(("y",), 5.0))))
    torn = [
        run("k3x9q0ab", (8, "first"), (4, bad_config)),
        row(0, {"x": 1.0, "y": 1.0}),
        twice,
        b"\x08\x01\x12\x7f",
        end(),
    ]
    path = write_run(tmp_path, torn)
    follower = _Follower(tmp_path)
    first = follower.read().record
    assert (first.name, first.status) == ("first", Status.FINISHED)
    assert (list(follower.curves["x"].values), list(follower.curves["y"].values)) == ([1], [1, 5])
    assert any("a record is damaged" in each for each in first.source.problems)
    path.write_bytes(log([*torn, row(1, {"x": 2.0})]))
    read = follower.read()
    assert (read.appended, list(follower.curves["x"].values)) == (True, [1, 2])
    assert replace(read.record, ended_at=None) == replace(first, ended_at=None, metrics=read.record.metrics)


@pytest.mark.parametrize("seed", range(8))
def test_noise_in_messages(tmp_path: Path, seed: int) -> None:
    """Whatever bytes records hold, reading ends with a run."""
    noise = random.Random(seed)
    for number in range(12):
        records = []
        for each in _records(8):
            content = bytearray(each)
            for _ in range(noise.randrange(3)):
                content[noise.randrange(len(content))] = noise.randrange(256)
            records.append(bytes(content))
        write_run(tmp_path / str(number), records)
        assert _Follower(tmp_path / str(number)).read().identity
