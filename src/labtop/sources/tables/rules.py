"""What a person says the columns of tables are for: the setting `tables`, one rule for some files each.

`results*.csv: run=model metrics=top1|top5` or `log.csv: run= step=epoch` (no column names runs) or `data.csv: none`.
A file without a header gets one with `names=epoch|loss|acc`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from labtop.errors import UsageError
from labtop.formats.date_text import ISO, form_of
from labtop.formats.table_file import TableFile
from labtop.settings import Settings
from labtop.sources.tables import looks
from labtop.sources.tables.guess import Guess, guess
from labtop.sources.tables.words import FACTS

_ROLES = ("run", "step", "time", "split", "metric", "value")
_LISTS = ("metrics", "params", "names")
_ALL = (*_ROLES, *_LISTS, *FACTS)


@dataclass(frozen=True, slots=True)
class Rule:
    """What columns are for in files whose path or name fits `pattern`; without `roles` they are no tables of runs."""

    text: str
    pattern: str
    roles: Mapping[str, str]

    def fits(self, path: Path) -> bool:
        """Whether it is for a file."""
        whole = path.as_posix()
        return any(fnmatchcase(whole, each) for each in (self.pattern, f"*/{self.pattern}"))


def parse_rule(text: str) -> Rule:
    """A rule of its text. Raises UsageError."""
    pattern, mark, rest = text.partition(":")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"cannot read the rule for tables {text!r}: {error}") from error
    roles = {}
    if words != ["none"]:
        for word in words:
            role, is_given, column = word.partition("=")
            if not is_given or role not in _ALL:
                raise UsageError(
                    f"cannot read {word!r} in the rule for tables {text!r}",
                    f"write role=column, a role being one of {', '.join(_ALL)}",
                )
            roles[role] = column
    if not mark or not pattern.strip() or not words:
        raise UsageError(
            f"cannot read the rule for tables {text!r}", "write 'results*.csv: run=model step=epoch'"
        )
    return Rule(text, pattern.strip(), roles)


@lru_cache(16)
def _rules(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(map(parse_rule, texts))


def rule_for(path: Path) -> Rule | None:
    """The first rule that is for a file. Raises UsageError."""
    return next((rule for rule in _rules(Settings.load().tables) if rule.fits(path)), None)


def with_names(table: TableFile, rule: Rule | None) -> TableFile:
    """A table with the names that a rule gives its columns. Raises InputError."""
    told = rule.roles.get("names") if rule is not None else None
    return table.named(told.split("|")) if told else table


def tell(rules: Sequence[str]) -> None:
    """Let rules hold from now on in this process and those that it starts to read with. Raises UsageError."""
    for each in rules:
        parse_rule(each)
    os.environ["LABTOP_TABLES"] = "\n".join([*rules, ""])


def lacking_columns(table: TableFile, rule: Rule) -> list[str]:
    """Columns that a rule names and a table has not; in JSON they may come later."""
    known = set(table.names)
    return sorted(
        name
        for role, told in rule.roles.items()
        for name in (told.split("|") if role in _LISTS else [told])
        if role != "names" and name and name not in known and table.kind != "jsonl"
    )


def columns_of(table: TableFile, rule: Rule | None) -> Guess:
    """What the columns of a table are for: as told, and guessed where nothing is told."""
    guessed = guess(table)
    if rule is None:
        return guessed
    if not rule.roles:
        return Guess(reason=f"so says the setting tables: {rule.text}")
    if set(rule.roles) == {"names"}:
        return replace(guessed, is_sure=True, reason=f"{guessed.reason}; as told: {rule.text}")
    lacking = lacking_columns(table, rule)
    if lacking:
        return replace(
            guessed, reason=f"{guessed.reason}; not as told, for there is no column {', '.join(lacking)}"
        )
    return _told(table, guessed, rule)


def _told(table: TableFile, guessed: Guess, rule: Rule) -> Guess:
    roles = {role: rule.roles.get(role, getattr(guessed, role)) or None for role in _ROLES}
    shape = "points" if roles["metric"] and roles["value"] else "steps" if roles["step"] else "runs"
    if guessed.shape == "steps" and not roles["step"] and "step" not in rule.roles:
        shape = "steps"
    if shape == guessed.shape == "runs" and "step" not in rule.roles:
        roles["step"] = None
    facts = guessed.facts if shape == "runs" else {}
    facts = {role: name for role, name in facts.items() if name not in rule.roles.values()}
    facts = {**facts, **{role: rule.roles[role] for role in FACTS if role in rule.roles}}
    facts = {role: name for role, name in facts.items() if name and shape == "runs"}
    taken = {*filter(None, roles.values()), *facts.values()}
    others = [name for name in table.names if name not in taken]
    metrics, params = _lists(table, guessed, rule, shape, others)
    return Guess(
        shape=shape,
        run=roles["run"],
        step=roles["step"],
        time=roles["time"],
        split=roles["split"] if shape != "runs" else None,
        metric=roles["metric"] if shape == "points" else None,
        value=roles["value"] if shape == "points" else None,
        metrics=tuple(metrics),
        params=tuple(params),
        facts=facts,
        shown=guessed.shown,
        truths=guessed.truths,
        time_form=_time_form(table, roles["time"]),
        is_sure=True,
        reason=f"as told: {rule.text}",
    )


def _lists(
    table: TableFile, guessed: Guess, rule: Rule, shape: str, others: list[str]
) -> tuple[list[str], list[str]]:
    """The columns of results and of parameters. `params` alone makes all other numbers results, and the reverse."""
    metrics = [name for name in rule.roles.get("metrics", "").split("|") if name]
    params = [name for name in rule.roles.get("params", "").split("|") if name]
    if not metrics:
        metrics = [name for name in guessed.metrics if name in others and name not in params]
        if shape == "steps" and (guessed.shape != "steps" or not metrics):
            metrics = [name for name in others if name not in params and looks.is_number(table, name)]
    return metrics, [name for name in others if name not in metrics]


def _time_form(table: TableFile, time: str | None) -> str:
    texts = [cell for cell in looks.cells(table, time) if isinstance(cell, str)] if time else []
    return (form_of(texts) if texts else None) or ISO
