"""The code of a run: what git knows, what it doesn't, and what must not be kept. Real repositories."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import labtop
from labtop.cli.doctor.capture import capture_lines
from labtop.model.run import Code, Status
from labtop.recording.capture.code import _redacted_patch, with_bundle
from labtop.recording.capture.local_packages import local_packages
from labtop.recording.capture.redact import Redactor
from labtop.recording.capture.repository import Repository
from labtop.recording.failure import Outcome
from labtop.settings import Settings
from labtop.store.reader import read_record
from tests.cli.test_doctor import found
from tests.recording.conftest import git, only_record


def record_code(store: Path | None = None, **settings: str) -> tuple[Code, Path]:
    """Record a run that does nothing; its code, and its code folder."""
    with labtop.init(store=store) as run:
        pass
    return only_record(run.folder.parent.parent).code, run.folder / "code"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABTOP_CAPTURE_OUTPUT", "false")


def test_a_clean_commit(repository: Path) -> None:
    """Commit and branch; nothing else to keep but the unpushed history."""
    code, _ = record_code()
    assert (code.commit, code.branch, code.remote) == (git(repository, "rev-parse", "HEAD"), "main", None)
    assert (code.dirty, code.patch_sha256, code.untracked, code.problem) == (False, None, (), None)


def test_the_patch_brings_the_changes_back(repository: Path) -> None:
    """Text, binary, new, removed and staged files: applied to the commit, the tree is the one that ran."""
    (repository / "image.bin").write_bytes(bytes(range(256)) * 10)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "binary")
    (repository / "model.py").write_text("width = 16\n")
    (repository / "image.bin").write_bytes(bytes(range(255, -1, -1)) * 10)
    (repository / "staged.py").write_text("x = 1\n")
    git(repository, "add", "staged.py")
    (repository / "train.py").unlink()
    wanted = git(repository, "stash", "create")
    code, folder = record_code(store=repository.parent / "runs")
    patch = folder / "patch.diff"
    assert code.dirty
    assert code.patch_sha256 == hashlib.sha256(patch.read_bytes()).hexdigest()
    tree = repository.parent / "again"
    git(repository, "worktree", "add", "-q", "--detach", str(tree), str(code.commit))
    git(tree, "apply", "--binary", "--index", str(patch))
    assert git(tree, "write-tree") == git(repository, "rev-parse", f"{wanted}^{{tree}}")


def test_the_user_s_diff_settings_do_not_change_the_patch(repository: Path) -> None:
    """noprefix, colours, external drivers, renames, relative: all fixed."""
    (repository / "sub").mkdir()
    for key, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "color.ui": "always",
        "diff.external": "false",
        "diff.renames": "copies",
        "diff.relative": "true",
        "diff.context": "0",
    }.items():
        git(repository, "config", key, value)
    (repository / "model.py").write_text("width = 16\n")
    _, folder = record_code()
    text = (folder / "patch.diff").read_text()
    assert text.startswith("diff --git a/model.py b/model.py\n")
    assert "\x1b" not in text


def test_untracked_files_are_hashed_and_kept(repository: Path) -> None:
    """But not what .gitignore names; run bits stay."""
    (repository / ".git/info/exclude").write_text("*.ignored\n")
    (repository / "new.py").write_text("y = 1\n")
    (repository / "deep/er").mkdir(parents=True)
    (repository / "deep/er/run.sh").write_text("#!/bin/sh\n")
    (repository / "deep/er/run.sh").chmod(0o755)
    (repository / "x.ignored").write_text("z\n")
    code, folder = record_code()
    assert [(each.path, each.kept, each.bytes) for each in code.untracked] == [
        ("deep/er/run.sh", True, 10),
        ("new.py", True, 6),
    ]
    assert code.untracked[1].sha256 == hashlib.sha256(b"y = 1\n").hexdigest()
    assert (folder / "untracked/new.py").read_text() == "y = 1\n"
    assert (folder / "untracked/deep/er/run.sh").stat().st_mode & 0o777 == 0o700


def test_the_store_itself_is_no_code(repository: Path) -> None:
    """Neither untracked nor in the patch, also where people commit it."""
    first, _ = record_code()
    git(repository, "add", "-A", "-f")
    git(repository, "commit", "-qm", "runs")
    with labtop.init() as run:
        pass
    assert first.untracked == ()
    record = read_record(run.folder)
    assert (record.code.untracked, record.code.dirty) == ((), False)


def test_large_untracked_files_are_listed_only(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small ones come first; the reason is said."""
    monkeypatch.setenv("LABTOP_UNTRACKED_MAX_BYTES", "100")
    (repository / "big.txt").write_text("a" * 200)
    (repository / "small.txt").write_text("b" * 50)
    code, folder = record_code()
    big, small = code.untracked
    assert (big.kept, big.reason, big.sha256) == (False, "too large", hashlib.sha256(b"a" * 200).hexdigest())
    assert small.kept
    assert code.problem is not None
    assert "too large" in code.problem
    assert not (folder / "untracked/big.txt").exists()


