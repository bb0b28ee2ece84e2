"""`labtop show`: everything recorded of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import click

from labtop.cli.opening import exit_code, format_option, open_catalog, store_option
from labtop.cli.output import write_json, write_sheet_as, write_text
from labtop.errors import UsageError
from labtop.model.as_json import record_as_json
from labtop.model.run import Artifact, RunRecord
from labtop.model.score import score_record
from labtop.model.system import is_system
from labtop.model.tree import flatten
from labtop.model.values.base import is_value
from labtop.query.values import values_of
from labtop.views.export import Sheet, csv_cell
from labtop.views.processes import process_lines
from labtop.views.text import clean
from labtop.views.value_words import value_words

SECTIONS = ("life", "command", "code", "data", "randomness", "environment", "hardware", "artifacts")


@click.command("show")
@click.argument("run", metavar="RUN")
@click.option(
    "--value", metavar="NAME", help="Only this image, table, histogram, curve, … that the run logged."
)
@click.option("--step", type=float, metavar="N", help="The value at this step; by default the last one.")
@store_option
@format_option
def show_command(run: str, value: str | None, step: float | None, store: str | None, format_name: str) -> int:
    """Print everything recorded of RUN: its metrics, params, code, data, environment, hardware and seeds."""
    if step is not None and value is None:
        raise UsageError("--step says which value", "name it with --value")
    with open_catalog(None, store) as catalog:
        record = catalog.record(catalog.resolve(run))
        if value is not None:
            from labtop.cli.value_output import write_value

            write_value(catalog, record, value, step, format_name)
            return exit_code(catalog)
        if format_name in ("json", "jsonl"):
            facts = record_as_json(record)
            facts["reproducibility"] = _score(record)
            write_json([facts], format_name)
        elif format_name == "table":
            _write_card(record)
        else:
            write_sheet_as(Sheet(("section", "key", "value"), list(_facts(record)), "show"), format_name)
        return exit_code(catalog)


def _facts(record: RunRecord) -> Iterator[tuple[str, str, Any]]:
    """Every fact as (section, dotted key, value); what is unknown is left out."""
    everything = record_as_json(record)
    for key in ("id", "name", "project", "status", "started_at", "ended_at", "duration_s"):
        yield "run", key, everything[key]
    for key, value in everything["params"].items():
        yield "params", key, value
    for key, value in everything["summary"].items():
        yield "summary", key, value
    for name, summary in everything["metrics"].items():
        yield from (("metrics", f"{name}.{key}", value) for key, value in summary.items())
    for section in SECTIONS:
        for key, value in _leaves(everything[section]):
            yield section, key, value
    if record.source.tracker != "labtop":
        told = {key: value for key, value in everything["source"].items() if key != "problems"}
        yield from (("source", key, value) for key, value in _leaves(told))
    for pillar, facts in _score(record).items():
        yield "reproducibility", pillar, facts["state"] + "".join(f"; {each}" for each in facts["reasons"])
    for problem in everything["problems"]:
        yield "problems", "", problem


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys of nested mappings and lists of mappings; empty and unknown facts are left out."""
    if isinstance(value, Mapping):
        for key, each in flatten(value).items():
            yield from (
                _leaves(each, f"{prefix}{key}") if isinstance(each, list) else [(f"{prefix}{key}", each)]
            )
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{prefix}{'.' if prefix else ''}{number}.")
    elif value not in (None, [], {}, ""):
        yield prefix, value


def _score(record: RunRecord) -> dict[str, Any]:
    return {
        pillar.pillar: {"state": str(pillar.state), "reasons": list(pillar.reasons)}
        for pillar in score_record(record).pillars
    }


def _write_card(record: RunRecord) -> None:
    """The facts in sections, the metrics as a table after the run's own facts."""
    sections: dict[str, list[tuple[str, Any]]] = {}
    for section, key, value in _facts(replace(record, artifacts=_plain_artifacts(record))):
        if section != "metrics" and value not in (None, "", {}, []):
            sections.setdefault(section, []).append((key, value))
    if found := values_of(record):
        values = [value_words(name, each) for name, each in found.items()]
        sections["values"] = [(label, "  ".join(filter(None, words))) for label, *words in values]
    if processes := list(process_lines(record)):
        sections["processes"] = [
            (each.label, "  ".join(filter(None, (each.value, each.note)))) for each in processes
        ]
    for number, (section, facts) in enumerate(sections.items()):
        write_text(f"{chr(10) if number else ''}{section}\n")
        width = min(max(len(key) for key, _ in facts), 40)
        for key, value in facts:
            lines = clean(str(csv_cell(value)), newline="\n").split("\n")
            write_text(f"  {clean(key):<{width}}  {lines[0]}\n")
            for line in lines[1:]:
                write_text(f"  {'':<{width}}  {line}\n")
        if section == "run":
            _write_metrics(record, "metrics", of_system=False)
    _write_metrics(record, "system", of_system=True)


def _plain_artifacts(record: RunRecord) -> tuple[Artifact, ...]:
    """The artifacts without the rich values, which have a section of their own with a line a name."""
    return tuple(each for each in record.artifacts if not is_value(each))


def _write_metrics(record: RunRecord, title: str, of_system: bool) -> None:
    columns = ("  metric", "last", "at step", "min", "at", "max", "at", "mean", "points", "NaN")
    rows = [
        (
            f"  {name}", each.last, each.last_step, each.min, each.min_step, each.max, each.max_step,
            each.mean, each.count, each.nan_count,
        )
        for name, each in record.metrics.items()
        if is_system(name) == of_system
    ]  # fmt: skip
    if not rows:
        return
    write_text(f"\n{title}\n")
    write_sheet_as(Sheet(columns, rows), "table", "a wider terminal shows them, --format json has all")
