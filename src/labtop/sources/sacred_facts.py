"""What `run.json` of Sacred says beside status and times: code, packages, machine, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labtop.formats.traceback_text import raised
from labtop.model.run import (
    Artifact,
    Beat,
    Code,
    Command,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    Life,
    Process,
    RunError,
)
from labtop.sources.references import reference
from labtop.sources.side_files import utc_time

_STORED = re.compile(r"_(?P<md5>[0-9a-f]{32})(?:\.[^./]*)?$")
_BEAT_S = 10.0
_MEGABYTE = 2**20


def life(run: Mapping[str, Any]) -> Life:
    """The command within the experiment as job type, the comment as notes, the last heartbeat, the error."""
    meta = _mapping(run.get("meta"))
    options = _mapping(meta.get("options"))
    comment = meta.get("comment") or options.get("--comment") or options.get("comment")
    host = _mapping(run.get("host")).get("hostname")
    beat = utc_time(run.get("heartbeat"))
    return Life(
        job_type=_text(run.get("command")) or _text(meta.get("command")),
        notes=str(comment or ""),
        error=_error(run.get("fail_trace")),
        beat=Beat(interval_s=_beat_interval(options), at=beat.timestamp()) if beat else None,
        process=Process(host=_text(host)) if host else None,
    )


def _beat_interval(options: Mapping[str, Any]) -> float:
    try:
        return float(options.get("--beat-interval") or options.get("beat_interval") or _BEAT_S)
    except (TypeError, ValueError):
        return _BEAT_S


def _error(trace: Any) -> RunError | None:
    if not isinstance(trace, list) or not trace:
        return None
    lines = "".join(map(str, trace)).splitlines()
    found = raised(lines)
    if found is None:
        return RunError(message=lines[-1] if lines else "")
    return RunError(type=found.type, message=found.message, where=found.where)


def command(run: Mapping[str, Any]) -> Command:
    """The script and where it lay; Sacred does not keep the command line."""
    experiment = _mapping(run.get("experiment"))
    return Command(cwd=_text(experiment.get("base_dir")), entry_point=_text(experiment.get("mainfile")))


def code(experiment: Mapping[str, Any]) -> Code:
    """The first repository; `dirty` as Sacred saw it."""
    repositories = experiment.get("repositories")
    for each in repositories if isinstance(repositories, list) else []:
        if isinstance(each, dict):
            dirty = each.get("dirty")
            return Code(
                commit=_text(each.get("commit")),
                remote=_text(each.get("url")),
                dirty=dirty if isinstance(dirty, bool) else None,
            )
    return Code()


def environment(run: Mapping[str, Any]) -> Environment:
    """Python, packages and the variables that were captured."""
    host = _mapping(run.get("host"))
    system = host.get("os")
    dependencies = _mapping(run.get("experiment")).get("dependencies")
    packages = {}
    for each in dependencies if isinstance(dependencies, list) else []:
        # of old versions a pair, of new ones "name==version"
        name, version = (
            each[:2] if isinstance(each, list) and len(each) == 2 else str(each).partition("==")[::2]
        )
        packages[str(name)] = str(version)
    return Environment(
        python=_text(host.get("python_version")),
        os=_text(system[-1]) if isinstance(system, list) and system else _text(system),
        packages=packages,
        packages_partial=True if packages else None,  # what the script imported, not what was installed
        variables={name: str(value) for name, value in _mapping(host.get("ENV")).items()},
    )


def hardware(host: Mapping[str, Any]) -> Hardware:
    """Processor and GPUs; `total_memory` of a GPU is in MiB."""
    told = _mapping(host.get("gpus"))
    listed = told.get("gpus")
    gpus = []
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("model"):
            memory = each.get("total_memory")
            gpus.append(
                Gpu(
                    name=str(each["model"]),
                    memory_bytes=memory * _MEGABYTE if type(memory) is int else None,
                    driver=_text(told.get("driver_version")),
                )
            )
    return Hardware(cpu=_text(host.get("cpu")), gpus=tuple(gpus))


def artifacts(folder: Path, run: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """Files that the run added, and the sources that were copied; they lie in the run's folder and beside it."""
    listed = run.get("artifacts")
    found = []
    if isinstance(listed, dict):
        listed = [{"name": name, "filename": path} for name, path in listed.items()]
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            name = str(each.get("name") or each.get("filename") or "")
            found.append(reference(folder, name, str(each.get("filename") or name)))
        else:
            found.append(reference(folder, str(each)))
    sources = _mapping(run.get("experiment")).get("sources")
    for name, stored in _pairs(sources):
        found.append(reference(folder.parent, name, stored, kind="code"))
    return tuple(found)


def resources(run: Mapping[str, Any]) -> tuple[DataInput, ...]:
    """Files that the run opened; the MD5 of a copied one is in the name of its copy."""
    found = []
    for path, stored in _pairs(run.get("resources")):
        digest = _STORED.search(stored)
        found.append(
            DataInput(
                name=Path(path).name or path,
                uri=path,
                kind="file",
                digest=digest["md5"] if digest else None,
                algorithm="md5" if digest else None,
            )
        )
    return tuple(found)


def _pairs(listed: Any) -> list[tuple[str, str]]:
    pairs = listed if isinstance(listed, list) else []
    return [(str(each[0]), str(each[1])) for each in pairs if isinstance(each, list) and len(each) == 2]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and str(value) else None
