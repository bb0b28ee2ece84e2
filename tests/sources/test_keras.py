"""Tables of Keras' CSVLogger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labtop.sources import load_source
from labtop.sources.source import Place, RunRef
from tests.sources.reading import corpus, listing, places, read_all, truth

SOURCE = load_source("keras")


def test_figures_are_those_of_the_corpus() -> None:
    """Rows, columns, sums, first and last values."""
    (whole,) = read_all(SOURCE, corpus("keras-brats-MIT")).values()
    (said,) = truth("keras-brats-MIT")["runs"]
    assert ["epoch", *sorted(whole.curves)] == said["columns"]
    for name, curve in whole.curves.items():
        assert len(curve) == said["n_rows"]
        assert sum(curve.values) == pytest.approx(said["col_sums"][name])
        assert (curve.values[0], curve.values[-1]) == (said["first"][name], said["last"][name])
        assert list(curve.steps) == list(range(24))


def test_blanks_texts_and_names(tmp_path: Path) -> None:
    """`NA` is no point; a table of a general name is called by its folder, another by itself."""
    (tmp_path / "exp").mkdir()
    (tmp_path / "exp" / "training.log").write_text(
        "epoch;accuracy;loss;val_loss\n0;0.5;nan;NA\n1;0.6;0.2;0.3\n"
    )
    (tmp_path / "exp" / "resnet_log.csv").write_text("epoch,loss\n0,1\n")
    runs = {whole.read.record.name: whole for whole in read_all(SOURCE, tmp_path).values()}
    assert set(runs) == {"exp", "resnet_log"}
    assert {name: len(curve) for name, curve in runs["exp"].curves.items()} == {
        "accuracy": 2,
        "loss": 2,
        "val_loss": 1,
    }


def test_epochs_that_come_are_read_on(tmp_path: Path) -> None:
    """With `append=True` the epochs begin again in the same file."""
    path = tmp_path / "train.csv"
    path.write_text("epoch,loss\n0,1\n")
    (ref,) = SOURCE.runs(path)
    (first,) = SOURCE.read(path, [ref])
    path.write_text("epoch,loss\n0,1\n0,2\n1,3\n")
    (second,) = SOURCE.read(path, [RunRef(".", "", 0, first.state)])
    assert (second.appended, list(second.curves["loss"].steps)) == (True, [0, 1])


@pytest.mark.parametrize(
    "content",
    [
        "epoch,b,a_loss\n0,1,2\n",
        "id,loss\n0,1\n",
        "epoch,accuracy\n0,1\n",
        "epoch,loss\nfirst,1\n",
        "epoch,loss\n0,1,2\n",
        "epoch,loss,step\n0,1,2\n",
        "",
        "Epoch 1/10: loss\n",
    ],
)
def test_other_tables_are_not_claimed(tmp_path: Path, content: str) -> None:
    """Names in another order, no loss, no epochs, no table at all."""
    (tmp_path / "training.csv").write_text(content)
    assert places(SOURCE, tmp_path) == []


def test_a_table_of_an_unlikely_name_is_read_where_it_is_named(tmp_path: Path) -> None:
    """A walk does not open every table."""
    (tmp_path / "x.csv").write_text("epoch,loss\n0,1\n")
    assert places(SOURCE, tmp_path) == []
    assert list(SOURCE.detect(replace(listing(tmp_path), is_named=True))) == [Place(tmp_path / "x.csv")]


def test_models_in_the_folder_of_the_run(tmp_path: Path) -> None:
    """Where the table has a name of its own, nobody knows whose they are. One that is saved later is seen."""
    folder = tmp_path / "exp"
    folder.mkdir()
    for name in ("training.log", "resnet_log.csv"):
        (folder / name).write_text("epoch,loss\n0,1\n")
    (before,) = SOURCE.runs(folder / "training.log")
    (folder / "epoch_4.keras").write_bytes(b"PK")
    (after,) = SOURCE.runs(folder / "training.log")
    assert before.version != after.version
    runs = {
        whole.read.record.name: whole.read.record.artifacts for whole in read_all(SOURCE, tmp_path).values()
    }
    assert [(each.name, each.kind) for each in runs["exp"]] == [
        ("training.log", "table"),
        ("epoch_4.keras", "model"),
    ]
    assert [each.name for each in runs["resnet_log"]] == ["resnet_log.csv"]
