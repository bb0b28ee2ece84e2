"""What a run that is started here, with this Python, would record, and what it would not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from labtop.cli.doctor.line import Line, looked_at
from labtop.model.run import Environment
from labtop.recording.capture.command import launcher_and_ranks
from labtop.recording.capture.environment import capture_environment, with_packages
from labtop.recording.capture.hardware import capture_hardware
from labtop.recording.capture.lfs import tell_unfetched
from labtop.recording.capture.local_packages import local_packages
from labtop.recording.capture.lock_differences import lock_differences
from labtop.recording.capture.numeric_libraries import with_library_facts
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import DIFF, GitProblem, Repository
from labtop.recording.capture.secret_names import is_secret_name
from labtop.settings import Settings, cache_folder
from labtop.views.numbers import size

SECTION = "capture"
_CLIENTS = {"s3://": "boto3", "gs://": "google.cloud.storage", "lakefs://": "lakefs"}
_RANDOM = ("numpy", "torch", "tensorflow", "jax", "cupy", "keras")


def capture_lines(settings: Settings) -> Iterable[Line]:
    """The lines of the section."""
    redactor = Redactor.build(os.environ)
    return looked_at(
        SECTION,
        (
            ("code", lambda: _code(settings)),
            ("environment", lambda: _environment(redactor)),
            ("hardware", _hardware),
            ("launcher", _launcher),
            ("randomness", lambda: _randomness(os.environ)),
            ("data", lambda: _data(settings)),
            ("secrets", lambda: _secrets(os.environ)),
        ),
    )


def _line(what: str, found: str, advice: str = "", ill: bool = False) -> Line:
    return Line(SECTION, what, "ill" if ill else "note" if advice else "well", found, advice)


def _code(settings: Settings) -> Iterator[Line]:
    if not settings.capture_code:
        yield _line("code", "is not recorded", "the setting capture_code is off; turn it on")
        return
    if shutil.which("git") is None:
        yield _line("git", "is not installed", "install git: only the script is kept without it", ill=True)
        return
    try:
        repository = Repository.around(Path.cwd())
    except GitProblem as problem:
        yield _line("git", str(problem), "see 'git status' here", ill=True)
        return
    if repository is None:
        yield _line("git", "this folder is in no repository", "git init: without it only the script is kept")
        return
    yield from _repository(repository)


def _repository(repository: Repository) -> Iterator[Line]:
    commit = repository.ask_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if commit is None:
        yield _line(
            "commit", f"none yet in {repository.top}", "git commit: until then all files count as untracked"
        )
    else:
        is_dirty = bool(repository.run(*DIFF, "--quiet", "HEAD")[0])
        changes = "with changes, which are kept as a patch" if is_dirty else "without changes"
        yield _line("commit", f"{commit[:12]} {changes}")
    untracked = len(repository.paths("ls-files", "-z", "--others", "--exclude-standard"))
    if untracked > 500:
        yield _line(
            "untracked files", f"{untracked}; 500 are listed", "name those that are no code in .gitignore"
        )
    if any(key.startswith("remote.") for key in repository.config):
        yield _line("remote", "there is one; commits that are not pushed are kept in a bundle")
    else:
        yield _line(
            "remote",
            "none; all commits are kept in a bundle, up to 20 MB",
            "git remote add origin …, and push",
        )
    problems: list[str] = []
    tell_unfetched(repository, problems)
    for problem in problems:
        yield _line("large files", problem, "git lfs pull", ill=True)


def _environment(redactor: Redactor) -> Iterator[Line]:
    """What would be recorded is recorded, into a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="labtop-doctor-") as name:
        folder = Path(name)
        environment = with_packages(capture_environment(folder, redactor, _root()), folder, redactor, _root())
        yield _line("packages", f"{len(environment.packages)} of Python {environment.python}")
        yield from _locks(environment, folder)
    if environment.conda_environment:
        yield _line("conda", f"{environment.conda_environment}; its explicit list is kept")
    yield from _container(environment)
    for package in local_packages(environment.origins, redactor):
        if package.commit is None:
            yield _line(
                f"package {package.name}",
                f"from {package.path}, in no repository",
                "git init there, and commit",
            )
        elif package.dirty:
            yield _line(
                f"package {package.name}",
                f"from {package.path}, with changes",
                "commit them: they are not kept",
            )
        else:
            yield _line(f"package {package.name}", f"from {package.path} at {package.commit[:12]}")


def _root() -> Path | None:
    try:
        repository = Repository.around(Path.cwd())
    except GitProblem:
        return None
    return repository.top if repository else None


