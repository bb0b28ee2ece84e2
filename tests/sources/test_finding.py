from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.sources import SOURCES, load_source, source_names
from labtop.sources.asking import Asking
from labtop.sources.finding import list_folder, survey
from labtop.store.layout import create_store
from tests.sources.reading import corpus
from tests.sources.test_corpus import EXPECTED
from tests.sources.writers.every import SAMPLES
from tests.sources.writers.mlflow_sql import Database
from tests.sources.writers.sacred import write_run


def test_stores_and_logs_are_found_below(tmp_path: Path) -> None:
    """What lies deep is found, with stores of labtop apart; hidden folders and installed packages are passed over."""
    write_run(tmp_path / "a" / "b" / "sacred" / "1")
    create_store(tmp_path / "a" / "runs")
    write_run(tmp_path / ".hidden" / "1")
    write_run(tmp_path / "node_modules" / "1")
    seen = survey(tmp_path)
    assert {each.source for each in seen.found} == {"sacred"}
    assert seen.stores == (tmp_path / "a" / "runs",)
    assert seen.problems == ()


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link to a folder of logs, or a circle of links, adds nothing and ends."""
    write_run(tmp_path / "logs" / "1")
    (tmp_path / "latest").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "up").symlink_to(tmp_path)
    assert len(survey(tmp_path).found) == len(survey(tmp_path / "logs").found)


def test_a_tree_of_other_things_holds_no_runs(tmp_path: Path) -> None:
    """Settings, data sets, sources and databases of programs are nobody's logs."""
    for name, content in {
        "config.json": '{"metrics": 1}',
        "package.json": "{}",
        "data/train.csv": "id,label,path\n1,cat,a.png\n2,dog,b.png\n",
        "data/labels.tsv": "image\tx\ty\na.png\t1\t2\n",
        "params.yaml": "lr: 0.1\n",
        "src/metrics.py": "x = 1\n",
        "run.json": "[]",
        "notes.log": "hello\n",
        "app.db": "SQLite format 3\0",
        "empty.csv": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert survey(tmp_path).is_empty


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_unreadable_folders_stop_nothing(tmp_path: Path) -> None:
    """A pipe with the name of a log is not waited for."""
    for name in (
        "trainer_state.json",
        "metrics.csv",
        "mlflow.db",
        "x.wandb",
        "events.out.tfevents.1.h",
        "run.json",
    ):
        os.mkfifo(tmp_path / name)
    survey(tmp_path)
    for name in ("trainer_state.json", "mlflow.db", "events.out.tfevents.1.h"):
        survey(tmp_path / name)


def test_every_source_says_what_it_reads() -> None:
    """Each has a tracker's name and a line for people."""
    for name in source_names():
        source = load_source(name)
        assert source.tracker
        assert source.reads
        assert "\n" not in source.reads


def test_finding_needs_no_numpy(tmp_path: Path) -> None:
    """Each start looks for places, so what only reading needs is not imported for it."""
    write_run(tmp_path / "1")
    code = f"""
import sys
from pathlib import Path
from labtop.sources.finding import survey
print(len(survey(Path({str(tmp_path)!r})).found))
print([name for name in ("numpy", "pyarrow", "duckdb") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == ["1", "[]"]


@pytest.mark.parametrize("name", [*SAMPLES, *EXPECTED])
def test_a_source_is_asked_wherever_it_finds_something(name: str, tmp_path: Path) -> None:
    """The names that are noted of a source miss none of its places, in its own logs or in those of others."""
    root = tmp_path if name in SAMPLES else corpus(name)
    if name in SAMPLES:
        SAMPLES[name](root)
    found = set()
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())):
        for listing in (list_folder(folder), replace(list_folder(folder), is_root=True)):
            for each in SOURCES:
                if list(load_source(each).detect(listing)):
                    assert Asking([each]).about(listing), (each, listing)
                    found.add(each)
    assert name not in SAMPLES or name in found


def test_sources_that_cannot_find_anything_are_not_imported(tmp_path: Path) -> None:
    """Beside a database of MLflow those are that read databases, and no others."""
    Database(tmp_path / "mlflow.db").run()
    code = f"""
import sys
from pathlib import Path
from labtop.sources.finding import survey
print([each.source for each in survey(Path({str(tmp_path)!r})).found])
print(sorted({{name.split(".")[2] for name in sys.modules if name.startswith("labtop.sources.")}} & {{
    "mlflow", "trackio", "wandb", "dvc", "aim", "tensorboard", "tables", "hydra", "keras", "sacred"}}))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["['mlflow-sql']", "['mlflow', 'trackio']"]
