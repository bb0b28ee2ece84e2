"""Where a run was read from that another tracker wrote, and what that tracker knows it by."""

from __future__ import annotations

from collections.abc import Iterator

from labtop.model.run import ModelVersion, RunRecord
from labtop.model.trackers import OURS, nothing_of, tracker_of
from labtop.views.facts import Fact, Section
from labtop.views.text import clean


def source_facts(record: RunRecord) -> Iterator[Fact]:
    """Tracker, its own id of the run, the place, other places, registered models; nothing of a run of labtop's."""
    source = record.source
    if source.tracker == OURS:
        return
    yield Fact("tracker", clean(source.tracker, 80), _title(source.tracker))
    yield Fact("tracker id", clean(source.run_id or "", 200))
    yield Fact("read from", clean(source.uri or "", 400))
    for place in source.also:
        yield Fact("also at", clean(place, 400))
    yield Fact("read as", clean(source.reading, 1_000))
    for version in source.models:
        yield Fact("model", clean(f"{version.name} {version.version}", 200), _stage(version))


def _title(tracker: str) -> str:
    title = tracker_of(tracker).title
    return title if title.lower().replace("&", "and") != tracker else ""


def _stage(version: ModelVersion) -> str:
    return clean(", ".join(filter(None, (version.stage or "", *version.aliases))), 200)


def missing_output(record: RunRecord) -> Section | None:
    """The section in place of printed output that was not kept; None for runs of labtop's own."""
    tracker = record.source.tracker
    return None if tracker == OURS else Section("Output", note=nothing_of(tracker, "output", "output"))
