"""Which of a machine's graphics processors this process may use, as its environment says.

NVIDIA: `CUDA_VISIBLE_DEVICES`, by number, by `GPU-…`, by `MIG-…` or `MIG-GPU-…/instance/compute`. A GPU in MIG mode
is its instances; a number means the first of them, which is all that CUDA gives a process then (MIG User Guide, CUDA
visible devices). AMD: `ROCR_VISIBLE_DEVICES` first, then `HIP_VISIBLE_DEVICES` (or `CUDA_VISIBLE_DEVICES`, which HIP
takes for the same) of what that leaves.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple


class NvidiaDevice(NamedTuple):
    """What CUDA may compute on: a GPU, or an instance of one that is in MIG mode."""

    number: int  # of the GPU, as the driver counts
    names: tuple[str, ...]  # as CUDA_VISIBLE_DEVICES may name it
    handle: Any
    gpu: Any  # the handle of the whole GPU: the same where it is not in MIG mode

    @property
    def is_instance(self) -> bool:
        """Whether this is a part of a GPU."""
        return any(each.startswith("MIG-") for each in self.names)


def known(ask: Callable[[], Any]) -> Any:
    """An answer, or None where asking fails: half-imported libraries and odd drivers raise anything."""
    try:
        return ask()
    except Exception:
        return None


def open_nvml() -> Any:
    """pynvml, begun; who calls this ends it.

    Raises:
        whatever is wrong: there is no library, no driver, no permission.
    """
    if sys.platform == "linux" and "pynvml" not in sys.modules:
        ctypes.CDLL(
            "libnvidia-ml.so.1"
        )  # what it loads itself: without a driver it need not even be imported
    import pynvml

    pynvml.nvmlInit()
    return pynvml


def nvidia_devices(nvml: Any) -> list[NvidiaDevice]:
    """All GPUs and instances that the driver shows; one that fell off the bus hides no other.

    Raises:
        whatever the driver does where it cannot count.
    """
    found: list[NvidiaDevice] = []
    for number in range(int(nvml.nvmlDeviceGetCount())):
        gpu = known(partial(nvml.nvmlDeviceGetHandleByIndex, number))
        if gpu is None:
            continue
        identity = _identity(nvml, gpu)
        instances = [*_instances(nvml, number, gpu, identity)]
        found += instances or [NvidiaDevice(number, (identity,), gpu, gpu)]
    return found


def _instances(nvml: Any, number: int, gpu: Any, identity: str) -> Iterator[NvidiaDevice]:
    mode = known(lambda: nvml.nvmlDeviceGetMigMode(gpu))
    if not isinstance(mode, Sequence) or not mode or mode[0] != 1:
        return
    for at in range(known(lambda: int(nvml.nvmlDeviceGetMaxMigDeviceCount(gpu))) or 0):
        handle = known(partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, at))
        if handle is None:  # fewer were made than there may be
            continue
        parts = [
            known(partial(ask, handle))
            for ask in (nvml.nvmlDeviceGetGpuInstanceId, nvml.nvmlDeviceGetComputeInstanceId)
        ]
        old = f"MIG-{identity}/{parts[0]}/{parts[1]}"  # before driver 470
        yield NvidiaDevice(number, (_identity(nvml, handle) or old, old), handle, gpu)


def _identity(nvml: Any, handle: Any) -> str:
    said = known(lambda: nvml.nvmlDeviceGetUUID(handle)) or ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def visible_nvidia(devices: Sequence[NvidiaDevice], environment: Mapping[str, str]) -> list[NvidiaDevice]:
    """The devices that are left, in the order in which CUDA numbers them."""
    firsts: dict[int, int] = {}
    for at, each in enumerate(devices):
        firsts.setdefault(each.number, at)
    names = [each.names for each in devices]
    return [devices[at] for at in chosen(names, environment.get("CUDA_VISIBLE_DEVICES"), firsts)]


def visible_amd(names: Sequence[str], environment: Mapping[str, str]) -> list[int]:
    """Which of AMD's GPUs are left; `names` are their `GPU-…`, empty where that is not known."""
    left = chosen([(each,) for each in names], environment.get("ROCR_VISIBLE_DEVICES"))
    setting = environment.get("HIP_VISIBLE_DEVICES") or environment.get("CUDA_VISIBLE_DEVICES")
    return [left[at] for at in chosen([(names[each],) for each in left], setting)]


def chosen(
    names: Sequence[Sequence[str]], setting: str | None, numbers: Mapping[int, int] | None = None
) -> list[int]:
    """The places that a list of numbers and beginnings of names means; all where it is unset.

    The first word that means nothing ends the list, as the libraries do it.

    Arguments:
        names: what each may be called.
        numbers: the place that a number means, where that is not the number itself.
    """
    if setting is None:
        return list(range(len(names)))
    places = numbers if numbers is not None else {at: at for at in range(len(names))}
    found: list[int] = []
    for word in (each.strip().lower() for each in setting.split(",")):
        if word.isdecimal() and int(word) in places:
            found.append(places[int(word)])
            continue
        fitting = [
            at for at, own in enumerate(names) if word and any(each.lower().startswith(word) for each in own)
        ]
        if len(fitting) != 1:
            break
        found += fitting
    return list(dict.fromkeys(found))