@pytest.mark.parametrize("name", [".env", "server.pem", "id_rsa", ".aws/credentials", "deploy.key", ".netrc"])
def test_key_files_are_never_kept(repository: Path, name: str) -> None:
    """Neither as untracked files nor in the patch."""
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text("first-canary\n")
    git(repository, "add", "-f", name)
    git(repository, "commit", "-qm", "oops")
    (repository / name).write_text("second-canary\n")
    (repository / "other").mkdir()
    (repository / "other" / Path(name).name).write_text("third-canary\n")
    (repository / "model.py").write_text("width = 9\n")
    code, folder = record_code()
    kept = b"".join(
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".bundle"
    )
    assert b"canary" not in kept
    assert b"width = 9" in kept
    assert code.problem is not None
    assert name in code.problem


def test_a_secret_in_the_patch_is_taken_out(repository: Path) -> None:
    """The rest still applies."""
    token = "ghp_" + "a1B2" * 9
    (repository / "model.py").write_text(f'width = 8\nuse("{token}")\ndepth = 3\n')
    code, folder = record_code()
    assert token not in (folder / "patch.diff").read_text()
    git(repository, "stash", "-q")
    git(repository, "apply", str(folder / "patch.diff"))
    assert (repository / "model.py").read_text() == 'width = 8\nuse("${GITHUB_TOKEN}")\ndepth = 3\n'
    assert "secrets were taken out of 1 lines of the patch" in str(code.problem)


def test_a_secret_near_a_change_does_not_spoil_the_patch(repository: Path) -> None:
    """It was committed long ago; with less context around the change it is not touched."""
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    (repository / "model.py").write_text(f"a = 1\nb = '{secret}'\nc = 1\nwidth = 8\n")
    git(repository, "commit", "-qam", "hard-coded")
    (repository / "model.py").write_text(f"a = 1\nb = '{secret}'\nc = 1\nwidth = 16\n")
    code, folder = record_code()
    patch = (folder / "patch.diff").read_text()
    assert secret not in patch
    git(repository, "stash", "-q")
    git(repository, "apply", str(folder / "patch.diff"))
    assert "width = 16" in (repository / "model.py").read_text()
    assert "patch" not in str(code.problem)


def test_a_change_of_a_secret_says_that_it_may_not_apply(repository: Path) -> None:
    """What is removed cannot be named."""
    (repository / "model.py").write_text("b = '" + "AKIA" + "ABCDEFGHIJKLMNOP" + "'\n")
    git(repository, "commit", "-qam", "hard-coded")
    (repository / "model.py").write_text("b = None\n")
    code, folder = record_code()
    assert "AKIA" not in (folder / "patch.diff").read_text()
    assert "may not apply" in str(code.problem)


