"""Scalars of many events at once: the two usual layouts by NumPy, everything else event by event.

An event with scalars is nearly always `09 time | 10 step | 2a summary`, its values `0a tag | 15 float` (PyTorch,
tensorboardX, TF 1) or `0a tag | 42 tensor | 4a metadata` (TF 2), with lengths of one or two bytes between. What has
another layout is decoded by `tensorboard.values_of`, which knows them all; both give the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from labtop.formats.protobuf import ProtobufError
from labtop.formats.tensorboard import Other, Scalar, decode_tag, plugin_of, values_of
from labtop.formats.tfrecord import Damage, Piece

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_PAD = bytes(32)
_MOST_ROUNDS = 16  # in which something is done for all events; what is left then is done one by one
_FEW_TAGS = 1000  # tags that are better looked up one by one
_FEW = 50  # events that are better read one by one
_TENSOR_HEAD = (0x42, 10, 0x08, 1, 0x12, 0)  # a tensor of ten bytes: float, no dimension; then 22 or 2a


@dataclass(slots=True)
class Columns:
    """The scalars of a piece, in the order of the file, and what else it holds.

    `others` and `damage` go with the index of their event among `Piece.starts`; `records` are those of the scalars.
    """

    tags: list[str] = field(default_factory=list)
    tag_of: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    records: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    steps: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    times_s: Floats = field(default_factory=lambda: np.zeros(0))
    values: Floats = field(default_factory=lambda: np.zeros(0))
    others: list[tuple[int, Other]] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)


def columns_of(piece: Piece) -> Columns:
    """The values of the events of a piece."""
    tags: dict[str, int] = {}
    parts = []
    slow = list(range(len(piece.starts)))
    if piece.is_many and not piece.is_cut:
        fast, slow = _decode_usual(piece, tags)
        parts.append(fast)
    columns = Columns(damage=[*piece.damage])
    if slow or not parts:
        parts.append(_decode_each(piece, slow, tags, columns))
    columns.tags = list(tags)
    part = parts[0] if len(parts) == 1 else _in_order(parts)
    columns.records, columns.tag_of, columns.steps = part.records, part.tag_of, part.steps
    columns.times_s, columns.values = part.times_s, part.values
    return columns


@dataclass(slots=True)
class _Part:
    """Scalars, a row each."""

    records: Ints
    tag_of: Ints
    steps: Ints
    times_s: Floats
    values: Floats


def _in_order(parts: list[_Part]) -> _Part:
    """All scalars in the order of the file."""
    records = np.concatenate([each.records for each in parts])
    order = np.argsort(records, kind="stable")
    return _Part(
        records[order],
        np.concatenate([each.tag_of for each in parts])[order],
        np.concatenate([each.steps for each in parts])[order],
        np.concatenate([each.times_s for each in parts])[order],
        np.concatenate([each.values for each in parts])[order],
    )


def _decode_each(piece: Piece, which: list[int], tags: dict[str, int], columns: Columns) -> _Part:
    """The values of some events, one by one."""
    rows: list[tuple[int, int, int, float, float]] = []
    for index in which:
        for each in values_of(piece, index):
            if isinstance(each, Scalar):
                tag = tags.setdefault(each.tag, len(tags))
                rows.append((index, tag, each.step, each.time_s, each.value))
            elif isinstance(each, Other):
                columns.others.append((index, each))
            else:
                columns.damage.append(each)
    records, tag_of, steps, times_s, values = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return _Part(
        np.array(records, dtype=np.int64),
        np.array(tag_of, dtype=np.int64),
        np.array(steps, dtype=np.int64),
        np.array(times_s, dtype=np.float64),
        np.array(values, dtype=np.float64),
    )


def _decode_usual(piece: Piece, tags: dict[str, int]) -> tuple[_Part, list[int]]:
    """The scalars of the events of usual layout, and the indices of the other events."""
    data = np.frombuffer(piece.content + _PAD, dtype=np.uint8)
    at = np.array(piece.starts, dtype=np.int64)
    ends = np.array(piece.ends, dtype=np.int64)
    usual = (data[at] == 0x09) & (ends - at >= 11)
    times_s = _doubles(data, at + 1)
    at = at + 9
    steps, after_step = _varints(data, at + 1)
    has_step = data[at] == 0x10
    steps[~has_step] = 0
    at = np.where(has_step, after_step, at)
    usual &= (at < ends) & (data[np.minimum(at, ends)] == 0x2A)
    lengths, at = _lengths(data, np.where(usual, at + 1, 0))
    usual &= at + lengths == ends
    which = np.flatnonzero(usual)
    found: list[tuple[Ints, Ints, Ints, Floats]] = []  # records, places and ends of tags, values
    at = at[which]
    while len(which):
        if len(found) > _MOST_ROUNDS and len(which) < _FEW:
            usual[which] = False  # some summaries of very many values
            break
        good, tag_starts, tag_ends, values, after = _decode_value(data, at, ends[which], piece.content)
        usual[which[~good]] = False
        which, after = which[good], after[good]
        found.append((which, tag_starts[good], tag_ends[good], values[good]))
        more = after < ends[which]
        which, at = which[more], after[more]
    return _join(piece.content, data, found, usual, steps, times_s, tags)


def _join(
    content: bytes,
    data: npt.NDArray[np.uint8],
    found: list[tuple[Ints, Ints, Ints, Floats]],
    usual: npt.NDArray[np.bool_],
    steps: Ints,
    times_s: Floats,
    tags: dict[str, int],
) -> tuple[_Part, list[int]]:
    """The values of all rounds, without those of events that turned out to be unusual, in the order of events."""
    records = np.concatenate([each[0] for each in found]) if found else np.zeros(0, dtype=np.int64)
    order = np.flatnonzero(usual[records])
    if len(found) > 1:
        order = order[np.argsort(records[order], kind="stable")]
    records = records[order]
    if not len(records):
        nothing = times_s[:0]
        return _Part(records, records, records, nothing, nothing), np.flatnonzero(~usual).tolist()
    starts, ends, values = (np.concatenate([each[part] for each in found])[order] for part in (1, 2, 3))
    tag_of = _tags_at(content, data, starts.astype(np.int64), ends.astype(np.int64), tags)
    part = _Part(records, tag_of, steps[records], times_s[records], values.astype(np.float64))
    return part, np.flatnonzero(~usual).tolist()


def _tags_at(
    content: bytes, data: npt.NDArray[np.uint8], starts: Ints, ends: Ints, tags: dict[str, int]
) -> Ints:
    """The numbers of the tags that lie from `starts` to `ends`; new ones are added to `tags`.

    Tags of one length are compared with one of them at once, then what is left with one of that, and so on.
    """
    tag_of = np.zeros(len(starts), dtype=np.int64)
    lengths = ends - starts
    for length in np.unique(lengths).tolist():
        left = np.flatnonzero(lengths == length)
        is_long = len(left) > _FEW_TAGS
        names = (
            np.lib.stride_tricks.sliding_window_view(data, max(length, 1))[starts[left]] if is_long else data
        )
        for _ in range(_MOST_ROUNDS if is_long else 0):
            first = int(starts[left[0]])
            tag = tags.setdefault(decode_tag(content[first : first + length]), len(tags))
            is_same = (names == names[0]).all(axis=1) if length else np.ones(len(left), dtype=bool)
            tag_of[left[is_same]] = tag
            left, names = left[~is_same], names[~is_same]
            if not len(left):
                break
        known: dict[bytes, int] = {}
        for row, start in zip(left.tolist(), starts[left].tolist(), strict=True):
            name = content[start : start + length]
            if name not in known:
                known[name] = tags.setdefault(decode_tag(name), len(tags))
            tag_of[row] = known[name]
    return tag_of


def _decode_value(
    data: npt.NDArray[np.uint8], at: Ints, ends: Ints, content: bytes
) -> tuple[npt.NDArray[np.bool_], Ints, Ints, Floats, Ints]:
    """The next value of each summary: whether it is usual, where its tag lies, the number, and where it ends."""
    good = data[at] == 0x0A
    lengths, at = _lengths(data, at + 1)
    value_ends = at + lengths
    good &= (value_ends <= ends) & (lengths >= 2)
    at = np.where(good, at, 0)
    good &= data[at] == 0x0A
    lengths, tag_starts = _lengths(data, at + 1)
    tag_ends = tag_starts + lengths
    good &= tag_ends < value_ends
    at = np.where(good, tag_ends, 0)
    is_simple = good & (data[at] == 0x15) & (at + 5 == value_ends)
    is_tensor = good & ~is_simple & (at + 12 <= value_ends)
    number_at = at + 1
    if is_tensor.any():
        is_tensor = is_tensor & _are_scalar_tensors(data, np.where(is_tensor, at, 0), value_ends, content)
        number_at = np.where(is_tensor, at + 8, number_at)
    good = is_simple | is_tensor
    return good, tag_starts, tag_ends, _floats(data, np.where(good, number_at, 0)), value_ends


def _are_scalar_tensors(
    data: npt.NDArray[np.uint8], at: Ints, ends: Ints, content: bytes
) -> npt.NDArray[np.bool_]:
    """Where a float tensor of no dimension lies, and after it nothing or metadata of the plugin `scalars`."""
    kinds = data[at + 6]
    good: npt.NDArray[np.bool_] = ((kinds == 0x22) | (kinds == 0x2A)) & (data[at + 7] == 4)
    for place, byte in enumerate(_TENSOR_HEAD):
        good &= data[at + place] == byte
    is_more = good & (at + 12 < ends)
    known: dict[bytes, bool] = {}
    for row in np.flatnonzero(is_more).tolist():
        metadata = content[int(at[row]) + 12 : int(ends[row])]
        fits = known.get(metadata)
        if fits is None:
            fits = known[metadata] = _is_scalar_metadata(metadata)
        good[row] = fits
    return good


def _is_scalar_metadata(content: bytes) -> bool:
    """Whether this is one metadata field, of one or two bytes of length, that names the plugin `scalars`."""
    if len(content) < 2 or content[0] != 0x4A:
        return False
    length, start = content[1], 2
    if length & 0x80 and len(content) > 2:
        length, start = length & 0x7F | content[2] << 7, 3
    try:
        return start + length == len(content) and plugin_of(content[start:])[0] in ("scalars", "")
    except ProtobufError:
        return False


def _lengths(data: npt.NDArray[np.uint8], at: Ints) -> tuple[Ints, Ints]:
    """Lengths of up to two bytes, and where they end. A longer one becomes one beyond any end."""
    first, second = data[at].astype(np.int64), data[at + 1].astype(np.int64)
    is_two = first >= 0x80
    length = np.where(is_two, first & 0x7F | second << 7, first)
    length[is_two & (second >= 0x80)] = 2**32
    return length, at + 1 + is_two


def _varints(data: npt.NDArray[np.uint8], at: Ints) -> tuple[Ints, Ints]:
    """64-bit numbers of one to ten bytes, and where they end."""
    value = np.zeros(len(at), dtype=np.uint64)
    going = np.ones(len(at), dtype=bool)
    ends = at.copy()
    for place in range(10):
        byte = data[at + place].astype(np.uint64)
        value |= np.where(going, (byte & np.uint64(0x7F)) << np.uint64(7 * place), np.uint64(0))
        ends += going
        going = going & (byte >= 0x80)
        if not going.any():
            break
    ends[going] = len(data)  # no number: beyond everything
    return value.view(np.int64), ends


def _doubles(data: npt.NDArray[np.uint8], at: Ints) -> Floats:
    rows = np.ascontiguousarray(data[at[:, None] + np.arange(8)])
    return rows.view("<f8")[:, 0].astype(np.float64)


def _floats(data: npt.NDArray[np.uint8], at: Ints) -> Floats:
    rows = np.ascontiguousarray(data[at[:, None] + np.arange(4)])
    return rows.view("<f4")[:, 0].astype(np.float64)
