"""One run as sections of facts: what the Run screen, its preview and a copied text show.

Against a baseline, what differs comes first. Values are clean and cut to one line; exact ones come with `show`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from labtop.model.packages import package_weight
from labtop.model.run import DataInput, Energy, MetricSummary, RunRecord
from labtop.model.score import score_record
from labtop.model.system import is_system
from labtop.model.tree import flatten
from labtop.model.values.base import is_value
from labtop.query.values import values_of
from labtop.views.numbers import age, duration, format_numbers, shortest, size
from labtop.views.processes import process_lines
from labtop.views.text import clean
from labtop.views.value_words import value_words

Tone = Literal["", "quiet", "good", "bad", "warning", "differs"]

OUTPUT_TAIL_BYTES = 200_000
OUTPUT_TAIL_LINES = 2_000

_NO_TONE: Tone = ""
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is known; `note` says more (the baseline's value, a reason)."""

    label: str
    value: str
    note: str = ""
    tone: Tone = ""
    opens: str = ""  # the name of a rich value that Enter opens


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of a run as shown; texts are not padded."""

    name: str
    last: str
    best: str
    delta: str
    delta_tone: Tone
    spark: str  # levels as in views/spark.py
    low: str
    high: str
    count: str
    nan: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with facts, or with the metrics, or with plain lines."""

    title: str
    facts: tuple[Fact, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    lines: tuple[str, ...] = ()
    note: str = ""


def record_sections(
    record: RunRecord, baseline: RunRecord | None = None, now: datetime | None = None
) -> list[Section]:
    """Everything recorded of a run but its output; sections that would be empty are left out."""
    if baseline is not None and baseline.id == record.id:
        baseline = None
    now = now or datetime.now(UTC)
    found = [
        Section("Run", tuple(_life(record, now))),
        Section(
            "Metrics", metrics=metric_rows(_metrics_of(record, False), baseline), note=_against(baseline)
        ),
        Section("Params", tuple(param_facts(record, baseline)), note=_against(baseline)),
        Section("Summary", tuple(Fact(clean(k, 80), shown(v)) for k, v in flatten(record.summary).items())),
        Section("Values", tuple(_values(record))),
        Section("Can it be reproduced?", tuple(score_facts(record))),
        Section("Command", tuple(_known(_command(record)))),
        Section("Processes", tuple(Fact(*each) for each in process_lines(record))),
        Section("Code", tuple(_known(_code(record)))),
        Section("Data", tuple(_data(record))),
        Section("Randomness", tuple(_randomness(record))),
        Section("Environment", tuple(_known(_environment(record)))),
        Section("Hardware", tuple(_known(_hardware(record)))),
        Section("System", tuple(_energy(record.life.energy)), metric_rows(_metrics_of(record, True))),
        Section("Artifacts", tuple(_artifacts(record))),
        Section("Packages", tuple(_packages(record)), note=str(len(record.environment.packages) or "")),
        Section("Problems", tuple(Fact("", clean(each, 400), tone="bad") for each in record.source.problems)),
    ]
    return [each for each in found if each.facts or each.metrics or each.lines]


def metric_rows(record: RunRecord, baseline: RunRecord | None = None) -> tuple[MetricRow, ...]:
    """The metrics, each with its last and best value and how far it is from the baseline's last."""
    return tuple(
        _metric_row(name, metric, baseline.metrics.get(name) if baseline else None)
        for name, metric in record.metrics.items()
    )


def param_facts(record: RunRecord, baseline: RunRecord | None = None) -> Iterator[Fact]:
    """The params; against a baseline those that differ first, with the baseline's value."""
    mine = flatten(record.params)
    if baseline is None:
        yield from (Fact(clean(key, 80), shown(value)) for key, value in mine.items())
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


def output_tail(folder: Path | None) -> Section | None:
    """The end of what the process printed. Reads at most 200 kB; None where nothing was kept."""
    if folder is None:
        return None
    path = folder / "output.log"
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, total - OUTPUT_TAIL_BYTES))
            data = file.read(OUTPUT_TAIL_BYTES)
    except OSError:
        return None
    lines = readable_lines(data.decode("utf-8", "surrogateescape"))
    is_cut = total > len(data) or len(lines) > OUTPUT_TAIL_LINES
    if total > len(data):
        lines = lines[1:]
    note = f"the last {min(len(lines), OUTPUT_TAIL_LINES)} lines of {size(total)}" if is_cut else ""
    return Section("Output", lines=tuple(lines[-OUTPUT_TAIL_LINES:]), note=note) if lines else None


