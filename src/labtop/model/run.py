"""The record of one run: what `run.parquet` says, one dataclass a group of facts.

Field names are the words of the store format; unknown facts are None or empty, never made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
"""A configuration value: a scalar, a list or a nested mapping."""
Tree: TypeAlias = Mapping[str, Value]


class Status(StrEnum):
    """How a run stands. `crashed`, `lost` and `unknown` are inferred by readers, never written."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"
    CRASHED = "crashed"
    LOST = "lost"
    UNKNOWN = "unknown"

    @property
    def is_end(self) -> bool:
        """Whether nothing more is expected of the run by its own word."""
        return self in (Status.FINISHED, Status.FAILED, Status.KILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric of one run. `min`, `max` and `mean` leave NaN out; `first` and `last` are in logged order.

    `spark` holds up to 64 numbers in which each stretch keeps its lowest and highest value.
    `count` 0 with a `last` is a value set by `run.summary` that was never logged as a point.
    """

    goal: str | None = None  # "min", "max"
    count: int = 0
    nan_count: int = 0
    first: float | None = None
    last: float | None = None
    last_step: float | None = None
    min: float | None = None
    min_step: float | None = None
    max: float | None = None
    max_step: float | None = None
    mean: float | None = None
    spark: tuple[float, ...] = ()
    rank: int | None = None  # whose points: None is the rank that owns the record, as nearly always


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The process that writes a run; what a reader on the same host needs to see whether it is alive."""

    host: str | None = None
    pid: int | None = None
    boot_id: str | None = None
    pid_started: float | None = None  # seconds since the machine started; see store/process.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life: the counter moves at least every `interval_s` while the run lives.

    `at` is the writer's clock, seconds since the epoch: good enough to tell hours apart and for nothing else.
    """

    counter: int = 0
    interval_s: float = 10.0
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """The exception that ended a run."""

    type: str = ""
    message: str = ""
    where: str = ""  # "train.py:12 in step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What a run used while it was measured, `seconds` long.

    `gpu_source`: counter (the devices counted), power (watts over time).
    """

    gpu_wh: float | None = None
    cpu_wh: float | None = None
    gpu_source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where a run belongs and how it went."""

    group: str | None = None
    job_type: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    parent_id: str | None = None
    fork_step: float | None = None
    resumed_from: str | None = None
    exit_code: int | None = None
    signal: str | None = None  # "SIGTERM"
    error: RunError | None = None
    beat: Beat | None = None
    process: Process | None = None
    written: Mapping[str, int] = field(default_factory=dict)  # writer → first seq not in `metrics` yet
    degraded: str | None = None  # why the record may lack something
    dropped: int = 0  # points that could not be written
    energy: Energy | None = None
    archived: bool = False  # the tracker that it was read from says that it was deleted or put away


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A configuration file the run was started with. `kept` is where its copy lies in the run's folder."""

    path: str  # as Command.cwd: relative to the repository root where it lies inside
    sha256: str | None = None
    bytes: int | None = None
    kept: str | None = None
    reason: str = ""  # why it was not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What was started. Secrets in `argv` are replaced by `${NAME}`."""

    argv: tuple[str, ...] = ()
    cwd: str | None = None  # relative to the repository root; absolute outside of one
    executable: str | None = None
    entry_point: str | None = None  # script path relative to the repository root, or "-m module"
    launcher: str | None = None  # torchrun, slurm, mpi, …
    launch: str | None = None  # what all processes of one launch have in common: "slurm:81234.0"
    ranks: Mapping[str, int] = field(default_factory=dict)  # rank, local_rank, world_size, …
    config_files: tuple[ConfigFile, ...] = ()  # named in argv, or written by Hydra


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrackedFile:
    """A file git did not know. `kept` tells whether its bytes are in `code/untracked/`."""

    path: str
    sha256: str | None = None
    bytes: int = 0
    kept: bool = False
    reason: str = ""  # why it was not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A submodule and the commit it stood at."""

    path: str
    commit: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code that ran. `patch_sha256` names `code/patch.diff`, `bundle` a file in `code/`."""

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    patch_sha256: str | None = None
    untracked: tuple[UntrackedFile, ...] = ()
    submodules: tuple[Submodule, ...] = ()
    bundle: str | None = None
    notebook: str | None = None  # the cells that were run, as a script in `code/`
    problem: str | None = None  # why something could not be captured


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInput:
    """One declared input, or output, and its identity.

    `kind`: file, directory, glob, frame, dvc, lakefs, hf, mlflow, s3, gs, …
    `indices` is a file in the run's folder that says which rows were used.
    """

    name: str
    uri: str
    kind: str
    digest: str | None = None
    algorithm: str | None = None
    bytes: int | None = None
    rows: int | None = None
    files: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # name → type, in order
    split: str | None = None  # "train", "validation", …
    indices: str | None = None
    indices_sha256: str | None = None
    used_rows: int | None = None  # how many rows `indices` names
    role: str = "input"  # "output" for what the run wrote
    problem: str | None = None  # why there is no digest, or what is odd about it
    rank: int | None = None  # the rank that declared it, where that was not the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomness:
    """Seeds by library (python, numpy, torch, …, or the user's names) and determinism flags.

    `ranks` are the seeds of other ranks, where they are others, by the rank's number in digits.

    `imported` lists random libraries that were loaded, so that those never seeded can be told.
    """

    seeds: Mapping[str, int] = field(default_factory=dict)
    flags: Tree = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    ranks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """A file that pins packages, kept in `environment/` under `name`."""

    name: str
    path: str = ""  # where it was found
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPackage:
    """A package installed from a folder, and the state of the repository that the folder lies in."""

    name: str
    path: str
    commit: str | None = None
    dirty: bool | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The software around the code. `origins` names packages that came from a VCS, a path or a URL."""

    python: str | None = None
    implementation: str | None = None
    os: str | None = None
    kernel: str | None = None
    libc: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    packages_partial: bool | None = None  # true: another tracker told only some of them
    origins: Mapping[str, str] = field(default_factory=dict)  # requirement, e.g. "git+https://…@sha"
    lock_file: str | None = None  # name of the copy in environment/
    lock_sha256: str | None = None
    lock_files: tuple[LockFile, ...] = ()  # all that were found; the nearest is `lock_file`
    lock_differs: tuple[str, ...] = ()  # "numpy 2.1.0 is installed, 2.0.0 is locked"
    local_packages: tuple[LocalPackage, ...] = ()
    container: str | None = None  # docker, podman, apptainer, kubernetes, …: inside of which the run was
    container_id: str | None = None
    container_image: str | None = None
    container_digest: str | None = None  # by which a registry gives the image
    container_image_id: str | None = None  # by which the machine knew it: of one built there, all there is
    conda_environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One graphics processor that the run could use, or the part of one: an instance of MIG."""

    name: str
    memory_bytes: int | None = None
    driver: str | None = None
    vendor: str | None = None  # nvidia, amd, apple
    architecture: str | None = None  # compute capability "9.0", "gfx942", "Metal 3"
    uuid: str | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The machine, and how much of it the run could use."""

    cpu: str | None = None
    architecture: str | None = None  # x86_64, arm64
    cores: int | None = None
    cpus_allowed: int | None = None  # by affinity
    cpu_limit: float | None = None  # cores' worth of time by control group
    governor: str | None = None  # performance, powersave, …
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None  # by control group
    gpus: tuple[Gpu, ...] = ()
    gpus_hidden: int | None = None  # how many more the machine has, by CUDA_VISIBLE_DEVICES and its like
    cuda: str | None = None
    cuda_driver: str | None = None  # the newest CUDA that the driver can run
    cudnn: str | None = None
    nccl: str | None = None
    rocm: str | None = None
    blas: str | None = None
    blas_threads: int | None = None
    threads: Mapping[str, int] = field(default_factory=dict)  # library → threads it uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file the run logged. `path` is relative to the run's folder; `uri` is for what lies elsewhere.

    `about` says more of a rich value: caption, width, rows, area, … Its file lies in `media/` by its hash.
    `rank`: of the process that logged it, where that was not the first of them.
    """

    name: str
    path: str | None = None
    uri: str | None = None
    kind: str = "file"
    step: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    about: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a registered model."""

    name: str
    version: str
    stage: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a run was read from when labtop did not record it.

    `texts` are params that were stored as text other than their value would be written: name → that text. `also` are
    other places where the same run was seen. `models` are the versions of registered models that it made. `reading`
    says how it was read where that was guessed: what the columns of a table were taken for.
    """

    tracker: str = "labtop"
    uri: str | None = None
    run_id: str | None = None
    problems: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    models: tuple[ModelVersion, ...] = ()
    reading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One of several processes that record a run: `writers/<writer>.json`. A run of one process has none.

    `role`: rank (one of a launch), program (started by `labtop run`), command (that is `labtop run` itself), child
    (forked), worker (joined by environment), rival (resumed a run that another process still records).
    """

    writer: str = ""
    role: str = "rank"
    rank: int | None = None
    local_rank: int | None = None
    node_rank: int | None = None
    world_size: int | None = None
    generation: int = 0  # how often the run was taken up again before
    launcher: str | None = None
    launch: str | None = None  # what all ranks of one start of a launch have in common
    parent: str | None = None  # the writer of the process that it was forked from or invited by
    process: Process | None = None
    wants_record: bool = (
        False  # writes the record unless a better placed writer is there; see store/writers.py
    )
    ends_run: bool = False  # its end is the end of the run
    first_step: int = 0  # where its own counter of steps began
    began_at: float | None = None  # its own clock, seconds since the epoch
    ended_at: float | None = None
    status: Status | None = None  # None while it lives, or died without a word
    exit_code: int | None = None
    signal: str | None = None
    error: RunError | None = None
    points: int = 0
    metrics: Mapping[str, MetricSummary] = field(
        default_factory=dict
    )  # at most 200, of who has not the record
    artifacts: tuple[Artifact, ...] = ()  # what it logged, at most 10,000; readers add them to the record's
    data: tuple[DataInput, ...] = ()  # what it declared, and what it seeded; readers add them likewise
    seeds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything recorded of one run but its points, which lie in `metrics/`."""

    id: str
    name: str
    project: str
    status: Status = Status.RUNNING
    started_at: datetime | None = None  # aware, UTC
    ended_at: datetime | None = None
    format: int = 1
    params: Tree = field(default_factory=dict)
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)
    summary: Tree = field(default_factory=dict)  # what the user put into run.summary
    life: Life = Life()
    command: Command = Command()
    code: Code = Code()
    data: tuple[DataInput, ...] = ()
    randomness: Randomness = Randomness()
    environment: Environment = Environment()
    hardware: Hardware = Hardware()
    artifacts: tuple[Artifact, ...] = ()
    source: Source = Source()
    writers: tuple[Writer, ...] = ()  # not in run.parquet: read from `writers/` where one run is looked at
