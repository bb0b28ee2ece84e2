"""A package outside labtop that brings a source of its own, as docs/sources.md tells to write one."""

from __future__ import annotations

from pathlib import Path

MODULE = '''
import json
from pathlib import Path

from labtop.model.run import Life, RunRecord, Source, Status
from labtop.sources.source import Curve, Place, RunRead, RunRef, stamp


class Toy:
    """`NAME.toy`: lines `metric step value [seconds]`, and `NAME.json` beside it with what else is known."""

    tracker = "toy"
    reads = "toy logs"

    def detect(self, listing):
        if any(name.endswith(".toy") for name in listing.files):
            yield Place(listing.folder)

    def runs(self, place):
        for path in sorted(place.glob("*.toy")):
            yield RunRef(path.name, stamp(path, path.with_suffix(".json")), path.stat().st_size)

    def read(self, place, refs):
        for ref in refs:
            path = place / ref.key
            known = json.loads(path.with_suffix(".json").read_text()) if path.with_suffix(".json").exists() else {}
            if known.get("crash"):
                raise RuntimeError("a mistake")
            if known.get("dies"):
                import os
                os._exit(9)
            begin = int(ref.state or 0)
            lines = path.read_text().splitlines()
            curves = {}
            for line in lines[begin:]:
                name, step, value, *time = line.split()
                times = (int(float(time[0]) * 1e6),) if time else ()
                curves.setdefault(name, Curve()).add(float(step), float(value), *times)
            yield RunRead(
                key=ref.key,
                record=RunRecord(
                    id="", name=path.stem, project=known.get("project", "toys"),
                    status=Status(known.get("status", "unknown")),
                    params=known.get("params", {}),
                    life=Life(parent_id=known.get("parent")),
                    source=Source(tracker=known.get("tracker", "toy"), run_id=path.stem),
                ),
                identity=known.get("identity", ""),
                curves=curves,
                appended=begin > 0,
                state=str(len(lines)).encode(),
                folder=place / known["own"] if "own" in known else None,
                is_context=known.get("context", False),
                last_write=path.stat().st_mtime,
            )
'''


def install(site: Path) -> None:
    """Put the package into a folder of Python's path, with the metadata that an installer would write."""
    site.mkdir(parents=True, exist_ok=True)
    (site / "toylogs.py").write_text(MODULE)
    info = site / "toylogs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toylogs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[labtop.sources]\ntoy = toylogs:Toy\n")