def test_encoded_bytes_are_left_as_they_are() -> None:
    """What looks like a secret in a binary hunk is chance; outside of it, it is none."""
    binary = "diff --git a/x b/x\nGIT binary patch\nliteral 9\nQpwd=a1B2c3D4e5\n\nliteral 0\nHcmV?d00001\n\n"
    text = binary + "diff --git a/y b/y\n+pwd = 'a1B2c3D4e5'\n"
    assert _redacted_patch(text, Redactor()) == binary + "diff --git a/y b/y\n+pwd = '${PWD}'\n"


def test_an_untracked_file_with_a_secret_is_not_kept(repository: Path) -> None:
    """A changed copy would no longer be the file that ran."""
    (repository / "notes.py").write_text("key = '" + "AKIA" + "ABCDEFGHIJKLMNOP" + "'\n")
    code, folder = record_code()
    assert [(each.kept, each.reason) for each in code.untracked] == [
        (False, "holds what looks like a secret")
    ]
    assert not (folder / "untracked").exists()


def test_links_and_pipes_are_listed_and_never_followed(repository: Path) -> None:
    """A FIFO does not hang, a link does not leak."""
    import os

    os.mkfifo(repository / "pipe")
    (repository / "leak.txt").symlink_to("/etc/passwd")
    code, folder = record_code()
    assert {each.path: each.reason for each in code.untracked} == {"leak.txt": "a link"}
    assert not (folder / "untracked").exists()


def test_names_with_newlines_and_bytes_that_are_no_text(repository: Path) -> None:
    """Whatever a file system allows."""
    import os

    (repository / "new\nline \x1b[31m.py").write_text("a\n")
    (repository / os.fsdecode(b"latin-\xe9.py")).write_text("b\n")
    code, _ = record_code()
    assert [each.kept for each in code.untracked] == [True, True]


def test_remote_without_credentials(repository: Path) -> None:
    """And what is pushed needs no bundle."""
    upstream = repository.parent / "upstream.git"
    git(repository, "clone", "-q", "--bare", ".", str(upstream))
    git(repository, "remote", "add", "origin", f"file://me:s3cret@{upstream}")
    git(repository, "remote", "set-url", "origin", str(upstream))
    git(repository, "fetch", "-q", "origin")
    git(repository, "remote", "set-url", "origin", "https://me:s3cret@example.org/me/project.git")
    code, folder = record_code()
    assert code.remote == "https://example.org/me/project.git"
    assert code.bundle is None
    assert not list(folder.glob("*.bundle"))


def test_the_bundle_has_what_no_remote_has(repository: Path) -> None:
    """Without a remote the whole history: a clone of the bundle alone is the commit."""
    code, folder = record_code()
    assert code.bundle == "commits.bundle"
    again = repository.parent / "again"
    git(repository, "init", "-q", str(again))
    git(again, "fetch", "-q", str(folder / "commits.bundle"), "HEAD")
    assert git(again, "rev-parse", "FETCH_HEAD") == code.commit
    assert git(again, "show", "FETCH_HEAD:model.py") == "width = 8"


def test_the_bundle_builds_on_what_is_pushed(repository: Path) -> None:
    """Only the new commits are in it."""
    upstream = repository.parent / "upstream.git"
    git(repository, "clone", "-q", "--bare", ".", str(upstream))
    git(repository, "remote", "add", "origin", str(upstream))
    git(repository, "fetch", "-q", "origin")
    pushed = git(repository, "rev-parse", "HEAD")
    (repository / "model.py").write_text("width = 32\n")
    git(repository, "commit", "-qam", "wider")
    _, folder = record_code()
    header = (folder / "commits.bundle").read_bytes().split(b"\n\n")[0].decode()
    assert f"-{pushed}" in header


def test_the_bundle_is_made_once_a_commit(repository: Path) -> None:
    """The second run links the first one's."""
    _, first = record_code(store=repository.parent / "a")
    _, second = record_code(store=repository.parent / "b")
    assert (first / "commits.bundle").stat().st_ino == (second / "commits.bundle").stat().st_ino


