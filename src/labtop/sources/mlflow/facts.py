"""A run as MLflow tells it, in MLflow's words, and the record that this makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import (
    Artifact,
    Code,
    Command,
    DataInput,
    Environment,
    Life,
    ModelVersion,
    Randomness,
    RunRecord,
    Source,
)
from labtop.sources.mlflow import words
from labtop.sources.mlflow.artifacts import LoggedModel, logged_models, models_in_history, tables_named
from labtop.sources.seeds import seeds_in

TOLD_ELSEWHERE = frozenset(
    (
        *(
            words.NOTE,
            words.RUN_NAME,
            words.PARENT,
            words.SOURCE_NAME,
            words.COMMIT,
            words.BRANCH,
            words.REMOTE,
        ),
        *(words.OLD_REMOTE, words.DIRTY, words.IMAGE, words.MODEL_HISTORY, words.TABLES),
    )
)
"""Tags that become other facts of the record."""


@dataclass(slots=True)
class RunFacts:
    """What a store says of a run, whatever its age; values are as they were found.

    `is_archived`: the run, or the experiment that it belongs to, was deleted. `files_seen`: `files` are all there are;
    else its artifacts may lie at `artifact_uri`, out of reach.
    """

    run_id: str
    experiment: str = ""
    experiment_id: str = ""
    name: Any = None
    status: Any = None
    start_time: Any = None
    end_time: Any = None
    is_archived: bool = False
    user: Any = None
    source_type: Any = None
    source_name: Any = None
    source_version: Any = None
    entry_point: Any = None
    artifact_uri: Any = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    data: list[DataInput] = field(default_factory=list)
    files: list[Artifact] = field(default_factory=list)
    files_seen: bool = False
    logged_models: list[LoggedModel] = field(default_factory=list)
    versions: list[ModelVersion] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def record_of(facts: RunFacts, uri: str) -> RunRecord:
    """The record of a run that lies at `uri`."""
    tags, problems = facts.tags, facts.problems
    params = {key: typed_param(text) for key, text in facts.params.items()}
    artifacts = tuple(_artifacts(facts))
    return RunRecord(
        id="",
        name=words.text_of(facts.name) or tags.get(words.RUN_NAME, ""),
        project=facts.experiment,
        status=words.status_of(facts.status),
        started_at=_time(facts.start_time, "start_time", problems),
        ended_at=_time(facts.end_time, "end_time", problems),
        params=params,
        life=Life(
            tags=labels(tags, column_labels(facts.user, facts.source_type, facts.entry_point)),
            notes=tags.get(words.NOTE, ""),
            parent_id=f"mlflow:{tags[words.PARENT]}" if tags.get(words.PARENT) else None,
            archived=facts.is_archived,
        ),
        command=Command(
            entry_point=tags.get(words.SOURCE_NAME) or words.text_of(facts.source_name) or None,
        ),
        code=_code(facts),
        data=tuple(facts.data),
        randomness=Randomness(seeds=seeds_in(params)),
        environment=Environment(
            container="docker" if tags.get(words.IMAGE) else None,
            container_image=tags.get(words.IMAGE) or None,
        ),
        artifacts=artifacts,
        source=Source(
            tracker="mlflow",
            uri=uri,
            run_id=facts.run_id,
            problems=tuple(problems),
            texts={key: text for key, text in facts.params.items() if not is_kept(text, params[key])},
            models=tuple(facts.versions),
        ),
    )


def typed_param(text: str) -> Any:
    """The value of a param. Old stores ended its file with a newline, which is no part of it."""
    line = text.rstrip("\r\n")
    return typed(line if "\n" not in line else text)


def _time(milliseconds: Any, name: str, problems: list[str]) -> Any:
    moment = words.time_of(milliseconds)
    if moment is None and milliseconds not in (None, ""):
        problems.append(f"{name} is no time: {str(milliseconds)[:40]!r}")
    return moment


def column_labels(user: Any, source_type: Any, entry_point: Any) -> dict[str, str]:
    """The tags that the run's own columns stood for of old."""
    tags = {}
    user, kind = words.text_of(user), words.source_type_of(source_type)
    if user and user != "unknown":
        tags[words.USER] = user
    if kind and kind != "LOCAL":
        tags[words.SOURCE_TYPE] = kind
    if entry_point:
        tags["mlflow.project.entryPoint"] = words.text_of(entry_point)
    return tags


def labels(told: Mapping[str, str], of_columns: Mapping[str, str]) -> tuple[str, ...]:
    """The tags that no other fact says, as `key=value`; of those that columns say only what no tag does."""
    tags = {**of_columns, **told}
    return tuple(
        [f"{key}={text}" if text else key for key, text in sorted(tags.items()) if key not in TOLD_ELSEWHERE]
    )


def _code(facts: RunFacts) -> Code:
    tags = facts.tags
    dirty = tags.get(words.DIRTY, "").strip().lower()
    return Code(
        commit=tags.get(words.COMMIT)
        or words.text_of(facts.source_version)
        or tags.get("mlflow.databricks.gitRepoCommit")
        or None,
        branch=tags.get(words.BRANCH) or None,
        remote=tags.get(words.REMOTE)
        or tags.get(words.OLD_REMOTE)
        or tags.get("mlflow.databricks.gitRepoUrl")
        or None,
        dirty={"true": True, "false": False}.get(dirty),
    )


def _artifacts(facts: RunFacts) -> list[Artifact]:
    """Files that were found, then models; the folder alone where it lies out of reach."""
    root = words.text_of(facts.artifact_uri)
    tables = tables_named(facts.tags, words.TABLES, facts.problems)
    found = [replace(each, kind="table") if each.name in tables else each for each in facts.files]
    models = [
        *models_in_history(facts.tags, words.MODEL_HISTORY, root, facts.problems),
        *logged_models(facts.logged_models),
    ]
    if not found and not models and root and not facts.files_seen:
        models = [Artifact(name="artifacts", uri=root, kind="folder")]
    return [*found, *models]
