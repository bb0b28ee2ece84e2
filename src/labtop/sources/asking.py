"""Which sources are asked about a folder: told by the names in it. Those that are never asked are not imported."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labtop.sources import SOURCES, load_source
from labtop.sources.source import Listing, Source


class Asking:
    """Asks some sources, by their names; one that was asked about a folder is asked about all others too."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: at for at, name in enumerate(names)}
        self._waiting = {name: SOURCES[name].names for name in self._order if name in SOURCES}
        self._sources: list[tuple[str, Source]] = []
        self._load([name for name in self._order if name not in SOURCES])  # nobody knows their names

    def about(self, listing: Listing) -> list[tuple[str, Source]]:
        """The sources that may find something in a folder, with their names; those of last resort last."""
        if self._waiting:
            text = "/".join(("", listing.folder.name, *listing.files, *listing.folders, "")).lower()
            # of a file that a person names, any source may make something
            self._load(
                [name for name, names in self._waiting.items() if listing.is_named or re.search(names, text)]
            )
        return self._sources

    def _load(self, names: Iterable[str]) -> None:
        for name in names:
            self._waiting.pop(name, None)
            self._sources.append((name, load_source(name)))
        self._sources.sort(key=lambda each: (is_last_resort(each[1]), self._order[each[0]]))


def is_last_resort(source: Source) -> bool:
    """Whether a source reads only what no other does: files that others claim are not shown to it."""
    return bool(getattr(source, "is_last_resort", False))
