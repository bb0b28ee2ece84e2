"""Curves that people saved from TensorBoard's page: a CSV or JSON file a tag, named by run and tag.

`run-train-tag-epoch_loss.csv` and `run-train-tag-epoch_acc.csv` are two metrics of the run `train`. Browsers put `_`
for what may not stand in the name of a file, so a tag `loss/train` is `loss_train` here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labtop.errors import InputError
from labtop.formats.csv_table import CsvTable, numbers_of
from labtop.formats.files import open_regular, size_of
from labtop.formats.json_text import as_number, read_json
from labtop.model.run import RunRecord, Source, Status
from labtop.sources.csv_head import read_head
from labtop.sources.folder_names import name_of
from labtop.sources.side_files import last_write
from labtop.sources.source import NO_TIME, Curve, Listing, Place, RunRead, RunRef, stamp

_FILE = re.compile(r"run[-_](?P<run>.*?)-tag-(?P<tag>.+?)(?: ?\(\d+\))?\.(?P<kind>csv|json)", re.DOTALL)
_COLUMNS = ["wall time", "step", "value"]
_MOST_JSON = 2**26
_LATEST_S = 253_402_300_799.0  # the end of the year 9999
_JSON_ROW = re.compile(r"\s*\[\s*\[\s*[-+\d.eE]+\s*,\s*[-+\d.eE]+\s*,")


class _Saved(NamedTuple):
    """What the name of a file says."""

    run: str
    tag: str
    path: Path


class Downloads:
    """Reads curves saved from TensorBoard; all files of a folder that name the same run are one."""

    tracker = "tensorboard"
    reads = "curves saved from TensorBoard's page (run-NAME-tag-TAG.csv and .json)"
    owns = ("run-*-tag-*.csv", "run_*-tag-*.csv", "run-*-tag-*.json", "run_*-tag-*.json")

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder with such files; of a file that a person names, that file."""
        named = [name for name in listing.files if _FILE.fullmatch(name)]
        if not any(_is_saved(listing.folder / name) for name in named[:3]):
            return []
        return [Place(listing.folder / named[0]) if listing.is_named else Place(listing.folder)]

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The runs that names of files say."""
        for run, files in _files(place).items():
            paths = [each.path for each in files]
            yield RunRef(run, stamp(*paths), sum(map(size_of, paths)))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read runs: a file a metric."""
        files = _files(place)
        for ref in refs:
            if ref.key in files:
                yield _read(place, ref.key, files[ref.key])


def _is_saved(path: Path) -> bool:
    """Whether a file begins as TensorBoard writes it."""
    if path.suffix == ".csv":
        head = read_head(path)
        return head is not None and [name.lower() for name in head.names] == _COLUMNS
    try:
        with open_regular(path) as file:
            return bool(_JSON_ROW.match(file.read(256).decode("latin-1")))
    except (OSError, InputError):
        return False


def _files(place: Path) -> dict[str, list[_Saved]]:
    """The files of each run, those of a tag from the smallest on: of several the last holds most."""
    folder = place if place.is_dir() else place.parent
    found: dict[str, list[_Saved]] = {}
    for path in sorted(folder.iterdir()) if folder == place else [place]:
        told = _FILE.fullmatch(path.name)
        if told and path.is_file() and not path.is_symlink():
            found.setdefault(told["run"], []).append(_Saved(told["run"], told["tag"], path))
    for files in found.values():
        files.sort(key=lambda each: (each.tag, size_of(each.path), each.path.name))
    return found


def _read(place: Path, run: str, files: Sequence[_Saved]) -> RunRead:
    problems: list[str] = []
    curves: dict[str, Curve] = {}
    for each in files:
        curve = Curve()
        try:
            _fill(curve, each.path, problems)
        except (OSError, InputError) as error:
            problems.append(f"{each.path.name} cannot be read: {error}")
        if len(curve) or each.tag not in curves:
            curves[each.tag] = curve
    folder = place if place.is_dir() else place.parent
    record = RunRecord(
        id="",
        name=(run.strip("._") and run) or name_of(folder),
        project=folder.absolute().name or "runs",
        status=Status.UNKNOWN,
        source=Source(
            tracker="tensorboard",
            uri=str(place),
            run_id=run,
            problems=tuple(problems),
            reading="files saved from TensorBoard's page, which has 1,000 points of a curve unless told otherwise",
        ),
    )
    return RunRead(
        key=run,
        record=record,
        curves={tag: curve for tag, curve in curves.items() if len(curve)},
        last_write=last_write([each.path for each in files]),
    )


def _fill(curve: Curve, path: Path, problems: list[str]) -> None:
    rows = _json_rows(path, problems) if path.suffix == ".json" else _csv_rows(path, problems)
    for time, step, value in rows:
        curve.add(step, value, round(time * 1e6) if 0 < time < _LATEST_S else NO_TIME)
    if not len(curve):
        problems.append(f"{path.name} has no points")


def _csv_rows(path: Path, problems: list[str]) -> Iterator[tuple[float, float, float]]:
    table, odd = CsvTable(), 0
    with open_regular(path) as file:
        for block in table.read(file, file.seek(0, 2)):
            if [name.lower() for name in block.names] != _COLUMNS:
                raise InputError("its columns are not Wall time, Step and Value")
            found = [numbers_of(cells) for cells in zip(*block.rows, strict=True)]
            is_there = [sound or [True] * len(block.rows) for _, sound in found]
            odd += len(block.rows) - sum(map(all, zip(*is_there, strict=True)))
            for number in range(len(block.rows)):
                if all(sound[number] for sound in is_there):
                    yield found[0][0][number], found[1][0][number], found[2][0][number]
    if table.unfinished is not None:  # a file that was saved has no end of line, or it is cut
        numbers, sound = numbers_of(table.unfinished)
        if sound is None and len(numbers) == 3:
            yield numbers[0], numbers[1], numbers[2]
            problems.append(f"{path.name}: its last line has no end; it may be cut off")
    elif table.has_tail:
        problems.append(f"{path.name}: its last line is cut off")
    if odd:
        problems.append(f"{path.name}: {odd:,} rows have cells that are no numbers, and are left out")
    if table.ragged:
        problems.append(f"{path.name}: {table.ragged:,} rows have another number of cells than the first")
    problems.extend(f"{path.name}: {each}" for each in table.problems)


def _json_rows(path: Path, problems: list[str]) -> Iterator[tuple[float, float, float]]:
    rows = read_json(path, _MOST_JSON)
    odd = 0
    for row in rows if isinstance(rows, list) else ():
        cells = [as_number(cell) for cell in row] if isinstance(row, list) else []
        if len(cells) < 3 or cells[0] is None or cells[1] is None or cells[2] is None:
            odd += 1
        else:
            yield cells[0], cells[1], cells[2]
    if odd:
        problems.append(f"{path.name}: {odd:,} rows are no points, and are left out")
