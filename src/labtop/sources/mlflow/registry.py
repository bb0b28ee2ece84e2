"""What a file store keeps beside its runs: registered models by the run that made them, and the models of MLflow 3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labtop.formats.flat_yaml import read_mapping
from labtop.model.run import DataInput, ModelVersion
from labtop.sources.mlflow.artifacts import LoggedModel
from labtop.sources.mlflow.folder import texts_of
from labtop.sources.mlflow.inputs import data_input
from labtop.sources.mlflow.layout import META, REGISTRY, folders_in
from labtop.sources.mlflow.words import number_of, text_of

_DELETED_STAGE = "Deleted_Internal"


def registered_versions(store: Path) -> dict[str, list[ModelVersion]]:
    """Model versions of a store's registry by the id of their run. What is damaged there is left out."""
    found: dict[str, list[ModelVersion]] = {}
    for model in folders_in(store / REGISTRY):
        aliases = _aliases(model)
        for folder in folders_in(model):
            if not folder.name.startswith("version-"):
                continue
            meta = read_mapping(folder / META, [])
            run_id = text_of(meta.get("run_id"))
            if run_id and meta.get("current_stage") != _DELETED_STAGE:
                version = model_version(meta, model.name, aliases)
                found.setdefault(run_id, []).append(version)
    for versions in found.values():
        versions.sort(key=lambda each: (each.name, number_of(each.version) or 0))
    return found


def model_version(
    meta: Mapping[str, Any], model: str, aliases: Mapping[str, tuple[str, ...]]
) -> ModelVersion:
    """A version from its facts; "None" is MLflow's word for having no stage."""
    number = text_of(meta.get("version"))
    stage = text_of(meta.get("current_stage"))
    return ModelVersion(
        name=text_of(meta.get("name")) or model,
        version=number,
        stage=stage if stage not in ("", "None") else None,
        aliases=aliases.get(number, ()),
    )


def _aliases(model: Path) -> dict[str, tuple[str, ...]]:
    """Aliases of a registered model by version: files with the number, or a mapping in `meta.yaml`."""
    texts = texts_of(str(model), "aliases", [])
    named = read_mapping(model / META, []).get("aliases")
    if isinstance(named, dict):
        texts |= {text_of(alias): text_of(version) for alias, version in named.items()}
    found: dict[str, tuple[str, ...]] = {}
    for alias, version in sorted(texts.items()):
        found[version.strip()] = (*found.get(version.strip(), ()), alias)
    return found


def models_of_experiment(experiment: Path) -> dict[str, LoggedModel]:
    """The models that the runs of an experiment logged, by id."""
    found = {}
    for folder in folders_in(experiment / REGISTRY):
        meta = read_mapping(folder / META, [])
        if meta.get("lifecycle_stage") == "deleted":
            continue
        model_id = text_of(meta.get("model_id")) or folder.name
        found[model_id] = LoggedModel(
            model_id=model_id,
            name=text_of(meta.get("name")),
            uri=text_of(meta.get("artifact_location")),
            model_type=text_of(meta.get("model_type")),
            status=meta.get("status"),
            run_id=text_of(meta.get("source_run_id")),
        )
    return found


def inputs_of(run: Path, problems: list[str]) -> list[DataInput]:
    """The data sets that a run names in `inputs/`."""
    found = []
    for folder in folders_in(run / "inputs"):
        name = f"inputs/{folder.name}/{META}"
        meta = read_mapping(folder / META, problems, name)
        if meta.get("source_type") not in ("DATASET", 1):
            continue
        digest = Path(text_of(meta.get("source_id"))).name
        described = read_mapping(
            run.parent / "datasets" / digest / META, problems, f"datasets/{digest}/{META}"
        )
        tags = meta.get("tags")
        if described:
            found.append(data_input(described, _texts(tags), problems))
    return found


def outputs_of(run: Path) -> list[str]:
    """The ids of the models that a run names in `outputs/`."""
    return [folder.name for folder in folders_in(run / "outputs")]


def _texts(tags: Any) -> dict[str, str]:
    """Tags of an input: a mapping, or a list of pairs as some versions wrote them."""
    if isinstance(tags, dict):
        return {key: text_of(value) for key, value in tags.items()}
    found = {}
    for each in tags if isinstance(tags, list) else []:
        if isinstance(each, dict) and "key" in each:
            found[text_of(each["key"])] = text_of(each.get("value"))
    return found
