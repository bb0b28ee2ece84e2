"""Begins a run: where it goes, which one it is, and everything that is recorded before the first point."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from labtop.errors import InputError, NewerFormatError, UsageError
from labtop.model.run import Life, RunRecord, Writer
from labtop.recording.background import Background, Job
from labtop.recording.capture.command import capture_command, program_name, script_path
from labtop.recording.capture.config_files import ConfigCapture, keep_config_files
from labtop.recording.capture.notebook import notebook_shell
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.seeds import already_imported, hash_seed
from labtop.recording.config import as_mapping
from labtop.recording.endings import hooks, signals_named
from labtop.recording.facts import RunFacts
from labtop.recording.forking import Forked, find_fork, parse_fork
from labtop.recording.home import Home, open_home, refuge_of
from labtop.recording.invited import begin_of_init, parent_of_init, said_on_line
from labtop.recording.joining import invitation
from labtop.recording.launch import array_group, launch_name
from labtop.recording.membership import Membership, as_rival, looked_again, membership
from labtop.recording.moving import Moving
from labtop.recording.notebook_cells import NotebookCells
from labtop.recording.output import OUTPUT, OutputCapture, OutputLog, OutputTee
from labtop.recording.resuming import Resumed, as_joined, as_run_id, parse_resume, take_up
from labtop.recording.run import Run
from labtop.recording.surroundings import RepositoryLater, Surroundings
from labtop.recording.system.sampler import SystemSampler, samples_here
from labtop.recording.writing import NoWriter
from labtop.settings import Settings
from labtop.store.layout import file_mode, is_run_id, new_run_id, run_folder
from labtop.store.process import this_process
from labtop.store.writer import RunWriter

DEFAULT_STORE = "runs"
MODES = ("online", "offline", "disabled")
_DURABILITIES: dict[str, Literal["process", "os", "sync"]] = {
    "process": "process",
    "os": "os",
    "sync": "sync",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `init` was asked for."""

    project: str | None = None
    name: str | None = None
    config: object = None
    group: str | None = None
    job_type: str | None = None
    tags: Iterable[str] | None = ()
    notes: str | None = ""
    resume: bool | str | None = None
    store: str | os.PathLike[str] | None = None
    dir: str | os.PathLike[str] | None = None
    mode: str | None = None
    id: str | None = None
    strict: bool | None = None
    fork_from: object = None
    capture_output: bool | str | None = None
    forked: Forked | None = None  # what that names, once the store is known


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run goes. `who` is the role of this process, where the run may have several."""

    home: Home
    folder: Path
    record: RunRecord
    resumed: Resumed | None = None
    who: Writer | None = None

    @property
    def next_step(self) -> int:
        """Where the run's own counter of steps begins."""
        if self.resumed is not None:
            return self.resumed.next_step
        fork_step = self.record.life.fork_step
        return 0 if fork_step is None else math.floor(fork_step) + 1

    @property
    def owns_record(self) -> bool:
        """Whether the record is, or may become, this process's to write."""
        return self.who is None or self.who.wants_record

    @property
    def is_lead(self) -> bool:
        """Whether this process tells what was run: code, environment, hardware."""
        return self.owns_record and not (self.who and self.who.rank)

    @property
    def output(self) -> str | None:
        """The file for what this process prints: each rank has its own; a worker none, nor what `labtop run` reads."""
        if self.who is not None and not self.who.ends_run and self.who.wants_record:
            return None
        if self.who is None or (self.who.role == "rank" and not self.who.rank):
            return OUTPUT
        if self.who.role == "rank":
            return f"output-rank-{self.who.rank}.log"
        return None


