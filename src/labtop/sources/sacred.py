"""Runs that Sacred's FileStorageObserver wrote: a folder with `run.json`, `config.json`, `metrics.json` and more.

Layout: https://sacred.readthedocs.io/en/stable/observers.html (FileStorageObserver); seen with 0.7 to 0.8.7.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import open_regular
from labtop.formats.json_text import as_number
from labtop.formats.jsonpickle_text import plain
from labtop.model.run import Randomness, RunRecord, Source, Status
from labtop.sources.sacred_facts import artifacts, code, command, environment, hardware, life, resources
from labtop.sources.side_files import Problems, SideFiles, last_write, total_size, utc_microseconds, utc_time
from labtop.sources.source import NO_TIME, Curve, Listing, Place, RunRead, RunRef, stamp

_FILES = ("run.json", "config.json", "metrics.json", "info.json", "cout.txt")
_SIDE = frozenset(_FILES[1:])
_HEAD_BYTES = 65_536
_STATUS = {
    "QUEUED": Status.UNKNOWN,
    "RUNNING": Status.RUNNING,
    "COMPLETED": Status.FINISHED,
    "INTERRUPTED": Status.KILLED,
    "FAILED": Status.FAILED,
    "TIMEOUT": Status.FAILED,
}


class SacredSource:
    """Reads run folders of Sacred. Its databases (MongoDB, TinyDB, SQL) are not read."""

    tracker = "sacred"
    reads = "run folders of Sacred's FileStorageObserver: run.json, config.json, metrics.json, info.json"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """The folder of a run; `run.json` alone is not enough, others have one too."""
        if "run.json" not in listing.files:
            return
        beside = _SIDE.intersection(listing.files)
        if {"config.json", "cout.txt"} <= beside or _is_sacred(listing.folder / "run.json"):
            yield Place(listing.folder)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a folder."""
        paths = [place / name for name in _FILES]
        yield RunRef(".", stamp(*paths), total_size(paths[:-1]))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            yield _read(place, ref.key)


def _is_sacred(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, InputError):
        return False
    return b'"experiment"' in head and (b'"base_dir"' in head or b'"heartbeat"' in head)


def _read(folder: Path, key: str) -> RunRead:
    files = SideFiles(folder)
    run = files.mapping("run.json", plain(files.json("run.json")))
    config = files.mapping("config.json", plain(files.json("config.json")))
    info = files.mapping("info.json", plain(files.json("info.json")))
    curves = _metric_curves(files)
    of_info, rest = _info_series(info, files.problems)
    curves.update({name: curve for name, curve in of_info.items() if name not in curves})
    if not run:
        files.problems.add("run.json tells nothing: neither status nor times are known")
    experiment = _part(run, "experiment")
    record = RunRecord(
        id="",
        name=folder.name,
        project=str(experiment.get("name") or ""),
        status=_status(run, files.problems),
        started_at=utc_time(run.get("start_time")),
        ended_at=utc_time(run.get("stop_time")),
        params=config,
        summary={**({"result": run["result"]} if run.get("result") is not None else {}), **rest},
        life=life(run),
        command=command(run),
        code=code(experiment),
        data=resources(run),
        randomness=_randomness(config),
        environment=environment(run),
        hardware=hardware(_part(run, "host")),
        artifacts=artifacts(folder, run),
        source=Source(
            tracker="sacred", uri=str(folder), run_id=folder.name, problems=files.problems.all()
        ),
    )  # fmt: skip
    return RunRead(
        key=key,
        record=record,
        curves=curves,
        folder=folder,
        last_write=_last_sign(folder, run),
        output=folder / "cout.txt" if (folder / "cout.txt").is_file() else None,
    )


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = run.get(name)
    return part if isinstance(part, dict) else {}


def _status(run: Mapping[str, Any], problems: Problems) -> Status:
    word = run.get("status")
    if isinstance(word, str) and word in _STATUS:
        return _STATUS[word]
    if isinstance(word, str) and run.get("stop_time"):
        problems.add(f"status {word!r} is one of the program's own; it ended the run early")
        return Status.KILLED  # a SacredInterrupt with its own STATUS
    return Status.UNKNOWN


def _last_sign(folder: Path, run: Mapping[str, Any]) -> float | None:
    """The last heartbeat, which a copy of the files does not make younger; else the newest file."""
    beat = utc_time(run.get("heartbeat"))
    return beat.timestamp() if beat else last_write(folder / name for name in _FILES)


def _randomness(config: Mapping[str, Any]) -> Randomness:
    """The seed that Sacred makes, and sets for `random`, numpy and the libraries that it knows."""
    seed = config.get("seed")
    return Randomness(seeds={"sacred": seed}) if type(seed) is int else Randomness()


def _metric_curves(files: SideFiles) -> dict[str, Curve]:
    """The series of `metrics.json`: `{name: {"steps": […], "values": […], "timestamps": […]}}`."""
    curves: dict[str, Curve] = {}
    for name, series in files.mapping("metrics.json", files.json("metrics.json")).items():
        if not isinstance(series, dict) or not isinstance(series.get("values"), list):
            files.problems.add(f"metrics.json: {name!r} is no series")
            continue
        steps, times = series.get("steps"), series.get("timestamps")
        curve = _curve(
            steps if isinstance(steps, list) else [],
            series["values"],
            times if isinstance(times, list) else [],
        )
        if len(curve) != len(series["values"]):
            files.problems.add(
                f"metrics.json: {len(series['values']) - len(curve)} values of {name!r} are no numbers"
            )
        curves[name] = curve
    return curves


def _curve(steps: list[Any], values: list[Any], times: list[Any]) -> Curve:
    """Columns of a series; a value without a step has its number, one that is no number is left out."""
    try:
        if len(steps) == len(values) == len(times):
            return Curve(array("d", steps), array("q", map(_microseconds, times)), array("d", values))
    except (TypeError, OverflowError):
        pass
    curve = Curve()
    for at, value in enumerate(values):
        number = as_number(plain(value))
        step = as_number(plain(steps[at])) if at < len(steps) else float(at)
        if number is not None:
            time_us = _microseconds(times[at]) if at < len(times) else NO_TIME
            curve.add(float(at) if step is None else step, number, time_us)
    return curve


def _microseconds(text: Any) -> int:
    found = utc_microseconds(text)
    return NO_TIME if found is None else found


def _info_series(info: dict[str, Any], problems: Problems) -> tuple[dict[str, Curve], dict[str, Any]]:
    """Series that programs keep in `info` as a list of values and one of steps, `name` and `name_T`; and the rest."""
    curves: dict[str, Curve] = {}
    for name, values in info.items():
        steps = info.get(f"{name}_T")
        if isinstance(values, list) and isinstance(steps, list):
            if len(steps) != len(values):
                problems.add(f"info.json: {name!r} has {len(values)} values and {len(steps)} steps")
            curve = _curve(steps, values[: len(steps)], [])
            if len(curve) or not values:
                curves[name] = curve
    known = {*curves, *(f"{name}_T" for name in curves)}
    return curves, {name: value for name, value in info.items() if name not in known}
