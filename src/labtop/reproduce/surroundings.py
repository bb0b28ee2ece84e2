"""Randomness, variables and hardware: what a plan sets, and what it can only say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from labtop.model.run import Gpu, Hardware, RunRecord
from labtop.model.trackers import OURS, nothing_of
from labtop.model.variables import is_placement
from labtop.reproduce.shell import is_variable, quote_argument, secrets_in
from labtop.reproduce.step import Finding, Part, Step


def variables_to_set(record: RunRecord) -> dict[str, str]:
    """The recorded variables that say how to compute, not where; PYTHONHASHSEED as the run had it."""
    chosen = {
        name: value
        for name, value in record.environment.variables.items()
        if is_variable(name) and not is_placement(name) and "\0" not in value
    }
    hash_seed = str(record.randomness.flags.get("PYTHONHASHSEED", ""))
    if hash_seed.isdecimal():
        chosen["PYTHONHASHSEED"] = hash_seed
    return chosen


def plan_surroundings(record: RunRecord) -> Part:
    """Variables to set, and what was found about randomness and hardware."""
    variables = variables_to_set(record)
    lines = tuple(f"export {name}={quote_argument(value)}" for name, value in variables.items())
    steps = (Step("variables that were set", lines),) if lines else ()
    return Part((*_randomness(record), *_secrets(record), *_hardware(record.hardware)), steps)


def _randomness(record: RunRecord) -> Iterator[Finding]:
    randomness = record.randomness
    if randomness.seeds:
        seeds = ", ".join(f"{name} {seed}" for name, seed in randomness.seeds.items())
        yield Finding("randomness", "ok", f"seeded by the run itself: {seeds}")
    unseeded = [name for name in randomness.imported if name not in randomness.seeds]
    if unseeded:
        yield Finding("randomness", "warn", f"never seeded, so different each time: {', '.join(unseeded)}")
    elif not randomness.seeds:
        tracker = record.source.tracker
        words = "no seed was recorded" if tracker == OURS else nothing_of(tracker, "seed", "seed")
        yield Finding("randomness", "missing", words)


def _secrets(record: RunRecord) -> Iterator[Finding]:
    for name in secrets_in((*record.command.argv, *variables_to_set(record).values())):
        if name in os.environ:
            yield Finding("configuration", "ok", f"${name} is set here; it was a secret and is not recorded")
        else:
            yield Finding(
                "configuration", "missing", f"${name} is not set: it was a secret and is not recorded"
            )


def _hardware(then: Hardware) -> Iterator[Finding]:
    if not (then.cpu or then.gpus):
        return
    from labtop.recording.capture.hardware import capture_hardware

    now = capture_hardware()
    if then.gpus or now.gpus:
        same = _names(then.gpus) == _names(now.gpus)
        words = f"{_names(then.gpus)} then, {_names(now.gpus)} now"
        yield Finding("hardware", "ok" if same else "warn", f"GPU: {_names(then.gpus) if same else words}")
        drivers = _drivers(then.gpus), _drivers(now.gpus)
        if now.gpus and then.gpus and drivers[0] != drivers[1]:
            yield Finding("hardware", "warn", f"driver {drivers[0]} then, {drivers[1]} now")
    if then.cpu and now.cpu:
        same = then.cpu == now.cpu
        words = f"{then.cpu} then, {now.cpu} now"
        yield Finding("hardware", "ok" if same else "warn", f"CPU: {then.cpu if same else words}")


def _names(gpus: tuple[Gpu, ...]) -> str:
    counted = Counter(gpu.name for gpu in gpus)
    return ", ".join(f"{n} × {name}" if n > 1 else name for name, n in counted.items()) or "none"


def _drivers(gpus: tuple[Gpu, ...]) -> str:
    return ", ".join(sorted({gpu.driver or "unknown" for gpu in gpus}))
