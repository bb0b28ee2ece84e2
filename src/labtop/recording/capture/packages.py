"""Installed packages with their versions, and where those came from that no index has."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labtop.recording.capture.redact import Redactor

_NAME = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)
_VERSION = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)


def installed_packages(
    redactor: Redactor, root: Path | None, path: Sequence[str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Versions by name, and origins by name (a requirement that pip and uv understand).

    What is found first on the path (by default that of this Python) counts, as in an import. Editable packages inside
    `root` are given relative to it.
    """
    installed = _installed(tuple(sys.path if path is None else path))
    origins = {name: _origin(direct_url, root) for name, _, direct_url in installed if direct_url}
    return (
        {name: version for name, version, _ in installed},
        {name: redactor.uri(origin) for name, origin in origins.items() if origin},
    )


@cache
def _installed(path: tuple[str, ...]) -> tuple[tuple[str, str, str | None], ...]:
    """Name, version and the text of `direct_url.json` of each package; read once a process."""
    found: dict[str, tuple[str, str, str | None]] = {}
    for distribution in distributions(path=list(path)):
        try:
            name, version = _name_and_version(distribution)
            if name not in found:
                found[name] = (name, version, distribution.read_text("direct_url.json"))
        except Exception:  # metadata of others, broken in every way there is: the package is left out
            continue
    return tuple(sorted(found.values(), key=lambda each: each[0].lower()))


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """From the first lines of the metadata: parsing all of it costs 3 ms a package."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    name, version = _NAME.search(head), _VERSION.search(head)
    if name is None or version is None:
        return distribution.name, distribution.version
    return name[1], version[1]


def requirements(versions: dict[str, str], origins: dict[str, str]) -> str:
    """A requirements file that pins everything."""
    lines = [_requirement(name, version, origins.get(name)) for name, version in versions.items()]
    return "".join(f"{line}\n" for line in lines)


def _requirement(name: str, version: str, origin: str | None) -> str:
    if origin is None:
        return f"{name}=={version}"
    return origin if origin.startswith("-e ") else f"{name} @ {origin}"


def _origin(direct_url: str, root: Path | None) -> str | None:
    try:
        said = json.loads(direct_url)
        url = str(said["url"])
        if vcs := said.get("vcs_info"):
            fragment = f"#subdirectory={said['subdirectory']}" if said.get("subdirectory") else ""
            return f"{vcs['vcs']}+{url}@{vcs['commit_id']}{fragment}"
        if said.get("dir_info", {}).get("editable"):
            return f"-e {_editable_path(url, root)}"
        if archive := said.get("archive_info"):
            hashes = archive.get("hashes") or {}
            pinned = f"sha256={hashes['sha256']}" if "sha256" in hashes else archive.get("hash")
            return f"{url}#{pinned}" if pinned else url
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return url


def _editable_path(url: str, root: Path | None) -> str:
    path = Path(unquote(urlsplit(url).path))
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        inside = path.resolve().relative_to(root.resolve()).as_posix()
        return f"./{inside}" if inside != "." else "."
    return str(path)
