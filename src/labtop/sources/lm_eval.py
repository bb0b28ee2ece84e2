"""Evaluations of language models by lm-evaluation-harness: a result file is a run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import open_regular, read_text
from labtop.formats.json_text import as_number, parse_json, read_json
from labtop.formats.lm_eval import Machine, begins_as_results, is_results, machine, model_arguments, scores
from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import (
    Artifact,
    Code,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    MetricSummary,
    Randomness,
    RunRecord,
    Source,
    Status,
    Value,
)
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_DATE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_NAME = re.compile(rf"results\.json|(?:.*_)?results?_.*\.json|.*_{_DATE}\.json")
_DATED = re.compile(rf".*_(?P<date>{_DATE})\.json")
_GLIMPSE = 4096
_MOST_OTHERS = (
    256  # files of other names that are looked into in one folder: there may be data in thousands of them
)
_MOST_BYTES = 16 * 2**20  # scores and configurations of thousands of tasks
_SEEDS = {"random_seed": "python", "numpy_seed": "numpy", "torch_seed": "torch", "fewshot_seed": "fewshot"}
_TOLD = (
    "n-shot",
    "versions",
    "chat_template_sha",
    "system_instruction",
    "fewshot_as_multiturn",
    "max_length",
)


class LmEval:
    """Reads result files of lm-evaluation-harness, old and new."""

    tracker = "lm-eval"
    reads = "result files of lm-evaluation-harness (results_<date>.json)"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Result files by their first bytes, damaged ones by their names: old versions wrote to any file."""
        names = [name for name in listing.files if name.endswith(".json")]
        others = [name for name in names if not (listing.is_named or _NAME.fullmatch(name))]
        passed = set(others[_MOST_OTHERS:])
        return [
            Place(path) for name in names if name not in passed and _is_results(path := listing.folder / name)
        ]

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a file."""
        samples = _samples(place)
        yield RunRef(place.name, stamp(place, *samples), place.stat().st_size)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the scores of a file and what is said of the evaluation."""
        for ref in refs:
            problems: tuple[str, ...] = ()
            try:
                text, problem = read_text(place, _MOST_BYTES)
                problems = (f"{place.name} {problem}",) if problem else ()
                value = parse_json(text)
            except InputError as error:
                value, problems = {}, (f"{place.name}: {error.message}",)
            value = value if isinstance(value, dict) else {}
            yield RunRead(
                key=ref.key, record=_record(place, value, problems), last_write=place.stat().st_mtime
            )


