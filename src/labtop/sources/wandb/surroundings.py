"""What W&B noted of command, software and machine, in labtop's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtop.model.run import Command, Environment, Gpu, Hardware
from labtop.sources.wandb.facts import Facts

Tree = Any

_MOST_GPUS = 1024


def command_of(said: Mapping[str, Tree]) -> Command:
    """The command, by an environment (as `wandb_records` names its fields)."""
    program = said.get("program", "")
    is_file = bool(program) and not program.startswith("<")
    started = [part for part in (said.get("executable"), program) if part] if is_file else []
    slurm = {pair.get("key", ""): pair.get("value", "") for pair in said.get("slurm", ())}
    job = slurm.get("job_id") or slurm.get("jobid")
    step = slurm.get("step_id") or slurm.get("stepid")
    return Command(
        argv=tuple([*started, *said.get("args", ())] if is_file else ()),
        cwd=said.get("root"),
        executable=said.get("executable"),
        entry_point=said.get("code_path") or said.get("code_path_local") or (program if is_file else None),
        launcher="slurm" if slurm else None,
        launch=f"slurm:{job}" + (f".{step}" if step else "") if job else None,
    )


def environment_of(facts: Facts, packages: Mapping[str, str], origins: Mapping[str, str]) -> Environment:
    """The software, by the environment, telemetry and the block that W&B keeps in a configuration."""
    said, own = facts.environment, facts.own_config
    telemetry = own.get("t")
    telemetry = telemetry if isinstance(telemetry, Mapping) else {}
    kind, _, version = said.get("python", "").rpartition(" ")
    python = (
        version
        or facts.telemetry.get("python")
        or _text(own.get("python_version"))
        or _text(telemetry.get("4"))
    )
    known = dict(packages)
    for name, text in (
        ("wandb", facts.telemetry.get("cli") or own.get("cli_version") or telemetry.get("5")),
        (
            "transformers",
            facts.telemetry.get("huggingface") or own.get("huggingface_version") or telemetry.get("6"),
        ),
    ):
        if isinstance(text, str) and text:
            known.setdefault(name, text)
    return Environment(
        python=python or None,
        implementation=kind or None,
        os=said.get("os") or facts.telemetry.get("platform"),
        packages=known,
        packages_partial=True if known and not packages else None,
        origins=dict(origins),
        container="docker" if said.get("docker") else None,
        container_image=said.get("docker"),
    )


def _text(value: Tree) -> str:
    return value if isinstance(value, str) else ""


def hardware_of(said: Mapping[str, Tree]) -> Hardware:
    """The machine, by an environment."""
    apple, cpu = said.get("apple", {}), said.get("cpu", {})
    memory = said.get("memory", {}).get("total") or apple.get("memory")
    return Hardware(
        cpu=cpu.get("model") or apple.get("name"),
        cores=said.get("threads") or said.get("cores") or cpu.get("threads") or cpu.get("count"),
        memory_bytes=memory,
        gpus=_gpus(said, apple),
        cuda=said.get("cuda"),
    )


def _gpus(said: Mapping[str, Tree], apple: Mapping[str, Tree]) -> tuple[Gpu, ...]:
    nvidia = [
        Gpu(
            name=each.get("name", ""),
            memory_bytes=each.get("memory"),
            vendor="nvidia",
            architecture=each.get("architecture"),
            uuid=each.get("uuid"),
        )
        for each in said.get("nvidia", ())
    ]
    amd = [
        Gpu(name=each.get("series") or each.get("model") or "AMD", vendor="amd", uuid=each.get("uuid"))
        for each in said.get("amd", ())
    ]
    if nvidia or amd:
        return (*nvidia, *amd)
    if said.get("gpu"):
        count = min(max(said.get("gpus", 1), 1), _MOST_GPUS)
        return tuple(Gpu(name=said["gpu"]) for _ in range(count))
    return (Gpu(name=apple["name"], vendor="apple"),) if apple.get("gpu_cores") and apple.get("name") else ()
