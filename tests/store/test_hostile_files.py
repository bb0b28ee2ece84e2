"""Files of a store that somebody made on purpose: mutated Parquet, big footers, pickles with a trap."""

from __future__ import annotations

import ast
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest

import labtop
from labtop.errors import InputError, LabtopError
from labtop.model.run import Artifact, MetricSummary, RunRecord
from labtop.store.format import point_schema, record_parquet, sorted_points_parquet
from labtop.store.reader import check_parquet, list_point_files
from labtop.store.values.decoding import read_value
from labtop.store.values.encoding import encode_value
from labtop.store.values.parquet import read_table

SOURCE = Path(__file__).parents[2] / "src/labtop"
FILES = int(os.environ.get("LABTOP_TEST_MUTATED_FILES", "300"))
"""How many mutated files are read; the threat's row asks for 10,000, which take a minute or two."""

NEVER_IMPORTED = {
    "pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "yaml", "pandas", "tarfile", "zipfile",
}  # fmt: skip
"""What runs code that it reads, or unpacks archives: labtop needs none of it."""
NEVER_CALLED = {"eval", "load_pickle", "read_pickle", "to_pickle", "unpack_archive", "extractall"}

FOREIGN_NAMES = (
    "mlruns/0/meta.yaml", f"mlruns/0/{'a' * 32}/meta.yaml", "mlflow.db", "wandb/run-20260101_000000-abc/run-abc.wandb",
    "tb/events.out.tfevents.1.host", ".aim/run_metadata.sqlite", "sacred/1/run.json", "sacred/1/config.json",
    "lightning_logs/version_0/hparams.yaml", "lightning_logs/version_0/metrics.csv", "sb3/progress.csv", "run.jsonl",
    "dvclive/metrics.json", "dvc.lock", "hydra/.hydra/config.yaml", "trainer/trainer_state.json", "keras/history.pkl",
    "lm/results_2026-01-01T00-00-00.000000.json", f".guild/runs/{'b' * 32}/.guild/opref", "frame.parquet",
    "ray/params.pkl", "ray/result.json", "trackio/p.db",
)  # fmt: skip
"""Where other trackers keep what labtop reads."""


class Trap:
    """Pickled, it makes a file when somebody unpickles it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (os.mkdir, (str(self.marker),))


def points_file(count: int) -> bytes:
    """A sealed part."""
    rows = [
        {
            "run_id": "aaaaaaaaaa",
            "name": "loss",
            "step": float(at),
            "time": at,
            "value": 1.0,
            "writer": "w",
            "seq": at,
        }
        for at in range(count)
    ]
    return sorted_points_parquet(pyarrow.Table.from_pylist(rows, schema=point_schema()))


def test_mutated_files_do_no_harm(tmp_path: Path) -> None:
    """Records, parts and values, thousands of them: each is read or refused in words, and memory is bounded."""
    values = {
        "table": labtop.Table({"a": list(range(50)), "b": ["x", None] * 25, "c": [[1], []] * 25}),
        "histogram": labtop.Histogram(np.arange(100)),
        "confusion_matrix": labtop.ConfusionMatrix([0, 1, 2], [0, 2, 2]),
        "curve": labtop.Curve.roc([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3]),
    }
    for kind, value in values.items():
        (tmp_path / f"{kind}-source").write_bytes(encode_value(value.snapshot(), str).content)
    record = RunRecord(
        id="aaaaaaaaaa", name="x", project="p", metrics={"loss": MetricSummary(count=1, last=1.0)}
    )
    (tmp_path / "record-source").write_bytes(record_parquet(record))
    (tmp_path / "part-source").write_bytes(points_file(100))
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.mutated", str(tmp_path), str(FILES), "7"],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, ((tmp_path / "last").read_text(), done.stderr[-3000:])
    read, refused = map(int, done.stdout.split())
    assert read + refused == FILES
    assert refused > FILES / 3


def test_sizes_are_looked_at_first(tmp_path: Path) -> None:
    """A footer beyond 64 MiB, one larger than the file, a length of 2^32: refused before anything is read."""
    good = encode_value(labtop.Table({"a": [1]}).snapshot(), str).content
    for length in (2**32 - 1, 2**31, 65 * 2**20, len(good)):
        content = good[:-8] + length.to_bytes(4, "little") + b"PAR1"
        with pytest.raises(InputError, match="footer"):
            read_table(content)
        (tmp_path / "x.parquet").write_bytes(content)
        assert "footer" in str(check_parquet(tmp_path / "x.parquet"))
    padded = b"PAR1" + bytes(66 * 2**20) + (65 * 2**20).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(InputError, match="footer"):
        read_table(padded)


def test_a_small_file_that_says_it_is_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be decoded is bounded, however well it was compressed."""
    content = encode_value(labtop.Table({"a": np.zeros(100_000)}).snapshot(), str).content
    assert len(content) < 20_000
    monkeypatch.setattr("labtop.store.values.parquet._MOST_ROWS", 1000)
    with pytest.raises(InputError, match="too large"):
        read_table(content)


