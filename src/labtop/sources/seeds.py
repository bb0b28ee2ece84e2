"""Parameters that say by their name that they are a seed, whatever tracker kept them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"(?:.*[^A-Za-z0-9])?seed(?:_everything)?", re.IGNORECASE)
_DEEPEST = 8


def seeds_in(params: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, int]:
    """Whole numbers named as seeds (`seed`, `random_seed`, `model.seed`, `seed_everything`), by their dotted names."""
    found: dict[str, int] = {}
    for key, value in params.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and depth < _DEEPEST:
            found |= seeds_in(value, f"{name}.", depth + 1)
        elif type(value) is int and "seed" in name.lower() and _NAME.fullmatch(str(key)):
            found[name] = value
    return found
