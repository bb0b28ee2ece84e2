"""Finds the rich values of a run: by name, and by step."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from labtop.errors import InputError
from labtop.model.run import Artifact, RunRecord
from labtop.model.values.base import is_value


def values_of(record: RunRecord) -> Mapping[str, Sequence[Artifact]]:
    """The rich values of a run by name, each name's by step; those of one step in the order they were logged."""
    found: dict[str, list[Artifact]] = {}
    for each in record.artifacts:
        if is_value(each):
            found.setdefault(each.name, []).append(each)
    return {name: sorted(each, key=lambda one: one.step or 0.0) for name, each in found.items()}


def find_value(record: RunRecord, name: str, step: float | None = None) -> Artifact:
    """The value of a name at a step; without one the last.

    Raises:
        InputError: there is none; the message lists what there is.
    """
    found = values_of(record)
    if name not in found:
        near = difflib.get_close_matches(name, list(found), 5, 0.4) or list(found)[:5]
        raise InputError(
            f"run {record.id} has no rich value {name!r}",
            f"there are: {', '.join(near)}" if near else "none was logged",
        )
    if step is None:
        return found[name][-1]
    at_step = [each for each in found[name] if each.step == step]
    if not at_step:
        steps = ", ".join(f"{each.step:g}" for each in found[name][:10] if each.step is not None)
        more = ", …" if len(found[name]) > 10 else ""
        raise InputError(f"{name!r} has no value at step {step:g}", f"its steps: {steps}{more}")
    return at_step[-1]