def start_run(request: Request) -> Run:
    """Begin a run, or go on with one.

    Raises:
        UsageError: the arguments cannot be meant.
        InputError: the run to resume is not there, or the one that may not be there is.
        RecordingError: only if strict, when something cannot be recorded.
    """
    imported_before = already_imported()
    begin_of_init(names_another=bool(request.resume or request.id) or request.mode == "disabled")
    settings = Settings.load(mode=request.mode, strict=request.strict, capture_output=request.capture_output)
    if settings.mode not in MODES:
        raise UsageError(f"no mode {settings.mode!r}", f"one of: {', '.join(MODES)}")
    more_signals = signals_named(settings.signals)
    config = as_mapping(request.config)
    redactor = Redactor.build(os.environ, settings.redact)
    repository = RepositoryLater()
    root = repository.top
    asked = settings.project or request.project if invitation() else request.project or settings.project
    project = redactor.text(asked or (root or Path.cwd()).name or "project")  # it names a folder
    if settings.mode == "disabled":
        return _disabled_run(request, project, redactor)
    place = _find_place(request, settings, project, redactor)
    moving = Moving()
    writer = RunWriter(
        place.folder,
        place.record,
        who=place.who,
        durability=_durability(settings),
        strict=settings.strict,
        shared=settings.shared,
        refuge=refuge_of(place.home, place.folder, settings, moving),
    )
    facts = RunFacts(
        place.record, writer, redactor,
        root=root, shared=settings.shared, strict=settings.strict, imported_before=imported_before,
        settings=settings,
    )  # fmt: skip
    run = Run(facts, place.folder, place.next_step)
    run.moving, moving.facts = moving, facts
    hooks.watch(run, more_signals)
    try:
        with facts.safely("spooling"):
            place.home.mark(place.folder)
        if place.home.trouble:
            facts.trouble("store", place.home.trouble)
        run.config.update(config)
        if place.is_lead:
            _capture(run, facts, place, repository, settings)
        elif place.owns_record and not facts.record.command.argv:
            facts.set(command=replace(capture_command(redactor, root), launch=launch_name()))
        if settings.capture_output and (name := place.output):
            with facts.safely("output"):
                run.output = _capture_output(place.folder / name, settings, redactor)
                moving.output = run.output.log
        if settings.system_metrics and samples_here(place.who, os.environ):
            run.system = SystemSampler(facts, lambda: run.step, settings.system_interval_s)
            run.system.start()
    except BaseException as error:
        run.end_with(error)
        raise
    writer.flush()
    with facts.safely("loading the library that writes Parquet"):
        load_parquet_library()
    if run.background is not None:
        run.background.start()  # now: it would only take the interpreter from what the program waits for
    return run


def load_parquet_library() -> None:
    """Import pyarrow, and numpy with it, while the program waits.

    In a thread it would be there in half for a tenth of a second, and programs look into `sys.modules`: scikit-learn
    takes what it finds there and fails.
    """
    import pyarrow.parquet  # noqa: F401


def _disabled_run(request: Request, project: str, redactor: Redactor) -> Run:
    record = _first_record(request, project, redactor)
    run = Run(RunFacts(record, NoWriter(record), redactor), Path(os.devnull))
    run.config.update(request.config)
    return run


# -- where it goes -----------------------------------------------------------------------------------------------


def _find_place(request: Request, settings: Settings, project: str, redactor: Redactor) -> _Place:
    home = open_home(_store_path(request, settings), settings)
    store = home.store
    word, run_id = parse_resume(request.resume, request.id)
    if fork := parse_fork(request.fork_from):
        request = replace(request, forked=find_fork(fork, home))
    member = membership(store, project, word, run_id, settings.shared)
    if member is not None:
        return _joined_place(member, home, request, project, redactor)
    wanted = run_id
    if run_id:
        run_id = as_run_id(store, run_id)
        request = replace(request, id=run_id, name=request.name or _name_from(request))
    found = home.find_run(run_id) if run_id else home.find_unfinished(project) if word == "auto" else None
    if word == "must" and found is None:
        raise InputError(
            f"no run {wanted or ''} to resume in {store}",
            "list what is there with 'labtop ls'",
        )
    if found is not None and word in (None, "never"):
        raise InputError(f"run {found.name} is there already", "resume='allow' goes on with it")
    if found is not None:
        resumed = take_up(found)
        who = as_rival() if resumed.is_alive else None
        record = _resumed_record(resumed, request, redactor)
        return _Place(home, home.folder_of(found, record), record, resumed, who)
    record = _first_record(request, project, redactor)
    return _Place(home, run_folder(store, record.project, record.id), record)


def _joined_place(
    member: Membership, home: Home, request: Request, project: str, redactor: Redactor
) -> _Place:
    """A place in a run that other processes record too; its record may be there or not."""
    said = said_on_line()
    name = None if "name" in said else request.name or _name_from(request)
    group = None if "group" in said else request.group
    notes = None if "notes" in said else request.notes
    request = replace(request, id=member.run_id, name=name, group=group, notes=notes)
    try:
        resumed = take_up(member.folder) if member.exists else None
    except NewerFormatError:  # writing it anew would lose what this labtop does not know
        raise
    except InputError:  # damaged: whoever owns the record writes it anew
        resumed = None
    member = looked_again(member)
    who = member.who
    if resumed is None:
        return _Place(home, member.folder, _first_record(request, project, redactor), None, who)
    if not (member.is_new_attempt and who.ends_run):
        resumed = as_joined(resumed, who)
    record = _resumed_record(resumed, request, redactor)
    if who.wants_record and not who.ends_run:
        life = replace(record.life, process=resumed.record.life.process)  # who started it outlives it
        own = request.project if "project" not in said else None
        record = replace(record, life=life, project=redactor.text(own) if own else record.project)
    who = replace(who, first_step=resumed.next_step)
    return _Place(home, member.folder, record, resumed, who)


def _name_from(request: Request) -> str | None:
    """A free text given as the id is what the person calls the run."""
    return None if request.id is None or is_run_id(request.id) else request.id


