"""What writers logged that have not said so themselves: killed workers of a pool, say, that had no time to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from labtop.model.run import Life, RunRecord, Writer
from labtop.store.live import fold_live
from labtop.store.writers import with_metrics


def told_by_logs(folder: Path, writers: Iterable[Writer]) -> tuple[Writer, ...]:
    """The writers, those that have not ended with the summaries of what lies in their logs."""
    return tuple(each if each.status else _with_logs(folder, each) for each in writers)


def _with_logs(folder: Path, writer: Writer) -> Writer:
    blank = RunRecord(id=folder.name, name="", project="", life=Life(written={writer.writer: 0}))
    metrics = fold_live(blank, folder, as_of_ns=0).metrics
    return with_metrics(writer, dict(metrics)) if metrics else writer
