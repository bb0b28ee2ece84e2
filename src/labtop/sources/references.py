"""Names files of a run without opening them: paths that a log mentions are text of strangers."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

from labtop.model.run import Artifact

_KINDS = {
    ".png": "image", ".jpg": "image", ".jpeg": "image", ".gif": "image", ".svg": "image", ".webp": "image",
    ".csv": "table", ".tsv": "table", ".parquet": "table",
    ".pt": "model", ".pth": "model", ".ckpt": "model", ".safetensors": "model", ".onnx": "model", ".h5": "model",
    ".keras": "model", ".joblib": "model",
    ".wav": "audio", ".mp3": "audio", ".flac": "audio", ".mp4": "video", ".webm": "video",
}  # fmt: skip


def kind_of(name: str) -> str:
    """What a file holds, as far as its name tells."""
    return _KINDS.get(PurePosixPath(name).suffix.lower(), "file")


def reference(folder: Path, name: str, path: str | None = None, kind: str | None = None) -> Artifact:
    """An artifact that a log names; `path` is where it lies, relative to `folder`, and is `name` by default.

    The size is looked up only where the path stays inside the folder; any other is kept as text.
    """
    inner = name if path is None else path
    kind = kind_of(inner) if kind is None else kind
    where = inside(folder, inner)
    if where is None:
        return Artifact(name=name, uri=inner, kind=kind)
    size = None
    try:
        found = where.lstat()
        size = found.st_size if stat.S_ISREG(found.st_mode) else None
    except (OSError, ValueError):
        pass
    return Artifact(name=name, uri=str(where), kind=kind, bytes=size)


def inside(folder: Path, name: str) -> Path | None:
    """The path of a name in a folder; None where it is absolute, climbs out or is no name."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith(("/", "\\", "~")) or ".." in parts or "\0" in name or ":" in parts[0]:
        return None
    return folder.joinpath(*parts)
