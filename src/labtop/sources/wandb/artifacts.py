"""Artifacts of a W&B run: rich values, what was logged, alerts, files that were saved by hand; and what was used."""

from __future__ import annotations

from collections.abc import Iterator

from labtop.model.run import Artifact, DataInput
from labtop.sources.wandb.facts import Facts
from labtop.sources.wandb.layout import Segment
from labtop.sources.wandb.media import location

_OWN_FILES = frozenset(
    (
        "requirements.txt",
        "output.log",
        "config.yaml",
        "wandb-summary.json",
        "wandb-metadata.json",
        "diff.patch",
    )
)


_LONGEST_METADATA = 1000


def inputs(facts: Facts) -> Iterator[DataInput]:
    """The artifacts that were used."""
    for said in facts.used.values():
        name = said.get("name", "") or said.get("id", "")
        yield DataInput(name=name, uri=f"wandb-artifact:///{name}", kind=said.get("type", "") or "wandb")


def artifacts(facts: Facts, segment: Segment) -> Iterator[Artifact]:
    """What the run made: by its file, or by what W&B calls it."""
    yield from facts.media.artifacts(segment.files, segment.tape)
    for said in facts.logged.values():
        contents = said.get("manifest", {}).get("contents", [])
        place = "/".join(filter(None, (said.get("entity"), said.get("project"), said.get("name"))))
        about: dict[str, str | int | float | bool] = {"files": len(contents)} if contents else {}
        if said.get("digest"):
            about["digest"] = said["digest"]
        for name in ("aliases", "tags"):
            if said.get(name):
                about[name] = ", ".join(said[name])
        if said.get("metadata", "{}") not in ("", "{}", "null"):
            about["metadata"] = said["metadata"][:_LONGEST_METADATA]
        if said.get("description"):
            about["caption"] = said["description"]
        yield Artifact(
            name=said.get("name", ""),
            uri=contents[0]["ref"]
            if len(contents) == 1 and contents[0].get("ref")
            else f"wandb-artifact:///{place}",
            kind=said.get("type", "") or "artifact",
            bytes=sum(each.get("size", 0) for each in contents) if contents else None,
            about=about,
        )
    for alert in facts.alerts:
        about = {name: text for name in ("text", "level") if (text := alert.get(name))}
        yield Artifact(name=alert.get("title", ""), uri=str(segment.tape), kind="alert", about=about)
    for path in facts.files:
        if path not in _OWN_FILES and not path.startswith("media/"):
            yield Artifact(name=path, uri=location(path, segment.files))
