"""Runs under another Python, one that has the `aim` package: writes what Aim says of runs as lines of JSON.

Usage: `python dump.py REPOSITORY`, with a copy of a repository; hashes of runs come in, a line each. It needs nothing
of labtop. A repository that was never indexed is read too: runs are opened by their hash and not by the index.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

_SLICE = 20_000
_KEPT_COLUMNS = ("val", "time")


def main(repository: str) -> None:
    """Answer each hash on stdin with lines of JSON, and `{"end": hash}` after the last."""
    output = sys.stdout
    sys.stdout = sys.stderr  # what the package prints must not come between
    aim = importlib.import_module("aim")
    opened = aim.Repo(repository)
    for line in sys.stdin:
        name = line.strip()
        try:
            try:
                run = aim.Run(name, repo=opened, read_only=True)
                meta = run.meta_run_tree.collect()
            except KeyError:  # old ones list once which runs are there, and its files came since
                opened = aim.Repo(repository)
                run = aim.Run(name, repo=opened, read_only=True)
                meta = run.meta_run_tree.collect()
            for told in _run(run, meta):
                output.write(json.dumps(told, default=_as_text, skipkeys=True) + "\n")
        except Exception as error:  # of a run that is damaged or half written; the next one is read
            output.write(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}) + "\n")
        output.write(json.dumps({"end": name}) + "\n")
        output.flush()


def _run(run: Any, meta: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"attributes": _plain(meta.get("attrs") or {}), "end_time": meta.get("end_time")}
    for kind, context, name in _others(meta):
        trace = ((meta.get("traces") or {}).get(context) or {}).get(name) or {}
        about = (meta.get("contexts") or {}).get(context) or {}
        yield {"other": name, "kind": kind, "context": _plain(about), "step": trace.get("last_step")}
    for metric in _metrics(run):
        head = {"metric": metric.name, "context": _plain(metric.context.to_dict())}
        try:
            yield from _points(head, metric.data)
        except Exception as error:
            yield {**head, "error": f"{type(error).__name__}: {error}"[:500]}


def _others(meta: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Kind, context and name of what is no metric; before 3.20 only the type of its values tells."""
    if "typed_traces" in meta:
        for kind, contexts in meta["typed_traces"].items():
            if kind != "metric":
                yield from ((kind, context, name) for context, names in contexts.items() for name in names)
        return
    for context, names in (meta.get("traces") or {}).items():
        for name, trace in names.items():
            kind = str((trace or {}).get("dtype") or "").removeprefix("list(").removesuffix(")")
            if kind.startswith("aim."):
                yield kind.removeprefix("aim.") + "s", context, name


def _metrics(run: Any) -> Iterator[Any]:
    """The metrics of a run, asked for one by one: those of an archived run are in no collection."""
    if not hasattr(run, "iter_metrics_info"):
        yield from run.metrics()
        return
    for name, context, _ in run.iter_metrics_info():
        metric = run.get_metric(name, context)
        if metric is not None:
            yield metric


def _points(head: dict[str, Any], data: Any) -> Iterator[dict[str, Any]]:
    steps, columns = data.items_list()
    by_name = {name: values for (name, _), values in zip(data.columns, columns) if name in _KEPT_COLUMNS}  # noqa: B905
    values, times = by_name["val"], by_name.get("time") or []
    for at in range(0, max(len(values), 1), _SLICE):
        end = at + _SLICE
        yield {
            **head,
            "steps": [_number(each) for each in steps[at:end]],
            "values": [_number(each) for each in values[at:end]],
            "times": [_number(each) for each in times[at:end]],
        }


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _plain(value: Any, depth: int = 0) -> Any:
    """A value of Aim as one of JSON; keys become text."""
    if depth > 50:
        return None
    if isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1) for each in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else _as_text(value)


def _as_text(value: Any) -> str:
    return str(value)[:10_000]


if __name__ == "__main__":
    main(sys.argv[1])
