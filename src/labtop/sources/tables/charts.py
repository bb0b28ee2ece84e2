"""What charts are saved as: W&B's CSV with a column for each run, and the CSV or JSON of one curve from TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from labtop.formats.compressed import unpacked_name
from labtop.formats.table_file import TableFile
from labtop.sources.tables.words import plain

_STEPS = frozenset(
    ("step", "_step", "global_step", "trainer/global_step", "epoch", "iteration", "_runtime", "relative_time_(process)",
     "relative_time_(wall)", "wall_time", "_timestamp", "relative_time_process", "relative_time_wall", "wall_time_utc")
)  # fmt: skip
_COLUMN = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<bound>__MIN|__MAX)?")
_OF_TENSORBOARD = ("wall_time", "step", "value")
_FILE = re.compile(r"(?:run[-_](?P<run>.*?)[-_])?tag-(?P<tag>.+)")


class Charted(NamedTuple):
    """A column of a chart: the run, and the metric of it."""

    run: str
    metric: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The columns of a chart. `is_sure`: nothing else is called so."""

    step: str
    columns: Mapping[str, Charted]
    is_sure: bool


def chart_of(table: TableFile, numbers: Collection[str]) -> Chart | None:
    """The chart that a table is: a step, then columns called `run - metric`, two more each for the lowest and highest.

    Those two are left out where they are the same as the value, as they are where nothing was put together.
    """
    step, *others = table.names
    if plain(step) not in _STEPS or not others:
        return None
    found = {name: _COLUMN.fullmatch(name) for name in others}
    if not all(found.values()) or not any(name in numbers for name in others):
        return None
    columns: dict[str, Charted] = {}
    bounds = 0
    for name, told in found.items():
        if told is None or name not in numbers:
            continue
        bound = told["bound"] or ""
        bounds += bool(bound)
        if bound and _is_same(table, name, name.removesuffix(bound)):
            continue
        columns[name] = Charted(told["run"], told["metric"] + bound)
    return Chart(step, columns, bounds > 0) if columns else None


def _is_same(table: TableFile, first: str, second: str) -> bool:
    return all(row.get(first) == row.get(second) for row in table.sample)


def is_tensorboard(names: Collection[str]) -> bool:
    """Whether columns are those of a curve that TensorBoard saves."""
    return tuple(map(plain, names)) == _OF_TENSORBOARD


def shown_of_tensorboard(table: TableFile) -> dict[str, str]:
    """The metric that the name of such a file says (`run-train-tag-loss.csv`), for its column of values."""
    tag = told_by_name(table.path.name)[1]
    return {table.names[2]: tag} if tag else {}


def told_by_name(name: str) -> tuple[str, str]:
    """The run and the metric that the name of a file from TensorBoard says; empty where it says none."""
    stem = unpacked_name(name).rpartition(".")[0]
    found = _FILE.fullmatch(stem)
    return (found["run"] or "", found["tag"]) if found else ("", "")