@pytest.mark.parametrize(("name", "content"), [(".env", "x=1"), ("app.py", "k = 'ghp_" + "a1B2" * 9 + "'")])
def test_a_history_with_secrets_is_not_bundled(repository: Path, name: str, content: str) -> None:
    """Although the commit that removed them came after."""
    (repository / name).write_text(content)
    git(repository, "add", "-f", name)
    git(repository, "commit", "-qm", "oops")
    git(repository, "rm", "-q", name)
    git(repository, "commit", "-qm", "removed")
    code, folder = record_code()
    assert code.bundle is None
    assert "3 commits are on no remote and not kept" in str(code.problem)
    assert not list(folder.glob("*.bundle"))


def test_a_repository_without_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its files are kept instead."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("x\n")
    git(tmp_path, "add", "train.py")
    monkeypatch.chdir(tmp_path)
    code, _ = record_code()
    assert (code.commit, code.branch) == (None, "main")
    assert [each.path for each in code.untracked] == ["train.py"]
    assert "no commit yet" in str(code.problem)


def test_a_detached_head(repository: Path) -> None:
    """A commit without a branch."""
    git(repository, "checkout", "-q", "--detach")
    code, _ = record_code()
    assert code.branch is None
    assert code.commit


def test_a_worktree(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own branch, and paths from its own top."""
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "-q", "-b", "other", str(tree))
    (tree / "extra.py").write_text("1\n")
    monkeypatch.chdir(tree)
    code, _ = record_code()
    assert (code.branch, [each.path for each in code.untracked]) == ("other", ["extra.py"])


def test_submodules(repository: Path) -> None:
    """Where each stands, and what a clone could not bring back."""
    inner = repository.parent / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "lib.py").write_text("1\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "lib")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "lib")
    git(repository, "commit", "-qm", "submodule")
    (repository / "lib/lib.py").write_text("2\n")
    code, _ = record_code()
    (submodule,) = code.submodules
    assert (submodule.path, submodule.url) == ("lib", str(inner))
    assert submodule.commit == git(inner, "rev-parse", "HEAD")
    assert "submodule lib has changes that are not kept" in str(code.problem)


def test_outside_of_a_repository_the_script_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all there is."""
    monkeypatch.delenv("LABTOP_CAPTURE_CODE")
    import sys

    (folder / "alone.py").write_text("import labtop\nlabtop.init()\n")
    subprocess.run([sys.executable, "alone.py"], check=True)
    record = only_record(folder / "runs")
    assert [(each.path, each.kept) for each in record.code.untracked] == [("alone.py", True)]
    assert record.command.entry_point == str(folder / "alone.py")
    assert record.code.problem == "not in a git repository"


def test_without_git_the_run_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes on."""
    monkeypatch.setenv("PATH", str(repository / "nowhere"))
    code, _ = record_code()
    assert code.commit is None
    assert "git is not installed" in str(code.problem)


def test_a_broken_repository_says_so(repository: Path) -> None:
    """And the run goes on."""
    (repository / ".git/HEAD").write_text("nonsense\n")
    code, _ = record_code()
    assert code.commit is None
    assert code.problem


def test_capture_can_be_switched_off(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of git then."""
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "0")
    code, folder = record_code()
    assert code == Code()
    assert not folder.exists()


EVIL = "#!/bin/sh\ntouch {marker}\ncat\n"