def _is_results(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            head = file.read(_GLIMPSE)
            if begins_as_results(head):
                return is_results(read_json(path, _MOST_BYTES))
            if b"\0" not in head and head.strip():
                return False
    except InputError:
        pass
    except OSError:
        return False
    # no text at all, or JSON that is cut off: the name alone has to tell
    return _DATED.fullmatch(path.name) is not None and path.name.startswith("results_")


def _samples(place: Path) -> list[Path]:
    """The files with samples of the same evaluation: they bear its date."""
    dated = _DATED.fullmatch(place.name)
    if dated is None:
        return []
    end = f"_{dated['date']}.jsonl"
    with os.scandir(place.parent) as entries:
        names = [
            each.name for each in entries if each.name.startswith("samples_") and each.name.endswith(end)
        ]
    return [place.parent / name for name in sorted(names)]


def _record(place: Path, value: Mapping[str, Any], problems: tuple[str, ...]) -> RunRecord:
    told_config = value.get("config")
    config: Mapping[str, Any] = told_config if isinstance(told_config, dict) else {}
    texts: dict[str, str] = {}
    params = _params(value, config, texts)
    told = machine(value.get("pretty_env_info"))
    begun = _begun(value)
    took = as_number(typed(str(value.get("total_evaluation_time_seconds"))))
    return RunRecord(
        id="",
        name=_name(value, config, place),
        project="lm-eval",
        status=Status.UNKNOWN if problems else Status.FINISHED,  # the file is written at the end
        started_at=begun,
        ended_at=begun + timedelta(seconds=took) if begun and took and 0 < took < 1e9 else None,
        params=params,
        metrics={each.name: MetricSummary(last=each.value, goal=each.goal) for each in scores(value)},
        code=Code(commit=_text(value.get("git_hash"))),
        data=_data(value),
        randomness=Randomness(seeds=_seeds(config)),
        environment=_environment(value, told),
        hardware=Hardware(
            gpus=tuple(Gpu(name=each) for each in told.gpus), cuda=told.facts.get("CUDA runtime version")
        ),
        artifacts=tuple(_artifacts(place)),
        source=Source(tracker="lm-eval", uri=str(place), run_id=place.name, problems=problems, texts=texts),
    )


def _params(value: Mapping[str, Any], config: Mapping[str, Any], texts: dict[str, str]) -> dict[str, Value]:
    params: dict[str, Value] = dict(config)
    arguments = config.get("model_args")
    if isinstance(arguments, str) and (pairs := model_arguments(arguments)):
        params["model_args"] = {key: typed(text) for key, text in pairs.items()}
        texts["model_args"] = arguments
        texts |= {f"model_args.{key}": text for key, text in pairs.items() if not is_kept(text, typed(text))}
    params.update({key: value[key] for key in _TOLD if value.get(key) is not None})
    return params


def _name(value: Mapping[str, Any], config: Mapping[str, Any], place: Path) -> str:
    if name := _text(value.get("model_name")):
        return name
    arguments = config.get("model_args")
    pairs = model_arguments(arguments) if isinstance(arguments, str) else arguments
    pairs = pairs if isinstance(pairs, dict) else {}
    wanted = (pairs.get(key) for key in ("peft", "delta", "pretrained", "model", "path", "engine"))
    return next((str(each) for each in wanted if each), "") or _text(config.get("model")) or place.stem


def _begun(value: Mapping[str, Any]) -> datetime | None:
    """When an evaluation began: seconds since 1970."""
    date = as_number(value.get("date"))
    try:
        return datetime.fromtimestamp(date, UTC) if date and date > 1e8 else None
    except (ValueError, OverflowError, OSError):
        return None


def _seeds(config: Mapping[str, Any]) -> dict[str, int]:
    return {name: config[key] for key, name in _SEEDS.items() if type(config.get(key)) is int}


def _environment(value: Mapping[str, Any], told: Machine) -> Environment:
    packages = dict(told.packages)
    for key, name in (("lm_eval_version", "lm_eval"), ("transformers_version", "transformers")):
        version = _text(value.get(key))
        if version and version[0].isdigit():
            packages[name] = version
    python = told.facts.get("Python version", "").split(" ")[0]
    return Environment(
        python=python or None,
        os=told.facts.get("OS"),
        libc=told.facts.get("Libc version"),
        packages=packages,
        packages_partial=True if packages else None,
    )


def _data(value: Mapping[str, Any]) -> tuple[DataInput, ...]:
    """The data set of each task, as the task's configuration names it."""
    configs, counts = value.get("configs"), value.get("n-samples")
    found = []
    for task, config in configs.items() if isinstance(configs, dict) else ():
        path = _text(config.get("dataset_path")) if isinstance(config, dict) else None
        if path is None:
            continue
        part = _text(config.get("dataset_name"))
        count = counts.get(task) if isinstance(counts, dict) else None
        used = count.get("effective") if isinstance(count, dict) else None
        found.append(
            DataInput(
                name=str(task),
                uri=f"{path}/{part}" if part else path,
                kind="hf",
                split=_text(config.get("test_split")) or _text(config.get("validation_split")),
                used_rows=used if isinstance(used, int) else None,
            )
        )
    return tuple(found)


def _artifacts(place: Path) -> Iterator[Artifact]:
    for path in _samples(place):
        try:
            size = path.lstat().st_size
        except OSError:
            continue
        yield Artifact(name=path.name, uri=str(path), kind="samples", bytes=size)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
