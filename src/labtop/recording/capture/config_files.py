"""The configuration files that a run was started with: those its arguments name, and what Hydra composed.

They are read when the run begins, hashed, and kept in the run's `config/` without their secrets.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labtop.model.run import ConfigFile
from labtop.recording.capture.command import relative_to
from labtop.recording.capture.hashing import chunks, open_regular, write_file
from labtop.recording.capture.redact import LINE_LIMIT, Redactor
from labtop.recording.capture.secret_names import is_secret_file
from labtop.store.layout import file_mode, make_folders

CONFIG = "config"
_SUFFIXES = frozenset((
    ".yaml", ".yml", ".json", ".jsonc", ".json5", ".toml", ".ini", ".cfg", ".conf", ".config", ".gin", ".jsonnet",
    ".libsonnet", ".hocon", ".properties", ".xml", ".textproto", ".pbtxt", ".args",
))  # fmt: skip
_HYDRA = ("config.yaml", "overrides.yaml", "hydra.yaml")
_LARGEST = 1_000_000
_MOST = 30


@dataclass(frozen=True, slots=True)
class ConfigCapture:
    """Where configuration files go; `root` is the top of the repository."""

    run_folder: Path
    root: Path | None
    redactor: Redactor
    shared: bool = False  # whether others may read the store


def keep_config_files(argv: Sequence[str], capture: ConfigCapture) -> tuple[ConfigFile, ...]:
    """Keep the files that `argv` names, and those of Hydra where it runs the program."""
    kept: list[ConfigFile] = []
    seen: set[Path] = set()
    for path, name in (*_named(argv), *_of_hydra()):
        if path.resolve() not in seen and len(kept) < _MOST:
            seen.add(path.resolve())
            names = {each.kept for each in kept}
            kept.append(_keep(path, _free_name(name, names), capture))
    return tuple(kept)


def _named(argv: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """`--config x.yaml`, `--config=x.yaml`, `cfg=x.yaml`, `@x.args` and plain `x.yaml`."""
    for argument in argv[1:]:
        for word in dict.fromkeys((argument, argument.partition("=")[2], argument.lstrip("@+"))):
            path = Path(word).expanduser() if word and "\0" not in word and len(word) < 4096 else None
            if path is not None and path.suffix.lower() in _SUFFIXES and _is_small_file(path):
                yield path, path.name


def _is_small_file(path: Path) -> bool:
    """Whether it is there and may be a configuration: what is larger is data by all likelihood."""
    try:
        return path.is_file() and path.stat().st_size <= _LARGEST
    except OSError:
        return False


def _of_hydra() -> Iterator[tuple[Path, str]]:
    """What Hydra wrote before it called the program."""
    module: Any = sys.modules.get("hydra.core.hydra_config")
    try:
        if module is None or not module.HydraConfig.initialized():
            return
        hydra = module.HydraConfig.get()
        folder = Path(str(hydra.runtime.output_dir)) / str(hydra.output_subdir or ".hydra")
    except Exception:  # a release of Hydra that keeps it elsewhere
        return
    yield from ((folder / name, f"hydra-{name}") for name in _HYDRA if (folder / name).is_file())


def _free_name(name: str, taken: set[str | None]) -> str:
    at = 1
    free = name
    while f"{CONFIG}/{free}" in taken:
        at += 1
        free = f"{Path(name).stem}-{at}{Path(name).suffix}"
    return free


def _keep(path: Path, name: str, capture: ConfigCapture) -> ConfigFile:
    shown = capture.redactor.text(relative_to(path, capture.root))
    if is_secret_file(path.as_posix()):
        return ConfigFile(path=shown, reason="a key or credentials file by its name")
    if capture.redactor.text(name) != name:
        return ConfigFile(path=shown, reason="its name holds a secret")
    try:
        given = b"".join(chunks(open_regular(path.resolve())))
        text = given.decode("utf-8", "surrogateescape")
        if max(map(len, text.splitlines()), default=0) > LINE_LIMIT:
            return ConfigFile(path=shown, reason="its lines are too long to look for secrets")
        content = capture.redactor.text(text).encode("utf-8", "surrogateescape")
        folder = capture.run_folder / CONFIG
        make_folders(folder, capture.shared)
        write_file(folder / name, content, file_mode(capture.shared))
    except OSError as error:
        return ConfigFile(path=shown, reason=f"cannot be read: {error.strerror or error}")
    return ConfigFile(
        path=shown,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        kept=f"{CONFIG}/{name}",
        reason="" if content == given else "secrets were taken out",
    )
