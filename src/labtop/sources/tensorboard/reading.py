"""Reads one run: its files in order, from where the last reading ended, in pieces that fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from labtop.errors import InputError
from labtop.formats.event_columns import Columns, columns_of
from labtop.formats.files import open_regular
from labtop.formats.tensorboard import Other, time_of, values_of
from labtop.formats.tfrecord import Piece, read_pieces
from labtop.formats.tfrecord_checks import HEAD, LENGTH, is_head
from labtop.sources.source import Curve
from labtop.sources.tensorboard.facts import Facts, is_fact, take
from labtop.sources.tensorboard.folders import Part
from labtop.sources.tensorboard.points import Held, add_points, hold, without_void
from labtop.sources.tensorboard.state import MOST_MARKS, MOST_RICH, FileState, Rich, Start, State, tail_crc

MOST_HELD = 500_000
"""Points that are gathered before they are given away."""

_LONGEST_EXAMPLE = 500
_LONGEST_FACT = 2**20 + 64
_HEAD = 64  # bytes in which the first time of a file stands
_TRAINER_END = ("train/train_loss", "train/train_samples_per_second")
"""What Hugging Face's Trainer logs once, when a training is over; rows of steps have a loss."""
_TRAINER_STEP = "train/loss"


class RestartedError(Exception):
    """A restart makes points void that were given away already: all has to be read again, with `starts` in mind."""

    def __init__(self, starts: list[Start]) -> None:
        super().__init__()
        self.starts = starts


def in_order(parts: Sequence[Part]) -> list[tuple[Path, float | None, Part]]:
    """The files of a run with the first time in each: the run's own before others, each by its time."""
    found = []
    for at, part in enumerate(parts):
        for path in part.files:
            began_s = _first_time(path)
            found.append((at, math.inf if began_s is None else began_s, path.name, path, began_s, part))
    return [
        (path, began_s, part) for _, _, _, path, began_s, part in sorted(found, key=lambda each: each[:3])
    ]


