"""The container that a run is in, seen from inside: what kind, which one, and its image as far as anybody says.

A process cannot see its own image. Podman writes it down inside, with the identity that the machine has for it,
Apptainer and GitLab say it in a variable, and `LABTOP_CONTAINER_IMAGE` and `LABTOP_CONTAINER_DIGEST` are for whoever
starts a container. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# how a control group, or a file that the engine mounts into the container, names it
_GROUPS = (
    ("kubernetes", re.compile(r"kubepods[^\n]{0,200}?(?:[-/:]|cri-containerd-|crio-)(?P<id>[0-9a-f]{64})")),
    ("podman", re.compile(r"libpod-(?:conmon-)?(?P<id>[0-9a-f]{64})")),
    ("docker", re.compile(r"(?:/docker/|docker-)(?P<id>[0-9a-f]{64})")),
    ("lxc", re.compile(r"/lxc(?:\.payload\.|/)(?P<id>[\w.-]{1,64})")),
)
# what engines put in the place of files in /etc lies in a folder of the container; elsewhere in the table of a machine
# that runs containers stand the folders of them all
_GIVEN = re.compile(
    r"^\S+ \S+ \S+ (?P<from>\S+) (?:/etc/(?:hostname|hosts|resolv\.conf)|/run/\.containerenv) ", re.MULTILINE
)
_MOUNTS = (
    ("kubernetes", re.compile(r"/pods/(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")),
    ("podman", re.compile(r"/(?:overlay-containers|libpod)/(?P<id>[0-9a-f]{64})/userdata/")),
    ("containerd", re.compile(r"/nerdctl/.*/(?P<id>[0-9a-f]{64})/")),
    ("docker", re.compile(r"/containers/(?P<id>[0-9a-f]{64})/")),  # its folder may lie anywhere
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Container:
    """What is known of the container; all None outside of one."""

    kind: str | None = None
    id: str | None = None
    image: str | None = None
    digest: str | None = None
    image_id: str | None = None


def find_container(environment: Mapping[str, str], root: Path = Path("/")) -> Container:
    """The container of this process by its files and variables; `root` is where the file system begins."""
    podman = _assignments(root / "run/.containerenv")
    kind, container_id = _by_group(root)
    if "APPTAINER_CONTAINER" in environment or "SINGULARITY_CONTAINER" in environment:
        kind, container_id = "apptainer", None
    elif "KUBERNETES_SERVICE_HOST" in environment:
        kind = "kubernetes"
    elif podman is not None:
        kind, container_id = "podman", podman.get("id") or container_id
    elif kind is None and (root / ".dockerenv").exists():
        kind = "docker"
    # as systemd has it, for itself and for those it starts: lxc, oci, systemd-nspawn
    kind = (
        kind or environment.get("container") or (_read(root / "run/systemd/container") or "").strip() or None
    )
    image = (
        environment.get("LABTOP_CONTAINER_IMAGE")
        or environment.get("APPTAINER_CONTAINER")
        or environment.get("SINGULARITY_CONTAINER")
        or (podman or {}).get("image")
        or (environment.get("CI_JOB_IMAGE") if kind else None)
        or None
    )
    digest = _digest(environment.get("LABTOP_CONTAINER_DIGEST"), image)
    return Container(kind, container_id, image, digest, _image_id((podman or {}).get("imageid")))


def _digest(said: str | None, image: str | None) -> str | None:
    """What pins the image: said in so many words, or as part of its name."""
    if said:
        return said
    found = _DIGEST.search(image.partition("@")[2]) if image else None
    return found[0] if found else None


def _image_id(said: str | None) -> str | None:
    return f"sha256:{said}" if said and _HASH.fullmatch(said) else None


def _by_group(root: Path) -> tuple[str | None, str | None]:
    given = " ".join(_GIVEN.findall(_read(root / "proc/self/mountinfo") or ""))
    for text, signs in ((_read(root / "proc/self/cgroup") or "", _GROUPS), (given, _MOUNTS)):
        for kind, sign in signs:
            if found := sign.search(text):
                return kind, found["id"]
    return None, None


def _assignments(path: Path) -> dict[str, str] | None:
    """`name="value"` lines, as Podman writes them; None where the file is not there."""
    text = _read(path)
    if text is None:
        return None
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value.strip('"') for name, equals, value in lines if equals}


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None