def readable_lines(text: str) -> list[str]:
    """Printed text as clean lines: colours dropped, and what a progress bar wrote over as lines of their own."""
    lines = _COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    return [clean(line.replace("\t", "    "), 2_000) for line in lines] if lines != [""] else []


def spark_levels(numbers: Sequence[float]) -> str:
    """Numbers as the levels of a sparkline: 0 to 7, "n" for NaN; a flat curve lies in the middle."""
    finite = [each for each in numbers if abs(each) < float("inf")]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high / 8 - low / 8  # in eighths, so that it cannot overflow

    def level(value: float) -> str:
        if value != value:
            return "n"
        if not span:
            return "3"
        return (
            str(max(0, min(7, int((value / 8 - low / 8) / span * 7.999))))
            if value in finite
            else "70"[value < 0]
        )

    return "".join(map(level, numbers))


def shown(value: Any, limit: int = 400) -> str:
    """A value on one clean line: texts as they are, numbers short, lists and mappings as JSON."""
    if isinstance(value, str):
        return clean(value, limit) if value else '""'
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return shortest(value) if abs(value) < float("inf") else str(value)
    if isinstance(value, int):
        return str(value)
    return clean(json.dumps(value, ensure_ascii=False, default=str), limit)


def same(one: Any, other: Any) -> bool:
    """Whether two values are one to a reader; NaN is equal to itself, and true is not 1."""
    return (one == other and isinstance(one, bool) == isinstance(other, bool)) or (
        one != one and other != other
    )


def when(moment: datetime | None, now: datetime) -> str:
    """A moment with its age: 2026-01-05 08:00:12 UTC (3 d ago)."""
    if moment is None:
        return ""
    ago = age((now - moment).total_seconds())
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({ago}{'' if ago == 'now' else ' ago'})"


def _life(record: RunRecord, now: datetime) -> Iterator[Fact]:
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
        Fact("tracker", clean(record.source.tracker, 80) if record.source.tracker != "labtop" else ""),
        Fact("read from", clean(record.source.uri or "", 400)),
        Fact("read as", clean(record.source.reading, 1_000)),
    )
    yield from (fact for fact in facts if fact.value)
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


def _metric_row(name: str, metric: MetricSummary, base: MetricSummary | None) -> MetricRow:
    values = [
        each
        for each in (metric.last, metric.min, metric.max, base.last if base else None)
        if each is not None
    ]
    form = format_numbers(values)

    def text(value: float | None) -> str:
        return "" if value is None else form.digits(value)

    goal = metric.goal
    best, step = (metric.min, metric.min_step) if goal == "min" else (metric.max, metric.max_step)
    delta, tone = "", _NO_TONE
    if base is not None and metric.last is not None and base.last is not None:
        delta = form.difference(metric.last, base.last)
        tone = _delta_tone(metric.last, base.last, goal)
    return MetricRow(
        name=clean(name, 80)
        + {"min": "↓", "max": "↑"}.get(goal or "", "")
        + ("" if metric.rank is None else f" (rank {metric.rank})"),
        last=text(metric.last),
        best=f"{text(best)} @ {shortest(step)}" if goal and best is not None and step is not None else "",
        delta=delta,
        delta_tone=tone,
        spark=spark_levels(metric.spark),
        low=text(metric.min),
        high=text(metric.max),
        count=str(metric.count) if metric.count else "",
        nan=f"{metric.nan_count} NaN" if metric.nan_count else "",
    )


def _delta_tone(value: float, base: float, goal: str | None) -> Tone:
    if goal is None or value == base or value != value or base != base:
        return ""
    return "good" if (value < base) == (goal == "min") else "bad"


def _command(record: RunRecord) -> Iterator[Fact]:
    command = record.command
    yield Fact("argv", clean(" ".join(command.argv), 2_000))
    yield Fact("folder", clean(command.cwd or "", 400))
    yield Fact("python", clean(command.executable or "", 400))
    yield Fact(
        "launcher", clean(command.launcher or "", 80), shown(dict(command.ranks)) if command.ranks else ""
    )
    for each in command.config_files:
        kept = clean((each.sha256 or "")[:16]) if each.kept else f"not kept: {clean(each.reason, 200)}"
        yield Fact("config file", clean(each.path, 300), kept, "" if each.kept else "warning")


