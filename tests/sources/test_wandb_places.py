"""Where runs of W&B are found, which folders are one run, and what is left alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from labtop.sources.source import Listing
from labtop.sources.wandb import WandbSource
from tests.sources.reading import listing, places, read_all
from tests.sources.same_files import fingerprint
from tests.sources.writers.wandb_log import end, log, message, row, run, write_run

SOURCE = WandbSource()


def _rows(first: int, last: int) -> list[bytes]:
    return [row(step, {"x": float(step)}) for step in range(first, last)]


def test_home(tmp_path: Path) -> None:
    """`wandb/` is one place from any folder above; links to runs are not runs, and nothing below is anyone else's."""
    home = tmp_path / "project" / "wandb"
    write_run(home, [run("a1b2c3d4")], "a1b2c3d4")
    write_run(home, [run("e5f6a7b8")], "e5f6a7b8", kind="run")
    (home / "latest-run").symlink_to(home / "run-20231114_221320-e5f6a7b8", target_is_directory=True)
    (home / "sweep-x1y2").mkdir()
    (home / "offline-run-20231114_221320-a1b2c3d4" / "run-a1b2c3d4.wandb.synced").touch()
    (place,) = places(SOURCE, tmp_path)
    assert (place.path, place.closed) == (home, True)
    assert sorted(ref.key for ref in SOURCE.runs(place.path)) == ["a1b2c3d4", "e5f6a7b8"]


@pytest.mark.parametrize("opened", ["", "run-a1b2c3d4.wandb", "link"])
def test_one_run(tmp_path: Path, opened: str) -> None:
    """The folder of a run, the file in it, and a link to the folder open the same run."""
    path = write_run(tmp_path, [run("a1b2c3d4"), *_rows(0, 3)], "a1b2c3d4")
    (path.parent / "files" / "output.log").write_text("hello")
    link = tmp_path / "latest-run"
    link.symlink_to(path.parent, target_is_directory=True)
    root = link if opened == "link" else path.parent / opened
    shown = Listing(root.parent, (root.name,), (), is_named=True) if root.is_file() else listing(root)
    (place,) = SOURCE.detect(shown)
    (read,) = SOURCE.read(place.path, list(SOURCE.runs(place.path)))
    assert (read.identity, len(read.curves["x"])) == ("wandb:a1b2c3d4", 3)
    assert read.output is not None


def test_copied_files(tmp_path: Path) -> None:
    """A folder of `.wandb` files alone has a run each."""
    for name in ("run-a1b2c3d4", "b"):
        (tmp_path / f"{name}.wandb").write_bytes(log([run(name[-8:]), *_rows(0, 2)]))
    assert sorted(whole.points for whole in read_all(SOURCE, tmp_path).values()) == [2, 2]


def test_hidden_home(tmp_path: Path) -> None:
    """W&B uses `.wandb` where that is there; it is named by the folder that holds it."""
    write_run(tmp_path / ".wandb", [run()])
    assert [place.path for place in places(SOURCE, tmp_path)] == [tmp_path / ".wandb"]


def test_among_others(tmp_path: Path) -> None:
    """In a folder that holds other things too only the folders of runs are taken."""
    path = write_run(tmp_path, [run()])
    (tmp_path / "lightning_logs" / "version_0").mkdir(parents=True)
    (place,) = places(SOURCE, tmp_path)
    assert (place.path, place.closed) == (path.parent, True)


def test_what_is_not_ours(tmp_path: Path) -> None:
    """A configuration, a folder called wandb with code in it, a file of requirements are nobody's run."""
    (tmp_path / "wandb").mkdir()
    for name in ("config.yaml", "requirements.txt", "output.log", "wandb/__init__.py", "run-x.txt"):
        (tmp_path / name).write_text("a: 1")
    (tmp_path / "run-1" / "files").mkdir(parents=True)
    assert places(SOURCE, tmp_path) == []


def test_resumed_run(tmp_path: Path) -> None:
    """Folders with one id are one run with all points; how the last one ended counts."""
    home = tmp_path / "wandb"
    write_run(home, [run(lr=0.1, old=1), *_rows(0, 5), end(1)], date="20231114_221320")
    write_run(home, [run(lr=0.2), *_rows(5, 8), end(0)], date="20231115_101010", kind="run")
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert list(whole.curves["x"].steps) == list(range(8))
    assert whole.read.record.params == {"lr": 0.2, "old": 1}
    assert whole.read.record.life.exit_code == 0
    assert len(whole.read.record.source.also) == 1


