"""Processor, memory, disk and network of the machine, and what the run's own processes take of them."""

from __future__ import annotations

import sys
import time

from labtop.recording.system.processes import ProcessTree

Values = dict[str, float]


class Machine:
    """Reads counters and gives rates since the read before. Shares are in percent, of the machine or of one core."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._psutil = psutil
        self._tree = ProcessTree(pid)
        self._before: Values = {}
        self._read_at = time.monotonic()
        self.read()

    def read(self) -> Values:
        """The values now, under their names without `system/`; what cannot be had is left out."""
        now = time.monotonic()
        elapsed, self._read_at = max(now - self._read_at, 1e-6), now
        counters = self._counters()
        before, self._before = self._before, counters
        values: Values = {}
        for name, count in counters.items():
            if name in before and count >= before[name]:
                values[name] = (count - before[name]) / elapsed
        values.update(self._cpu(values.pop("cpu_busy_s", None), values.pop("cpu_total_s", None)))
        memory = self._psutil.virtual_memory()
        values["memory_bytes"] = float(memory.total - memory.available)
        values["memory_percent"] = 100 * (memory.total - memory.available) / max(memory.total, 1)
        used = self._tree.read()
        if used is not None:
            values["process_cpu_percent"] = 100 * used.cpu_s / elapsed
            values["process_memory_bytes"] = float(used.memory_bytes)
        return values

    @staticmethod
    def _cpu(busy: float | None, total: float | None) -> Values:
        return {} if not total or busy is None else {"cpu_percent": min(100.0, 100 * busy / total)}

    def _counters(self) -> Values:
        """What only counts up."""
        times = self._psutil.cpu_times()
        total = sum(times[: 8 if sys.platform == "linux" else None])  # guests are in user already
        idle = times.idle + getattr(times, "iowait", 0.0)
        # rounded: where nothing was done, a difference of floats may be less than the one before
        counters = {"cpu_busy_s": round(total - idle, 3), "cpu_total_s": round(total, 3)}
        try:
            disk = self._psutil.disk_io_counters(nowrap=False)
        except (OSError, RuntimeError):
            disk = None
        if disk is not None:
            counters["disk_read_bytes_per_s"] = float(disk.read_bytes)
            counters["disk_write_bytes_per_s"] = float(disk.write_bytes)
        try:
            cards = self._psutil.net_io_counters(pernic=True, nowrap=False)
        except (OSError, RuntimeError):
            cards = {}
        outer = [each for name, each in cards.items() if not name.startswith("lo")]
        if outer:
            counters["network_received_bytes_per_s"] = float(sum(each.bytes_recv for each in outer))
            counters["network_sent_bytes_per_s"] = float(sum(each.bytes_sent for each in outer))
        return counters
