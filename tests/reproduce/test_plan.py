"""Plans that really bring a run back: recorded in real repositories, run by a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labtop.errors import UsageError
from labtop.model.run import Command, DataInput, RunRecord, UntrackedFile
from labtop.recording.capture.content import read_content
from labtop.recording.capture.folder_content import folder_sha256, read_folder
from labtop.reproduce.plan import Plan, plan
from tests.reproduce.recorded import ARGV, RecordedRun, git, make_dirty, make_repository, record_run, snapshot

SH = "dash" if shutil.which("dash") else "sh"


def run_script(made: Plan, tmp_path: Path, shell: str = SH) -> subprocess.CompletedProcess[str]:
    """Run a plan in a scratch folder."""
    path = tmp_path / "plan.sh"
    path.write_text(made.script(), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LABTOP_")},
        "LABTOP_SCRATCH": str(tmp_path / "scratch"),
        "ARGV_OUT": str(tmp_path / "argv.out"),
    }
    return subprocess.run([shell, str(path)], env=environment, capture_output=True, text=True, check=False)


def check_brought_back(run: RecordedRun, made: Plan, tmp_path: Path, shell: str = SH) -> None:
    """The tree and the arguments are what they were."""
    done = run_script(made, tmp_path, shell)
    assert done.returncode == 0, done.stderr
    tree = tmp_path / "scratch" / "tree"
    assert snapshot(tree) == run.tree
    cwd, script, *argv = os.fsdecode((tmp_path / "argv.out").read_bytes()).split("\0")
    assert cwd == str(tree / "exp")
    assert (script, *argv) == ("show.py", *ARGV)
    assert not (tree / "exp" / "evil").exists()


def leave(repository: Path) -> None:
    """Nothing happens to the repository."""


def rewrite_history(repository: Path) -> None:
    """The recorded commit is gone for good."""
    git(repository, "stash", "-q", "-u")
    git(repository, "checkout", "-q", "--orphan", "other")
    git(repository, "commit", "-q", "--allow-empty", "-m", "rewritten")
    git(repository, "branch", "-q", "-D", "main")
    git(repository, "stash", "drop", "-q")
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "gc", "-q", "--prune=now")


def remove(repository: Path) -> None:
    """The clone is gone."""
    shutil.rmtree(repository)
    repository.mkdir()


@pytest.mark.parametrize("has_remote", [False, True], ids=["no-remote", "remote"])
@pytest.mark.parametrize("change", [leave, rewrite_history, remove])
def test_a_run_comes_back(change: Callable[[Path], None], has_remote: bool, tmp_path: Path) -> None:
    """Dirty tree, untracked files and unpushed commits; the history rewritten, or the clone gone."""
    repository = tmp_path / "it's a repo"
    make_repository(repository, tmp_path / "remote.git" if has_remote else None)
    make_dirty(repository)
    run = record_run(repository, tmp_path / "the store")
    assert run.record.code.bundle
    change(repository)
    made = plan(run.record, run.folder, repository, "current")
    assert ("in the clone" if change is leave else "in the bundle") in made.found[0].text
    check_brought_back(run, made, tmp_path)
    if change is leave:
        assert snapshot(repository) == run.tree  # the user's own tree is untouched


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_runs_it_too(tmp_path: Path) -> None:
    """The script is plain POSIX."""
    make_repository(tmp_path / "repo")
    make_dirty(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    check_brought_back(run, plan(run.record, run.folder, tmp_path / "repo", "current"), tmp_path, "bash")


def test_a_pushed_commit_comes_from_the_remote(tmp_path: Path) -> None:
    """Without a clone and without a bundle."""
    make_repository(tmp_path / "repo", tmp_path / "remote.git")
    git(tmp_path / "repo", "push", "-q", "origin", "main")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    assert run.record.code.bundle is None
    made = plan(run.record, run.folder, tmp_path, "current")
    assert "which was not asked" in made.found[0].text
    check_brought_back(run, made, tmp_path)


def test_what_was_found_is_said_for_each_pillar(tmp_path: Path) -> None:
    """Each finding has its pillar, and stands above the script."""
    make_repository(tmp_path / "repo")
    make_dirty(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    made = plan(run.record, run.folder, tmp_path / "repo", "current")
    said = [f"{each.pillar} {each.state} {each.text}" for each in made.found]
    assert f"is in the clone at {tmp_path / 'repo'}" in said[0]
    assert said[1].startswith("code ok the patch applies")
    assert said[2] == "code ok 2 files git did not know: kept"
    assert {each.pillar for each in made.found} == {
        "code",
        "data",
        "environment",
        "configuration",
        "randomness",
    }
    script = made.script()
    assert script.startswith("#!/bin/sh\n# Brings back the run k7f2aaaaaa ('a run\\nrm -rf ~'")
    assert not any(line.startswith("rm") for line in script.splitlines())
    assert "#  + code:" in script
    assert "export OMP_NUM_THREADS=2" in script
    assert "export PYTHONHASHSEED=5" in script
    assert "SLURM_JOB_ID" not in script
    assert "A=$(x)" not in script


def test_a_damaged_patch_is_noticed(tmp_path: Path) -> None:
    """By the plan, and by the script, which then does not start the run."""
    make_repository(tmp_path / "repo")
    make_dirty(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    patch = run.folder / "code" / "patch.diff"
    patch.write_bytes(patch.read_bytes().replace(b"line seven", b"line eight"))
    made = plan(run.record, run.folder, tmp_path / "repo", "current")
    assert not made.can_work
    assert "its hash differs" in made.found[1].text
    done = run_script(made, tmp_path)
    assert done.returncode == 1
    assert "is not what it was" in done.stderr
    assert not (tmp_path / "argv.out").exists()


@pytest.mark.parametrize(
    "path", ["../outside.txt", "/tmp/outside-of-labtop.txt", "a/../../outside.txt", ".git/hooks/x"]
)
def test_a_malicious_patch_is_refused(path: str, tmp_path: Path) -> None:
    """git apply keeps to the tree: nothing is written beside it, and the plan says so before."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    text = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+evil\n"
    record = with_patch(run, text)
    made = plan(record, run.folder, tmp_path / "repo", "current")
    assert any(each.state == "missing" and "patch does not apply" in each.text for each in made.found)
    assert run_script(made, tmp_path).returncode != 0
    assert not list(tmp_path.rglob("outside*.txt"))
    assert not Path("/tmp/outside-of-labtop.txt").exists()
    assert not (tmp_path / "argv.out").exists()


