"""Ids of runs that other trackers recorded: the same run has the same id wherever and whenever it is read."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from labtop.store.identity import ALPHABET

_LETTERS = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))


def id_of(identity: str) -> str:
    """The id of the run with an identity, in the form of labtop's own ids."""
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
    return digest[:10].translate(_LETTERS).decode("ascii")


def identity_by_path(tracker: str, place: Path, key: str) -> str:
    """The identity of a run that only its place tells apart."""
    return f"{tracker}:{_resolved(place)}:{key}"


@lru_cache(64)
def _resolved(place: Path) -> str:
    return os.fsencode(place.resolve()).decode("utf-8", "backslashreplace")