def _first_time(path: Path) -> float | None:
    """The time of the first event of a file; None where there is none."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
    except (OSError, InputError):
        return None
    if not is_head(head, 0):
        return None
    (length,) = LENGTH.unpack_from(head)
    return time_of(head[HEAD.size : HEAD.size + min(length, _HEAD)])


class Reading:
    """One reading of a run.

    Attributes:
        state: what is known; of use for the next reading when this one `is_over`.
        facts: values that say something of the run, of what was read now.
        problems: what is wrong with the files and may be mended when they grow.
    """

    def __init__(self, files: Sequence[tuple[Path, float | None, Part]], state: State | None) -> None:
        self.files = files
        self.state = state or State()
        self.facts: list[Other] = []
        self.problems: list[str] = []
        self.is_over = False
        self._own_tags: set[str] = set()
        for path, began_s, _ in files[len(self.state.files) :]:
            self.state.files.append(FileState(str(path), began_s))

    def curves(self) -> Iterator[dict[str, Curve]]:
        """What is new, in pieces; the last one may be empty.

        Raises RestartedError.
        """
        is_restarted = False
        held: list[Held] = []
        count = 0
        for file, piece, columns in self._pieces():
            for start in self._starts_in(file, piece, columns):
                known = start in self.state.starts
                if not known:
                    self.state.starts.append(start)
                highest = self.state.highest_step
                is_restarted |= not known and highest is not None and highest >= start.step
            if is_restarted:
                continue
            self._note(file, piece, columns)
            held.append(hold(file, piece, columns))
            count += len(columns.values)
            if count >= MOST_HELD:
                yield self._give(held)
                held, count = [], 0
        if is_restarted:
            raise RestartedError(self.state.starts)
        self._end()
        yield self._give(held)

    def _pieces(self) -> Iterator[tuple[int, Piece, Columns]]:
        for index, (path, _, _) in enumerate(self.files):
            state = self.state.files[index]
            try:
                with open_regular(path) as file:
                    size = file.seek(0, 2)
                    for piece in read_pieces(file, size, state.at):
                        state.at = piece.end
                        yield index, piece, columns_of(piece)
                    self._say_rest(state, size)
            except (OSError, InputError) as error:
                self.problems.append(f"{path.name}: {getattr(error, 'strerror', None) or error}")

    def _say_rest(self, state: FileState, size: int) -> None:
        name, left = Path(state.path).name, size - state.at
        if not size:
            self.problems.append(f"{name} is empty")
        elif left and not any(each.startswith(f"{name}: ") for each in self.problems):
            self.problems.append(
                f"{name} ends within an event, at byte {state.at:,}: {left:,} bytes are not complete"
            )

    def _starts_in(self, file: int, piece: Piece, columns: Columns) -> Iterator[Start]:
        for index, other in columns.others:
            if other.kind == "start" and not self.files[file][2].line:
                yield Start(file, piece.base + piece.starts[index], other.step)

    def _note(self, file: int, piece: Piece, columns: Columns) -> None:
        """Remember what is no number, and damage."""
        state = self.state.files[file]
        for damage in columns.damage:
            reason = damage.reason.split(":", 1)[0]
            if damage.end is None:
                name = Path(state.path).name
                self.problems.append(
                    f"{name}: {reason}, at byte {damage.offset:,}, and nothing was found behind it"
                )
                continue
            count, first = state.damage.get(reason, (0, damage.offset))
            state.damage[reason] = (count + 1, first)
        for index, other in columns.others:
            if is_fact(other) and len(self.state.facts) < MOST_MARKS:
                self.state.facts.append((file, piece.base + piece.starts[index]))
                self.facts.append(other)
            elif other.kind not in ("start", "hparams"):
                self._note_rich(file, other)

    def _note_rich(self, file: int, other: Other) -> None:
        rich = self.state.rich
        name = f"{other.kind}:{other.tag}"
        if name not in rich and len(rich) >= MOST_RICH:
            name = f"{other.kind}:"
        found = rich.setdefault(name, Rich(other.kind))
        found.count += 1
        found.step, found.path = other.step, str(self.files[file][0])
        if other.content:
            found.text = (
                other.content[:_LONGEST_EXAMPLE].replace(b"\0", b" ").decode("utf-8", "replace").strip()
            )

    def _give(self, held: list[Held]) -> dict[str, Curve]:
        curves: dict[str, Curve] = {}
        for each in held:
            columns, part = each.columns, self.files[each.file][2]
            starts = [start for start in self.state.starts if self.files[start.file][2].folder == part.folder]
            without_void(each, starts)
            if not len(columns.values):
                continue
            highest, last = float(columns.steps.max()), float(columns.times_s.max())
            self.state.highest_step = max(highest, self.state.highest_step or highest)
            self.state.last_s = max(last, self.state.last_s or last)
            add_points(curves, columns, partial(self._name, part))
        self._note_end(curves)
        return curves

    def _note_end(self, curves: Mapping[str, Curve]) -> None:
        """Remember whether a training of Hugging Face's came to its end, and did not go on after it."""
        ends = [curves[name].times_us[-1] / 1e6 for name in _TRAINER_END if name in curves]
        step = curves.get(_TRAINER_STEP)
        if step is not None and (not ends or step.times_us[-1] / 1e6 > min(ends)):
            self.state.trained_s = None
        elif len(ends) == len(_TRAINER_END):
            self.state.trained_s = min(ends)

    def _name(self, part: Part, tag: str) -> str:
        """What a metric is called in the run. That of `add_hparams` may be called as one of the run's own."""
        if part.line:
            return f"{tag}/{part.line}"
        if not part.is_hparams:
            self._own_tags.add(tag)
            return tag
        if tag in self._own_tags and tag not in self.state.renamed:
            self.state.renamed.append(tag)
        return f"hparams/{tag}" if tag in self.state.renamed else tag

    def _end(self) -> None:
        for state, (path, _, _) in zip(self.state.files, self.files, strict=True):
            state.crc = tail_crc(path, state.at)
        self.is_over = True


def recall(reading: Reading) -> Facts:
    """All that was said of the run: in what was read now and, read once more, in what was read before."""
    facts = Facts()
    old = len(reading.state.facts) - len(reading.facts)
    others: list[Other] = []
    for file, offset in reading.state.facts[:old]:
        others += _others_at(reading.files[file][0], offset)
    take(facts, [*others, *reading.facts])
    return facts


def _others_at(path: Path, offset: int) -> list[Other]:
    """The values of the record whose content lies at an offset."""
    begin = offset - HEAD.size
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            for piece in read_pieces(file, size, begin, most=_LONGEST_FACT):
                if piece.starts and piece.base + piece.starts[0] == offset:
                    return [each for each in values_of(piece, 0) if isinstance(each, Other)]
                break
    except (OSError, InputError):
        pass
    return []


def problems_of(reading: Reading) -> list[str]:
    """What could not be read, in sentences."""
    said = [*reading.problems]
    for state in reading.state.files:
        for reason, (count, first) in state.damage.items():
            more = f" (and {count - 1:,} more)" if count > 1 else ""
            said.append(f"{Path(state.path).name}: {reason}, at byte {first:,}{more}")
    return said
