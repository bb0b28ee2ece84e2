"""Where a run came to lie in a mirror: what a mirror remembers of it, and what the next reading goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from labtop.sources.identity import id_of
from labtop.sources.samples import NO_SAMPLES, Samples
from labtop.sources.traits import NO_TRAITS, Traits
from labtop.store.layout import safe_folder_name

MEMBERS = ".runs"
"""The folder of a mirror with what was read, run by run."""


class Landed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run came to lie in a mirror, and what the next reading goes on from.

    Attributes:
        folder: with what was read, relative to the mirror; hidden, for people see what `composing` makes of it.
        where: the folder of its own files, as `RunRead.folder`; empty when unknown.
        lies: its place, a folder or file that may hold other runs as well; empty where `where` says more.
        digests: of its curves, to find the same run in the logs of another tracker: hash → name.
        telling: those of them that go up and down: no schedule of a learning rate does.
        traits: what tells it from others with the same curves.
        samples: points that tell whether a log in a training's folder is of it.
        is_alone: no other tracker had logs when it was read, so what finds it there was not made of its curves.
        pack: the pack that it was written to first; `folder` is made of it when somebody asks. Empty if there is none.
        is_unread: it is known by the listing of its place alone; there is nothing of it in the mirror yet.
        is_whole: of such a one, that there are no points to be read.
    """

    key: str
    version: str
    run_id: str
    project: str
    folder: str
    source: str
    tracker: str
    where: str = ""
    lies: str = ""
    is_context: bool = False
    is_live: bool = False
    points: int = 0
    writer: str = ""
    parts: int = 0
    seq: int = 0
    open_rows: int = 0
    state: bytes | None = None
    digests: Mapping[str, str] = msgspec.field(default_factory=dict)
    telling: tuple[str, ...] = ()
    traits: Traits = NO_TRAITS
    samples: Samples = NO_SAMPLES
    is_alone: bool = False
    pack: str = ""
    is_unread: bool = False
    is_whole: bool = False

    @property
    def shown(self) -> str:
        """The folder of the run that people see, relative to the mirror."""
        return f"{_folder_of(self.project)}/{self.run_id}"


_folder_of = lru_cache(256)(safe_folder_name)


def member_folder(source: str, place: Path | str, key: str) -> str:
    """Where what is read of a run lies, relative to the mirror."""
    return f"{MEMBERS}/{id_of(f'{source}|{place}|{key}')}"
