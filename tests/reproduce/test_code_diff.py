"""What changed in the code between two runs, patches and untracked files included."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from labtop.reproduce.code_diff import code_diff
from tests.reproduce.recorded import git, make_dirty, make_repository, record_run


def test_trees_are_compared_with_their_patches(tmp_path: Path) -> None:
    """Two commits, one of them with uncommitted changes and files git does not know."""
    repository = tmp_path / "repo"
    make_repository(repository)
    first = record_run(repository, tmp_path / "store", "aaaaaaaaaa")
    (repository / "third.py").write_text("third = 3\n")
    git(repository, "add", "third.py")
    git(repository, "commit", "-q", "-m", "third")
    make_dirty(repository)
    second = record_run(repository, tmp_path / "store", "bbbbbbbbbb")
    found = code_diff(first.record, second.record, first.folder, second.folder, repository)
    assert not found.missing
    for line in (
        "+third = 3",
        "-line 7",
        "+line seven",
        "deleted file mode 100644",
        "+untracked",
        "Binary files",
    ):
        assert line in found.patch
    assert "old mode 100644\nnew mode 100755" in found.patch
    same = code_diff(second.record, second.record, second.folder, second.folder, repository)
    assert same.patch == ""


def test_bundles_will_do_without_a_clone(tmp_path: Path) -> None:
    """The clone is gone; both commits are in the bundles kept with the runs."""
    repository = tmp_path / "repo"
    make_repository(repository)
    first = record_run(repository, tmp_path / "store", "aaaaaaaaaa")
    (repository / "third.py").write_text("third = 3\n")
    git(repository, "add", "third.py")
    git(repository, "commit", "-q", "-m", "third")
    second = record_run(repository, tmp_path / "store", "bbbbbbbbbb")
    shutil.rmtree(repository)
    found = code_diff(first.record, second.record, first.folder, second.folder, tmp_path)
    assert not found.missing
    assert "+third = 3" in found.patch


def test_without_the_commits_the_stored_patches_are_shown(tmp_path: Path) -> None:
    """And what is missing is said."""
    repository = tmp_path / "repo"
    make_repository(repository)
    make_dirty(repository)
    run = record_run(repository, tmp_path / "store")
    record = replace(run.record, code=replace(run.record.code, bundle=None))
    found = code_diff(record, record, run.folder, run.folder, tmp_path)
    assert found.missing[0].endswith("is neither in a clone here nor in a bundle")
    assert "+line seven" in found.patch
