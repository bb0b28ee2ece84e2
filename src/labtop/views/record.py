"""One run as sections of facts: what the Run screen, its preview and a copied text show.

Against a baseline, what differs comes first. Values are clean and cut to one line; exact ones come with `show`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from labtop.model.run import RunRecord
from labtop.model.score import score_record
from labtop.model.trackers import OURS
from labtop.model.tree import flatten
from labtop.query.values import values_of
from labtop.views.facts import Fact, Section, Tone, known, same, shown
from labtop.views.processes import process_lines
from labtop.views.record_life import life_facts
from labtop.views.record_metrics import energy_facts, metric_rows, metrics_of
from labtop.views.record_origins import (
    artifact_facts,
    code_facts,
    command_facts,
    data_facts,
    environment_facts,
    hardware_facts,
    package_facts,
    randomness_facts,
)
from labtop.views.text import clean
from labtop.views.value_words import value_words

NO_METRICS = Section("Metrics", note="none were logged")
NOT_READ = Section("Metrics", note="none were read; see Problems")
"""Of a run of another tracker, where a person may think that they were not found."""


def record_sections(
    record: RunRecord, baseline: RunRecord | None = None, now: datetime | None = None
) -> list[Section]:
    """Everything recorded of a run but its output; sections that would be empty are left out."""
    if baseline is not None and baseline.id == record.id:
        baseline = None
    now = now or datetime.now(UTC)
    found = [
        Section("Run", tuple(life_facts(record, now))),
        Section("Metrics", metrics=metric_rows(metrics_of(record, False), baseline), note=_against(baseline)),
        Section("Params", tuple(param_facts(record, baseline)), note=_against(baseline)),
        Section("Summary", tuple(Fact(clean(k, 80), shown(v)) for k, v in flatten(record.summary).items())),
        Section("Values", tuple(_values(record))),
        Section("Can it be reproduced?", tuple(score_facts(record))),
        Section("Command", tuple(known(command_facts(record)))),
        Section("Processes", tuple(Fact(*each) for each in process_lines(record))),
        Section("Code", tuple(known(code_facts(record)))),
        Section("Data", tuple(data_facts(record))),
        Section("Randomness", tuple(randomness_facts(record))),
        Section("Environment", tuple(known(environment_facts(record)))),
        Section("Hardware", tuple(known(hardware_facts(record)))),
        Section("System", tuple(energy_facts(record.life.energy)), metric_rows(metrics_of(record, True))),
        Section("Artifacts", tuple(artifact_facts(record))),
        Section("Packages", tuple(package_facts(record)), note=str(len(record.environment.packages) or "")),
        Section("Problems", tuple(Fact("", clean(each, 400), tone="bad") for each in record.source.problems)),
    ]
    said = [each for each in found if each.facts or each.metrics or each.lines]
    if record.metrics or record.source.tracker == OURS:
        return said
    return [*said[:1], NOT_READ if record.source.problems else NO_METRICS, *said[1:]]


def param_facts(record: RunRecord, baseline: RunRecord | None = None) -> Iterator[Fact]:
    """The params; against a baseline those that differ first, with the baseline's value."""
    mine = flatten(record.params)
    if baseline is None:
        yield from (Fact(clean(key, 80), shown(value), _written(record, key)) for key, value in mine.items())
        return
    theirs = flatten(baseline.params)
    missing = object()
    different = [key for key in (*mine, *(key for key in theirs if key not in mine))
                 if not same(mine.get(key, missing), theirs.get(key, missing))]  # fmt: skip
    for key in different:
        yield Fact(
            clean(key, 80),
            shown(mine[key]) if key in mine else "not set",
            f"baseline {shown(theirs[key])}" if key in theirs else "not in the baseline",
            "differs",
        )
    yield from (Fact(clean(key, 80), shown(value)) for key, value in mine.items() if key not in different)


def _written(record: RunRecord, key: str) -> str:
    """How another tracker had written a value that is a text there, where it tells more than the value."""
    text = record.source.texts.get(key)
    return "" if text is None else f"written {shown(text, 120)}"


def score_facts(record: RunRecord) -> Iterator[Fact]:
    """The five pillars with the reasons why one is not complete."""
    tones: Mapping[str, Tone] = {"complete": "good", "partial": "warning", "missing": "bad"}
    for pillar in score_record(record).pillars:
        yield Fact(
            pillar.pillar,
            f"{pillar.mark} {pillar.state}",
            clean("; ".join(pillar.reasons), 400),
            tones[pillar.state],
        )


def _values(record: RunRecord) -> Iterator[Fact]:
    for name, found in values_of(record).items():
        yield Fact(*value_words(name, found), opens=name)


def _against(baseline: RunRecord | None) -> str:
    return f"against {clean(baseline.name, 60)}" if baseline is not None else ""
