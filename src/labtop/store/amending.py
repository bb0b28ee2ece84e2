"""What processes of a run logged that do not write its record: artifacts, data, seeds, and metrics of their own.

Each says so in its own file (store/writers.py). The record takes it from there while it is written, readers add what
came later, and a record that has ended is amended: by a rank that ends after it, and by a sync that brings its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from labtop.model.run import DataInput, MetricSummary, Randomness, RunRecord, Writer
from labtop.store.writers import borrowed, place, with_artifacts


def with_logged(record: RunRecord, writers: Sequence[Writer]) -> RunRecord:
    """A record with the artifacts, the data and the seeds of other processes; the same where it has them all."""
    artifacts = with_artifacts(record.artifacts, writers)
    data, randomness = _with_data(record.data, writers), _with_seeds(record.randomness, writers)
    if artifacts is record.artifacts and data is record.data and randomness is record.randomness:
        return record
    return replace(record, artifacts=artifacts, data=data, randomness=randomness)


def amended(record: RunRecord, writers: Sequence[Writer]) -> RunRecord:
    """A record that has ended with what others logged and it lacks; the same where it lacks nothing."""
    record = with_logged(record, writers)
    mine = borrowed(dict(record.metrics), writers)
    late = {name: each for name, each in mine.items() if _is_later(each, record.metrics.get(name))}
    return replace(record, metrics={**record.metrics, **late}) if late else record


def _with_data(own: tuple[DataInput, ...], writers: Iterable[Writer]) -> tuple[DataInput, ...]:
    """Ranks that declared the same input, as nearly all do, have declared one."""
    seen = {_what_it_is(each) for each in own}
    added: list[DataInput] = []
    for writer in sorted(writers, key=place):
        for each in writer.data:
            if (key := _what_it_is(each)) not in seen:
                seen.add(key)
                added.append(each)
    return (*own, *added) if added else own


def _what_it_is(each: DataInput) -> tuple[object, ...]:
    return each.name, each.uri, each.split, each.role, each.digest, each.indices_sha256


def _with_seeds(own: Randomness, writers: Iterable[Writer]) -> Randomness:
    ranks: dict[str, Mapping[str, int]] = dict(own.ranks)
    for writer in sorted(writers, key=place, reverse=True):  # the best placed of a rank has the last word
        others = {name: seed for name, seed in writer.seeds.items() if own.seeds.get(name) != seed}
        if others:
            key = str(writer.rank or 0)
            ranks[key] = {**ranks.get(key, {}), **others}
    return own if ranks == own.ranks else replace(own, ranks=dict(sorted(ranks.items(), key=_number)))


def _number(entry: tuple[str, object]) -> tuple[int, str]:
    return len(entry[0]), entry[0]


def _is_later(mine: MetricSummary, there: MetricSummary | None) -> bool:
    """Whether a summary says more than the borrowed one that is there: of a lower rank, or of more points."""
    if there is None or there.rank is None:
        return True
    return (mine.rank or 0, -mine.count) < (there.rank, -there.count)
