"""What made a run, as facts: command, code, data, randomness, environment, hardware, artifacts, packages."""

from __future__ import annotations

from collections.abc import Iterator

from labtop.model.packages import package_weight
from labtop.model.run import DataInput, RunRecord, Source
from labtop.model.tree import flatten
from labtop.model.values.base import is_value
from labtop.views.facts import Fact, Tone, counted, shown
from labtop.views.numbers import shortest, size
from labtop.views.text import clean


def command_facts(record: RunRecord) -> Iterator[Fact]:
    """How it was started."""
    command = record.command
    yield Fact("argv", clean(" ".join(command.argv), 2_000))
    yield Fact("started", "" if command.argv else clean(command.entry_point or "", 400))
    yield Fact("folder", clean(command.cwd or "", 400))
    yield Fact("python", clean(command.executable or "", 400))
    yield Fact(
        "launcher", clean(command.launcher or "", 80), shown(dict(command.ranks)) if command.ranks else ""
    )
    for each in command.config_files:
        kept = clean((each.sha256 or "")[:16]) if each.kept else f"not kept: {clean(each.reason, 200)}"
        yield Fact("config file", clean(each.path, 300), kept, "" if each.kept else "warning")


def code_facts(record: RunRecord) -> Iterator[Fact]:
    """The commit, what was changed since, and what of it was kept."""
    code = record.code
    yield Fact("commit", clean(code.commit or "", 80), clean(code.branch or "", 200))
    yield Fact("remote", clean(code.remote or "", 400))
    if code.dirty:
        kept = "the patch is kept" if code.patch_sha256 else "not kept"
        yield Fact("changes", "uncommitted", kept, "" if code.patch_sha256 else "warning")
    elif code.dirty is False:
        yield Fact("changes", "none")
    kept_count = sum(each.kept for each in code.untracked)
    yield Fact("untracked", f"{len(code.untracked)} files" if code.untracked else "", f"{kept_count} kept")
    yield Fact("bundle", clean(code.bundle or "", 200))
    for each in code.submodules:
        yield Fact("submodule", clean(each.path, 200), clean(each.commit or "commit unknown", 80))
    yield Fact("notebook", clean(code.notebook or "", 200))
    yield Fact("problem", clean(code.problem or "", 400), tone="bad")


def data_facts(record: RunRecord) -> Iterator[Fact]:
    """Its inputs and outputs; one without a content identifier is a warning."""
    for each in record.data:
        is_known = bool(each.digest) or each.role == "output"
        yield Fact(
            clean(each.name, 80),
            clean(" ".join(filter(None, (each.role if each.role != "input" else "", each.kind))), 40),
            "  ".join(filter(None, _data_details(each))),
            "" if is_known and not each.problem else "warning",
        )


def _data_details(each: DataInput) -> Iterator[str]:
    yield clean(each.uri, 300)
    identifier = ":".join(filter(None, (each.algorithm, (each.digest or "")[:16])))
    yield clean(identifier) if each.digest else "no content identifier"
    yield size(each.bytes) if each.bytes is not None else ""
    yield counted(each.files, "file")
    yield f"{each.rows} row{'s' * (each.rows != 1)}" if each.rows is not None else ""
    yield f"split {clean(each.split, 80)}" if each.split else ""
    yield f"{each.used_rows} of them used" if each.used_rows is not None else ""
    yield f"rank {each.rank}" if each.rank is not None else ""
    if each.columns:
        listed = ", ".join(f"{name} {kind}" for name, kind in list(each.columns.items())[:8])
        more = f" and {len(each.columns) - 8} more" if len(each.columns) > 8 else ""
        yield clean(f"columns {listed}{more}", 300)
    yield clean(each.problem or "", 300)


def randomness_facts(record: RunRecord) -> Iterator[Fact]:
    """Seeds, libraries that were never seeded, flags of determinism."""
    for library, seed in record.randomness.seeds.items():
        yield Fact(clean(library, 80), str(seed))
    for rank, seeds in record.randomness.ranks.items():
        listed = ", ".join(f"{clean(library, 80)} {seed}" for library, seed in seeds.items())
        yield Fact(f"rank {clean(rank, 20)}", listed)
    for library in record.randomness.imported:
        if library not in record.randomness.seeds:
            yield Fact(clean(library, 80), "never seeded", tone="warning")
    for flag, value in flatten(record.randomness.flags).items():
        yield Fact(clean(flag, 80), shown(value))


