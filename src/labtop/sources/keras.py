"""Tables that the callback CSVLogger of Keras writes: `epoch` from 0, then the names of metrics in alphabetical order.

They may be called anything; `.csv` and `.log` are usual. Nothing else of the run is in them; where a table has a
general name, its folder is that of the run, and models in it are the run's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Artifact, RunRecord, Source, Status
from labtop.sources.csv_head import Head, read_head
from labtop.sources.csv_log import Rule, decode_state, encode_state, read_log
from labtop.sources.folder_names import name_of, project_of
from labtop.sources.references import reference
from labtop.sources.side_files import files_below, last_write
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_NAME = "keras"
_RULE = Rule(steps=("epoch",))
_ENDINGS = (".csv", ".log", ".tsv", ".txt")
_LIKELY = re.compile(r"train|hist|log|epoch|metric|fit|keras|loss|result|perf|model|run|valid", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"-?\d+,\d+")  # of a spreadsheet; Keras writes points
_MOST_OPENED = 50
_MOST_FILES = 5000
_MODELS = (".keras", ".h5", ".hdf5", ".tflite")
_GENERAL = re.compile(
    r"(?:training|train|history|hist|log|logs|metrics|csv|logger|csvlogger|model|result|results|_|-|\.)+",
    re.IGNORECASE,
)


class Keras:
    """Reads tables of CSVLogger; each is a run."""

    tracker = _NAME
    reads = "Keras CSVLogger: training.log, *.csv with epoch from 0"

    def detect(self, listing: Listing) -> Iterable[Place]:
        """Tables whose names are likely and whose heads are as Keras writes them."""
        likely = [
            name
            for name in listing.files
            if name.endswith(_ENDINGS) and (listing.is_named or _LIKELY.search(name))
        ]
        for name in likely[:_MOST_OPENED]:
            if _is_keras(read_head(listing.folder / name)):
                yield Place(listing.folder / name)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a table."""
        try:
            folder = [place.parent] if _is_general(place) else []
            yield RunRef(".", stamp(place, *folder), place.stat().st_size)
        except OSError:
            return

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            try:
                yield _read(place, ref)
            except (FileNotFoundError, InputError):
                continue


def _is_keras(head: Head | None) -> bool:
    """Whether epochs come first, then metrics in alphabetical order, with a loss among them."""
    if head is None or head.comment or len(head.names) < 2 or head.names[0] != "epoch":
        return False
    metrics = list(head.names[1:])
    if metrics != sorted(metrics) or "step" in metrics or not any("loss" in name for name in metrics):
        return False
    if not head.first:
        return True
    is_whole = len(head.first) == len(head.names) and head.first[0].strip().isdigit()
    return is_whole and not any(_COMMA_NUMBER.fullmatch(cell.strip()) for cell in head.first)


def _read(place: Path, ref: RunRef) -> RunRead:
    log = read_log(place, _RULE, decode_state(ref.state))
    is_general = _is_general(place)
    return RunRead(
        key=ref.key,
        record=RunRecord(
            id="",
            name=name_of(place.parent) if is_general else place.stem,
            project=project_of(place.parent) if is_general else place.parent.name,
            status=Status.UNKNOWN,
            artifacts=(
                Artifact(name=place.name, uri=str(place), kind="table"),
                *(_models(place.parent) if is_general else ()),
            ),
            source=Source(tracker=_NAME, uri=str(place), problems=tuple(log.problems)),
        ),
        curves=log.curves,
        appended=log.appended,
        state=encode_state(log.state),
        last_write=last_write([place]),
    )


def _is_general(place: Path) -> bool:
    """Whether the name of a table says nothing of the run: its folder does."""
    return bool(_GENERAL.fullmatch(place.stem))


def _models(folder: Path) -> Iterator[Artifact]:
    """The models in a folder, by reference."""
    for path in files_below(folder, _MOST_FILES, deepest=0):
        if path.suffix in _MODELS:
            yield reference(folder, path.name, kind="model")
