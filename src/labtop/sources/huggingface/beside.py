"""What Hugging Face's Trainer writes beside its state: results, configurations of the model, and the model card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labtop.errors import InputError
from labtop.formats.json_text import as_number
from labtop.formats.typed_text import is_kept, typed
from labtop.formats.yaml_text import parse_yaml
from labtop.sources.side_files import SideFiles

RESULTS = (
    "all_results.json", "train_results.json", "eval_results.json", "predict_results.json", "test_results.json",
)  # fmt: skip
CONFIGURATIONS = ("config.json", "adapter_config.json")
CARD = "README.md"
_CARD_PARAMS = "training hyperparameters"
_CARD_VERSIONS = "framework versions"
_ENTRY = re.compile(r"[-*] ([A-Za-z][\w .-]{0,100}?): (.+)")
_VERSION = re.compile(r"[-*] ([A-Za-z][\w.-]{0,60}):? (\d\S*)")
_PACKAGES = {"pytorch": "torch"}


@dataclass(slots=True)
class Card:
    """What a model card says: the Trainer writes its settings and versions of packages into it."""

    params: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def results_in(files: SideFiles) -> dict[str, float]:
    """The numbers of all files of results."""
    found: dict[str, float] = {}
    for name in RESULTS:
        for key, value in files.mapping(name, files.json(name)).items():
            number = as_number(value)
            if number is not None:
                found[key] = number
    return found


def configuration_in(files: SideFiles) -> dict[str, Any]:
    """The settings of the model, and of an adapter to it."""
    found: dict[str, Any] = {}
    for name in CONFIGURATIONS:
        found |= files.mapping(name, files.json(name))
    return found


def card_in(files: SideFiles) -> Card:
    """The model card, where the Trainer wrote one."""
    text = files.text(CARD, 2**20)
    card = Card()
    if text is None or _CARD_VERSIONS not in text.lower():
        return card  # somebody's own page
    header, body = _split(text)
    tags = header.get("tags")
    if isinstance(tags, list):
        card.tags = tuple(each for each in tags if isinstance(each, str))
    base = header.get("base_model")
    if isinstance(base, str):
        card.params["base_model"] = base
    for section, name, value in _entries(body):
        if section == _CARD_PARAMS:
            card.params[name] = typed(value)
            if not is_kept(value, card.params[name]):
                card.texts[name] = value
        elif section == _CARD_VERSIONS:
            card.packages[_PACKAGES.get(name.lower(), name.lower())] = value
    return card


def _split(text: str) -> tuple[Mapping[str, Any], str]:
    """The YAML at the head of a card, and the rest."""
    if not text.startswith("---"):
        return {}, text
    header, _, body = text[3:].partition("\n---")
    try:
        value = parse_yaml(header)
    except InputError:
        value = None
    return (value if isinstance(value, dict) else {}), body


def _entries(body: str) -> Iterator[tuple[str, str, str]]:
    """The entries of lists, with the heading that they stand under."""
    section = ""
    for line in body.splitlines():
        if line.startswith("#"):
            section = line.strip("# ").lower()
        else:
            known = _VERSION if section == _CARD_VERSIONS else _ENTRY
            if found := known.fullmatch(line.strip()):
                yield section, found[1], found[2].strip()
