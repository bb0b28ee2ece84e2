"""What a person says the columns of tables are for: the setting `tables`, one rule for some files each.

`results*.csv: run=model metrics=top1|top5` or `log.csv: run= step=epoch` (no column names runs) or `data.csv: none`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from labtop.errors import UsageError
from labtop.formats.table_file import TableFile
from labtop.settings import Settings
from labtop.sources.tables.guess import Guess, guess

_ROLES = ("run", "step", "time", "metric", "value")
_LISTS = ("metrics", "params")


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
            if not is_given or role not in (*_ROLES, *_LISTS):
                raise UsageError(
                    f"cannot read {word!r} in the rule for tables {text!r}",
                    f"write role=column, a role being one of {', '.join((*_ROLES, *_LISTS))}",
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


def columns_of(table: TableFile, rule: Rule | None) -> Guess:
    """What the columns of a table are for: as told, and guessed where nothing is told."""
    guessed = guess(table)
    if rule is None:
        return guessed
    if not rule.roles:
        return Guess(reason=f"so says the setting tables: {rule.text}")
    known = set(table.names)
    lacking = sorted(
        name
        for role, told in rule.roles.items()
        for name in (told.split("|") if role in _LISTS else [told])
        if name and name not in known and table.kind != "jsonl"
    )
    if lacking:
        return replace(
            guessed, reason=f"{guessed.reason}; not as told, for there is no column {', '.join(lacking)}"
        )
    return _told(table, guessed, rule)


def _told(table: TableFile, guessed: Guess, rule: Rule) -> Guess:
    roles = {role: rule.roles.get(role, getattr(guessed, role)) or None for role in _ROLES}
    shape = "points" if roles["metric"] and roles["value"] else "steps" if roles["step"] else "runs"
    if shape == guessed.shape == "runs" and "step" not in rule.roles:
        roles["step"] = None
    taken = {each for each in roles.values() if each}
    others = [name for name in table.names if name not in taken]
    metrics = [name for name in rule.roles.get("metrics", "").split("|") if name]
    params = [name for name in rule.roles.get("params", "").split("|") if name]
    if not metrics:
        metrics = [name for name in guessed.metrics if name in others and name not in params]
        if shape == "steps" and guessed.shape != "steps":
            metrics = [name for name in others if name not in params and _all_numbers(table, name)]
    return Guess(
        shape=shape,
        run=roles["run"],
        step=roles["step"],
        time=roles["time"],
        metric=roles["metric"] if shape == "points" else None,
        value=roles["value"] if shape == "points" else None,
        metrics=tuple(metrics),
        params=tuple(name for name in others if name not in metrics),
        is_sure=True,
        reason=f"as told: {rule.text}",
    )


def _all_numbers(table: TableFile, name: str) -> bool:
    from labtop.formats.table_file import cell_number

    cells = [row[name] for row in table.sample if row.get(name) not in (None, "")]
    return all(
        isinstance(cell, int | float) or (isinstance(cell, str) and cell_number(cell) is not None)
        for cell in cells
    )
