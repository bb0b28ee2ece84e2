"""What a run is and how it went, as facts: status, names, times, notes, and where it was read from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from labtop.model.run import RunRecord
from labtop.views.facts import Fact, known, when
from labtop.views.numbers import duration, shortest
from labtop.views.record_source import source_facts
from labtop.views.text import clean


def life_facts(record: RunRecord, now: datetime) -> Iterator[Fact]:
    """The facts, those that are known."""
    life = record.life
    ended = record.ended_at or (now if record.status == "running" else None)
    took = (ended - record.started_at).total_seconds() if record.started_at and ended else None
    bad = record.status in ("failed", "crashed", "lost")
    facts = (
        Fact("status", str(record.status), _end_words(record), "bad" if bad else ""),
        Fact("name", clean(record.name, 300)),
        Fact("id", clean(record.id, 80), tone="quiet"),
        Fact("project", clean(record.project, 300)),
        Fact("started", when(record.started_at, now)),
        Fact("took", duration(took) if took is not None else ""),
        Fact("group", clean(life.group or "", 300)),
        Fact("job type", clean(life.job_type or "", 300)),
        Fact("tags", ", ".join(clean(tag, 80) for tag in life.tags)),
        Fact("notes", clean(life.notes, 1_000)),
        Fact(
            "parent",
            clean(life.parent_id or "", 80),
            f"at step {shortest(life.fork_step)}" if life.fork_step is not None else "",
        ),
        Fact("resumed from", clean(life.resumed_from or "", 80)),
        Fact("degraded", clean(life.degraded or "", 400), _dropped(life.dropped), "warning"),
        Fact("archived", "yes" if life.archived else ""),
        *source_facts(record),
    )
    yield from known(facts)
    if life.error is not None:
        error = life.error
        yield Fact("error", clean(f"{error.type}: {error.message}", 1_000), clean(error.where, 300), "bad")


def _end_words(record: RunRecord) -> str:
    life = record.life
    words = []
    if life.signal:
        words.append(f"by {clean(life.signal, 40)}")
    if life.exit_code:
        words.append(f"exit code {life.exit_code}")
    if life.process and life.process.host:
        words.append(f"on {clean(life.process.host, 80)}")
    return ", ".join(words)


def _dropped(count: int) -> str:
    return f"{count} points could not be written" if count else ""