def with_patch(run: RecordedRun, text: str) -> RunRecord:
    """The record with another patch in its store."""
    import hashlib

    (run.folder / "code" / "patch.diff").write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return replace(run.record, code=replace(run.record.code, dirty=True, patch_sha256=sha256))


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".git/config", "a/../../x", ".GIT/hooks/post-checkout"])
def test_kept_files_stay_in_the_tree(path: str, tmp_path: Path) -> None:
    """A record whose kept file would lie elsewhere is refused that file."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    file = UntrackedFile(path=path, sha256="0" * 64, kept=True)
    record = replace(run.record, code=replace(run.record.code, untracked=(file,)))
    made = plan(record, run.folder, tmp_path / "repo", "current")
    assert any("leave the tree and are refused" in each.text for each in made.found)
    assert "take" not in made.script()


def test_a_kept_file_does_not_follow_a_link_out_of_the_tree(tmp_path: Path) -> None:
    """The tree holds a link to a folder outside; a kept file below it stops the script."""
    repository, outside = tmp_path / "repo", tmp_path / "outside"
    outside.mkdir()
    make_repository(repository)
    (repository / "way").symlink_to(outside)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "link")
    run = record_run(repository, tmp_path / "store")
    kept = run.folder / "code" / "untracked" / "way" / "x.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    file = UntrackedFile(path="way/x.txt", sha256=read_content(kept).sha256, kept=True)
    record = replace(run.record, code=replace(run.record.code, untracked=(file,)))
    done = run_script(plan(record, run.folder, repository, "current"), tmp_path)
    assert done.returncode == 1
    assert "leads out of the tree" in done.stderr
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    "remote",
    [
        "ext::sh -c touch% /tmp/evil",
        "--upload-pack=touch evil",
        "-oProxyCommand=touch evil",
        "ssh://-oProxyCommand=x/y",
        "host:-x",
        "fd::3",
        "https://host/x\nevil",
        "ftp://host/x",
        "../relative",
        "transport::https://host/x",
    ],
)
def test_a_remote_that_could_run_something_is_refused(remote: str, tmp_path: Path) -> None:
    """It appears in no command; the script asks for a clone instead."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    record = replace(run.record, code=replace(run.record.code, remote=remote, bundle=None))
    made = plan(record, run.folder, tmp_path, "current")
    assert any("remote is refused" in each.text for each in made.found)
    commands = [line for line in made.script().splitlines() if not line.startswith("#")]
    assert not any(remote.split("\n")[0] in line for line in commands)
    done = run_script(made, tmp_path)
    assert "set it to a clone" in done.stderr


