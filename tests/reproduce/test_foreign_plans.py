"""Plans for runs of other trackers: scripts that need nothing of labtop's cache, and ask for what nobody recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from labtop.model.run import RunRecord
from labtop.query.catalog import Catalog
from labtop.reproduce import carrying
from labtop.reproduce.plan import Plan, plan
from labtop.settings import Settings
from tests.reproduce.recorded import SHOW, git, make_dirty, make_repository, snapshot
from tests.sources.writers.wandb_log import end, message, record, row, run, write_run

SH = "dash" if shutil.which("dash") else "sh"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def planned(place: Path, tmp_path: Path, environment: str | None = "current") -> tuple[RunRecord, Plan]:
    """The plan for the only run of a place; labtop's cache is emptied before it is given."""
    with closing(Catalog(place, Settings.load())) as catalog:
        catalog.refresh()
        (run_id,) = catalog.ids([0])
        found = catalog.record(run_id)
        made = plan(found, catalog.run_folder(run_id), tmp_path, environment)
    shutil.rmtree(tmp_path / "cache")
    return found, made


def start(made: Plan, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a plan's script in a scratch folder, with nothing of labtop in the environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LABTOP_")}
    given = {"LABTOP_SCRATCH": str(tmp_path / "scratch"), "ARGV_OUT": str(tmp_path / "argv.out")}
    return subprocess.run(
        [SH, "-c", made.script()],
        env={**kept, **given, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def started(tmp_path: Path) -> list[str]:
    """The working directory and the arguments of what a script started."""
    return (tmp_path / "argv.out").read_text().split("\0")


def wandb_run(tmp_path: Path, program: str, code_path: str, commit: str = "") -> Path:
    """A run of W&B that was started in the folder `exp` of a repository; gives its `files/`."""
    code = [(9, message((2, commit)))] if commit else []
    started_as: Iterable[tuple[int, int | float | bytes | str]] = [
        (2, "CPython 3.12.1"), (5, "--lr"), (5, "a b"), (6, program), (7, code_path), *code,
        (11, str(tmp_path / "gone")), (14, sys.executable),
    ]  # fmt: skip
    records = [run(lr=0.1), record(26, message(*started_as)), row(0, {"loss": 1.0}), end()]
    return write_run(tmp_path / "logs" / "wandb", records).parent / "files"


@pytest.mark.parametrize("is_plain", [True, False])
def test_the_patch_of_a_foreign_run_is_carried_in_the_script(tmp_path: Path, is_plain: bool) -> None:
    """With the cache emptied the script brings the changed tree back, and starts the script where it was started."""
    repository = tmp_path / "work"
    make_repository(repository)
    commit = git(repository, "rev-parse", "HEAD")
    make_dirty(repository)
    (repository / "model.py").write_text("seven\n" if is_plain else "tab\tseven\n")
    files = wandb_run(tmp_path, "show.py", "exp/show.py", commit)
    patch = subprocess.run(
        ["git", "diff", "--binary", "HEAD"], cwd=repository, check=True, capture_output=True
    ).stdout
    (files / "diff.patch").write_bytes(patch)
    for untracked in git(repository, "ls-files", "-o", "--exclude-standard", "-z").split("\0"):
        if untracked:
            (repository / untracked).unlink()  # W&B keeps none of them

    found, made = planned(tmp_path / "logs", tmp_path)
    assert found.code.patch_sha256
    script = made.script()
    assert str(tmp_path / "cache") not in script
    assert ("+seven" in script) == is_plain
    done = start(made, tmp_path, LABTOP_CLONE=str(repository))
    assert done.returncode == 0, done.stderr
    tree = tmp_path / "scratch" / "tree"
    there = {name: each for name, each in snapshot(repository).items() if not name.startswith("notes/")}
    assert snapshot(tree) == there
    assert started(tmp_path) == [str(tree / "exp"), "show.py", "--lr", "a b"]


def test_a_patch_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the patch stays in the cache, the plan says so and says where the run itself lies."""
    monkeypatch.setattr(carrying, "MOST_BYTES", 10)
    files = wandb_run(tmp_path, "show.py", "show.py", "a" * 40)
    (files / "diff.patch").write_text("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+one\n")
    _, made = planned(tmp_path / "logs", tmp_path)
    assert any("may be emptied" in each.text and str(files.parent) in each.text for each in made.found)
    assert str(tmp_path / "cache") in made.script()


def test_the_packages_of_a_foreign_run_become_a_list(tmp_path: Path) -> None:
    """All packages that W&B told with their versions are installed as they were; none is asked of a resolver."""
    files = wandb_run(tmp_path, "show.py", "show.py")
    (files / "requirements.txt").write_text(
        "numpy==2.1.0\ntorch==2.4.0+cu121\nmine @ git+https://e.org/m.git@abc\n"
    )
    _, made = planned(tmp_path / "logs", tmp_path, environment="pip")
    script = made.script()
    assert "numpy==2.1.0\ntorch==2.4.0+cu121\n" in script
    assert "--no-deps -r" in script
    assert any("torch 2.4.0+cu121" in each.text for each in made.found if each.state == "warn")


def test_a_script_asks_for_a_program_that_is_not_here(tmp_path: Path) -> None:
    """A script of another machine is asked for before anything is done, and gets the arguments that are known."""
    wandb_run(tmp_path, "/elsewhere/train.py", "/elsewhere/train.py")
    _, made = planned(tmp_path / "logs", tmp_path)
    assert not made.can_work
    done = start(made, tmp_path)
    assert done.returncode != 0
    assert "LABTOP_PROGRAM" in done.stderr
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "show.py").write_text(SHOW)
    done = start(
        made,
        tmp_path,
        LABTOP_TREE=str(tmp_path / "code"),
        LABTOP_PROGRAM=f"{sys.executable} show.py --seed 1",
    )
    assert done.returncode == 0, done.stderr
    assert started(tmp_path)[1:] == ["show.py", "--seed", "1", "--lr", "a b"]


def test_a_script_asks_for_a_command_that_nobody_recorded(tmp_path: Path) -> None:
    """Of TensorBoard's runs the command is asked for, with the params beside it; no pillar is left empty."""
    from tests.formats.event_files import event, field, simple
    from tests.formats.event_files import record as framed

    folder = tmp_path / "logs" / "conv"
    folder.mkdir(parents=True)
    begin = b"\x09" + event(0, 1_700_000_000.0)[1:9] + field(3, b"brain.Event:2")
    first = event(0, 1_700_000_000.0, simple("loss", 0.5))
    (folder / "events.out.tfevents.1700000000.host.1.0").write_bytes(framed(begin) + framed(first))
    _, made = planned(tmp_path / "logs", tmp_path)
    said = {each.pillar: each.text for each in made.found}
    assert said["configuration"].startswith("TensorBoard does not record command")
    assert said["environment"].startswith("TensorBoard does not record packages")
    assert said["code"].startswith("TensorBoard does not record commits")
    (tmp_path / "code").mkdir()
    done = start(
        made, tmp_path, LABTOP_TREE=str(tmp_path / "code"), LABTOP_COMMAND="pwd > here; echo $((6 * 7))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "42\n"
    assert (tmp_path / "scratch" / "tree" / "here").read_text().strip() == str(tmp_path / "scratch" / "tree")
