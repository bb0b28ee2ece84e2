"""Data, seeds and metrics that ranks other than the first declare: all reach the run's record."""

from __future__ import annotations

from pathlib import Path

import labtop
from labtop.model.run import DataInput, MetricSummary, Randomness, RunRecord, Writer
from labtop.store.amending import amended, with_logged
from labtop.store.layout import run_folders
from labtop.store.syncing import sync_spool
from tests.command import labtop as command
from tests.recording.conftest import only_record
from tests.recording.test_ranks import launched, torchrun

RANK = """
import os, labtop
rank = int(os.environ["RANK"])
with labtop.init(project="p", store="runs", capture_output=False) as run:
    run.seed(42 + rank, name="sampler")
    run.seed(7, name="init")
    run.use_data("common.txt")
    run.use_data(f"shard-{rank}.txt", name="shard")
    run.log({"loss": float(rank)} if rank == 0 else {"last/perplexity": 3.5})
    print(run.id, flush=True)
"""


def prepare(folder: Path) -> None:
    """The files that the ranks declare."""
    for name in ("common", "shard-0", "shard-1"):
        (folder / f"{name}.txt").write_text(name)


def test_what_ranks_declare_and_seed_is_recorded(folder: Path) -> None:
    """An input of all is one, one of each is each rank's; seeds that differ stand beside those of rank 0."""
    prepare(folder)
    launched(RANK, [torchrun(rank, 2) for rank in range(2)])
    record = only_record(folder / "runs")
    assert sorted((Path(each.uri).name, each.rank) for each in record.data if each.name == "shard") == [
        ("shard-0.txt", None),
        ("shard-1.txt", 1),
    ]
    assert len([each for each in record.data if each.name == "common.txt"]) == 1
    assert record.randomness.seeds == {"sampler": 42, "init": 7}
    assert record.randomness.ranks == {"1": {"sampler": 43}}
    (run_folder,) = run_folders(folder / "runs")
    shown = command("show", run_folder.name, "--store", "runs").stdout
    assert "ranks.1.sampler" in shown
    with labtop.open(folder / "runs") as store:
        rows = store.sql("SELECT rank, count(*) FROM data WHERE name = 'shard' GROUP BY rank ORDER BY rank")
        assert rows.rows() == [(1, 1), (None, 1)]
        assert "rank" in store.sql("SELECT * FROM artifacts").columns


def test_a_metric_of_a_rank_that_is_synced_later(folder: Path) -> None:
    """Ranks that were offline on two machines: the second one's files come after the run's end, with its own metric."""
    prepare(folder)
    offline = RANK.replace('store="runs"', 'store="runs", mode="offline"')
    for rank in range(2):
        launched(offline, [{**torchrun(rank, 2), "LABTOP_SPOOL": str(folder / f"machine-{rank}")}])
    for rank in range(2):
        assert [each.state for each in sync_spool(folder / f"machine-{rank}")] == ["moved"]
        metrics = only_record(folder / "runs").metrics
        assert metrics["loss"].last == 0.0
        assert ("last/perplexity" in metrics) == (rank == 1)
    record = only_record(folder / "runs")
    assert (record.metrics["last/perplexity"].last, record.metrics["last/perplexity"].rank) == (3.5, 1)
    assert record.randomness.ranks == {"1": {"sampler": 43}}


def test_nothing_new_is_the_same_record() -> None:
    """A record that has all is given back as it is: nobody writes it again for nothing."""
    data = DataInput(name="a", uri="a", kind="file", digest="1")
    record = RunRecord(
        id="r", name="r", project="p", data=(data,), randomness=Randomness(seeds={"torch": 1}),
        metrics={"loss": MetricSummary(count=1, first=1.0, last=1.0, last_step=0.0)},
    )  # fmt: skip
    same = Writer(writer="w", rank=1, data=(data,), seeds={"torch": 1}, metrics=record.metrics)
    assert amended(record, [same]) is record
    assert with_logged(record, []) is record