def test_run_that_was_resumed_in_the_second_in_which_it_began(tmp_path: Path) -> None:
    """W&B numbers the folders: they are one run, in their order; an id that ends in a number is an id."""
    home = tmp_path / "wandb"
    for number in (0, 1, 2, 10):
        rows = _rows(10 * number, 10 * number + 5)
        path = write_run(home, [run("again001"), *rows, end()], "again001", kind=f"offline-run-{number}")
        suffix = f"-{number}" if number else ""
        path.parent.rename(home / f"offline-run-20231114_221320-again001{suffix}")
    write_run(home, [run("sweep-1"), *_rows(0, 3)], "sweep-1")
    runs = {whole.read.record.source.run_id or "": whole for whole in read_all(SOURCE, tmp_path).values()}
    assert sorted(runs) == ["again001", "sweep-1"]
    steps = list(runs["again001"].curves["x"].steps)
    assert steps == [10 * number + step for number in (0, 1, 2, 10) for step in range(5)]


def test_one_id_in_two_projects(tmp_path: Path) -> None:
    """An id that a person chose may name a run in each of two projects."""
    home = tmp_path / "wandb"
    write_run(home, [run("baseline", project="a"), *_rows(0, 2)], "baseline")
    write_run(home, [run("baseline", project="b"), *_rows(0, 3)], "baseline", date="20231115_101010")
    runs = [whole.read for whole in read_all(SOURCE, tmp_path).values()]
    assert sorted(read.identity for read in runs) == ["wandb:/a/baseline", "wandb:/b/baseline"]


def test_copy_of_a_run(tmp_path: Path) -> None:
    """A copy under another date does not double the points; elsewhere it is known as the same run."""
    home = tmp_path / "wandb"
    path = write_run(home, [run(), *_rows(0, 5)])
    shutil.copytree(path.parent, home / "run-20231115_101010-k3x9q0ab")
    shutil.copytree(home, tmp_path / "backup" / "wandb")
    wholes = list(read_all(SOURCE, tmp_path).values())
    assert [len(whole.curves["x"]) for whole in wholes] == [5, 5]
    assert len({whole.read.identity for whole in wholes}) == 1


def test_entity_known_or_not(tmp_path: Path) -> None:
    """A run is the same whether its file names the entity or not."""
    write_run(tmp_path / "a" / "wandb", [run("k3x9q0ab")])
    write_run(tmp_path / "b" / "wandb", [run("k3x9q0ab", (2, "me"))])
    assert {whole.read.identity for whole in read_all(SOURCE, tmp_path).values()} == {"wandb:k3x9q0ab"}


def test_nothing_is_written(tmp_path: Path) -> None:
    """Reading leaves files, folders and times as they are."""
    write_run(tmp_path / "wandb", [run(), *_rows(0, 5), end()])
    before = fingerprint(tmp_path)
    read_all(SOURCE, tmp_path)
    assert fingerprint(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_in_place_of_a_file(tmp_path: Path) -> None:
    """A pipe is not waited for."""
    path = write_run(tmp_path / "wandb", [run()])
    path.unlink()
    os.mkfifo(path)
    os.mkfifo(path.parent / "files" / "wandb-summary.json")
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert whole.points == 0


def test_run_that_went(tmp_path: Path) -> None:
    """A run that is gone by the time it is read is left out."""
    path = write_run(tmp_path / "wandb", [run()])
    refs = list(SOURCE.runs(tmp_path / "wandb"))
    shutil.rmtree(path.parent)
    assert list(SOURCE.read(tmp_path / "wandb", refs)) == []


def test_version(tmp_path: Path) -> None:
    """The version changes with the file, and when a file comes to lie beside it."""
    path = write_run(tmp_path / "wandb", [run()])
    versions = set()
    for change in (lambda: None, lambda: path.write_bytes(log([run(), end()])), lambda: _beside(path)):
        change()
        (ref,) = SOURCE.runs(tmp_path / "wandb")
        versions.add(ref.version)
    assert len(versions) == 3


def _beside(path: Path) -> None:
    (path.parent / "files" / "wandb-summary.json").write_text("{}")


def test_other_messages(tmp_path: Path) -> None:
    """A file of another kind, and records of kinds to come, are no error but a problem at most."""
    path = write_run(
        tmp_path / "wandb", [run(), message((1, 7), (99, b"future")), b"", b"\xff\xff\xff", *_rows(0, 1)]
    )
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert whole.points == 1
    path.write_bytes(b"SQLite format 3\0" * 100)
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert "does not begin like a file of W&B" in whole.read.record.source.problems[0]
