"""What a client says of the runs that it logged, in one form for all; imported where only that client is installed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Row = tuple[float, float, int | None]
"""Step, value, microseconds since 1970; None where the client keeps no time of a point."""


@dataclass
class Told:
    """A run as its client reads it; None and what is not there are not compared."""

    key: str
    """The tracker's own id, or where the run lies below the folder of logs."""
    name: str | None = None
    project: str | None = None
    status: str | None = None
    params: dict[str, Any] | None = None
    points: dict[str, list[Row]] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    """Where the client has an answer of its own for the last value."""
    started_us: int | None = None
    ended_us: int | None = None
    tags: list[str] | None = None
    group: str | None = None
    notes: str | None = None
    parent: str | None = None
    archived: bool | None = None
    artifacts: list[str] | None = None
    summary: dict[str, Any] | None = None
    models: list[list[Any]] | None = None
    """Versions of registered models that the run made: name, version, aliases."""


def places() -> tuple[Path, Path]:
    """The folder to log into and the file for what is told: the arguments of each of these programs."""
    folder, told = map(Path, sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    return folder, told


def tell(path: Path, runs: list[Told]) -> None:
    """Write what a client says; NaN and infinities as Python's JSON has them."""
    path.write_text(json.dumps([asdict(run) for run in runs]), "utf-8")


def read_told(path: Path) -> list[Told]:
    """Read what a client said."""
    return [Told(**run) for run in json.loads(path.read_text("utf-8"))]
