"""Long values and patches as lines to read: what left, what came, and which words in a line changed."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "removed", "added", "skipped", "header"]

CONTEXT = 3
LONGEST_LINE = 100  # a longer line is broken at its words first, so that a prompt of one line can be read
MOST_LINES = 4_000  # of what differs on each side; beyond it blocks are shown whole, difflib is quadratic


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line; `spans` are its pieces, each with whether it changed within the line."""

    kind: Kind
    spans: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The whole line without marks."""
        return "".join(text for text, _ in self.spans)


def diff_lines(
    before: Sequence[str], after: Sequence[str], context: int | None = CONTEXT
) -> tuple[DiffLine, ...]:
    """The lines of two texts with what changed; stretches that are equal are cut to `context` (None: kept whole)."""
    old = [piece for line in before for piece in _broken(line)]
    new = [piece for line in after for piece in _broken(line)]
    return tuple(_with_context(list(_compared(old, new)), context))


def _broken(line: str) -> list[str]:
    if len(line) <= LONGEST_LINE:
        return [line]
    return textwrap.wrap(line, LONGEST_LINE, break_on_hyphens=False, drop_whitespace=True) or [""]


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    for tag, i, j, k, m in _opcodes(old, new):
        if tag == "equal":
            yield from (DiffLine("same", ((line, False),)) for line in old[i:j])
        elif tag == "replace" and j - i == m - k:
            pairs = [_words(a, b) for a, b in zip(old[i:j], new[k:m], strict=True)]
            yield from (DiffLine("removed", a) for a, _ in pairs)
            yield from (DiffLine("added", b) for _, b in pairs)
        else:
            yield from (DiffLine("removed", ((line, True),)) for line in old[i:j])
            yield from (DiffLine("added", ((line, True),)) for line in new[k:m])


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Difflib's, over the middle that differs; a middle that is too large is one replaced block."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    i, j, k, m = head, len(old) - tail, head, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if max(j - i, m - k) > MOST_LINES:
        yield "delete", i, j, k, k
        yield "insert", j, j, k, m
    elif j > i or m > k:
        for tag, a, b, c, d in difflib.SequenceMatcher(
            None, old[i:j], new[k:m], autojunk=False
        ).get_opcodes():
            yield tag, a + i, b + i, c + k, d + k
    if tail:
        yield "equal", j, len(old), m, len(new)


def _words(before: str, after: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """Two lines as spans, marked where their words differ."""
    old, new = re.findall(r"\w+|\s+|[^\w\s]", before), re.findall(r"\w+|\s+|[^\w\s]", after)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        changed = tag != "equal"
        if j > i:
            left.append(("".join(old[i:j]), changed))
        if m > k:
            right.append(("".join(new[k:m]), changed))
    return tuple(left), tuple(right)


def _with_context(lines: Sequence[DiffLine], context: int | None) -> Iterator[DiffLine]:
    """Cut what is equal and far from any change, saying how much."""
    if context is None:
        yield from lines
        return
    near = [False] * len(lines)
    for at, line in enumerate(lines):
        if line.kind != "same":
            for close in range(max(0, at - context), min(len(lines), at + context + 1)):
                near[close] = True
    skipped = 0
    for line, is_near in zip(lines, near, strict=True):
        if not is_near:
            skipped += 1
            continue
        if skipped:
            yield _skipped(skipped)
            skipped = 0
        yield line
    if skipped:
        yield _skipped(skipped)


def _skipped(number: int) -> DiffLine:
    return DiffLine("skipped", ((f"{number} equal line{'' if number == 1 else 's'}", False),))


def patch_lines(patch: str) -> tuple[DiffLine, ...]:
    """A unified diff, as git writes it, as lines to read; the sign of a line is its kind."""
    lines = []
    for line in patch.splitlines():
        kind = _patch_kind(line)
        has_sign = kind in ("added", "removed") or (kind == "same" and line.startswith(" "))
        lines.append(DiffLine(kind, ((line[1:] if has_sign else line, False),)))
    return tuple(lines)


_HEADERS = (
    "diff ",
    "index ",
    "--- ",
    "+++ ",
    "new file",
    "deleted file",
    "similarity",
    "rename ",
    "old mode",
    "new mode",
)


def _patch_kind(line: str) -> Kind:
    if line.startswith("@@"):
        return "skipped"
    if line.startswith(_HEADERS):
        return "header"
    return "added" if line.startswith("+") else "removed" if line.startswith("-") else "same"
