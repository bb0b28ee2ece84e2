"""A run of the store that ships with labtop comes back from the store alone, numbers and all."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.query.catalog import Catalog
from labtop.query.request import SortKey, TableQuery
from labtop.reproduce.plan import plan


def test_a_sample_run_comes_back_with_its_numbers(sample_runs: Path, tmp_path: Path) -> None:
    """Code from the bundle, data from beside the store, the same arguments and seeds: the same loss."""
    catalog = Catalog(sample_runs)
    catalog.refresh()
    chosen = catalog.select(
        TableQuery(where="status = finished and params.epochs = 25", sort=(SortKey("id"),))
    )
    run_id = catalog.ids(chosen.rows[:1])[0]
    record, folder = catalog.record(run_id), catalog.run_folder(run_id)
    catalog.close()
    here = replace(record.command, argv=(sys.executable, *record.command.argv[1:]), executable=sys.executable)
    made = plan(replace(record, command=here), folder, tmp_path, "current")
    assert not [each for each in made.found if each.pillar in ("code", "data") and each.state != "ok"]
    script = tmp_path / "again.sh"
    script.write_text(made.script())
    environment = {**os.environ, "LABTOP_SCRATCH": str(tmp_path / "scratch")}
    done = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = Catalog(tmp_path / "scratch" / "tree" / "runs")
    again.refresh()
    rerun = again.record(again.resolve("@last"))
    again.close()
    assert rerun.params == record.params
    assert rerun.metrics["val/loss"].last == pytest.approx(record.metrics["val/loss"].last, rel=1e-3)