def _code(record: RunRecord) -> Iterator[Fact]:
    code = record.code
    yield Fact("commit", clean(code.commit or "", 80), clean(code.branch or "", 200))
    yield Fact("remote", clean(code.remote or "", 400))
    if code.dirty:
        kept = "the patch is kept" if code.patch_sha256 else "not kept"
        yield Fact("changes", "uncommitted", kept, "" if code.patch_sha256 else "warning")
    elif code.dirty is False:
        yield Fact("changes", "none")
    kept_count = sum(each.kept for each in code.untracked)
    yield Fact("untracked", f"{len(code.untracked)} files" if code.untracked else "", f"{kept_count} kept")
    yield Fact("bundle", clean(code.bundle or "", 200))
    for each in code.submodules:
        yield Fact("submodule", clean(each.path, 200), clean(each.commit or "commit unknown", 80))
    yield Fact("notebook", clean(code.notebook or "", 200))
    yield Fact("problem", clean(code.problem or "", 400), tone="bad")


def _data(record: RunRecord) -> Iterator[Fact]:
    for each in record.data:
        is_known = bool(each.digest) or each.role == "output"
        yield Fact(
            clean(each.name, 80),
            clean(" ".join(filter(None, (each.role if each.role != "input" else "", each.kind))), 40),
            "  ".join(filter(None, _data_details(each))),
            "" if is_known and not each.problem else "warning",
        )


def _data_details(each: DataInput) -> Iterator[str]:
    yield clean(each.uri, 300)
    yield clean(f"{each.algorithm}:{each.digest[:16]}") if each.digest else "no content identifier"
    yield size(each.bytes) if each.bytes is not None else ""
    yield _count(each.files, "file")
    yield f"{each.rows} row{'s' * (each.rows != 1)}" if each.rows is not None else ""
    yield f"split {clean(each.split, 80)}" if each.split else ""
    yield f"{each.used_rows} of them used" if each.used_rows is not None else ""
    yield f"rank {each.rank}" if each.rank is not None else ""
    if each.columns:
        listed = ", ".join(f"{name} {kind}" for name, kind in list(each.columns.items())[:8])
        more = f" and {len(each.columns) - 8} more" if len(each.columns) > 8 else ""
        yield clean(f"columns {listed}{more}", 300)
    yield clean(each.problem or "", 300)


def _randomness(record: RunRecord) -> Iterator[Fact]:
    for library, seed in record.randomness.seeds.items():
        yield Fact(clean(library, 80), str(seed))
    for rank, seeds in record.randomness.ranks.items():
        listed = ", ".join(f"{clean(library, 80)} {seed}" for library, seed in seeds.items())
        yield Fact(f"rank {clean(rank, 20)}", listed)
    for library in record.randomness.imported:
        if library not in record.randomness.seeds:
            yield Fact(clean(library, 80), "never seeded", tone="warning")
    for flag, value in flatten(record.randomness.flags).items():
        yield Fact(clean(flag, 80), shown(value))


def _environment(record: RunRecord) -> Iterator[Fact]:
    each = record.environment
    yield Fact("python", clean(each.python or "", 80), clean(each.implementation or "", 80))
    yield Fact("system", clean(" ".join(filter(None, (each.os, each.kernel, each.libc))), 300))
    yield Fact("lock file", clean(each.lock_file or "", 300), clean((each.lock_sha256 or "")[:16]))
    for lock in each.lock_files:
        if lock.name != each.lock_file:
            yield Fact("lock file", clean(lock.name, 300), clean((lock.sha256 or "")[:16]))
    differs = "; ".join(each.lock_differs[:5]) + ("; …" if len(each.lock_differs) > 5 else "")
    count = f"{len(each.lock_differs)} packages" if each.lock_differs else ""
    yield Fact("not as locked", count, clean(differs, 400), "warning")
    image = each.container_image or each.container_id or ""
    yield Fact("container", clean(each.container or image, 80), clean(image if each.container else "", 300))
    yield Fact("image digest", clean(each.container_digest or "", 100))
    yield Fact("conda", clean(each.conda_environment or "", 200))
    for package in each.local_packages:
        state = "with changes" if package.dirty else "no repository" if package.commit is None else ""
        details = (clean(package.commit or "", 80), state, clean(package.path, 200))
        tone: Tone = "warning" if state else ""
        yield Fact(
            f"package {clean(package.name, 80)}", "from a folder", "  ".join(filter(None, details)), tone
        )
    for name, value in each.variables.items():
        yield Fact(clean(name, 80), shown(value))


