"""One run folder of Guild: its attributes, scalars and files as a record."""

from __future__ import annotations

import os
import re
import shlex
import signal
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.tensorboard import Scalar, is_event_file, read_scalars
from labtop.formats.tfrecord import Damage
from labtop.model.run import (
    Artifact,
    Code,
    Command,
    DataInput,
    Environment,
    Hardware,
    Life,
    Process,
    Randomness,
    RunRecord,
    Source,
    Status,
)
from labtop.sources.references import reference
from labtop.sources.side_files import SideFiles, epoch_time, files_below, last_write
from labtop.sources.source import NO_TIME, Curve, RunRead

_LONGEST_OPREF = 4096
_MOST_ATTRIBUTES = 200
_MOST_FILES = 2_000
_MOST_ARTIFACTS = 500
_UNREAD = frozenset(
    ("env", "op", "run_params", "id", "plugins")
)  # `env` is all variables, secrets among them
_COMMIT = re.compile(r"(?:git:)?(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})(?P<dirty>\*?)")
_PIN = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*==\s*([^\s;#]+)")
_MILLION = 1e6


def read_run(folder: Path, key: str, is_archived: bool) -> RunRead:
    """Read a run; `is_archived` says that it lies in the trash."""
    files = SideFiles(folder / ".guild")
    told = _attributes(files)
    operation, project = _opref(files.text("opref") or "")
    curves = _scalars(folder, files)
    below = list(files_below(folder, _MOST_FILES))
    exit_status = told.get("exit_status")
    record = RunRecord(
        id="",
        name=_text(told.get("label")) or operation or folder.name[:8],
        project=project,
        status=_status(folder / ".guild", exit_status),
        started_at=_time(told.get("started")) or _time(told.get("initialized")),
        ended_at=_time(told.get("stopped")),
        params=files.mapping("attrs/flags", told.get("flags")),
        summary={},
        life=_life(told, operation, is_archived),
        command=Command(argv=tuple(map(str, _list(told.get("cmd"))))),
        code=_code(told),
        data=tuple(_data(told.get("deps"))),
        randomness=_randomness(told.get("random_seed")),
        environment=_environment(told),
        hardware=_hardware(told),
        artifacts=tuple(_artifacts(folder, below, told)),
        source=Source(
            tracker="guild", uri=str(folder), run_id=folder.name, problems=files.problems.all()
        ),
    )  # fmt: skip
    output = folder / ".guild" / "output"
    written = [*(each for each in below if is_event_file(each.name)), output, folder / ".guild/attrs/started"]
    return RunRead(
        key=key,
        record=record,
        identity=f"guild:{folder.name}" if len(folder.name) >= 32 else "",
        curves=curves,
        folder=folder,
        last_write=last_write(written),
        output=output if output.is_file() and not output.is_symlink() else None,
    )


def _attributes(files: SideFiles) -> dict[str, Any]:
    """What the attributes say, a YAML value a file."""
    try:
        with os.scandir(files.folder / "attrs") as entries:
            names = sorted(each.name for each in entries if each.is_file(follow_symlinks=False))
    except OSError as error:
        files.problems.add(f"attrs: {error.strerror}")
        return {}
    return {name: files.yaml(f"attrs/{name}") for name in names[:_MOST_ATTRIBUTES] if name not in _UNREAD}


def _opref(text: str) -> tuple[str, str]:
    """Operation and project of an operation reference: "type:package version model operation"."""
    text = text[:_LONGEST_OPREF]  # splitting takes the square of the length
    try:
        parts = shlex.split(text.strip())
    except ValueError:
        parts = text.split()
    if not parts:
        return "", ""
    kind, _, where = parts[0].partition(":")
    model = parts[2] if len(parts) > 3 else ""
    operation = parts[-1] if len(parts) > 1 else ""
    path = where.replace("\\", "/").rstrip("/")
    if kind == "guildfile" and path.endswith((".yml", ".yaml")):
        path = path.rpartition("/")[0]
    return (f"{model}:{operation}" if model else operation), path.rpartition("/")[2]


def _status(inner: Path, exit_status: Any) -> Status:
    """As `guild runs` says it, but that a lock without an exit status may be one of a process that is gone."""
    if (inner / "LOCK.remote").exists():
        return Status.RUNNING
    if (inner / "PENDING").exists() or (inner / "STAGED").exists():
        return Status.UNKNOWN
    if type(exit_status) is int:
        return Status.FINISHED if exit_status == 0 else Status.KILLED if exit_status < 0 else Status.FAILED
    return Status.RUNNING if (inner / "LOCK").exists() else Status.UNKNOWN


def _life(told: Mapping[str, Any], operation: str, is_archived: bool) -> Life:
    exit_status = _integer(told.get("exit_status"))
    tags = tuple(map(str, _list(told.get("tags")))) + (("marked",) if told.get("marked") is True else ())
    comments = [each.get("body") if isinstance(each, dict) else each for each in _list(told.get("comments"))]
    host = _text(told.get("host"))
    return Life(
        job_type=operation or None,
        tags=tags,
        notes="\n\n".join(str(each) for each in comments if each),
        exit_code=exit_status if exit_status is not None and exit_status >= 0 else None,
        signal=_signal(-exit_status) if exit_status is not None and exit_status < 0 else None,
        process=Process(host=host) if host else None,
        archived=is_archived,
    )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _code(told: Mapping[str, Any]) -> Code:
    found = _COMMIT.fullmatch(str(told.get("vcs_commit") or ""))
    return Code(commit=found["sha"], dirty=bool(found["dirty"])) if found else Code()


def _data(deps: Any) -> Iterator[DataInput]:
    for name, sources in (deps if isinstance(deps, dict) else {}).items():
        for inner, each in (sources if isinstance(sources, dict) else {}).items():
            uri = each.get("uri") if isinstance(each, dict) else None
            kind = str(uri).partition(":")[0] if uri else "file"
            yield DataInput(name=str(inner or name), uri=str(uri or inner), kind=kind)


def _randomness(seed: Any) -> Randomness:
    return Randomness(seeds={"guild": seed}) if type(seed) is int else Randomness()


def _environment(told: Mapping[str, Any]) -> Environment:
    platform = told.get("platform")
    about = platform if isinstance(platform, dict) else {}
    pins = (_PIN.match(str(each)) for each in _list(told.get("pip_freeze")))
    words = str(about.get("python_version") or "").split()
    return Environment(
        python=words[0] if words else None,
        os=_text(about.get("uname")),
        packages={pin[1]: pin[2] for pin in pins if pin},
    )


def _hardware(told: Mapping[str, Any]) -> Hardware:
    platform = told.get("platform")
    about = platform if isinstance(platform, dict) else {}
    cores = about.get("cpus")
    return Hardware(cpu=_text(about.get("processor")), cores=cores if type(cores) is int else None)


def _artifacts(folder: Path, below: list[Path], told: Mapping[str, Any]) -> Iterator[Artifact]:
    """Files of the run, and the source code that Guild copied."""
    digest = _text(told.get("sourcecode_digest"))
    if (folder / ".guild" / "sourcecode").is_dir() or digest:
        about: dict[str, str | int | float | bool] = {"digest": digest} if digest else {}
        yield Artifact(name="sourcecode", uri=str(folder / ".guild" / "sourcecode"), kind="code", about=about)
    names = (each.relative_to(folder).as_posix() for each in below)
    wanted = [name for name in names if not name.startswith(".guild/") and not is_event_file(name)]
    for name in wanted[:_MOST_ARTIFACTS]:
        yield reference(folder, name)


def _scalars(folder: Path, files: SideFiles) -> dict[str, Curve]:
    """Scalars of all event files: those that Guild made of the output, and the program's own, by the order of names.

    Tags of a subfolder have its path in front; Guild's own measurements are `sys/…`.
    """
    curves: dict[str, Curve] = {}
    for path in files_below(folder, _MOST_FILES):
        if not is_event_file(path.name):
            continue
        inner = path.parent.relative_to(folder).as_posix()
        prefix = "" if inner in (".", ".guild") else f"{inner.removeprefix('.guild/')}/"
        try:
            with open_regular(path) as file:
                end, size = 0, path.stat().st_size
                if not size:
                    files.problems.add(f"{path.name} is empty")
                for each in read_scalars(file, size):
                    if isinstance(each, Scalar):
                        tag = each.tag
                        name = f"system/{tag[4:]}" if tag.startswith("sys/") else prefix + tag
                        time_us = int(each.time_s * _MILLION) if each.time_s else NO_TIME
                        curves.setdefault(name, Curve()).add(each.step, each.value, time_us)
                    elif isinstance(each, Damage):
                        files.problems.add(f"{path.name}: at byte {each.offset:,} {each.reason}")
                    elif isinstance(each, int):
                        end = each
                if end < size:
                    files.problems.add(f"{path.name}: ends within a record (byte {end:,} of {size:,})")
        except (OSError, InputError, ValueError, OverflowError) as error:
            files.problems.add(f"{path.name}: {error}")
    return {name: _in_order(curve) for name, curve in curves.items()}


def _in_order(curve: Curve) -> Curve:
    """Points of several files by their time, as they were logged."""
    if all(one <= other for one, other in zip(curve.times_us, curve.times_us[1:], strict=False)):
        return curve
    order = sorted(range(len(curve)), key=curve.times_us.__getitem__)
    return Curve(
        array("d", (curve.steps[at] for at in order)),
        array("q", (curve.times_us[at] for at in order)),
        array("d", (curve.values[at] for at in order)),
    )


def _time(value: Any) -> datetime | None:
    """Microseconds since the epoch."""
    return epoch_time(value / _MILLION) if type(value) is int else None


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and str(value) else None
