"""As what this process takes part in a run that it does not record alone: invited, or as one rank of a launch.

Nothing here waits for another process. Ranks agree on the run because each makes the same id from what the launcher
told them all, and on its number by looking which runs of the launch they have been in already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Writer
from labtop.recording.invited import await_record
from labtop.recording.joining import Invitation, invitation
from labtop.recording.launch import Launch, is_requeued, job_key, this_launch
from labtop.recording.resuming import as_run_id, find_run, find_unfinished, is_alive
from labtop.store.layout import RECORD, create_once, file_mode, is_run_id, make_folders, run_folder
from labtop.store.process import this_process
from labtop.store.reader import read_record
from labtop.store.writers import read_writers


@dataclass(frozen=True, slots=True)
class Membership:
    """The run to take part in, and as what.

    `exists`: there was a record before the writers were looked at, so that they tell who wrote it.
    `is_new_attempt`: nobody of this start of the launch was there before.
    """

    run_id: str
    folder: Path
    who: Writer
    exists: bool
    is_new_attempt: bool = False


def membership(
    store: Path, project: str, word: str | None, run_id: str | None, shared: bool = False
) -> Membership | None:
    """What the environment makes of this process; None for one that records a run of its own.

    Arguments:
        word, run_id: as `init` was asked to resume (recording/resuming.py).
    """
    launch, invited = this_launch(), invitation()
    if invited is not None and run_id in (None, invited.run_id):
        return _invited(invited, launch, store, project)
    if launch is None or (word == "must" and run_id is None):
        return None
    if run_id is not None:
        return _named(launch, as_run_id(store, run_id), word, store, project)
    if word == "auto":
        return _agreed(launch, store, project, shared)
    return _next_of_launch(launch, store, project)


def looked_again(member: Membership) -> Membership:
    """The same after the record and the logs were read: another rank of this start may have begun meanwhile.

    Who writes says so before it logs its first point, so that what was read can be told from what was there before.
    """
    attempt = member.who.launch
    if attempt is None or not member.is_new_attempt:
        return member
    others = [each for each in read_writers(member.folder) if each.launch == attempt]
    if not others:
        return member
    who = replace(member.who, first_step=others[0].first_step, generation=others[0].generation)
    return replace(member, who=who, is_new_attempt=False)


def as_rival() -> Writer:
    """The role of a process that resumes a run although another one still records it."""
    return Writer(role="rival", process=this_process())


def _invited(invited: Invitation, launch: Launch | None, store: Path, project: str) -> Membership:
    run_id = as_run_id(store, invited.run_id)
    folder = find_run(store, run_id) or run_folder(store, project, run_id)
    ends_run = invited.kind is None
    if invited.kind == "command":
        await_record(folder)
    exists = (folder / RECORD).exists()
    if invited.kind == "worker" or (launch is None and ends_run and _is_recorded_now(folder)):
        who = Writer(role="worker", parent=invited.parent, process=this_process())
        return Membership(run_id, folder, who, exists)
    if launch is not None:
        found = _as_rank(launch, run_id, folder)
        return replace(found, who=replace(found.who, ends_run=ends_run, parent=invited.parent))
    generation = max((each.generation for each in read_writers(folder)), default=-1) + 1 if ends_run else 0
    who = Writer(
        role="rank" if ends_run else "program",
        parent=invited.parent,
        generation=generation,
        process=this_process(),
        wants_record=True,
        ends_run=ends_run,
    )
    return Membership(run_id, folder, who, exists, is_new_attempt=ends_run)


def _named(launch: Launch, run_id: str, word: str | None, store: Path, project: str) -> Membership | None:
    """All ranks were given the same id."""
    found = find_run(store, run_id)
    if found is None:
        return None if word == "must" else _as_rank(launch, run_id, run_folder(store, project, run_id))
    member = _as_rank(launch, run_id, found)
    is_ours = any((each.launch or "").rpartition(" ")[0] == launch.key for each in read_writers(found))
    # a run that others recorded is only gone on with when that was asked for
    return member if is_ours or word not in (None, "never") else None


def _next_of_launch(launch: Launch, store: Path, project: str) -> Membership:
    """The first run of this launch that this rank has not been in: a script may record several, one after another."""
    for number in count():
        run_id = launch.run_id(number)
        folder = run_folder(store, project, run_id)
        if not _was_in(launch, read_writers(folder)):
            return _as_rank(launch, run_id, folder)
    raise AssertionError("count() has no end")


def _agreed(launch: Launch, store: Path, project: str, shared: bool) -> Membership:
    """`resume="auto"` in a launch: the rank that comes first chooses the run, and writes down which."""
    for number in count():
        new_id = launch.run_id(number)
        home = run_folder(store, project, new_id).parent
        chosen = _choice(home / f".{new_id}.launch", new_id, store, project, shared)
        folder = find_run(store, chosen) or run_folder(store, project, chosen)
        if not _was_in(launch, read_writers(folder)):
            return _as_rank(launch, chosen, folder)
    raise AssertionError("count() has no end")


def _choice(path: Path, new_id: str, store: Path, project: str, shared: bool) -> str:
    try:
        chosen = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        job = job_key() if is_requeued() else None
        found = find_unfinished(store, project, job)
        chosen = new_id if found is None else found.name
        make_folders(path.parent, shared)
        if not create_once(path, chosen.encode("ascii"), file_mode(shared)):
            chosen = path.read_text("ascii").strip()
    return chosen if is_run_id(chosen) else new_id


def _was_in(launch: Launch, writers: Sequence[Writer]) -> bool:
    return any(each.launch == launch.attempt and each.rank == launch.rank for each in writers)


def _as_rank(launch: Launch, run_id: str, folder: Path) -> Membership:
    exists = (folder / RECORD).exists()  # first: who writes a record says so before
    writers = read_writers(folder)
    of_attempt = [each for each in writers if each.launch == launch.attempt]
    if of_attempt:
        generation, first_step = of_attempt[0].generation, of_attempt[0].first_step
    else:
        earlier = [each.generation for each in writers if each.role != "command"]
        generation, first_step = max(earlier, default=-1) + 1, 0
    who = Writer(
        role="rank",
        rank=launch.rank,
        local_rank=launch.local_rank,
        node_rank=launch.node_rank,
        world_size=launch.world_size,
        generation=generation,
        launcher=launch.launcher,
        launch=launch.attempt,
        process=this_process(),
        wants_record=True,
        ends_run=True,
        first_step=first_step,
    )
    return Membership(run_id, folder, who, exists, is_new_attempt=not of_attempt)


def _is_recorded_now(folder: Path) -> bool:
    try:
        return is_alive(read_record(folder))
    except InputError:
        return False