def _store_path(request: Request, settings: Settings) -> Path:
    if request.store is not None and invitation() is None:
        return Path(request.store).expanduser()
    if settings.store:
        return Path(settings.store).expanduser()
    return Path(request.dir or ".") / DEFAULT_STORE


# -- what it is --------------------------------------------------------------------------------------------------


def _first_record(request: Request, project: str, redactor: Redactor) -> RunRecord:
    run_id = request.id or new_run_id()
    record = RunRecord(
        id=run_id,
        name=redactor.text(str(request.name or f"{program_name(())}-{run_id[:4]}")),
        project=redactor.text(project),
        started_at=datetime.now(UTC),
        life=Life(
            group=redactor.text(str(request.group)) if request.group else array_group(),
            job_type=redactor.text(str(request.job_type)) if request.job_type else None,
            tags=_tags(request, redactor),
            notes=redactor.text(str(request.notes or "")),
            parent_id=parent_of_init(),
            process=this_process(),
        ),
    )
    return request.forked.laid_under(record) if request.forked else record


def _resumed_record(resumed: Resumed, request: Request, redactor: Redactor) -> RunRecord:
    """The record that was left, with what `init` says anew. Parameters stay and are updated."""
    before = resumed.record
    said = _first_record(replace(request, forked=None), before.project, redactor)
    life = replace(
        before.life,
        group=(said.life.group if request.group else None) or before.life.group,
        job_type=said.life.job_type or before.life.job_type,
        tags=tuple(dict.fromkeys((*before.life.tags, *said.life.tags))),
        notes=said.life.notes or before.life.notes,
        process=said.life.process,
    )
    return replace(before, name=said.name if request.name else before.name, life=life)


def _tags(request: Request, redactor: Redactor) -> tuple[str, ...]:
    tags = [request.tags] if isinstance(request.tags, str) else request.tags or ()
    return tuple(dict.fromkeys(redactor.text(str(tag)) for tag in tags))


def _durability(settings: Settings) -> Literal["process", "os", "sync"]:
    try:
        return _DURABILITIES[settings.durability]
    except KeyError:
        raise UsageError(
            f"no durability {settings.durability!r}", f"one of: {', '.join(_DURABILITIES)}"
        ) from None


# -- what is recorded of it --------------------------------------------------------------------------------------


def _capture(
    run: Run,
    facts: RunFacts,
    place: _Place,
    repository: RepositoryLater,
    settings: Settings,
) -> None:
    redactor, root = facts.redactor, facts.root
    is_guest = place.who is not None and not place.who.ends_run  # `labtop run` has told the command
    known = facts.record if is_guest else RunRecord(id="", name="", project="")
    if not known.command.argv:
        with facts.safely("recording the command"):
            facts.set(command=replace(capture_command(redactor, root), launch=launch_name()))
    with facts.safely("recording the configuration files"):
        # the file that a kernel is given has the key to it
        given = [] if notebook_shell() is not None else sys.orig_argv
        kept = keep_config_files(given, ConfigCapture(place.folder, root, redactor, facts.shared))
        facts.set(command=replace(facts.record.command, config_files=kept))
    around = Surroundings(
        facts=facts,
        folder=place.folder,
        settings=settings,
        look=repository.look,
        script=script_path(),
        leave_out=(place.home.store, place.home.destination),
    )
    code_jobs: tuple[Job, ...] = ()
    if settings.capture_code and not (known.code.commit or known.code.untracked):
        code_jobs = around.code_jobs()  # the first of them soon: a program may write into its repository
        if (shell := notebook_shell()) is not None:
            with facts.safely("recording the notebook"):
                run.notebook = NotebookCells(facts, place.folder, shell)
                run.notebook.start()
    with facts.safely("recording the hash seed"):
        # the rest of randomness is known at the end; this also of a run that is killed
        randomness = facts.record.randomness
        facts.set(randomness=replace(randomness, flags={**randomness.flags, "PYTHONHASHSEED": hash_seed()}))
    jobs = (*code_jobs[:1], *around.keep_environment(), *code_jobs[1:], around.ready_to_move(run.moving))
    run.background = Background(facts, jobs)
    run.moving.wait_for_background = run.background.wait


def _capture_output(path: Path, settings: Settings, redactor: Redactor) -> OutputCapture:
    problem = None
    if settings.capture_output == "fd":
        try:
            from labtop.recording.descriptors.capture import DescriptorCapture

            mode = file_mode(settings.shared)
            return DescriptorCapture(path, settings.output_max_bytes, mode, settings.redact)
        except (OSError, ImportError) as error:  # closed descriptors; Windows
            problem = f"what child processes print is not kept: {error}"
    log = OutputLog(path, redactor, settings.output_max_bytes, file_mode(settings.shared))
    log.problem = problem
    tee = OutputTee(log)
    tee.start()
    return tee
