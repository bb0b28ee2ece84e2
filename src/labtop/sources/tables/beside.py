"""Files of settings that programs write beside the table of a run: `args.yaml`, `params.json` and their like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.json_text import read_json
from labtop.formats.yaml_text import read_yaml
from labtop.model.run import Value

_FILES = (
    "args.yaml",
    "opt.yaml",
    "hyp.yaml",
    "params.json",
    "args.json",
    "config.json",
    "hparams.json",
    "config.yaml",
)
_MOST_BYTES = 2**20


def params_beside(folder: Path) -> Mapping[str, Value]:
    """What the first of such files in a folder says, and those of Ultralytics together; nothing where there is none."""
    found: dict[str, Value] = {}
    for name in _FILES:
        path = folder / name
        if path.is_symlink() or not path.is_file() or (found and name != "hyp.yaml"):
            continue
        told = _read(path)
        if isinstance(told, dict):
            found |= {str(key): value for key, value in told.items()}
    return found


def _read(path: Path) -> Any:
    try:
        return read_yaml(path, _MOST_BYTES) if path.suffix == ".yaml" else read_json(path, _MOST_BYTES)
    except (OSError, InputError):
        return None
