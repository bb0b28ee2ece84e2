"""A spool: a store, best on a local disk, in which runs wait for the one they belong to.

Each run in it has a note, `spool.json`, that says which store that is. `labtop sync` reads it and brings the run there.
"""

from __future__ import annotations

import json
from pathlib import Path

from labtop.store.files import FILES, read_regular, replace_file
from labtop.store.layout import create_store, make_folders, run_folder

NOTE = "spool.json"
MOVED = b"[labtop: the store went away: what was printed before "
"""How an output file in a spool begins that has no more than what was printed since the run came there."""
_LONGEST_NOTE = 64 * 1024


def spooled_folder(spool: Path, project: str, run_id: str, destination: Path) -> Path:
    """Make the folder of a run in a spool, with the note of where it belongs.

    Raises:
        OSError: it cannot be made.
        LabtopError: the spool is a store that this labtop may not write to.
    """
    create_store(spool)
    folder = run_folder(spool, project, run_id)
    make_folders(folder)
    note_destination(folder, destination)
    return folder


def note_destination(folder: Path, destination: Path) -> None:
    """Write down which store a run belongs to."""
    note = json.dumps({"store": str(destination.absolute())}).encode("utf-8", "surrogatepass")
    replace_file(folder / NOTE, note + b"\n", files=FILES)


def destination_of(folder: Path) -> Path | None:
    """The store a run belongs to; None where nothing says it."""
    try:
        said = json.loads(read_regular(folder / NOTE, _LONGEST_NOTE))["store"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(said) if isinstance(said, str) and said else None
