"""What a run logged, by reference: files of its artifact folder where that lies in the place, and models."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from labtop.model.run import Artifact
from labtop.sources.mlflow.words import json_of, model_status_of, text_of

_MOST = 5_000
_DEEPEST = 24
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model as MLflow 3 keeps it, apart from the run that made it."""

    model_id: str
    name: str = ""
    uri: str = ""
    model_type: str = ""
    status: Any = None
    run_id: str = ""


def files_in(folder: Path, problems: list[str]) -> list[Artifact]:
    """The files below an artifact folder, at most some thousand. Links are not followed."""
    found: list[Artifact] = []
    for path, name, size in _walk(str(folder), "", 0):
        if len(found) == _MOST:
            problems.append(f"artifacts: only the first {_MOST:,} files are listed")
            break
        kind = "image" if name.lower().endswith(_IMAGES) else "file"
        found.append(Artifact(name=name, uri=path, kind=kind, bytes=size))
    return found


def _walk(folder: str, prefix: str, depth: int) -> Iterator[tuple[str, str, int]]:
    """Path, name below the folder and size of each file."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda each: each.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                yield entry.path, f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_size
            elif entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
                yield from _walk(entry.path, f"{prefix}{entry.name}/", depth + 1)
        except OSError:
            continue


def folder_below(home: Path, uri: str) -> Path | None:
    """The folder that an address names where that is below `home`, there or not; None for any other, also by a link."""
    path = unquote(uri.removeprefix("file://")) if uri.startswith("file:///") else uri
    if not path.startswith("/") or "\0" in path:
        return None
    above = os.path.realpath(home)
    found = os.path.realpath(path)
    is_below = found.startswith(above.rstrip("/") + "/") and os.path.normpath(path) == found
    return Path(found) if is_below else None


def models_in_history(tags: Mapping[str, str], tag: str, root: str, problems: list[str]) -> list[Artifact]:
    """Models that a run of MLflow before 3 logged, from the tag that lists them; the last of a path counts."""
    history = json_of(tags.get(tag), problems, f"tag {tag}")
    found: dict[str, Artifact] = {}
    for each in history if isinstance(history, list) else []:
        path = text_of(each.get("artifact_path")) if isinstance(each, dict) else ""
        if not path:
            continue
        flavors = each.get("flavors")
        about = {
            "flavors": ", ".join(sorted(map(str, flavors))) if isinstance(flavors, dict) else "",
            "created": text_of(each.get("utc_time_created")),
            "uuid": text_of(each.get("model_uuid")),
        }
        found[path] = Artifact(
            name=path,
            uri=f"{root.rstrip('/')}/{path}" if root else None,
            kind="model",
            about={key: value for key, value in about.items() if value},
        )
    return list(found.values())


def logged_models(models: Iterable[LoggedModel]) -> list[Artifact]:
    """Models that a run of MLflow 3 logged, each with an id of its own."""
    found = []
    for model in models:
        about = {
            "model_id": model.model_id,
            "type": model.model_type,
            "status": model_status_of(model.status),
        }
        found.append(
            Artifact(
                name=model.name or model.model_id,
                uri=model.uri or None,
                kind="model",
                about={key: value for key, value in about.items() if value},
            )
        )
    return found


def tables_named(tags: Mapping[str, str], tag: str, problems: list[str]) -> frozenset[str]:
    """Paths of the artifacts that were logged as tables."""
    listed = json_of(tags.get(tag), problems, f"tag {tag}")
    return frozenset(
        text_of(each.get("path"))
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict) and each.get("type") == "table"
    )
