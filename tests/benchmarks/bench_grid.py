"""What the grid costs at 200×50 on 100,000 rows × 30 columns, beside Textual's DataTable and a bare Textual app.

python -m tests.benchmarks.bench_grid [rows]
"""

from __future__ import annotations

import json
import statistics
import sys

from tests.terminal import Answer, Terminal

DOWN, UP, PAGE_DOWN, RIGHT = b"\x1b[B", b"\x1b[A", b"\x1b[6~", b"\x1b[C"
PLAIN = {"LANG": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": None}
PATIENCE_S = 300


def main() -> None:
    """Measure the three apps and print a JSON line a figure."""
    rows = sys.argv[1] if len(sys.argv) > 1 else "100000"
    bare, _ = run("bare", rows, ())
    start, grid = run("grid", rows, (DOWN, PAGE_DOWN, RIGHT))
    peer_start, peer = run("datatable", rows, (DOWN, PAGE_DOWN, RIGHT))
    where = f"{int(rows):,} × 30"
    report(f"grid: first rows, {where}", start["s"], "s", 1.0, "DataTable", peer_start["s"])
    report("grid: first rows", start["s"], "s", None, "bare Textual app", bare["s"])
    report(f"grid: memory, {where}", start["mb"], "MB", 100, "DataTable", peer_start["mb"])
    report("grid: cursor key", size(grid[DOWN]), "B", 800, "DataTable", size(peer[DOWN]))
    report("grid: cursor key, first byte", first(grid[DOWN]), "ms", 8, "DataTable", first(peer[DOWN]))
    text = statistics.median(len(answer.text) for answer in grid[PAGE_DOWN])
    report("grid: page", size(grid[PAGE_DOWN]), "B", 1.6 * text, "the text on the screen", text)
    report("grid: page", size(grid[PAGE_DOWN]), "B", None, "DataTable", size(peer[PAGE_DOWN]))
    report("grid: page, first byte", first(grid[PAGE_DOWN]), "ms", 20, "DataTable", first(peer[PAGE_DOWN]))
    report("grid: column key", size(grid[RIGHT]), "B", None, "DataTable", size(peer[RIGHT]))
    report("grid: idle", start["idle"], "B in 3 s", 0, "", None)


def run(kind: str, rows: str, keys: tuple[bytes, ...]) -> tuple[dict[str, float], dict[bytes, list[Answer]]]:
    """Start an app and press each key seven times."""
    terminal = Terminal("-m", "tests.benchmarks.grid_demo", kind, rows, columns=200, rows=50, env=PLAIN)
    try:
        seconds, _ = terminal.start(b"sweep-000003", PATIENCE_S)
        answers = {key: [terminal.key(key) for _ in range(7)] for key in keys}
        idle = len(terminal.read(quiet=3, limit=3).data)
        return {"s": seconds, "mb": terminal.memory_mb(), "idle": idle}, answers
    finally:
        terminal.close()


def size(answers: list[Answer]) -> float:
    """The median of bytes."""
    return statistics.median(len(answer.data) for answer in answers)


def first(answers: list[Answer]) -> float:
    """The median of milliseconds to the first byte."""
    return statistics.median(answer.first_ms for answer in answers if answer.first_ms is not None)


def report(
    what: str, value: float, unit: str, budget: float | None, peer: str, peer_value: float | None
) -> None:
    """Print one figure."""
    figure = {
        "what": what,
        "value": round(value, 3),
        "unit": unit,
        "budget": None if budget is None else round(budget, 3),
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
        "ratio": round(value / peer_value, 4) if peer_value else None,
    }
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