def environment_facts(record: RunRecord) -> Iterator[Fact]:
    """Python, system, locks, container and variables; the packages are apart."""
    each = record.environment
    yield Fact("python", clean(each.python or "", 80), clean(each.implementation or "", 80))
    yield Fact("system", clean(" ".join(filter(None, (each.os, each.kernel, each.libc))), 300))
    yield Fact("lock file", clean(each.lock_file or "", 300), clean((each.lock_sha256 or "")[:16]))
    for lock in each.lock_files:
        if lock.name != each.lock_file:
            yield Fact("lock file", clean(lock.name, 300), clean((lock.sha256 or "")[:16]))
    differs = "; ".join(each.lock_differs[:5]) + ("; …" if len(each.lock_differs) > 5 else "")
    count = f"{len(each.lock_differs)} packages" if each.lock_differs else ""
    yield Fact("not as locked", count, clean(differs, 400), "warning")
    image = each.container_image or each.container_id or ""
    yield Fact("container", clean(each.container or image, 80), clean(image if each.container else "", 300))
    yield Fact("image digest", clean(each.container_digest or "", 100))
    yield Fact("image id", clean(each.container_image_id or "", 100))
    yield Fact("conda", clean(each.conda_environment or "", 200))
    for package in each.local_packages:
        state = "with changes" if package.dirty else "no repository" if package.commit is None else ""
        details = (clean(package.commit or "", 80), state, clean(package.path, 200))
        tone: Tone = "warning" if state else ""
        yield Fact(
            f"package {clean(package.name, 80)}", "from a folder", "  ".join(filter(None, details)), tone
        )
    for name, value in each.variables.items():
        yield Fact(clean(name, 80), shown(value))


def hardware_facts(record: RunRecord) -> Iterator[Fact]:
    """The machine."""
    each = record.hardware
    yield Fact(
        "cpu",
        clean(each.cpu or each.architecture or "", 200),
        ", ".join(filter(None, (counted(each.cores, "core"), clean(each.governor or "", 40)))),
    )
    usable = [f"{each.cpus_allowed} by affinity" if each.cpus_allowed else ""]
    usable.append(f"{each.cpu_limit:g} by control group" if each.cpu_limit else "")
    yield Fact("usable cpus", ", ".join(filter(None, usable)))
    limit = f"limited to {size(each.memory_limit_bytes)}" if each.memory_limit_bytes else ""
    yield Fact("memory", size(each.memory_bytes) if each.memory_bytes else "", limit)
    for gpu in each.gpus:
        memory = size(gpu.memory_bytes) if gpu.memory_bytes else ""
        power = f"{gpu.power_limit_w:g} W" if gpu.power_limit_w else ""
        details = (memory, clean(gpu.architecture or "", 40), clean(gpu.driver or "", 80), power)
        yield Fact("gpu", clean(gpu.name, 200), "  ".join(filter(None, details)))
    yield Fact("gpus not used", str(each.gpus_hidden or ""), "hidden from the run")
    yield Fact("cuda", clean(each.cuda or "", 80), f"cudnn {clean(each.cudnn, 40)}" if each.cudnn else "")
    yield Fact("cuda by driver", clean(each.cuda_driver or "", 40))
    yield Fact("nccl", clean(each.nccl or "", 40))
    yield Fact("rocm", clean(each.rocm or "", 40))
    yield Fact("blas", clean(each.blas or "", 200), counted(each.blas_threads, "thread"))
    yield Fact("threads", ", ".join(f"{clean(name, 40)} {count}" for name, count in each.threads.items()))


def artifact_facts(record: RunRecord) -> Iterator[Fact]:
    """The files that it logged, but those that are rich values."""
    for each in record.artifacts:
        if is_value(each):
            continue
        step = f"step {shortest(each.step)}" if each.step is not None else ""
        rank = f"rank {each.rank}" if each.rank is not None else ""
        amount = size(each.bytes) if each.bytes is not None else ""
        details = [amount, step, rank, clean((each.sha256 or "")[:12])]
        where = clean(each.path or _within(each.uri or "", record.source), 300)
        yield Fact(clean(each.name, 120), where, "  ".join(filter(None, details)))


def _within(uri: str, source: Source) -> str:
    """A place below the one that the run was read from, told from there on; any other as it is."""
    folder = f"{source.uri.rstrip('/')}/" if source.uri else ""
    return uri[len(folder) :] if folder and uri.startswith(folder) else uri


def package_facts(record: RunRecord) -> Iterator[Fact]:
    """All packages, those that weigh most first."""
    packages, origins = record.environment.packages, record.environment.origins
    for name in sorted(packages, key=lambda name: (package_weight(name), name.lower())):
        yield Fact(clean(name, 80), clean(packages[name] or "", 80), clean(origins.get(name, ""), 300))
