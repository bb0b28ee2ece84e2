"""Guesses what the columns of a table are for, from their names and first rows, and says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from labtop.formats.cells import truth
from labtop.formats.date_text import ISO, form_of
from labtop.formats.table_file import TableFile
from labtop.sources.tables import charts, looks
from labtop.sources.tables.charts import Charted
from labtop.sources.tables.facts import facts_of
from labtop.sources.tables.names import is_param, shown_names
from labtop.sources.tables.words import (
    DATA,
    EXPORTS,
    METRICS,
    NAMES,
    OF_OPENMMLAB,
    SPLITS,
    STEPS,
    TIMES,
    VALUES,
    WEAK_NAMES,
    WEAK_STEPS,
    is_result,
    plain,
)

_MOST_SPLITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a table is, and what its columns are for.

    Attributes:
        shape: "runs" (a row a run), "steps" (a row a step, numbers side by side), "points" (a row a point: the name of
            a metric and its value), "chart" (a row a step, a column for each run); empty when it is no table of runs.
        run: the column that names runs; None: all rows are of one run, or a row has only its number.
        split: the column that says which data the numbers of a row are of.
        metrics: number columns with results. In "steps" all number columns are.
        params: all other columns.
        facts: what else is told of a run ("status", "started", …), and the column that tells it.
        shown: names of columns that are shown otherwise, without what says what kind of column it is (`params.lr`).
        truths: columns of words for yes and no.
        chart: whose points a column holds, in "chart".
        time_form: how times are written.
        is_sure: said by names that mean nothing else, so that a file that nobody named is read as well.
        reason: why, for people.
    """

    shape: str = ""
    run: str | None = None
    step: str | None = None
    time: str | None = None
    split: str | None = None
    metric: str | None = None
    value: str | None = None
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)
    shown: Mapping[str, str] = field(default_factory=dict, compare=False)
    truths: frozenset[str] = frozenset()
    chart: Mapping[str, Charted] = field(default_factory=dict, compare=False)
    time_form: str = ISO
    is_sure: bool = False
    reason: str = ""

    def text(self) -> str:
        """The guess in one line, to be shown and to be mended."""
        if not self.shape:
            return f"no table of runs: {self.reason}"
        told = [
            f"{each}={value}"
            for each in ("run", "step", "time", "split", "metric", "value")
            if (value := getattr(self, each))
        ]
        told += [f"{role}={name}" for role, name in self.facts.items()]
        if self.shape == "runs":
            told += [f"results: {_few(self.metrics)}", f"parameters: {_few(self.params)}"]
        elif self.shape == "chart":
            told += [f"runs: {_few(tuple(dict.fromkeys(each.run for each in self.chart.values())))}"]
        else:
            told += [f"metrics: {_few(self.metrics)}"] if self.metrics else []
        return f"{_SHAPES[self.shape]} ({', '.join(told)}); {self.reason}"


_SHAPES = {
    "runs": "a row a run",
    "steps": "a row a step",
    "points": "a row a point",
    "chart": "a row a step, a column a run",
}


def _few(names: Sequence[str]) -> str:
    return (
        ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"
    )


def guess(table: TableFile) -> Guess:
    """What a table is."""
    known = _Known(table)
    return _chart(known) or _points(known) or _steps(known) or _history(known) or _runs(known)


class _Known:
    """What is known of the columns of a table."""

    def __init__(self, table: TableFile) -> None:
        self.table = table
        self.index = looks.index_of(table)
        self.names = tuple(name for name in table.names if name != self.index)
        self.by_plain: dict[str, str] = {}
        for name in table.names:
            self.by_plain.setdefault(plain(name), name)
        self.numbers = tuple(
            name for name in self.names if name not in table.of_folders and looks.is_number(table, name)
        )
        self.time, self.time_form = self._time()

    def _time(self) -> tuple[str | None, str]:
        for name in self.named(TIMES):
            if looks.is_time(self.table, name):
                texts = [cell for cell in looks.cells(self.table, name) if isinstance(cell, str)]
                return name, (form_of(texts) if texts else None) or ISO
        return None, ISO

    def named(self, words: Sequence[str]) -> list[str]:
        """The columns that bear one of some names, in the order of the names."""
        return [self.by_plain[word] for word in words if word in self.by_plain]

    def run_column(self, weak: bool = True) -> str | None:
        """The column that tells runs apart: by its name, and of text or whole numbers."""
        wanted = self.named((*NAMES, *(WEAK_NAMES if weak else ())))
        return next((name for name in wanted if looks.tells_apart(self.table, name)), None)

    def first_names(self) -> str | None:
        """The first column, where it has another text in every row."""
        name = next(iter(self.names), None)
        if name is None or name in self.numbers or name == self.time:
            return None
        found = looks.cells(self.table, name)
        is_text = all(isinstance(cell, str) and len(cell) < 200 for cell in found)
        return name if found and is_text and len(set(found)) == len(self.table.sample) else None

    def steps(self) -> Iterator[str]:
        """The columns of numbers that may be steps, the best first."""
        return (name for name in self.named(STEPS) if name in self.numbers)

    def split(self) -> str | None:
        """The column of a few words that says which data the numbers of a row are of."""
        for name in self.named(SPLITS):
            words = set(map(str, looks.cells(self.table, name)))
            if name not in self.numbers and 0 < len(words) <= _MOST_SPLITS:
                return name
        return None

    def truths(self) -> frozenset[str]:
        """The columns of words for yes and no."""
        return frozenset(
            name
            for name in self.names
            if (found := looks.cells(self.table, name))
            and all(isinstance(cell, str) and truth(cell) is not None for cell in found)
        )

    def is_of_data(self) -> bool:
        """Whether there are columns of data sets."""
        return bool(DATA.intersection(self.by_plain))

    def is_export(self) -> bool:
        """Whether there are columns that a known program writes."""
        return any(each <= self.by_plain.keys() for each in EXPORTS)


