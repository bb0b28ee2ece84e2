"""Finds output folders of Hugging Face's Trainer and reads each as one run, however many checkpoints it has.

The state of a checkpoint holds all that was logged up to it, so the one that came furthest tells everything.
`training_args.bin` is a pickle and is never opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from labtop.formats.json_text import as_number
from labtop.model.run import Artifact, Environment, Life, MetricSummary, Randomness, RunRecord, Source, Status
from labtop.sources.folder_names import name_of, project_of
from labtop.sources.huggingface.beside import (
    CARD,
    CONFIGURATIONS,
    RESULTS,
    card_in,
    configuration_in,
    results_in,
)
from labtop.sources.huggingface.copies import (
    CHECKPOINT,
    STATE,
    copies_in,
    is_copy,
    states_in,
    tell_the_same,
)
from labtop.sources.huggingface.history import History, history_of, reach
from labtop.sources.references import reference
from labtop.sources.side_files import SideFiles, last_write, total_size
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_NAME = "huggingface"
_MODELS = (
    "model.safetensors", "pytorch_model.bin", "adapter_model.safetensors", "adapter_model.bin", "tf_model.h5",
    "flax_model.msgpack", "training_args.bin",
)  # fmt: skip


class HuggingFace:
    """Reads output folders of `transformers.Trainer` and of what is made from it."""

    tracker = _NAME
    reads = "Hugging Face Trainer: trainer_state.json, also in checkpoint-N"
    owns = ("trainer_log.jsonl",)  # LLaMA-Factory's copy of the rows

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder with a state, or with checkpoints that hold one. A checkpoint, or a copy of one, is a run only where
        it was opened.
        """
        folder = listing.folder
        if STATE in listing.files:
            is_opened = listing.is_named or listing.is_root
            if is_opened or not (CHECKPOINT.fullmatch(folder.name) or is_copy(folder)):
                yield Place(folder)
        elif any((folder / name / STATE).is_file() for name in listing.folders if CHECKPOINT.fullmatch(name)):
            yield Place(folder)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of an output folder."""
        states = [*states_in(place), *copies_in(place)]
        beside = [place / name for name in (*RESULTS, *CONFIGURATIONS, CARD)]
        yield RunRef(".", stamp(place / STATE, *states, *beside), total_size(states))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            if place.is_dir():
                yield _read(place, ref)


def _read(place: Path, ref: RunRef) -> RunRead:
    files = SideFiles(place)
    states = states_in(place)
    state, chosen, copies = _with_copies(place, *_furthest(files, place, states))
    history = history_of(state)
    if history.bad_rows:
        files.problems.add(f"{STATE}: {history.bad_rows:,} rows of log_history are no objects")
    card = card_in(files)
    configuration = configuration_in(files)
    checkpoints = [chosen, *(each.parent for each in states)]
    inner_folder = next((each for each in checkpoints if each != place), None)
    if not configuration and inner_folder is not None:  # the model itself was not saved
        inner = SideFiles(inner_folder)
        configuration = configuration_in(inner)
        for each in inner.problems.all():
            files.problems.add(f"{inner_folder.name}/{each}")
    params: dict[str, Any] = {**configuration, **card.params, **history.params}
    values = {name: value for name, value in results_in(files).items() if name not in history.curves}
    seed = card.params.get("seed")
    status = Status.FINISHED if history.is_over else Status.UNKNOWN
    return RunRead(
        key=ref.key,
        record=RunRecord(
            id="",
            name=name_of(place),
            project=project_of(place),
            status=status,
            params=params,
            metrics=_metrics({**values, **history.values}, history),
            summary=history.summary,
            life=Life(tags=card.tags),
            randomness=Randomness(seeds={"transformers": seed} if isinstance(seed, int) else {}),
            environment=Environment(
                python=card.packages.pop("python", None),
                packages=card.packages,
                packages_partial=True if card.packages else None,
            ),
            artifacts=(*_artifacts(place, states), *copies),
            source=Source(
                tracker=_NAME,
                uri=str(place),
                problems=files.problems.all(),
                texts={name: text for name, text in card.texts.items() if name not in history.params},
            ),
        ),
        curves=history.curves,
        folder=place,
        last_write=last_write([*states, *(Path(each.uri) / STATE for each in copies if each.uri)]),
    )


def _furthest(files: SideFiles, place: Path, states: list[Path]) -> tuple[dict[str, Any], Path]:
    """The state that tells most, and its folder. Of two that tell as much, the folder's own has the end."""
    best: dict[str, Any] = {}
    where = place
    for path in states:
        name, said = path.relative_to(place).as_posix(), len(files.problems.all())
        state = files.mapping(name, files.json(name))
        if state and (not best or reach(state) > reach(best)):
            best, where = state, path.parent
        if state and path.parent != place and len(files.problems.all()) == said:
            break  # those that follow came less far; one that was cut off may tell less than they do
    return best, where


def _with_copies(
    place: Path, state: dict[str, Any], chosen: Path
) -> tuple[dict[str, Any], Path, list[Artifact]]:
    """The state that tells most with those of copies, and the copies that are of this training."""
    copies = []
    for path in copies_in(place) if state else []:
        files = SideFiles(path.parent)
        other = files.mapping(path.name, files.json(path.name))
        if tell_the_same(state, other):
            step = as_number(other.get("global_step"))
            copies.append(Artifact(name=path.parent.name, uri=str(path.parent), kind="checkpoint", step=step))
            if reach(other) > reach(state):
                state, chosen = other, path.parent
    return state, chosen, copies


def _metrics(values: dict[str, float], history: History) -> dict[str, MetricSummary]:
    return {name: MetricSummary(last=value) for name, value in values.items() if name not in history.curves}


def _artifacts(place: Path, states: list[Path]) -> Iterator[Artifact]:
    for path in sorted(states, key=lambda each: (len(each.parent.name), each.parent.name)):
        found = CHECKPOINT.fullmatch(path.parent.name)
        if found and path.parent != place:
            yield Artifact(
                name=path.parent.name, uri=str(path.parent), kind="checkpoint", step=float(found[1])
            )
    for name in _MODELS:
        if (place / name).is_file():
            yield reference(place, name, kind="file" if name == "training_args.bin" else "model")