def _hardware(record: RunRecord) -> Iterator[Fact]:
    each = record.hardware
    yield Fact(
        "cpu",
        clean(each.cpu or each.architecture or "", 200),
        ", ".join(filter(None, (_count(each.cores, "core"), clean(each.governor or "", 40)))),
    )
    usable = [f"{each.cpus_allowed} by affinity" if each.cpus_allowed else ""]
    usable.append(f"{each.cpu_limit:g} by control group" if each.cpu_limit else "")
    yield Fact("usable cpus", ", ".join(filter(None, usable)))
    limit = f"limited to {size(each.memory_limit_bytes)}" if each.memory_limit_bytes else ""
    yield Fact("memory", size(each.memory_bytes) if each.memory_bytes else "", limit)
    for gpu in each.gpus:
        memory = size(gpu.memory_bytes) if gpu.memory_bytes else ""
        power = f"{gpu.power_limit_w:g} W" if gpu.power_limit_w else ""
        details = (memory, clean(gpu.architecture or "", 40), clean(gpu.driver or "", 80), power)
        yield Fact("gpu", clean(gpu.name, 200), "  ".join(filter(None, details)))
    yield Fact("cuda", clean(each.cuda or "", 80), f"cudnn {clean(each.cudnn, 40)}" if each.cudnn else "")
    yield Fact("cuda by driver", clean(each.cuda_driver or "", 40))
    yield Fact("nccl", clean(each.nccl or "", 40))
    yield Fact("rocm", clean(each.rocm or "", 40))
    yield Fact("blas", clean(each.blas or "", 200), _count(each.blas_threads, "thread"))
    yield Fact("threads", ", ".join(f"{clean(name, 40)} {count}" for name, count in each.threads.items()))


def _count(number: int | None, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}" if number else ""


def _values(record: RunRecord) -> Iterator[Fact]:
    for name, found in values_of(record).items():
        yield Fact(*value_words(name, found), opens=name)


def _metrics_of(record: RunRecord, system: bool) -> RunRecord:
    """The record with the metrics of the machine alone, or without them."""
    metrics = {name: each for name, each in record.metrics.items() if is_system(name) == system}
    return record if len(metrics) == len(record.metrics) else replace(record, metrics=metrics)


def _energy(energy: Energy | None) -> Iterator[Fact]:
    if energy is None:
        return
    how = {"counter": "by their own counters", "power": "power over time"}.get(energy.gpu_source, "")
    note = ", ".join(filter(None, (how, f"in {duration(energy.seconds)}")))
    if energy.gpu_wh is not None:
        yield Fact("GPU energy", f"{energy.gpu_wh:.4g} Wh", note)
    if energy.cpu_wh is not None:
        yield Fact("CPU energy", f"{energy.cpu_wh:.4g} Wh", f"in {duration(energy.seconds)}")


def _artifacts(record: RunRecord) -> Iterator[Fact]:
    for each in record.artifacts:
        if is_value(each):
            continue
        step = f"step {shortest(each.step)}" if each.step is not None else ""
        rank = f"rank {each.rank}" if each.rank is not None else ""
        amount = size(each.bytes) if each.bytes is not None else ""
        details = [amount, step, rank, clean((each.sha256 or "")[:12])]
        where = clean(each.path or each.uri or "", 300)
        yield Fact(clean(each.name, 120), where, "  ".join(filter(None, details)))


def _packages(record: RunRecord) -> Iterator[Fact]:
    packages, origins = record.environment.packages, record.environment.origins
    for name in sorted(packages, key=lambda name: (package_weight(name), name.lower())):
        yield Fact(clean(name, 80), clean(packages[name] or "", 80), clean(origins.get(name, ""), 300))


def _known(facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if fact.value)


def _against(baseline: RunRecord | None) -> str:
    return f"against {clean(baseline.name, 60)}" if baseline is not None else ""
