"""The first useful screen of `labtop sample_runs`, later starts, beside a bare Textual app, and what both hold.

    python -m tests.benchmarks.bench_start [STORE] [TIMES]

Both run on a pty of 120×40, by turns; a start is over when the text of a row is on the screen. The bare app is an
`App` with one `Static`. Before it is measured, labtop is opened and left once, so that it knows what was on the screen.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from labtop.query.catalog import Catalog, TableQuery
from tests.terminal import ROOT, Terminal

BARE_TEXT = b"bare-and-ready"
BARE = f"""
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static({BARE_TEXT.decode()!r})

Bare().run()
"""
FLOOR = """
import sys, time
from textual.app import App
from textual.widgets import Static
import duckdb

class Bare(App):
    def compose(self):
        yield Static('bare-and-ready')
    def on_mount(self):
        connection = duckdb.connect()
        connection.execute('SELECT * FROM read_parquet(?)', [sys.argv[1]]).fetchall()
        self.connection = connection

Bare().run()
"""


def say(what: str, value: float, unit: str, budget: float | None, peer: str, peer_value: float) -> None:
    """One figure as a JSON line."""
    figure = {"what": what, "value": round(value, 3), "unit": unit, "budget": budget, "peer": peer}
    print(json.dumps({**figure, "peer_value": round(peer_value, 3), "ratio": round(value / peer_value, 2)}))


def compiled(folder: Path) -> dict[str, str | None]:
    """What lets programs start from compiled modules, as installed ones do, also where writing those is off."""
    return {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def first_name(store: Path, cache: Path) -> bytes:
    """The name that stands in the first row."""
    catalog = Catalog(store, cache_root=cache / "labtop")
    catalog.refresh()
    ((name,),) = catalog.cells(catalog.select(TableQuery()).rows[:1], ["name"])
    catalog.close()
    return str(name).encode()


def start(command: list[str], wanted: bytes, env: dict[str, str | None]) -> float:
    """Seconds until `wanted` is on the screen of a program, which is then ended."""
    terminal = Terminal(*command, columns=120, rows=40, env=env)
    seconds, seen = terminal.start(wanted)
    terminal.close()
    if wanted not in seen:
        sys.exit(f"{command}: {wanted!r} never came: {seen[-300:]!r}")
    return seconds


def memory(command: list[str], wanted: bytes, env: dict[str, str | None], settle_s: float = 2.0) -> float:
    """Resident megabytes of a program some time after its screen is there."""
    terminal = Terminal(*command, columns=120, rows=40, env=env)
    terminal.start(wanted)
    terminal.read(limit=settle_s, quiet=settle_s)
    held = terminal.memory_mb()
    terminal.close()
    return held


def remember_screen(command: list[str], wanted: bytes, env: dict[str, str | None]) -> None:
    """Open labtop once and leave it, so that the cache and the last screen are there."""
    terminal = Terminal(*command, columns=120, rows=40, env=env)
    terminal.start(wanted)
    terminal.read(limit=2, quiet=1)
    os.write(terminal.fd, b"\x11")  # ctrl+q
    deadline = time.monotonic() + 20
    while os.waitpid(terminal.pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        terminal.read(limit=0.1, quiet=0.05)
    os.close(terminal.fd)


def main() -> None:
    """Measure and print a JSON line a figure."""
    store = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "sample_runs"
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    record = next(iter(sorted(store.glob("*/*/run.parquet"))))
    with tempfile.TemporaryDirectory(prefix="labtop-bench-") as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        (folder / "floor.py").write_text(FLOOR)
        env: dict[str, str | None] = {
            f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG", "DATA")
        }
        env |= compiled(folder)
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        ours, bare = ["-m", "labtop", str(store)], [str(folder / "bare.py")]
        text = first_name(store, folder / "cache")
        remember_screen(ours, text, env)
        start(bare, BARE_TEXT, env)
        taken: dict[str, list[float]] = {"labtop": [], "bare": []}
        for _ in range(times):
            taken["bare"].append(start(bare, BARE_TEXT, env))
            taken["labtop"].append(start(ours, text, env))
        bare_s, labtop_s = (statistics.median(taken[each]) for each in ("bare", "labtop"))
        say(
            "start: the screen it was left with",
            labtop_s,
            "s",
            round(1.25 * bare_s, 3),
            "a bare Textual app",
            bare_s,
        )
        held = memory(ours, text, env)
        floor = memory([str(folder / "floor.py"), str(record)], BARE_TEXT, env)
        say("start: memory", held, "MB", 100, "Textual and DuckDB with one record read", floor)


if __name__ == "__main__":
    main()
