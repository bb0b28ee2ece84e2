"""What is linked to a run of Trackio: artifacts that it made or used, alerts, and versions in registries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import decode_text
from labtop.formats.json_text import parse_json
from labtop.formats.sqlite_file import open_sqlite, select, table_columns
from labtop.model.run import Artifact, DataInput, ModelVersion
from labtop.sources.trackio.database import Known, key_column
from labtop.sources.trackio.layout import REGISTRY, canonical

Made = tuple[str, str, int]
"""Project, artifact, version."""
Registered = Mapping[Made, tuple[ModelVersion, ...]]
_MOST_ALERTS = 1_000


@dataclass
class Linked:
    """What is linked to one run."""

    outputs: list[Artifact] = field(default_factory=list)
    inputs: list[DataInput] = field(default_factory=list)
    models: list[ModelVersion] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def linked_to(
    connection: sqlite3.Connection, path: Path, run: Known, alone: bool, registered: Registered
) -> Linked:
    """What a run made and used. A link that names a run but has no id counts for the one run (`alone`) of that name."""
    linked = Linked()
    for direction, version, name, kind, size, digest, manifest in _links(connection, path.stem, run, alone):
        spec = f"{name}:v{version}"
        if direction == "input":
            linked.inputs.append(
                DataInput(
                    name=spec,
                    uri=f"{path.stem}/{spec}",
                    kind="trackio",
                    digest=digest,
                    algorithm="sha256" if digest else None,
                    bytes=size,
                )
            )
            continue
        linked.outputs += _files(spec, str(kind), size, manifest, path)
        for (project, artifact, number), versions in registered.items():
            if (canonical(project), artifact, number) == (path.stem, name, version):
                linked.models += versions
    linked.outputs += _alerts(connection, path, run)
    return linked


def _links(
    connection: sqlite3.Connection, project: str, run: Known, alone: bool
) -> Iterator[tuple[Any, ...]]:
    """Direction, version, artifact, its type, size, digest and manifest of each link of a run, once."""
    by_name = " OR (l.run_id IS NULL AND l.run_name = :name)" if alone else ""
    asked = {"id": run.run_id, "name": run.name, "project": project}
    columns = table_columns(connection, "run_artifact_links")
    if {"run_id", "artifact_version_id"} <= columns:
        scope = "AND (l.run_project IS NULL OR l.run_project = :project)" if "run_project" in columns else ""
        yield from connection.execute(
            "SELECT DISTINCT l.direction, v.version, a.name, a.type, v.size_bytes, v.manifest_digest,"
            " CAST(v.manifest AS BLOB) FROM run_artifact_links l JOIN artifact_versions v ON v.id ="
            " l.artifact_version_id JOIN artifacts a ON a.id = v.artifact_id"
            f" WHERE (l.run_id = :id{by_name}) {scope}",
            asked,
        )
    if "run_id" in table_columns(connection, "external_run_artifact_links"):
        yield from connection.execute(
            "SELECT DISTINCT l.direction, l.source_version, l.source_project || '/' || l.source_artifact,"
            " l.source_type, l.source_size_bytes, NULL, NULL FROM external_run_artifact_links l"
            f" WHERE l.run_id = :id{by_name}",
            asked,
        )


def _files(spec: str, kind: str, size: Any, manifest: Any, path: Path) -> Iterator[Artifact]:
    """The files of a version of an artifact; the version itself where they are not told."""
    try:
        entries = parse_json(decode_text(manifest).text) if isinstance(manifest, bytes) else None
    except InputError:
        entries = None
    if isinstance(entries, dict):
        entries = entries.get("files", entries.get("entries"))
    blobs = path.parent / "artifacts" / path.stem / "blobs" / "sha256"
    told = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    for each in told:
        digest, name = each.get("digest") or each.get("sha256"), each.get("path") or each.get("name")
        is_digest = isinstance(digest, str) and len(digest) == 64 and digest.isalnum()
        uri = str(blobs / str(digest)[:2] / str(digest)) if is_digest else each.get("ref") or each.get("uri")
        yield Artifact(
            name=f"{spec}/{name}",
            uri=str(uri) if uri else None,
            kind=kind,
            bytes=_int(each.get("size_bytes", each.get("size"))) or None,
            sha256=str(digest) if is_digest else None,
        )
    if not told:
        yield Artifact(name=spec, kind=kind, bytes=_int(size) or None)


def _alerts(connection: sqlite3.Connection, path: Path, run: Known) -> Iterator[Artifact]:
    if not table_columns(connection, "alerts"):
        return
    key = key_column(connection, "alerts")
    rows = select(
        connection,
        "alerts",
        ("title", "text", "level", "step"),
        f'WHERE "{key}" = ? LIMIT ?',
        [run.run_id, _MOST_ALERTS],
    )
    for title, text, level, step in rows:
        yield Artifact(
            name=str(title),
            uri=str(path),
            kind="alert",
            step=float(step) if isinstance(step, int | float) else None,
            about={"level": str(level), **({"text": str(text)} if text else {})},
        )


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


def registered_versions(folder: Path) -> Registered:
    """What the registries in a folder say of versions of artifacts; one that cannot be read says nothing."""
    found: dict[Made, tuple[ModelVersion, ...]] = {}
    for path in sorted(folder.glob(f"{REGISTRY}*.db")):
        try:
            with open_sqlite(path) as connection:
                _add_registry(connection, path.stem.removeprefix(REGISTRY), found)
        except (OSError, InputError):
            continue
    return found


def _add_registry(
    connection: sqlite3.Connection, registry: str, found: dict[Made, tuple[ModelVersion, ...]]
) -> None:
    if not table_columns(connection, "collection_links"):
        return
    aliases: dict[int, list[str]] = {}
    for link, alias in connection.execute("SELECT link_id, alias FROM collection_aliases ORDER BY alias"):
        aliases.setdefault(link, []).append(str(alias))
    for link, name, version, project, artifact, number in connection.execute(
        "SELECT l.id, c.name, l.collection_version, l.source_project, l.source_artifact, l.source_version"
        " FROM collection_links l JOIN collections c ON c.id = l.collection_id ORDER BY l.id"
    ):
        made = (str(project), str(artifact), _int(number))
        entry = ModelVersion(
            name=f"{registry}/{name}", version=str(version), aliases=tuple(aliases.get(link, ()))
        )
        found[made] = (*found.get(made, ()), entry)
