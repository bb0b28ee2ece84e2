"""Who records a run: `writers/<writer>.json`, one small file for each of several processes, and whose the record is.

No process waits for another. Each writes its own file and looks at those of the others, so that all come to the same
answer: the record is written by the latest generation of a launch, in it by the lowest rank, and by `labtop run` itself
only while no program that it started wants to. Who comes first keeps the record until somebody better placed comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from labtop.model.run import Artifact, MetricSummary, Writer
from labtop.store.files import FILES, Files, read_regular, replace_file
from labtop.store.format import plain
from labtop.store.layout import make_folders

WRITERS = "writers"
_SUFFIX = ".json"
_LARGEST_BYTES = 16 * 2**20
MOST_ARTIFACTS = 10_000
_MOST_METRICS = 200
_decode = msgspec.json.Decoder(Writer, strict=False).decode


def write_writer(
    folder: Path, writer: Writer, *, files: Files = FILES, mode: int = 0o600, shared: bool = False
) -> None:
    """Put down who writes; the file is replaced whole.

    Raises:
        OSError: the system would not.
    """
    home = folder / WRITERS
    make_folders(home, shared)
    content = msgspec.json.encode(plain(writer)) + b"\n"
    replace_file(home / f"{writer.writer}{_SUFFIX}", content, files=files, mode=mode, sync=False)


def read_writers(folder: Path) -> tuple[Writer, ...]:
    """The writers of a run in the order of their place (see `place`); a file that makes no sense is passed over."""
    found = (read_writer(path) for path in _files(folder))
    return tuple(sorted((each for each in found if each is not None), key=place))


def unreadable_writers(folder: Path) -> list[Path]:
    """The files in `writers/` that make no sense."""
    return [path for path in _files(folder) if path.exists() and read_writer(path) is None]


def _files(folder: Path) -> list[Path]:
    try:
        found = [
            each for each in (folder / WRITERS).iterdir() if each.suffix == _SUFFIX and each.name[0] != "."
        ]
    except OSError:
        return []
    return sorted(found)


def read_writer(path: Path) -> Writer | None:
    """One of them; None where it makes no sense."""
    try:
        writer = _decode(read_regular(path, _LARGEST_BYTES))
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return writer if writer.writer == path.stem else replace(writer, writer=path.stem)


def place(writer: Writer) -> tuple[bool, int, bool, int, float, str]:
    """How well a writer is placed to own the record; lower is better. An ended `labtop run` had the last word."""
    return (
        writer.role != "command" or writer.status is None,
        -writer.generation,
        writer.role == "command",
        writer.rank or 0,
        writer.began_at or 0.0,
        writer.writer,
    )


def owner(writers: Iterable[Writer]) -> Writer | None:
    """Whose the record is. Who has ended lets go of it, unless that was the end of the run."""
    there = [each for each in writers if each.wants_record and (each.status is None or each.ends_run)]
    ended = [each for each in there if each.role == "command" and each.status is not None]
    return min(ended or there, key=place, default=None)


def with_metrics(writer: Writer, metrics: dict[str, MetricSummary]) -> Writer:
    """A writer with its summaries and the number of its points."""
    kept = dict(list(metrics.items())[:_MOST_METRICS])
    return replace(writer, metrics=kept, points=sum(each.count for each in metrics.values()))


def borrowed(metrics: dict[str, MetricSummary], others: Iterable[Writer]) -> dict[str, MetricSummary]:
    """Summaries of what only other writers logged, each from the lowest rank that did; it says which.

    In pipeline parallel training the last rank alone knows the loss.
    """
    found: dict[str, MetricSummary] = {}
    for writer in sorted(others, key=lambda each: (each.rank or 0, each.role == "child", place(each))):
        for name, summary in writer.metrics.items():
            if summary.count and name not in found and not _is_own(metrics.get(name)):
                goal = metrics[name].goal if name in metrics else summary.goal
                found[name] = replace(summary, rank=writer.rank or 0, goal=goal)
    return found


def with_artifacts(own: tuple[Artifact, ...], writers: Iterable[Writer]) -> tuple[Artifact, ...]:
    """The artifacts of a record with what other processes logged. What is listed already is not listed twice.

    Ranks that log the same content under the same name have logged one file.
    """
    listed = [each for writer in sorted(writers, key=place) for each in writer.artifacts]
    if not listed:
        return own
    seen = {what_it_names(each) for each in own}
    added: list[Artifact] = []
    for each in listed:
        if (name := what_it_names(each)) not in seen:
            seen.add(name)
            added.append(each)
    return (*own, *added) if added else own


def what_it_names(artifact: Artifact) -> tuple[object, ...]:
    """By what two processes know that they logged the same thing: a path in a run has one content."""
    return artifact.name, artifact.path, artifact.uri, artifact.step, artifact.kind


def _is_own(summary: MetricSummary | None) -> bool:
    return summary is not None and summary.count > 0 and summary.rank is None