def test_configuration_of_a_repository_runs_nothing(tmp_path: Path) -> None:
    """Planning in a clone with a monitor, an external diff, a filter and hooks leaves no marker."""
    repository, marker = tmp_path / "repo", tmp_path / "marker"
    make_repository(repository)
    make_dirty(repository)
    (repository / ".gitattributes").write_text("* filter=x diff=x\n")
    run = record_run(repository, tmp_path / "store")
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "filter.x.clean",
        "filter.x.smudge",
        "diff.x.textconv",
        "core.pager",
    ):
        git(repository, "config", key, str(script))
    git(repository, "config", "core.hooksPath", str(tmp_path / "hooks"))
    plan(run.record, run.folder, repository, "current")
    assert not marker.exists()


def test_inputs_are_reached_and_checked(tmp_path: Path) -> None:
    """Files and folders that git ignores are linked into the tree after their content was compared."""
    repository = tmp_path / "repo"
    make_repository(repository)
    folder = repository / "data" / "deep"
    folder.mkdir(parents=True)
    for name in ("b.txt", "a b.txt", "Z.txt", "é.txt"):
        (folder / name).write_text(name)
    run = record_run(repository, tmp_path / "store")
    file = read_content(folder / "b.txt").sha256
    data = (
        DataInput(name="one", uri="data/deep/b.txt", kind="file", digest=file, algorithm="sha256", bytes=5),
        DataInput(
            name="all",
            uri="data/deep",
            kind="directory",
            digest=folder_sha256(read_folder(folder)),
            algorithm="sha256",
        ),
        DataInput(name="hub", uri="hf://datasets/x", kind="hf"),
    )
    record = replace(run.record, data=(data[1], data[0], data[2]))
    made = plan(record, run.folder, repository, "current")
    assert [each.state for each in made.found if each.pillar == "data"] == ["ok", "ok", "warn"]
    done = run_script(made, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scratch" / "tree" / "data" / "deep").is_symlink()
    (folder / "b.txt").write_text("changed")
    changed = plan(record, run.folder, repository, "current")
    assert [each.state for each in changed.found if each.pillar == "data"] == ["missing", "missing", "warn"]
    shutil.rmtree(tmp_path / "scratch")
    git(repository, "worktree", "prune")
    done = run_script(changed, tmp_path)
    assert done.returncode == 1
    assert "is not what it was" in done.stderr


def test_data_with_a_digest_of_a_tracker_s_own_is_not_told_as_changed(tmp_path: Path) -> None:
    """MLflow names no algorithm: what lies there today can be neither the same nor another; a name may be missing."""
    repository = tmp_path / "repo"
    make_repository(repository)
    (repository / "a.csv").write_text("1")
    run = record_run(repository, tmp_path / "store")
    local = DataInput(name="", uri="a.csv", kind="file", digest="6f2d31c1")
    far = DataInput(name="hub", uri="", kind="mlflow", digest="6f2d31c1")
    made = plan(replace(run.record, data=(local, far)), run.folder, repository, "current")
    assert [(each.state, each.text) for each in made.found if each.pillar == "data"] == [
        ("warn", "a.csv is here; 6f2d31c1 cannot be computed from it"),
        ("warn", "hub is pinned at 6f2d31c1; the run fetches it, it was not asked"),
    ]


def test_an_input_is_found_beside_the_store(tmp_path: Path) -> None:
    """A store that was handed on with its data needs no clone; another file of that name here is passed over."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    for folder, text in (("here", "other"), ("store", "right")):
        (tmp_path / folder / "data").mkdir(parents=True)
        (tmp_path / folder / "data" / "x.csv").write_text(text)
    digest = read_content(tmp_path / "store" / "data" / "x.csv").sha256
    data = (DataInput(name="x", uri="data/x.csv", kind="file", digest=digest, algorithm="sha256"),)
    made = plan(replace(run.record, data=data), run.folder, tmp_path / "here", "current")
    assert [each.state for each in made.found if each.pillar == "data"] == ["ok"]
    done = run_script(made, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scratch" / "tree" / "data" / "x.csv").read_text() == "right"


def test_a_secret_must_be_set_before(tmp_path: Path) -> None:
    """The plan says which variables are missing; the script stops without them."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    command = replace(run.record.command, argv=(sys.executable, "show.py", "--token=${HF_TOKEN}"))
    made = plan(replace(run.record, command=command), run.folder, tmp_path / "repo", "current")
    assert any(each.state == "missing" and "$HF_TOKEN is not set" in each.text for each in made.found)
    done = run_script(made, tmp_path)
    assert done.returncode != 0
    assert "HF_TOKEN" in done.stderr


def test_a_run_of_which_nothing_is_known_says_what_to_set(tmp_path: Path) -> None:
    """No code, no command: each missing pillar is named, and the script stops with words."""
    made = plan(RunRecord(id="x", name="x", project="x"), None, tmp_path)
    assert {each.pillar for each in made.found if each.state == "missing"} >= {
        "code",
        "configuration",
        "randomness",
    }
    done = run_script(made, tmp_path)
    assert done.returncode != 0
    assert "LABTOP_TREE" in done.stderr


def test_paths_into_the_old_tree_are_seen_from_the_new_one(tmp_path: Path) -> None:
    """`python /old/exp/show.py --config /old/conf.yaml` must not run the old tree."""
    make_repository(tmp_path / "repo")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    old = str(tmp_path / "repo")
    argv = (sys.executable, f"{old}/exp/show.py", f"{old}/model.py", "/elsewhere")
    made = plan(
        replace(run.record, command=replace(run.record.command, argv=argv)), run.folder, tmp_path / "repo"
    )
    assert made.script().splitlines()[-2].endswith(" ../exp/show.py ../model.py /elsewhere")


def test_a_piped_script_is_read_whole_before_it_starts(tmp_path: Path) -> None:
    """`labtop reproduce RUN | sh`: a run that reads its input does not eat the rest of the script."""
    make_repository(tmp_path / "repo")
    (tmp_path / "repo" / "exp" / "show.py").write_text("import sys; print('read', repr(sys.stdin.read()))")
    git(tmp_path / "repo", "commit", "-q", "-a", "-m", "reads")
    run = record_run(tmp_path / "repo", tmp_path / "store")
    script = plan(run.record, run.folder, tmp_path / "repo", "current").script()
    environment = {**os.environ, "LABTOP_SCRATCH": str(tmp_path / "scratch")}
    done = subprocess.run([SH], input=script, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("read ''\n"), done.stderr


def test_a_script_of_the_old_environment_is_called_by_name() -> None:
    """`/venv/bin/python /venv/bin/accelerate launch x` becomes `accelerate launch x`."""
    from labtop.reproduce.command_words import relocated

    command = Command(
        argv=("/venv/bin/python", "/venv/bin/accelerate", "launch", "x"),
        executable="/venv/bin/python",
        cwd=".",
    )
    assert relocated(command) == ("accelerate", "launch", "x")


def test_the_environment_is_checked() -> None:
    """Only those that there are."""
    with pytest.raises(UsageError, match="uv, pip, conda, docker, current"):
        plan(RunRecord(id="x", name="x", project="x"), None, Path.cwd(), "podman")
