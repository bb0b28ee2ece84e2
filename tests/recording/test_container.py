"""The container of a process, by what lies inside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtop.recording.capture.container import Container, find_container

ID = "0123456789abcdef" * 4
DIGEST = "sha256:" + "ab" * 32
IMAGE = "cd" * 32
PODMAN = f'engine="podman-4.9.3"\nname="train"\nid="{ID}"\nimage="quay.io/me/train:1"\nimageid="{IMAGE}"\nrootless=1\n'
MOUNTS = f"1 2 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/a rw\n"
SNAP = f"1 2 8:1 /var/snap/docker/common/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/a rw\n"
NERDCTL = f"1 2 8:1 /var/lib/nerdctl/19/containers/default/{ID}/hostname /etc/hostname rw - ext4 /dev/a rw\n"
POD = "0a1b2c3d-0000-4000-8000-0123456789ab"
KUBELET = f"1 2 8:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/a rw\n"
PODMAN_2 = f"1 2 0:5 /overlay-containers/{ID}/userdata/.containerenv /run/.containerenv rw - tmpfs tmpfs rw\n"
OF_THE_HOST = (
    f"1 2 8:1 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw\n"
    f"1 2 8:1 / /var/lib/containers/storage/overlay-containers/{ID}/userdata/shm rw - tmpfs shm rw\n"
    f"1 2 8:1 / /var/lib/kubelet/pods/{POD}/volumes/kubernetes.io~projected/x rw - tmpfs tmpfs rw\n"
)


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({"proc/self/cgroup": "0::/user.slice/session-1.scope\n"}, {}, Container()),
        ({".dockerenv": "", "proc/self/cgroup": "0::/\n"}, {}, Container("docker")),
        (
            {
                ".dockerenv": "",
                "proc/self/cgroup": "0::/\n",
                "proc/self/mountinfo": MOUNTS,
            },
            {},
            Container("docker", ID),
        ),
        ({"proc/self/cgroup": f"12:cpu:/docker/{ID}\n"}, {}, Container("docker", ID)),
        ({"proc/self/cgroup": f"0::/system.slice/docker-{ID}.scope\n"}, {}, Container("docker", ID)),
        (
            {"run/.containerenv": PODMAN},
            {},
            Container("podman", ID, "quay.io/me/train:1", None, f"sha256:{IMAGE}"),
        ),
        ({"run/.containerenv": ""}, {}, Container("podman")),
        ({"run/.containerenv": 'imageid="none\x1b"\n'}, {}, Container("podman")),
        ({"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": SNAP}, {}, Container("docker", ID)),
        ({"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": NERDCTL}, {}, Container("containerd", ID)),
        ({"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": KUBELET}, {}, Container("kubernetes", POD)),
        ({"proc/self/mountinfo": OF_THE_HOST + PODMAN_2}, {}, Container("podman", ID)),
        ({"proc/self/mountinfo": OF_THE_HOST}, {}, Container()),
        ({"run/systemd/container": "lxc\n"}, {}, Container("lxc")),
        (
            {"proc/self/cgroup": f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n"},
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
            Container("kubernetes", ID),
        ),
        ({}, {"APPTAINER_CONTAINER": "/images/train.sif"}, Container("apptainer", None, "/images/train.sif")),
        ({}, {"SINGULARITY_CONTAINER": "docker://a/b"}, Container("apptainer", None, "docker://a/b")),
        ({"proc/self/cgroup": "0::/lxc.payload.box/init\n"}, {}, Container("lxc", "box")),
        ({}, {"container": "systemd-nspawn"}, Container("systemd-nspawn")),
        (
            {".dockerenv": ""},
            {"LABTOP_CONTAINER_IMAGE": f"me/train@{DIGEST}"},
            Container("docker", None, f"me/train@{DIGEST}", DIGEST),
        ),
        (
            {".dockerenv": ""},
            {"LABTOP_CONTAINER_IMAGE": "me/train:1", "LABTOP_CONTAINER_DIGEST": DIGEST},
            Container("docker", None, "me/train:1", DIGEST),
        ),
        ({".dockerenv": ""}, {"CI_JOB_IMAGE": "python:3.12"}, Container("docker", None, "python:3.12")),
        ({}, {"CI_JOB_IMAGE": "python:3.12"}, Container()),
    ],
)
def test_containers(
    tmp_path: Path, files: dict[str, str], environment: dict[str, str], expected: Container
) -> None:
    """The kind, its identity and its image where somebody says them; a tag is no digest, and nothing is made up."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert find_container(environment, tmp_path) == expected
