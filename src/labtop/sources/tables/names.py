"""Names of columns without what says what kind of column it is: `params.lr` is `lr`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_PREFIXES = ("params.", "metrics.", "config/", "config.", "hparams/", "hparams.")
_OF_OPTUNA, _OF_SKLEARN = "params_", "param_"


def prefixes_of(taken: Collection[str]) -> tuple[str, ...]:
    """What names of parameters begin with in a table with such columns, as far as it is known who wrote it."""
    if "datetime_start" in taken:
        return (*_PREFIXES, _OF_OPTUNA)
    return (*_PREFIXES, _OF_SKLEARN) if "mean_fit_time" in taken else _PREFIXES


def is_param(name: str, taken: Collection[str]) -> bool:
    """Whether a name says itself that it is one of a parameter."""
    return name.startswith(tuple(each for each in prefixes_of(taken) if each != "metrics."))


def shown_names(names: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """The names of those columns that are shown by another one; none becomes that of another column."""
    short = {
        name: rest
        for name in names
        for prefix in prefixes_of(taken)
        if name.startswith(prefix) and (rest := name[len(prefix) :])
    }
    counts: dict[str, int] = {}
    for each in short.values():
        counts[each] = counts.get(each, 0) + 1
    return {name: rest for name, rest in short.items() if counts[rest] == 1 and rest not in taken}
