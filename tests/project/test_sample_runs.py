"""The store that ships with labtop is what the README says it is."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from labtop.model.run import RunRecord
from labtop.query.catalog import Catalog, TableQuery
from labtop.store.layout import run_folders


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    """Every record of the store."""
    store = Path(__file__).parent.parent.parent / "sample_runs"
    catalog = Catalog(store, cache_root=tmp_path_factory.mktemp("cache"))
    catalog.refresh()
    assert catalog.problems == ()
    found = list(catalog.records(catalog.ids(catalog.select(TableQuery()).rows)))
    catalog.close()
    return found


def test_it_is_small(sample_runs: Path) -> None:
    """At most 4 MB."""
    assert sum(path.stat().st_size for path in sample_runs.rglob("*") if path.is_file()) <= 4_000_000


def test_it_has_what_the_readme_says(records: list[RunRecord], sample_runs: Path) -> None:
    """47 runs; one failed, one killed, one without an end; one diverged; two commits; two versions of numpy."""
    assert len(records) == len(list(run_folders(sample_runs))) == 47
    statuses = Counter(str(record.status) for record in records)
    assert (statuses["failed"], statuses["killed"]) == (1, 1)
    assert sum(not record.status.is_end for record in records) == 1
    assert any(
        math.isnan(record.metrics["val/loss"].last or 0) for record in records if "val/loss" in record.metrics
    )
    assert len({record.code.commit for record in records}) == 2
    assert len({record.environment.packages["numpy"] for record in records}) == 2
    assert sum(record.code.patch_sha256 is not None for record in records) == 1


def test_the_sweep_has_three_seeds_each(records: list[RunRecord]) -> None:
    """Learning rate, width and regularisation, each combination with seeds 0, 1 and 2."""
    sweep = [record.params for record in records if record.life.group == "sweep"]
    cells = Counter((params["lr"], params["width"], params["l2"]) for params in sweep)
    assert len(cells) == 12
    assert set(cells.values()) == {3}


def test_runs_keep_a_confusion_matrix(records: list[RunRecord], sample_runs: Path) -> None:
    """Every finished run has its artifact on disk, with per-class metrics beside it."""
    finished = [record for record in records if record.status == "finished"]
    for record in finished:
        (artifact,) = record.artifacts
        assert artifact.path is not None
        assert (sample_runs / "digits" / record.id / artifact.path).stat().st_size == artifact.bytes
        assert sum(name.startswith("recall/") for name in record.metrics) == 10
    assert len(finished) == 44
