"""The messages in a `.wandb` file that say what a run is, by the numbers of wandb/proto/wandb_internal.proto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HISTORY, SUMMARY, OUTPUT, CONFIG, FILES, STATS, ARTIFACT, ALERT = 2, 3, 4, 5, 6, 7, 8, 10
TELEMETRY, METRIC, OUTPUT_RAW, RUN, EXIT, FINAL, HEADER, FOOTER = 11, 12, 13, 17, 18, 20, 21, 22
USE_ARTIFACT, ENVIRONMENT = 25, 26

KINDS = frozenset(
    (
        HISTORY,
        SUMMARY,
        CONFIG,
        FILES,
        STATS,
        ARTIFACT,
        ALERT,
        TELEMETRY,
        METRIC,
        RUN,
        EXIT,
        USE_ARTIFACT,
        ENVIRONMENT,
    )
)
"""Numbers of the records that are read."""

Shape = Mapping[int, tuple[str, Any]]
"""Of a message: number → name and kind. A kind is `str`, `bytes`, `int`, `bool`, `float`, another shape, or [it]."""

TIME: Shape = {1: ("seconds", int), 2: ("nanos", int)}
_GIT: Shape = {1: ("remote", str), 2: ("commit", str)}
_PAIR: Shape = {1: ("key", str), 2: ("value", str)}
_TELEMETRY: Shape = {4: ("python", str), 5: ("cli", str), 6: ("huggingface", str), 13: ("platform", str)}
_ENTRY: Shape = {1: ("path", str), 2: ("digest", str), 3: ("ref", str), 4: ("size", int)}

SHAPES: Mapping[int, Shape] = {
    RUN: {
        1: ("id", str), 2: ("entity", str), 3: ("project", str), 4: ("config", bytes), 5: ("summary", bytes),
        6: ("group", str), 7: ("job_type", str), 8: ("name", str), 9: ("notes", str), 10: ("tags", [str]),
        12: ("sweep", str), 13: ("host", str), 14: ("starting_step", int), 17: ("start", TIME), 18: ("resumed", bool),
        19: ("telemetry", _TELEMETRY), 20: ("runtime", int), 21: ("git", _GIT), 22: ("forked", bool),
        23: ("branch", {1: ("run", str), 2: ("value", float), 3: ("metric", str)}),
    },
    EXIT: {1: ("code", int), 2: ("runtime", int)},
    ENVIRONMENT: {
        1: ("os", str), 2: ("python", str), 3: ("started", TIME), 4: ("docker", str), 5: ("args", [str]),
        6: ("program", str), 7: ("code_path", str), 8: ("code_path_local", str), 9: ("git", _GIT), 11: ("root", str),
        12: ("host", str), 13: ("user", str), 14: ("executable", str), 16: ("cores", int), 17: ("threads", int),
        18: ("gpu", str), 19: ("gpus", int), 21: ("memory", {1: ("total", int)}),
        22: ("cpu", {1: ("count", int), 2: ("threads", int), 3: ("model", str)}),
        23: ("apple", {1: ("name", str), 4: ("gpu_cores", int), 6: ("swap", int), 7: ("memory", int)}),
        24: ("nvidia", [{1: ("name", str), 2: ("memory", int), 4: ("architecture", str), 5: ("uuid", str)}]),
        25: ("cuda", str), 26: ("amd", [{2: ("uuid", str), 8: ("series", str), 9: ("model", str)}]),
        27: ("slurm", [_PAIR]),
    },
    METRIC: {
        1: ("name", str), 2: ("glob", str), 4: ("step_metric", str), 8: ("goal", int),
    },
    TELEMETRY: _TELEMETRY,
    FILES: {1: ("files", [{1: ("path", str)}])},
    ARTIFACT: {
        1: ("run", str), 2: ("project", str), 3: ("entity", str), 4: ("type", str), 5: ("name", str),
        6: ("digest", str), 7: ("description", str), 8: ("metadata", str), 11: ("aliases", [str]),
        12: ("manifest", {4: ("contents", [_ENTRY])}), 15: ("client_id", str), 19: ("tags", [str]),
        20: ("algorithm", str),
    },
    ALERT: {1: ("title", str), 2: ("text", str), 3: ("level", str)},
    USE_ARTIFACT: {1: ("id", str), 2: ("type", str), 3: ("name", str)},
}  # fmt: skip
"""The messages that `decode` understands, by the number of their record."""
