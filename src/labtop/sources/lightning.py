"""Folders of Lightning's CSVLogger: `version_N/` with `metrics.csv`, `hparams.yaml` and checkpoints.

Versions without metrics are runs too: they failed before the first step, or logged with TensorBoard beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Artifact, MetricSummary, RunRecord, Source, Status
from labtop.sources.csv_log import LogRead, Rule, decode_state, encode_state, read_log
from labtop.sources.folder_names import name_of, project_of
from labtop.sources.references import reference
from labtop.sources.side_files import SideFiles, files_below, last_write, total_size
from labtop.sources.source import Listing, Place, RunRead, RunRef, stamp

_NAME = "lightning"
_METRICS, _PARAMS = "metrics.csv", "hparams.yaml"
_VERSION = re.compile(r"version_\d+")
_RULE = Rule(steps=("step",), apart=frozenset(("epoch",)))
_STEP_IN_NAME = re.compile(r"step=(\d{1,15})")
_MOST_CHECKPOINTS = 1000


class Lightning:
    """Reads the folders of CSVLogger, of Lightning, PyTorch Lightning and Fabric."""

    tracker = _NAME
    reads = "Lightning CSVLogger: version_N/metrics.csv, hparams.yaml"
    owns = ("metrics.csv",)

    def detect(self, listing: Listing) -> Iterable[Place]:
        """A folder of a version, or one of another name that holds both files, or only metrics in Lightning's place."""
        files, folder = listing.files, listing.folder
        if listing.is_named:
            is_known = (folder / _METRICS).is_file() and (folder / _PARAMS).is_file()
            if files[0] in (_METRICS, _PARAMS) and (is_known or _VERSION.fullmatch(folder.name)):
                yield Place(folder)
            return
        has_metrics, has_params = _METRICS in files, _PARAMS in files
        is_version = bool(_VERSION.fullmatch(folder.name)) or folder.parent.name == "lightning_logs"
        if (has_metrics and has_params) or (is_version and (has_metrics or has_params)):
            yield Place(folder)

    def runs(self, place: Path) -> Iterable[RunRef]:
        """The one run of a version."""
        files = [place / _METRICS, place / _PARAMS]
        yield RunRef(".", stamp(*files, place / "checkpoints"), total_size(files))

    def read(self, place: Path, refs: Sequence[RunRef]) -> Iterator[RunRead]:
        """Read the run."""
        for ref in refs:
            if place.is_dir():
                yield _read(place, ref)


def _read(place: Path, ref: RunRef) -> RunRead:
    files = SideFiles(place)
    params = files.mapping(_PARAMS, files.yaml(_PARAMS))
    log = _read_metrics(place, ref, files)
    checkpoints = list(files_below(place / "checkpoints", _MOST_CHECKPOINTS))
    return RunRead(
        key=ref.key,
        record=RunRecord(
            id="",
            name=name_of(place),
            project=project_of(place),
            status=Status.UNKNOWN,
            params=params,
            metrics={name: MetricSummary(last=log.last[name]) for name in ("epoch",) if name in log.last},
            artifacts=tuple(_checkpoint(place, path) for path in checkpoints),
            source=Source(tracker=_NAME, uri=str(place), problems=files.problems.all()),
        ),
        curves=log.curves,
        appended=log.appended,
        state=encode_state(log.state),
        folder=place,
        last_write=last_write([place / _METRICS, place / _PARAMS]),
    )


def _read_metrics(place: Path, ref: RunRef, files: SideFiles) -> LogRead:
    try:
        log = read_log(place / _METRICS, _RULE, decode_state(ref.state))
    except FileNotFoundError:
        return LogRead()
    except (OSError, InputError) as error:
        files.problems.add(f"{_METRICS}: {getattr(error, 'strerror', None) or error}")
        return LogRead()
    for problem in log.problems:
        files.problems.add(problem)
    return log


def _checkpoint(place: Path, path: Path) -> Artifact:
    """A checkpoint by reference; its name may tell the step (`epoch=3-step=400.ckpt`)."""
    found = reference(place, path.relative_to(place).as_posix(), kind="model")
    step = _STEP_IN_NAME.search(path.name)
    return replace(found, step=float(step[1])) if step else found
