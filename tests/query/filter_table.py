"""A small run table for tests of filters, with every type of column and every kind of hole in it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from labtop.model.columns import COLUMN_TYPES, FIELDS, Column
from labtop.query.engine import Engine, quote_name
from labtop.query.filter import compile_filter

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def param(name: str, type_name: str) -> Column:
    return Column(f"params.{name}", name, "param", COLUMN_TYPES[type_name])


def metric(name: str) -> Column:
    return Column(f"metrics.{name}", name, "metric", COLUMN_TYPES["number"])


COLUMNS: tuple[Column, ...] = (
    *FIELDS,
    param("lr", "number"),
    param("optimizer", "text"),
    param("amp", "boolean"),
    param("width", "integer"),
    param("norm", "mixed"),
    param("model.depth", "integer"),
    param("optim.decay", "number"),
    param("sched.decay", "number"),
    param("weight decay", "number"),
    param("top-k", "integer"),
    metric("lr"),
    metric("loss"),
    metric("val/loss"),
    metric("val/acc"),
)
STATISTICS = ("min", "max", "first", "mean", "count")


def run(number: int, **values: Any) -> dict[str, Any]:
    """One row; columns that are not named are null."""
    return {"row": number, "id": f"run{number}", "name": f"run {number}", "tags": [], **values}


RUNS = (
    run(
        0, name="base-resnet", status="finished", tags=["paper", "final"], notes="Looks good",
        started_at=NOW - timedelta(hours=1), duration_s=7300.0, exit_code=0, dirty=False,
        **{"params.lr": 0.001, "params.optimizer": "adam", "params.amp": True, "params.width": 64,
           "params.norm": '"layer"', "params.model.depth": 4, "params.weight decay": 0.5, "params.top-k": 5,
           "metrics.val/loss": 0.41, "metrics.val/loss.min": 0.4, "metrics.val/acc": 0.9,
           "metrics.val/acc.max": 0.95, "metrics.loss": 1.0, "metrics.lr": 1e-5, "metrics.loss.count": 10},
        environment='{"python":"3.11.9","packages":{"torch":"2.10.0"},"variables":{"CUDA_VISIBLE_DEVICES":"0"}}',
    ),
    run(
        1, name="base-vit", status="failed", tags=["draft"], started_at=NOW - timedelta(days=1, hours=2),
        duration_s=10.0, exit_code=1, dirty=True, error="ValueError: 100% wrong",
        **{"params.lr": 0.01, "params.optimizer": "sgd", "params.amp": False, "params.width": 128,
           "params.norm": "2.5", "params.model.depth": 8, "params.optim.decay": 0.1,
           "metrics.val/loss": math.nan, "metrics.val/loss.min": 0.7, "metrics.val/acc": 0.5,
           "metrics.val/acc.max": 0.6, "metrics.loss": math.inf},
        environment='{"python":"3.12.1","packages":{"torch":"2.9.1"}}',
    ),
    run(
        2, name="it's \"odd\"\x1b[31m", status="running", notes="resnet with paper",
        started_at=NOW - timedelta(days=40),
        **{"params.optimizer": "Adam W", "params.norm": '["a"]', "metrics.val/loss": -0.0},
    ),
    run(3, name=None, tags=None, status="crashed", **{"params.lr": math.nan}),
)  # fmt: skip


def table() -> Engine:
    """An engine with `run_index` and `documents` as the catalog has them."""
    engine = Engine(threads=1)
    types = {column.key: column.type.sql for column in COLUMNS}
    for column in COLUMNS:
        if column.kind == "metric":
            types |= {f"{column.key}.{end}": "BIGINT" if end == "count" else "DOUBLE" for end in STATISTICS}
    engine.execute(
        f"CREATE TABLE run_index (row UINTEGER, {', '.join(f'{quote_name(key)} {sql}' for key, sql in types.items())})"
    )
    engine.execute("CREATE TABLE documents (row UINTEGER, environment VARCHAR)")
    for each in RUNS:
        keys = [key for key in each if key == "row" or key in types]
        names, marks = ", ".join(map(quote_name, keys)), ", ".join("?" for _ in keys)
        values = [
            value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for value in map(each.get, keys)
        ]
        engine.execute(f"INSERT INTO run_index ({names}) VALUES ({marks})", values)
        engine.execute("INSERT INTO documents VALUES (?, ?)", [each["row"], each.get("environment")])
    return engine


def rows_of(text: str, engine: Engine) -> list[int]:
    """The rows that a filter lets through."""
    compiled = compile_filter(text, COLUMNS, engine, NOW)
    return [
        row
        for (row,) in engine.query(
            f"SELECT row FROM run_index WHERE {compiled.sql} ORDER BY row", compiled.parameters
        )
    ]
