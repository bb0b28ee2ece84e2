"""The source that reads MLflow's file store: `mlruns/`, its trash, an experiment of it, or the folder of one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtop.model.run import ModelVersion
from labtop.sources.mlflow.artifacts import LoggedModel, files_in
from labtop.sources.mlflow.facts import RunFacts
from labtop.sources.mlflow.folder import meta_of, stamp_of, texts_of
from labtop.sources.mlflow.layout import META, TRASH, places_in, run_folders, store_of
from labtop.sources.mlflow.points import Pieces
from labtop.sources.mlflow.registry import inputs_of, models_of_experiment, outputs_of, registered_versions
from labtop.sources.mlflow.run_read import run_read
from labtop.sources.mlflow.words import DELETED, text_of
from labtop.sources.source import Curve, Listing, Place, RunRead, RunRef, stamp


@dataclass(frozen=True, slots=True)
class _Experiment:
    name: str
    is_deleted: bool
    models: dict[str, LoggedModel]
    models_of: dict[str, list[str]]
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Shared:
    """What runs of a place have in common, read once."""

    experiments: dict[Path, _Experiment] = field(default_factory=dict)
    versions: dict[Path, dict[str, list[ModelVersion]]] = field(default_factory=dict)

    def experiment(self, folder: Path) -> _Experiment:
        if folder not in self.experiments:
            problems: list[str] = []
            meta = meta_of(folder, problems) if (folder / META).exists() else {}
            models = models_of_experiment(folder)
            by_run: dict[str, list[str]] = {}
            for each in models.values():
                by_run.setdefault(each.run_id, []).append(each.model_id)
            self.experiments[folder] = _Experiment(
                text_of(meta.get("name")),
                meta.get("lifecycle_stage") == DELETED or folder.parent.name == TRASH,
                models,
                by_run,
                tuple(f"experiment: {problem}" for problem in problems),
            )
        return self.experiments[folder]

    def registered(self, run: Path, run_id: str) -> list[ModelVersion]:
        store = store_of(run)
        if store not in self.versions:
            self.versions[store] = registered_versions(store)
        return self.versions[store].get(run_id, [])


class MlflowFiles:
    """MLflow's file store of any age, read where it lies."""

    tracker = "mlflow"
    reads = "MLflow file stores: mlruns/, one experiment or one run of it, its trash and its model registry"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Stores, experiments and runs; see `layout.places_in`."""
        return places_in(listing)

    def runs(self, place: Path) -> Iterator[RunRef]:
        """The runs of a store, an experiment, or the one of a run's folder."""
        shared = _Shared()
        around: dict[Path, str] = {}
        for key, run in run_folders(place):
            if run.parent not in around:
                around[run.parent] = stamp(run.parent / META, run.parent / "models")
            state = stamp_of(str(run))
            versions = shared.registered(run, run.name)
            yield RunRef(key, f"{state.text} {around[run.parent]} {versions or ''}", state.size)

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs, each from where the last reading ended if that is known."""
        shared = _Shared()
        for ref in refs:
            folder = place if ref.key == "." else place / ref.key
            if folder.is_dir():
                yield from _read_run(folder, ref, shared)


def _read_run(folder: Path, ref: RunRef, shared: _Shared) -> Iterator[RunRead]:
    facts = _facts(folder, shared)
    pieces = Pieces(str(folder), facts.problems)

    def told(curves: dict[str, Curve], state: bytes | None, is_appended: bool) -> RunRead:
        return run_read(
            ref.key,
            facts,
            folder,
            curves,
            state,
            is_appended=is_appended,
            last_write=lambda _: stamp_of(str(folder)).newest,
            folder=folder,
        )

    if ref.state is not None:
        added = pieces.read_on(ref.state)
        if added is not None:
            yield told(added, pieces.state, is_appended=True)
            return
    before: dict[str, Curve] | None = None
    is_appended = False
    for curves in pieces.read():
        if before is not None:
            yield told(before, None, is_appended)
            is_appended = True
        before = curves
    yield told(before or {}, pieces.state, is_appended)


def _facts(folder: Path, shared: _Shared) -> RunFacts:
    """What the files of a run say but points."""
    problems: list[str] = []
    meta: dict[str, Any] = meta_of(folder, problems)
    run = str(folder)
    run_id = text_of(meta.get("run_id") or meta.get("run_uuid")) or folder.name
    experiment = shared.experiment(folder.parent)
    made = {*outputs_of(folder), *experiment.models_of.get(run_id, ())}
    artifacts = folder / "artifacts"
    uri = text_of(meta.get("artifact_uri"))
    return RunFacts(
        run_id=run_id,
        experiment=experiment.name or text_of(meta.get("experiment_id")) or _number(folder.parent),
        name=meta.get("run_name") or meta.get("name"),
        status=meta.get("status"),
        start_time=meta.get("start_time"),
        end_time=meta.get("end_time"),
        is_archived=meta.get("lifecycle_stage") == DELETED or experiment.is_deleted,
        user=meta.get("user_id"),
        source_type=meta.get("source_type"),
        source_name=meta.get("source_name"),
        source_version=meta.get("source_version"),
        entry_point=meta.get("entry_point_name"),
        artifact_uri=uri,
        params=texts_of(run, "params", problems),
        tags={key: _one_line(text) for key, text in texts_of(run, "tags", problems).items()},
        data=inputs_of(folder, problems),
        files=files_in(artifacts, problems),
        files_seen=artifacts.is_dir() or not _is_far(uri),
        logged_models=[experiment.models.get(each) or LoggedModel(each) for each in sorted(made)],
        versions=shared.registered(folder, run_id),
        problems=[*problems, *experiment.problems],
    )


def _one_line(text: str) -> str:
    """A tag without the newline with which old stores ended its file."""
    line = text.rstrip("\r\n")
    return line if "\n" not in line else text


def _number(folder: Path) -> str:
    """The id of an experiment that has lost its name."""
    return folder.name if folder.name.isdecimal() else ""


def _is_far(uri: str) -> bool:
    """Whether artifacts are not in the store but at a server or in a bucket; `C:` is no scheme but a drive."""
    scheme, colon, _ = uri.partition(":")
    return bool(colon) and len(scheme) > 1 and scheme != "file"