def test_recording_runs_nothing_that_a_repository_configures(repository: Path) -> None:
    """Monitors, hooks, external diffs, text conversions, filters, signature checkers: no marker appears."""
    marker = repository.parent / "ran"
    evil = repository.parent / "evil.sh"
    evil.write_text(EVIL.format(marker=marker))
    evil.chmod(0o755)
    (repository / ".gitattributes").write_text(
        "*.py filter=x diff=y\n*.txt filter=we=ird\n*.bin filter=lfs\n"
    )
    (repository / "w.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    (repository / "a.txt").write_text("1\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "attributes")
    for key in (
        "core.fsmonitor", "diff.external", "diff.y.command", "diff.y.textconv", "filter.x.clean", "filter.x.smudge",
        "filter.x.process", "filter.we=ird.clean", "filter.lfs.clean", "filter.lfs.process",
        "gpg.program", "core.pager", "core.editor", "core.sshCommand",
        "core.askPass", "credential.helper", "core.alternateRefsCommand", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        git(repository, "config", key, str(evil))
    for key in ("log.showSignature", "filter.x.required", "commit.gpgSign"):
        git(repository, "config", key, "true")
    hooks = repository / ".git/hooks"
    for name in (
        "post-checkout",
        "pre-commit",
        "fsmonitor-watchman",
        "post-index-change",
        "reference-transaction",
    ):
        (hooks / name).write_text(EVIL.format(marker=marker))
        (hooks / name).chmod(0o755)
    (repository / "model.py").write_text("width = 10\n")
    (repository / "a.txt").write_text("2\n")
    (repository / "new.py").write_text("3\n")
    code, folder = record_code()
    assert "width = 10" in (folder / "patch.diff").read_text()
    assert code.bundle
    assert "w.bin" in (code.problem or "")
    (package,) = local_packages({"evil": f"-e {repository}"}, Redactor())
    assert package.dirty
    assert found(capture_lines(Settings()))["commit"].state == "well"
    assert not marker.exists()
    subprocess.run(["git", "diff"], cwd=repository, capture_output=True, check=False)
    assert marker.exists()  # the trap works: git left alone falls into it


def test_recording_changes_nothing_in_the_repository(repository: Path) -> None:
    """Not even the index is refreshed."""
    (repository / "model.py").write_text("width = 10\n")
    before = {path: path.read_bytes() for path in (repository / ".git").rglob("*") if path.is_file()}
    record_code(store=repository.parent / "runs")
    assert {path: path.read_bytes() for path in (repository / ".git").rglob("*") if path.is_file()} == before


def test_init_does_not_wait_for_the_bundle(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on while the history is searched; a fork and the end of the run wait for it."""
    release = threading.Event()

    def held(*arguments: Any) -> Code:
        release.wait(20)
        return with_bundle(*arguments)

    monkeypatch.setattr("labtop.recording.background.with_bundle", held)
    with labtop.init() as run:
        assert not (run.folder / "code/commits.bundle").exists()
        release.set()
    assert only_record(run.folder.parent.parent).code.bundle == "commits.bundle"


def test_init_does_not_wait_for_git(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor does it matter where the script goes meanwhile: what counts is where it began."""
    release = threading.Event()
    around = Repository.around

    def held(folder: Path) -> Repository | None:
        release.wait(20)
        return around(folder)

    monkeypatch.setattr(Repository, "around", held)
    run = labtop.init(store=tmp_path / "runs")
    assert run.project == repository.name
    monkeypatch.chdir(tmp_path)
    release.set()
    run.finish()
    assert only_record(tmp_path / "runs").code.commit == git(repository, "rev-parse", "HEAD").strip()


def test_a_script_that_ends_at_once_has_its_commit(repository: Path, tmp_path: Path) -> None:
    """Without a word about its end."""
    code = f"import labtop; labtop.init(store={str(tmp_path / 'runs')!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository, timeout=60)
    record = only_record(tmp_path / "runs")
    assert (record.status, record.code.branch) == (Status.FINISHED, "main")
    assert record.code.commit == git(repository, "rev-parse", "HEAD").strip()


def test_a_run_that_is_killed_early_says_what_is_missing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no time to wait for all of it."""
    release = threading.Event()

    def held(code: Code, *_: Any) -> Code:
        release.wait(20)
        return code

    monkeypatch.setattr("labtop.recording.background.with_bundle", held)
    run = labtop.init()
    run.end(Outcome(Status.KILLED, 143, "SIGTERM"))
    release.set()
    record = only_record(run.folder.parent.parent)
    assert record.status is Status.KILLED
    assert "commits that are on no remote" in str(record.life.degraded)