def _chart(known: _Known) -> Guess | None:
    found = charts.chart_of(known.table, known.numbers)
    if found is None:
        return None
    is_time = looks.is_time(known.table, found.step)
    return Guess(
        shape="chart", step=None if is_time else found.step, time=found.step if is_time else known.time,
        metrics=tuple(found.columns), chart=found.columns, is_sure=found.is_sure,
        reason="columns are called 'run - metric'",
    )  # fmt: skip


def _points(known: _Known) -> Guess | None:
    metric = next((name for name in known.named(METRICS) if name not in known.numbers), None)
    value = next((name for name in known.named(VALUES) if name in known.numbers), None)
    step = next(known.steps(), None)
    if metric is None or value is None or (step is None and known.time is None):
        return None
    return Guess(
        shape="points", run=known.run_column(), step=step, time=known.time, split=known.split(), metric=metric,
        value=value, time_form=known.time_form, is_sure=step is not None,
        reason=f"{metric} and {value} beside {step or known.time}",
    )  # fmt: skip


def _steps(known: _Known) -> Guess | None:
    run = known.run_column()
    if known.is_export() and "training_iteration" not in known.by_plain:
        return None
    if run is not None and looks.is_unique(known.table, run):
        return None  # each row is a run of its own; the step is one of its facts
    step = next((name for name in known.steps() if looks.rises(known.table, run, name)), None)
    if step is None:
        return None
    split = known.split()
    others = {step, known.time, run, split}
    metrics = tuple(name for name in known.numbers if name not in others)
    settings = tuple(
        name
        for name in metrics
        if is_param(name, known.table.names) or looks.is_heading(known.table, name, step)
    )
    metrics = tuple(name for name in metrics if name not in settings)
    if not metrics:
        return None
    params = tuple(name for name in known.names if name not in others and name not in metrics)
    texts = tuple(name for name in params if name not in settings)
    is_sure = any(map(is_result, metrics)) and not known.is_of_data()
    is_sure = is_sure and not (plain(step) == "steps" or (plain(step) in WEAK_STEPS and texts))
    is_sure |= known.by_plain.keys() >= OF_OPENMMLAB
    is_curve = charts.is_tensorboard(known.table.names)
    return Guess(
        shape="steps", run=run, step=step, time=known.time, split=split, metrics=metrics, params=params,
        shown=charts.shown_of_tensorboard(known.table) if is_curve else shown_names(known.names, known.table.names),
        time_form=known.time_form, is_sure=is_sure or known.is_export() or is_curve,
        reason=f"{step} rises" + (f" within each {run}" if run else ""),
    )  # fmt: skip


def _history(known: _Known) -> Guess | None:
    """Nothing but numbers, a loss among them, and no name: what a training gave back, a row an epoch."""
    if known.run_column() or known.named(STEPS) or len(known.numbers) != len(known.names):
        return None
    words = {word for name in known.names for word in plain(name).split("_")}
    is_single = len(known.table.names) == 1 and known.table.dialect.has_header
    is_history = ("loss" in words or words >= {"train", "test"}) and all(map(is_result, known.names))
    if not (is_single or is_history) or len(known.table.sample) < 2:
        return None
    step = known.index if known.index is not None else None
    told = "one column of numbers" if is_single else "nothing but results, a loss among them: rows are epochs"
    return Guess(
        shape="steps", step=step, metrics=known.names, reason=told + ("" if step else ", counted from 0")
    )


def _runs(known: _Known) -> Guess:
    run = known.run_column()
    if run is None and known.is_export() and "number" in known.by_plain:
        run = known.by_plain["number"]  # of Optuna
    is_first = False
    if run is None and not known.is_export() and not known.is_of_data():
        run = known.first_names()
        is_first = run is not None
    facts = facts_of(known.table, known.by_plain, run)
    others = [name for name in known.names if name != run and name not in facts.values()]
    shown = shown_names(others, known.table.names)
    metrics = tuple(
        name
        for name in others
        if name in known.numbers
        and not is_param(name, known.table.names)
        and (is_result(name) or name.startswith("metrics.") or (known.is_export() and _is_value(name)))
    )
    is_doubled = "mean_fit_time" in known.table.names and "params" in others  # each is a column of its own
    params = tuple(name for name in others if name not in metrics and not (is_doubled and name == "params"))
    if (run is None or is_first) and (not metrics or known.is_of_data() or not known.table.is_all):
        return Guess(reason="no column names a run, and none rises as steps do")
    strict = known.run_column(weak=False)
    names = looks.cells(known.table, strict) if strict else []
    is_apart = len(set(map(str, names))) * 4 >= len(names)
    is_sure = strict is not None and bool(metrics) and is_apart and not known.is_of_data()
    return Guess(
        shape="runs", run=run, time=None if "started" in facts else known.time, metrics=metrics, params=params,
        facts=facts, shown=shown, truths=known.truths(), time_form=known.time_form,
        is_sure=is_sure or known.is_export(), reason=_named_by(run, is_first),
    )  # fmt: skip


def _named_by(run: str | None, is_first: bool) -> str:
    if run is None:
        return "each row has results"
    return f"{run} names the runs" + (", for it comes first and differs in every row" if is_first else "")


def _is_value(name: str) -> bool:
    return name == "value" or name.startswith("values_")


def is_like(first: Guess, names: Sequence[str]) -> bool:
    """Whether another table in the folder of a sure table of runs is named by the same column."""
    return first.shape == "runs" and first.run is not None and first.run in names[:1]
