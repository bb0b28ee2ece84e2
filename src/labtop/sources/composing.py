"""Makes the folder of a run that people see from what different trackers told of it.

A run that one tracker told of is a link to what was read, made when somebody asks for it if the run lies in a pack. Of
several a record is merged, and their points lie side by side; a metric that two of them have is taken from the one with
more points.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from labtop.errors import InputError
from labtop.model.merge import merge_records
from labtop.model.run import RunRecord, Status, Tree, Value
from labtop.model.tree import flatten
from labtop.sources.joining import Group
from labtop.sources.landed import MEMBERS
from labtop.sources.unpacking import is_unpacked, link, remove, unpack
from labtop.store.files import replace_file
from labtop.store.format import point_schema, record_parquet, sorted_points_parquet
from labtop.store.layout import METRICS, RECORD
from labtop.store.reader import list_point_files, open_parquet, read_record

_FOLDERS_IN_NAMES = 4


def compose(mirror: Path, group: Group, folder: Path) -> None:
    """Make `folder` the run of a group. Raises OSError, InputError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not group.guests:
        if is_unpacked(mirror, group.host):
            link(mirror, folder, group.host)
        else:
            remove(folder)  # it is made when somebody asks for it: to make thousands of links takes seconds
        return
    unpack(mirror, group.members)
    draft = mirror / MEMBERS / f".{folder.name}-{secrets.token_hex(4)}.tmp"
    (draft / METRICS).mkdir(parents=True)
    try:
        _fill(mirror, group, draft)
        _replace(folder, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(folder: Path, draft: Path) -> None:
    """Put a finished folder in the place of another, which other processes may be reading now."""
    old = draft.with_name(f"{draft.name}.old")
    try:
        with contextlib.suppress(FileNotFoundError):
            folder.rename(old)
        draft.rename(folder)
    finally:
        remove(old)


def _fill(mirror: Path, group: Group, folder: Path) -> None:
    """Write the run of several members into an empty folder."""
    records = [read_record(mirror / each.folder) for each in group.members]
    taken = _owners(records)
    for at, member in reversed(list(enumerate(group.members))):
        for path in (mirror / member.folder).iterdir():
            if path.name not in (METRICS, RECORD):
                _copy(path, folder / path.name)
        hidden = {name for name in records[at].metrics if taken.get(name) != at}
        run_id = group.host.run_id if member.run_id != group.host.run_id else ""
        count = 0
        for part in list_point_files(mirror / member.folder).parts:
            count += _bring(part, folder / METRICS / part.name, hidden, run_id, count)
    replace_file(folder / RECORD, record_parquet(merged(records)), sync=False)


def merged(records: Sequence[RunRecord]) -> RunRecord:
    """One record of several: the first with what the others know besides."""
    whole, nothing = records[0], RunRecord(id="", name="", project="", status=Status.UNKNOWN)
    taken = _owners(records)
    also: list[str] = []
    for other in records[1:]:
        merge = merge_records(nothing, whole, replace(other, params=_new_params(other.params, whole.params)))
        status = whole.status if whole.status is not Status.UNKNOWN else other.status
        whole = replace(merge, status=status, ended_at=whole.ended_at or other.ended_at)
        also.append(f"{other.source.tracker}: {other.source.uri}")
    metrics = {name: records[at].metrics[name] for name, at in taken.items()}
    first = records[0]
    source = replace(first.source, problems=whole.source.problems, texts=whole.source.texts, also=tuple(also))
    return replace(whole, id=first.id, name=first.name, project=first.project, metrics=metrics, source=source)


def _new_params(params: Tree, known: Tree) -> Tree:
    """Params without those that are known by another spelling: `model/width` where there is `width` in `model`."""
    return _without(params, known, {name.replace("/", ".") for name in flatten(known)}, "")


def _without(params: Tree, known: Tree, spelled: set[str], before: str) -> Tree:
    """A tree without the leaves of known names that are not in the same place, nor what has nothing else in it."""
    kept: dict[str, Value] = {}
    for name, value in params.items():
        there = known.get(name)
        if isinstance(value, Mapping) and value:
            same_place = there if isinstance(there, Mapping) else {}
            if inner := _without(value, same_place, spelled, f"{before}{name}."):
                kept[name] = inner
        elif name in known or f"{before}{name}".replace("/", ".") not in spelled:
            kept[name] = value
    return kept


def _owners(records: Sequence[RunRecord]) -> dict[str, int]:
    """Which of several records tells of each metric: the one with the most points, the first of equals."""
    owners: dict[str, int] = {}
    for at, record in enumerate(records):
        for name, summary in record.metrics.items():
            if at and _is_echo(name, record, records[:at]):
                continue
            if name not in owners or summary.count > records[owners[name]].metrics[name].count:
                owners[name] = at
    return owners


def _is_echo(name: str, record: RunRecord, others: Sequence[RunRecord]) -> bool:
    """Whether others have a metric already under the name of its folder: `loss` in `train/` as `train/loss`."""
    folders = (record.source.uri or "").strip("/").split("/")[-_FOLDERS_IN_NAMES:]
    names = ["/".join((*folders[at:], name)) for at in range(len(folders))]
    count = record.metrics[name].count
    return count > 0 and any(
        named in each.metrics and each.metrics[named].count == count for each in others for named in names
    )


def _bring(part: Path, target: Path, hidden: set[str], run_id: str, count: int) -> int:
    """Put a part into a folder, without the metrics that are hidden; gives how many points that are.

    `run_id` replaces that of its points. They are numbered anew from `count` on: a number left out is a point lost.
    """
    if hidden or run_id:
        import numpy as np
        import pyarrow

        try:
            with part.open("rb") as file:
                table = open_parquet(file).read(use_threads=False)
            is_shown = [name not in hidden for name in table.column("name").to_pylist()]
        except (pyarrow.ArrowException, KeyError) as error:
            raise InputError(f"{part}: {error}") from error
        table = table.filter(pyarrow.array(is_shown, pyarrow.bool_()))
        numbers = np.empty(len(table), np.int64)
        numbers[np.argsort(table.column("seq").to_numpy())] = np.arange(count, count + len(table))
        at = table.schema.get_field_index("seq")
        table = table.set_column(at, point_schema().field("seq"), pyarrow.array(numbers))
        if run_id:
            of_run = pyarrow.repeat(pyarrow.scalar(run_id, pyarrow.string()), len(table))
            table = table.set_column(0, point_schema().field(0), of_run)
        if len(table):
            replace_file(target, sorted_points_parquet(table), sync=False)
        return len(table)
    try:
        target.hardlink_to(part)
    except OSError:
        shutil.copyfile(part, target)
    return 0


def _copy(path: Path, target: Path) -> None:
    """Copy what lies beside record and points. A link stays one: the output of the run, which may be gone by now."""
    if path.is_symlink():
        if path.exists():
            target.unlink(missing_ok=True)
            target.symlink_to(path.readlink())
    elif path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        target.unlink(
            missing_ok=True
        )  # or what is copied would go through a link into the tracker's own file
        shutil.copyfile(path, target)