def _locks(environment: Environment, folder: Path) -> Iterator[Line]:
    if not environment.lock_files:
        yield _line(
            "lock file",
            "none is found",
            "uv lock, or pip freeze > requirements.txt; all versions are kept anyway",
        )
        return
    yield _line("lock file", ", ".join(each.name for each in environment.lock_files))
    differs = lock_differences(environment, folder, _root())
    if differs:
        more = f" and {len(differs) - 3} more" if len(differs) > 3 else ""
        advice = "uv sync, or pip install -r; what is installed is what gets recorded"
        yield _line("installed or locked", f"{'; '.join(differs[:3])}{more}", advice)
    elif differs is not None:
        yield _line("installed or locked", "the same")


def _container(environment: Environment) -> Iterator[Line]:
    if environment.container is None:
        return
    if environment.container_image is None:
        advice = "start it with -e LABTOP_CONTAINER_IMAGE=… -e LABTOP_CONTAINER_DIGEST=sha256:…"
        yield _line("container", f"{environment.container}; its image cannot be seen from inside", advice)
    elif environment.container_digest is None:
        advice = "a tag moves: set LABTOP_CONTAINER_DIGEST=sha256:…"
        yield _line(
            "container", f"{environment.container}: {environment.container_image}, without a digest", advice
        )
    else:
        yield _line("container", f"{environment.container}: {environment.container_image}")


def _hardware() -> Iterator[Line]:
    hardware = with_library_facts(capture_hardware(), _versions())
    limits = (
        f"{hardware.cpus_allowed} usable" if hardware.cpus_allowed else "",
        f"limited to {hardware.cpu_limit:g} by control group" if hardware.cpu_limit else "",
        hardware.governor or "",
    )
    yield _line("cpu", ", ".join(filter(None, (hardware.cpu, f"{hardware.cores} cores", *limits))))
    memory = size(hardware.memory_bytes) if hardware.memory_bytes else "unknown"
    limit = f", limited to {size(hardware.memory_limit_bytes)}" if hardware.memory_limit_bytes else ""
    yield _line("memory", memory + limit)
    for gpu in hardware.gpus:
        facts = (
            gpu.name,
            size(gpu.memory_bytes) if gpu.memory_bytes else "",
            f"driver {gpu.driver}" if gpu.driver else "",
        )
        yield _line("gpu", ", ".join(filter(None, facts)))
    if not hardware.gpus:
        if Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi"):
            yield _line(
                "gpu", "an NVIDIA driver is here and does not answer", "see what nvidia-smi says", ill=True
            )
        elif Path("/dev/kfd").exists():
            yield _line("gpu", "an AMD driver is here and shows no GPU", "see what amd-smi says", ill=True)
        else:
            yield _line("gpu", "none")
    for what in ("cuda", "cudnn", "nccl", "rocm"):
        if version := getattr(hardware, what):
            yield _line(what, version)


def _versions() -> Mapping[str, str]:
    from labtop.recording.capture.packages import installed_packages

    return installed_packages(Redactor(), None)[0]


def _launcher() -> Iterator[Line]:
    launcher, ranks = launcher_and_ranks(os.environ)
    if launcher:
        told = ", ".join(f"{name} {number}" for name, number in ranks.items())
        yield _line("launcher", f"{launcher}: {told or 'a process on its own'}")


def _randomness(environment: Mapping[str, str]) -> Iterator[Line]:
    libraries = [name for name in _RANDOM if find_spec(name) is not None]
    yield _line(
        "seeds", f"run.seed(n) seeds python{''.join(f', {name}' for name in libraries)} once imported"
    )
    hash_seed = environment.get("PYTHONHASHSEED", "")
    if hash_seed.isdecimal():
        yield _line("PYTHONHASHSEED", hash_seed)
    else:
        advice = "start Python with PYTHONHASHSEED=0 where the order of sets of texts matters"
        yield _line("PYTHONHASHSEED", "not set: texts hash differently in each process", advice)


def _data(settings: Settings) -> Iterator[Line]:
    folder = cache_folder() / "hashes"
    remembered = len(list(folder.glob("*.hashes"))) if folder.is_dir() else 0
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if os.access(existing, os.W_OK):
        yield _line("hashes of data", f"{remembered} inputs are remembered in {folder}")
    else:
        yield _line(
            "hashes of data", f"{folder} cannot be written", "data is read for each run; set XDG_CACHE_HOME"
        )
    if not settings.resolve_data:
        yield _line("addresses", "nobody is asked for versions", "the setting resolve_data is off")
        return
    asked = [scheme for scheme, module in _CLIENTS.items() if _is_installed(module)]
    missing = [module.replace(".", "-") for module in _CLIENTS.values() if not _is_installed(module)]
    yield _line(
        "addresses",
        f"asked for their version: {', '.join(asked)}"
        if asked
        else "recorded without the version behind them",
        f"install what you use of {', '.join(missing)}" if missing and not asked else "",
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _secrets(environment: Mapping[str, str]) -> Iterator[Line]:
    count = sum(is_secret_name(name) for name in environment)
    values = "1 variable has a secret's name" if count == 1 else f"{count} variables have a secret's name"
    yield _line("secrets", f"{values}; their values are taken out wherever they stand")
