"""Runs every benchmark and prints the table that `docs/performance.md` holds.

python -m tests.benchmarks [NAME…]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run the named benchmarks, or all, each in a process of its own."""
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("bench_*.py"))
    print("| what | measured | budget | against | ratio |\n|---|---:|---:|---|---:|")
    for name in names:
        finished = subprocess.run(
            [sys.executable, "-m", f"tests.benchmarks.{name}"],
            cwd=HERE.parent.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        for line in finished.stdout.splitlines():
            if line.startswith("{"):
                print(_row(json.loads(line)), flush=True)
        if finished.returncode:
            print(f"| {name} failed with exit code {finished.returncode} | | | | |", flush=True)


def _row(figure: dict[str, object]) -> str:
    def number(key: str) -> str:
        value = figure.get(key)
        return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)

    unit = figure.get("unit") or ""
    peer = figure.get("peer") or ""
    beside = (
        f"{peer}: {number('peer_value')} {unit}"
        if peer and figure.get("peer_value") is not None
        else str(peer)
    )
    budget = f"{number('budget')} {unit}" if figure.get("budget") is not None else ""
    return f"| {figure['what']} | {number('value')} {unit} | {budget} | {beside} | {number('ratio')} |"


if __name__ == "__main__":
    main()
