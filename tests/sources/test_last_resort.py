"""Sources that read files of a general kind leave what others read to them."""

from __future__ import annotations

from pathlib import Path

from labtop.sources.finding import survey
from tests.sources.reading import corpus
from tests.sources.writers.trackio import WHEN


def test_table_of_a_tracker_is_no_table_of_runs(tmp_path: Path) -> None:
    """A table that Trackio exported is read as that; another beside it is read as a table."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = {"run_id": ["a" * 32], "run_name": ["one"], "timestamp": [WHEN], "step": [0], "loss": [1.0]}
    parquet.write_table(pa.table(rows), tmp_path / "metrics.parquet")
    (tmp_path / "runs.json").write_text("[]")
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "more.csv").write_text("model,top1\nx,1\n")
    found = {each.place.path.name: each.source for each in survey(tmp_path).found}
    assert found == {"metrics.parquet": "trackio", "more.csv": "tables"}
    assert [each.source for each in survey(tmp_path / "metrics.parquet").found] == ["trackio"]


def test_folder_that_a_tracker_closed_is_left_to_it(tmp_path: Path) -> None:
    """The history export of a W&B run that is opened itself is no table besides."""
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path / "run-3f8a21bc-history:v0"
    folder.mkdir()
    parquet.write_table(pa.table({"_step": [0, 1], "loss": [1.0, 2.0]}), folder / "0000.parquet")
    assert [each.source for each in survey(folder).found] == ["wandb"]


def test_corpus_has_no_tables_but_those_of_tables() -> None:
    """In logs of trackers nothing is taken for a table of runs besides."""
    for name in (
        "gen-trackio",
        "gen-neptune-exporter",
        "gen-wandb-offline-dev",
        "gen-mlflow-file",
        "gen-dvclive",
    ):
        assert not [each for each in survey(corpus(name)).found if each.source == "tables"]
