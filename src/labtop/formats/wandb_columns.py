"""Many records of a `.wandb` file at once: the named numbers in them as columns, found by numpy and read by Arrow.

Nearly all of a log are histories, summaries and statistics that hold nothing but short named numbers, so a few thousand
of them are taken out together. Exact where it answers: a record that is anything else is left to `wandb_records`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from labtop.formats.protobuf import BYTES
from labtop.formats.protobuf_columns import AHEAD, NOWHERE, SHORT, lengths, varints
from labtop.formats.wandb_records import STATS_VALUES, UPDATES, is_name
from labtop.formats.wandb_shapes import HISTORY, STATS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow

    Bytes = npt.NDArray[np.uint8]
    Numbers = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

WORTH = 24
"""Records of a kind, below which they are as soon read one by one."""

_WORDS = (b"NaN", b"Infinity", b"-Infinity")
_MARK = 0x0182  # what stands before a value: field 16, so many bytes; as a little-endian number


@dataclass(frozen=True, slots=True)
class Plain:
    """Records of one kind that hold nothing but named numbers, in their order.

    Attributes:
        records: which they are, by their place among those that were given.
        widths: how many items each has.
        numbers: what else a record says: the step of a history, the time of statistics in microseconds since 1970.
        names: different names as they are encoded (`wandb_records.path_of` reads them).
        codes: the name of each item, as its place in `names`.
        values: the number of each item.
        texts: its JSON text.
    """

    records: Numbers
    widths: Numbers
    numbers: Numbers
    names: list[bytes]
    codes: Numbers
    values: npt.NDArray[np.float64]
    texts: pyarrow.Array[Any]

    def between(self, first: int, end: int) -> tuple[slice, slice]:
        """Which of `records` are numbered from `first` to before `end`, and which items are theirs."""
        import numpy as np

        begin, stop = np.searchsorted(self.records, (first, end)).tolist()
        before = int(self.widths[:begin].sum())
        return slice(begin, stop), slice(before, before + int(self.widths[begin:stop].sum()))


@dataclass(frozen=True, slots=True)
class _Items:
    """Items side by side: the record that each is of; where its name begins, its mark, its value, and what follows."""

    rows: Numbers
    names: Numbers
    marks: Numbers
    values: Numbers
    past: Numbers

    def of(self, chosen: Flags) -> _Items:
        """Those of some records."""
        kept = chosen[self.rows]
        return _Items(self.rows[kept], self.names[kept], self.marks[kept], self.values[kept], self.past[kept])


class Records:
    """Some records, of which the heads are read: `kinds` as in `wandb_shapes`, 0 where it takes more to know."""

    def __init__(self, contents: Sequence[bytes]) -> None:
        import numpy as np

        self._bytes = b"".join((*contents, bytes(AHEAD)))
        self._data = data = np.frombuffer(self._bytes, np.uint8)
        sizes = np.fromiter(map(len, contents), np.intp, len(contents))
        ends = np.cumsum(sizes)
        at = np.where(sizes > 10, ends - sizes, len(data) - NOWHERE)
        at = np.where(data[at] == 8, varints(data, at + 1)[1], at)  # the number of the record
        kinds = data[at]
        start, size, is_known = lengths(data, at + 1)
        is_known &= (kinds & 0x87 == BYTES) & (start + size <= ends)
        self.kinds = np.where(is_known, kinds >> 3, 0)
        self._starts, self._ends = start, start + size

    def plain(self, kind: int) -> Plain | None:
        """Those of a kind that hold nothing but named numbers; None where they are not worth it."""
        import numpy as np

        which = np.flatnonzero(self.kinds == kind)
        if len(which) < WORTH:
            return None
        starts, ends = self._starts[which], self._ends[which]
        numbers = np.zeros(len(which), np.intp)
        is_plain = np.ones(len(which), bool)
        if kind == STATS:
            numbers, begins, is_plain = _stats_heads(self._data, starts)
            is_plain &= begins <= ends
            starts = np.where(is_plain, begins, starts)
        tag = (STATS_VALUES if kind == STATS else UPDATES) << 3 | BYTES
        items, last = self._items(starts, ends, tag, is_plain)
        if kind == HISTORY:
            numbers, last = _steps(self._data, last)
        return self._read(which, is_plain & (last == ends), items, numbers)

    def _items(self, starts: Numbers, ends: Numbers, tag: int, is_plain: Flags) -> tuple[_Items, Numbers]:
        """All items of some messages, and where each message goes on behind them. What is none leaves `is_plain`."""
        import numpy as np

        data = self._data
        marks = _marks(self._bytes)
        rows = np.searchsorted(starts, marks, "right") - 1
        within = (rows >= 0) & (marks < ends[rows])
        marks, rows = marks[within], rows[within]
        told = data[marks + 2]
        values = marks + 3
        past = np.minimum(values + told, len(data) - NOWHERE)
        follows = rows[1:] == rows[:-1]
        begins = starts[rows]
        begins[1:][follows] = past[:-1][follows]
        names, sizes, is_item = lengths(data, begins + 1)
        is_item &= (data[begins] == tag) & (names + sizes == past) & (names < marks) & (told < SHORT)
        is_plain[rows[~is_item]] = False
        last = np.full(len(starts), len(data) - NOWHERE)
        last[rows] = past  # the last one stays
        return _Items(rows, names, marks, values, past), last

    def _read(self, which: Numbers, is_plain: Flags, items: _Items, numbers: Numbers) -> Plain | None:
        """The items of records that look plain, without those whose names or values are none after all."""
        import numpy as np
        import pyarrow

        while True:
            items = items.of(is_plain)
            if not len(items.rows):
                return None
            texts = self._cut(items.values, items.past)
            coded = self._cut(items.names, items.marks).dictionary_encode()
            codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.intp)
            names = coded.dictionary.to_pylist()
            is_bad = ~(_are_numbers(texts) & np.array([*map(is_name, names)])[codes])
            if not is_bad.any():
                break
            is_plain[items.rows[is_bad]] = False
        try:
            values = texts.cast(pyarrow.string()).cast(pyarrow.float64())
        except pyarrow.ArrowInvalid:  # "1-2": no SDK writes that
            return None
        rows = np.flatnonzero(is_plain)
        return Plain(
            records=which[rows],
            widths=np.bincount(items.rows, minlength=len(which))[rows],
            numbers=numbers[rows],
            names=names,
            codes=codes,
            values=values.to_numpy(zero_copy_only=False),
            texts=texts,
        )

    def _cut(self, starts: Numbers, ends: Numbers) -> pyarrow.Array[Any]:
        """The bytes from each start to its end, which come one after the other."""
        import numpy as np
        import pyarrow

        edges = np.empty(2 * len(starts), np.int32)
        edges[::2], edges[1::2] = starts, ends
        buffers = [None, pyarrow.py_buffer(edges), pyarrow.py_buffer(self._bytes)]
        with_others = pyarrow.Array.from_buffers(pyarrow.binary(), len(edges) - 1, buffers)
        return with_others.take(pyarrow.array(np.arange(0, len(edges), 2)))


def _marks(content: bytes) -> Numbers:
    """Where values may begin, in order."""
    import numpy as np

    half = len(content) // 2
    even = np.flatnonzero(np.frombuffer(content, "<u2", half) == _MARK) * 2
    odd = np.flatnonzero(np.frombuffer(content, "<u2", half - 1, 1) == _MARK) * 2 + 1
    return np.sort(np.concatenate((even, odd)), kind="stable")


def _stats_heads(data: Bytes, at: Numbers) -> tuple[Numbers, Numbers, Flags]:
    """The time with which statistics begin, in microseconds; where their items begin; whether all is as usual."""
    import numpy as np

    at = np.where((data[at] == 0x08) & (data[at + 1] < SHORT), at + 2, at)
    end = at + 2 + np.minimum(data[at + 1], SHORT)
    is_usual = (data[at] == 0x12) & (data[at + 2] == 0x08) & (end < len(data) - NOWHERE)
    seconds, past = varints(data, at + 3)
    nanos, ended = varints(data, past + 1)
    has_nanos = (data[past] == 0x10) & (past < end)
    is_usual &= np.where(has_nanos, ended, past) == end
    return seconds * 1_000_000 + np.where(has_nanos, nanos // 1000, 0), end, is_usual


def _steps(data: Bytes, at: Numbers) -> tuple[Numbers, Numbers]:
    """The step that follows the items of a history, and where it ends."""
    import numpy as np

    size = data[at + 1]
    steps, past = varints(data, at + 3)
    is_usual = (data[at] == 0x12) & (data[at + 2] == 0x08) & (past == at + 2 + size)
    is_zero = (data[at] == 0x12) & (size == 0)
    ends = np.where(is_zero, at + 2, np.where(is_usual, past, len(data) - NOWHERE))
    return np.where(is_usual, steps, 0), ends


@cache
def _numeric() -> npt.NDArray[np.bool_]:
    """Whether a byte may be part of a number."""
    import numpy as np

    found = np.zeros(256, bool)
    found[list(b"0123456789+-.eE")] = True
    return found


def _are_numbers(texts: pyarrow.Array[Any]) -> Flags:
    """Whether each text has nothing but the characters of a number in it, or is a word for one."""
    import numpy as np
    import pyarrow
    from pyarrow import compute

    _, offsets, content = texts.buffers()
    edges = np.frombuffer(offsets, np.int32, len(texts) + 1)
    found = edges[1:] > edges[:-1]
    others = np.flatnonzero(~_numeric()[np.frombuffer(content, np.uint8, int(edges[-1]))])
    if len(others):
        odd = np.unique(np.searchsorted(edges, others, "right") - 1)
        words = pyarrow.array(_WORDS, pyarrow.binary())
        found[odd] = compute.is_in(texts.take(pyarrow.array(odd)), words).to_numpy(zero_copy_only=False)
    return found