def test_a_folder_of_odd_things_hides_nothing(tmp_path: Path) -> None:
    """Among parts: a FIFO, a link to a device, a folder; none of them makes a reader wait."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    os.mkfifo(folder / "a.parquet")
    (folder / "b.parquet").symlink_to("/dev/zero")
    (folder / "c.parquet").mkdir()
    (folder / "d.parquet").write_bytes(points_file(3))
    found = list_point_files(tmp_path)
    assert [each.name for each in found.parts] == ["d.parquet"]
    assert len(found.problems) == 3


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trap in every place where files are taken or read: it never springs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "false")
    marker = tmp_path / "sprung"
    trap = pickle.dumps(Trap(marker))
    array = tmp_path / "array.npy"
    np.save(array, np.array([Trap(marker)], dtype=object), allow_pickle=True)
    endings = (
        "pkl",
        "pt",
        "joblib",
        "png",
        "txt",
        "yaml",
        "json",
        "toml",
        "dvc",
        "npz",
        "csv",
        "tsv",
        "jsonl",
        "pq",
    )
    names = [f"x.{ending}" for ending in (*endings, "parquet", "arrow")]
    for name in names:
        (tmp_path / name).write_bytes(trap)
    with labtop.init() as run:
        for name in (*names, array.name):
            run.log_artifact(name)
            run.use_data(name)
            run.log({"image": labtop.Image(name)})
        run.log_artifact(trap, name="bytes")
        run.log({"t": labtop.Table({"a": [Trap(marker), 1]}), "text": labtop.Text(trap.decode("latin-1"))})
    with labtop.open("runs") as store:
        record = store.record(run.id)
        for each in record.artifacts:
            for kind in ("image", "table", "histogram", "confusion_matrix", "curve", "text"):
                try:
                    read_value(run.folder, Artifact(name=each.name, path=each.path, kind=kind))
                except LabtopError:
                    continue
        store.reproduce(run.id).script()
    assert len(record.artifacts) > len(names)
    assert not marker.exists()
    logs = tmp_path / "logs"
    for name in FOREIGN_NAMES:
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_bytes(trap)
    with labtop.open(logs) as foreign:
        foreign.runs()
    assert not marker.exists()
    pickle.loads(trap)
    assert marker.exists()  # the trap is a real one


def test_the_source_neither_unpickles_nor_unpacks() -> None:
    """No import and no call that could, anywhere below src; arrays are loaded with pickles forbidden."""
    words = re.compile("|".join((*NEVER_IMPORTED, *NEVER_CALLED, "allow_pickle", r"\bload\(")))
    found = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if words.search(text) else ():
            found += [f"{path.name}: {wrong}" for wrong in _wrongs(node)]
    # one module parses YAML into nodes, and builds nothing of them itself: tests/project/test_reliability.py
    assert {*found} <= {"yaml_text.py: import yaml"}


def _wrongs(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        names = [each.name.partition(".")[0] for each in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [(node.module or "").partition(".")[0]]
    elif isinstance(node, ast.Call):
        return _wrong_calls(node)
    else:
        return []
    return [f"import {name}" for name in names if name in NEVER_IMPORTED]


def _wrong_calls(node: ast.Call) -> list[str]:
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    owner = getattr(called.value, "id", "") if isinstance(called, ast.Attribute) else ""
    forbids = any(
        each.arg == "allow_pickle" and isinstance(each.value, ast.Constant) and each.value.value is False
        for each in node.keywords
    )
    wrong = [f"{node.lineno} {name}"] if name in NEVER_CALLED else []
    if name == "load" and owner in ("torch", "np", "numpy", "joblib") and not forbids:
        wrong.append(f"{node.lineno} {owner}.load")
    if any(each.arg == "allow_pickle" for each in node.keywords) and not forbids:
        wrong.append(f"{node.lineno} allow_pickle")
    return wrong
