"""Brings what a source told of a run into a mirror: into a pack, or a folder with its record and points.

A mirror can be made again at any time, so nothing is flushed to the disk; each file is still written whole and renamed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from labtop.errors import InputError
from labtop.model.run import RunRecord, Status
from labtop.sources.bounding import bounded, escaped_read
from labtop.sources.completing import completed
from labtop.sources.digests import digests_of
from labtop.sources.identity import id_of, identity_by_path
from labtop.sources.landed import Landed, member_folder
from labtop.sources.nested import is_sampled
from labtop.sources.packing import Packing
from labtop.sources.parts import Parts
from labtop.sources.samples import NO_SAMPLES, samples_of
from labtop.sources.side_copies import keep, link_output
from labtop.sources.source import Place, RunRead
from labtop.sources.traits import NO_TRAITS, traits_of
from labtop.sources.unpacking import unpack
from labtop.store.files import replace_file
from labtop.store.format import record_parquet
from labtop.store.layout import METRICS, RECORD
from labtop.store.part import SUFFIX
from labtop.store.reader import read_record


@dataclass(frozen=True, slots=True)
class Landing:
    """Where runs of one place go; into packs where `packing` is given and they fit.

    `is_alone`: there are no logs of another tracker in which they could be found again.
    """

    mirror: Path
    source: str
    place: Place
    packing: Packing | None = None
    is_alone: bool = False

    def land(self, version: str, read: RunRead, before: Landed | None) -> Landed | None:
        """Bring in a run, or what was appended to it since `before`; None when it waits for its pack to be written.

        Raises OSError, InputError.
        """
        read = bounded(read)
        try:
            return self._land(version, read, before)
        except UnicodeEncodeError:  # rare, so it is not looked for in every text
            return self._land(version, escaped_read(read), before)

    def _land(self, version: str, read: RunRead, before: Landed | None) -> Landed | None:
        identity = read.identity or identity_by_path(read.record.source.tracker, self.place.path, read.key)
        run_id = id_of(identity)
        if not read.appended or before is None or before.run_id != run_id:
            before_it, known = None, None
        else:
            unpack(self.mirror, [before])
            before_it, known = before, _record_there(self.mirror / before.folder)
        record = completed(read, self.place, run_id, known)
        # another writer for another reading of the same run: points are told apart by writer and number
        writer = before_it.writer if before_it else id_of(f"{identity}@{version}@{time.time_ns()}")
        is_alone = before_it.is_alone if before_it else self.is_alone
        if before_it:
            digests, telling = before_it.digests, before_it.telling
        else:
            digests, telling = ({}, ()) if is_alone else digests_of(read.curves)
        traits = NO_TRAITS
        if not is_alone:
            traits = traits_of(record.params, read.curves, before_it.traits if before_it else None)
        samples = before_it.samples if before_it else NO_SAMPLES
        if not is_alone and is_sampled(self.source):
            samples = samples_of(read.curves, samples)
        landed = Landed(
            key=read.key,
            version=version,
            run_id=run_id,
            project=record.project,
            folder=member_folder(self.source, self.place.path, read.key),
            source=self.source,
            tracker=record.source.tracker,
            where="" if read.folder is None else str(read.folder),
            lies=str(self.place.path) if read.folder is None else "",
            is_context=read.is_context,
            is_live=not record.status.is_end,
            writer=writer,
            state=read.state,
            digests=digests,
            telling=telling,
            traits=traits,
            samples=samples,
            is_alone=is_alone,
        )
        if before is None and self.packing is not None and self.packing.takes(read, record):
            self.packing.add(landed, self.place, read, record)
            return None
        return self._into_folder(landed, read, record, before, before_it)

    def _into_folder(
        self, landed: Landed, read: RunRead, record: RunRecord, before: Landed | None, goes_on: Landed | None
    ) -> Landed:
        folder = self.mirror / landed.folder
        is_new = _make_folder(folder)
        parts = Parts(folder, landed.run_id, landed.writer)
        if goes_on:
            parts.number, parts.seq, parts.open_rows = goes_on.parts, goes_on.seq, goes_on.open_rows
        parts.write(read.curves)
        for target, path in read.kept.items():
            keep(folder, target, path)
        link_output(folder, self.place.path, read.output)
        if record.status is Status.RUNNING:
            record = replace(record, life=replace(record.life, written={landed.writer: parts.seq}))
        replace_file(folder / RECORD, record_parquet(record), sync=False)
        if not goes_on and (before is not None or not is_new):
            for old in (folder / METRICS).glob(f"*{SUFFIX}"):
                if not old.name.startswith(landed.writer):
                    old.unlink(missing_ok=True)
        points = (goes_on.points if goes_on else 0) + sum(map(len, read.curves.values()))
        return msgspec.structs.replace(
            landed, points=points, parts=parts.number, seq=parts.seq, open_rows=parts.open_rows
        )


def _make_folder(folder: Path) -> bool:
    """Make a run's folder; False when it was there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except FileNotFoundError:
        folder.mkdir(parents=True)
    return True


def _record_there(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except InputError:
        return None
