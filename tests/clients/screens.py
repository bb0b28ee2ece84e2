"""Compares what is on the screens of labtop with what the client that wrote the logs tells: text against figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from labtop import api
from tests.clients.comparing import flat, key_of
from tests.clients.telling import Row, Told
from tests.tui.shell_app import Driver, labtop

SIGNS = {"finished": "✓", "failed": "✗", "running": "▸", "killed": "⊘"}
_WIDTH, _HEIGHT = 180, 90
_MOST_RUNS = 2  # those with the most to show
_MOST_METRICS = 12  # of a run that has more, the screen may not have room for all
_LONGEST = 30


async def differences_on_screens(folder: Path, told: dict[str, Told]) -> list[str]:
    """What the table of runs and the screen of each run show otherwise than told, a sentence each."""
    with api.open(folder) as store:
        records = map(store.record, [each["id"] for each in store.runs(archived=True).iter_rows(named=True)])
        told = {
            record.id: told[key_of(record.source.uri, record.source.run_id, folder, told)]
            for record in records
        }
    async with labtop(folder, (_WIDTH, _HEIGHT)) as driver:
        names = driver.names()
        expected = sorted(run.name for run in told.values() if run.name and not run.archived)
        said = [] if not expected or sorted(names) == expected else [f"names: told {expected}, shown {names}"]
        lines = driver.screen.splitlines()
        for run in told.values():
            if run.name and not run.archived and run.status in SIGNS:
                line = f"{SIGNS[run.status]} {run.name[:_LONGEST]}"
                if not any(line in each for each in lines):
                    said.append(f"{line} is not in the table")
        wanted = sorted(told.values(), key=lambda run: -len(run.points) - len(run.params or {}))[:_MOST_RUNS]
        rows = driver.runs.loaded.selection.rows if driver.runs.loaded else ()
        for (run_id,) in driver.app.session.catalog.cells(rows, ["id"]):
            if told[run_id] in wanted:
                said += await _of_a_run(driver, told[run_id], run_id)
                await driver.press("q")
            await driver.press("down")
        return said


async def _of_a_run(driver: Driver, run: Told, run_id: str) -> list[str]:
    """What the Run screen of the run under the cursor shows otherwise than told."""
    await driver.press("enter")
    assert f"  {run_id}  " in f"{driver.title}  "
    lines = [line.split("│")[0].strip() for line in driver.screen.splitlines()]
    facts = [("status", run.status), ("name", run.name), ("project", run.project)]
    said = [
        f"{run.key}: no line {name}  {value}"
        for name, value in facts
        if value and not any(line.split(maxsplit=1)[:1] == [name] and value in line for line in lines)
    ]
    for name, rows in sorted(run.points.items()):
        if len(name) <= _LONGEST and len(run.points) <= _MOST_METRICS:
            said += [f"{run.key}: {each}" for each in _of_a_metric(name, rows, run, lines)]
    for name, value in flat(run.params or {}).items():
        text = _word(value)
        if len(name) + len(text) > _LONGEST or "\n" in text or text in ("", "{}"):
            continue
        shown = [line.removeprefix(name).strip() for line in lines if line.startswith(f"{name} ")]
        if not any(_is_same(text, each) for each in shown):
            said.append(f"{run.key}: param {name} is not shown as {text} but {shown}")
    return said


def _of_a_metric(name: str, rows: list[Row], run: Told, lines: list[str]) -> list[str]:
    shown = [line.removeprefix(name).split() for line in lines if line.startswith(f"{name} ")]
    for cells in shown:
        if len(cells) > 3 and cells[3].replace(",", "") == str(len(rows)):
            last = run.last.get(name, rows[-1][1])
            if _is_close(float(cells[0].replace(",", "")), float(last)):
                return []
    return [f"{name}: told {len(rows)} points, the last {rows[-1][1]}, shown {shown}"]


def _is_close(shown: float, told: float) -> bool:
    """Equal as far as the three or more digits go that are shown."""
    if not math.isfinite(told):
        return repr(shown) == repr(told)
    return math.isclose(shown, told, rel_tol=6e-3)


def _is_same(told: str, shown: str) -> bool:
    """The same text, or the same value as JSON writes it: a tracker of texts may have had `(1, 2)` or `True`."""
    words = {"True": "true", "False": "false", "None": "null"}
    shown, _, written = shown.partition("  written ")
    if written:
        return written == told
    try:
        return float(told) == float(shown)
    except ValueError:
        return shown in (told, words.get(told), told.replace("(", "[").replace(")", "]").replace("'", '"'))


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return value if isinstance(value, str) else repr(value).replace("'", '"')
