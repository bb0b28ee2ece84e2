"""Lock files, what is installed otherwise than they say, conda's notes, and packages from folders."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath

import pytest

import labtop
from labtop.model.run import Environment, LocalPackage, RunRecord
from labtop.recording.capture.local_packages import local_packages
from labtop.recording.capture.lock_differences import differences
from labtop.recording.capture.lock_file import keep_lock_files
from labtop.recording.capture.redact import Redactor
from labtop.reproduce.local_packages import local_findings
from tests.recording.conftest import RunScript, git, only_record

UV = """version = 1
requires-python = ">=3.11"

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://pypi.org/simple" }
resolution-markers = ["python_full_version >= '3.12'"]

[[package]]
name = "my-project"
version = "0.1.0"
source = { editable = "." }

[[package]]
name = "Scikit_Learn"
version = "1.5.0"

[[package]]
name = "pywin32"
version = "306"
"""
INSTALLED = {"numpy": "2.1.0", "my_project": "9", "scikit-learn": "1.5", "rich": "13.0", "pip": "24"}
PDM = '[metadata]\ngroups = ["default"]\n[[package]]\nname = "numpy"\nversion = "2.2.0"\n'
PYLOCK = 'lock-version = "1.0"\ncreated-by = "pip"\n[[packages]]\nname = "rich"\nversion = "13.0.1"\n'
PIPFILE = json.dumps(
    {"_meta": {}, "default": {"numpy": {"version": "==2.1"}}, "develop": {"rich": {"ref": "x"}}}
)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("uv.lock", UV, ["rich 13.0 is installed and not locked"]),
        ("poetry.lock", UV.replace("1.5.0", "1.4.0"), [
            "scikit-learn 1.5 is installed, 1.4.0 is locked", "rich 13.0 is installed and not locked",
        ]),
        ("pdm.lock", PDM, [
            "numpy 2.1.0 is installed, 2.2.0 is locked", "my-project 9 is installed and not locked",
            "rich 13.0 is installed and not locked", "scikit-learn 1.5 is installed and not locked",
        ]),
        ("pylock.dev.toml", PYLOCK, [
            "rich 13.0 is installed, 13.0.1 is locked", "my-project 9 is installed and not locked",
            "numpy 2.1.0 is installed and not locked", "scikit-learn 1.5 is installed and not locked",
        ]),
        ("Pipfile.lock", PIPFILE, [
            "my-project 9 is installed and not locked", "scikit-learn 1.5 is installed and not locked",
        ]),
        ("requirements.lock", "numpy==2.1.0 \\\n  --hash=sha256:ff\nrich[x]==13.0\nscikit-learn===1.5\ntorch==2\n", [
            "torch is locked and not installed", "my-project 9 is installed and not locked",
        ]),
        ("requirements.txt", "numpy==2.1.0\nwinshell==1; sys_platform == 'win32'\nmy-project @ file:///x\nrich==13.0\n"
                             "scikit-learn==1.5\n", []),
        ("uv.lock", "this is [no toml", []),
        ("Pipfile.lock", "[]", []),
        ("conda-lock.yml", "anything: 1", []),
    ],
)  # fmt: skip
def test_what_is_installed_otherwise_than_locked(
    tmp_path: Path, name: str, text: str, expected: list[str]
) -> None:
    """By normal names and versions; packages of other platforms are not missed, and nothing broken raises."""
    (tmp_path / name).write_text(text)
    assert list(differences(tmp_path / name, INSTALLED)) == expected


NEEDS = """[[package]]
name = "mine"
source = { virtual = "." }
dependencies = [
    { name = "a", extra = ["fast"] }, { name = "windows", marker = "sys_platform == 'win32'" }, { name = "forked" }
]
[package.optional-dependencies]
more = [{ name = "unasked" }]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "a"
version = "1"
dependencies = [{ name = "b" }]
optional-dependencies = { fast = [{ name = "c" }], slow = [{ name = "unasked" }] }
[[package]]
name = "b"
version = "1"
[[package]]
name = "c"
version = "1"
dependencies = [{ name = "a" }]
[[package]]
name = "windows"
version = "1"
[[package]]
name = "unasked"
version = "1"
[[package]]
name = "pytest"
version = "1"
[[package]]
name = "forked"
version = "1"
dependencies = [{ name = "unasked" }]
[[package]]
name = "forked"
version = "2"
"""
GROUPS = """[[package]]
name = "a"
version = "1"
optional = false
groups = ["main", "dev"]
[[package]]
name = "b"
version = "1"
groups = ["default"]
[[package]]
name = "windows"
version = "1"
groups = ["main"]
markers = "sys_platform == 'win32'"
[[package]]
name = "mac"
version = "1"
groups = ["default"]
marker = "sys_platform == 'darwin'"
[[package]]
name = "extra"
version = "1"
optional = true
groups = ["main"]
[[package]]
name = "pytest"
version = "1"
groups = ["dev"]
[[package]]
name = "of-a-lock-of-old"
version = "1"
category = "main"
"""


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        ("uv.lock", NEEDS, ["a", "b", "c", "forked"]),
        ("poetry.lock", GROUPS, ["a", "b"]),
        ("pdm.lock", GROUPS, ["a", "b"]),
        ("pylock.toml", '[[packages]]\nname="a"\nversion="1"\n[[packages]]\nname="b"\nmarker="x"\n', ["a"]),
        ("Pipfile.lock", '{"default": {"a": {}, "b": {"markers": "x"}}, "develop": {"c": {}}}', ["a"]),
        ("requirements.txt", "--require-hashes\na==1\n-e .\nb==1; os_name == 'nt'\nc @ git+https://h/c@1\n./d.whl\n",
         ["a"]),
        ("requirements.txt", "a==1\n--requirement others.txt\n", []),
    ],
)  # fmt: skip
def test_what_every_installation_has_and_this_one_has_not(
    tmp_path: Path, name: str, text: str, missing: list[str]
) -> None:
    """Not what only another platform, an extra or a group asks for."""
    (tmp_path / name).write_text(text)
    assert list(differences(tmp_path / name, {})) == [
        f"{each} is locked and not installed" for each in missing
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", '[[package]]\nname="six"\nversion="1"\nsource={{git="https://h/six?rev=main#{0}"}}\n'),
        ("poetry.lock",
         '[[package]]\nname="six"\nversion="1"\n[package.source]\ntype="git"\nresolved_reference="{0}"\n'),
        ("pdm.lock", '[[package]]\nname="six"\nversion="1"\ngit="https://h/six"\nref="main"\nrevision="{0}"\n'),
        ("pylock.toml", '[[packages]]\nname="six"\nvcs={{type="git",commit-id="{0}"}}\n'),
        ("requirements.txt", "six @ git+https://h/six@{0}\n"),
        ("requirements.lock", "-e git+https://h/six@{0}#egg=six\n"),
    ],
)  # fmt: skip
def test_another_commit_than_the_locked_one(tmp_path: Path, name: str, text: str) -> None:
    """A package from a repository has one version at many commits."""
    (tmp_path / name).write_text(text.format("a" * 40))
    for commit, expected in (("a", ()), ("b", (f"six at {'b' * 12} is installed, {'a' * 12} is locked",))):
        origins = {"six": f"git+https://h/six@{commit * 40}"}
        assert differences(tmp_path / name, {"six": "1"}, origins) == expected


def test_the_project_itself_need_not_be_locked(tmp_path: Path) -> None:
    """As poetry and pdm leave it out; a package from elsewhere is drift all the same."""
    (tmp_path / "poetry.lock").write_text(GROUPS.replace('["main"', '["dev"').replace("default", "dev"))
    installed = {"mine": "1", "sub": "1", "plain": "1", "other": "1"}
    origins = {
        "mine": "-e .",
        "sub": "-e ./sub",
        "plain": f"file://{tmp_path}/a%20b",
        "other": "-e /elsewhere",
    }
    found = differences(tmp_path / "poetry.lock", installed, origins, PurePosixPath(tmp_path))
    assert found == ("other 1 is installed and not locked",)


def test_a_run_tells_how_its_environment_drifted(folder: Path) -> None:
    """In the record, found out in the background; all lock files are kept."""
    (folder / "uv.lock").write_text('[[package]]\nname = "numpy"\nversion = "0.0.1"\n')
    (folder / "pylock.toml").write_text(PYLOCK)
    with labtop.init() as run:
        pass
    environment = only_record(folder / "runs").environment
    assert (
        environment.lock_differs[0] == f"numpy {environment.packages['numpy']} is installed, 0.0.1 is locked"
    )
    assert [each.name for each in environment.lock_files] == ["uv.lock", "pylock.toml"]
    assert (run.folder / "environment/pylock.toml").read_text() == PYLOCK


def test_conda_notes_of_every_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an MD5, without an address, and broken; the platform is that of the packages that have one."""
    notes = folder / "env/conda-meta"
    notes.mkdir(parents=True)
    (notes / "a.json").write_text(json.dumps({"url": "https://c/noarch/a.conda", "subdir": "noarch"}))
    (notes / "b.json").write_text(
        json.dumps({"url": "https://c/osx-arm64/b.conda", "subdir": "osx-arm64", "md5": "1"})
    )
    (notes / "c.json").write_text(json.dumps({"name": "no address"}))
    (notes / "d.json").write_text("{broken")
    (notes / "e.json").write_text("[]")
    (notes / "history").write_text("==> 2026 <==\n")
    monkeypatch.setenv("CONDA_PREFIX", str(folder / "env"))
    (lock,) = keep_lock_files(folder, folder, None, Redactor())
    lines = (folder / lock.name).read_text().splitlines()
    assert lines[2:] == [
        "# platform: osx-arm64",
        "@EXPLICIT",
        "https://c/noarch/a.conda",
        "https://c/osx-arm64/b.conda#1",
    ]


def test_the_repository_of_an_editable_package(repository: Path, tmp_path: Path) -> None:
    """Its commit, its remote, and whether it was changed; a neighbour in the same repository does not count."""
    other = tmp_path / "other"
    (other / "lib").mkdir(parents=True)
    (other / "lib/a.py").write_text("1\n")
    (other / "neighbour.py").write_text("1\n")
    git(other, "init", "-q", "-b", "main")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "x")
    git(other, "remote", "add", "origin", "https://me:secret123@example.org/lib.git")
    commit = git(other, "rev-parse", "HEAD")
    origins = {
        "lib": f"-e {other}/lib",
        "own": "-e ./sub",
        "from-git": "git+https://h/x@1",
        "plain": f"-e {tmp_path}/plain",
    }
    (tmp_path / "plain").mkdir()

    def states() -> tuple[LocalPackage, ...]:
        return local_packages(origins, Redactor())

    lib = LocalPackage(
        name="lib", path=f"{other}/lib", commit=commit, dirty=False, remote="https://example.org/lib.git"
    )
    assert states() == (lib, LocalPackage(name="plain", path=f"{tmp_path}/plain"))
    (other / "neighbour.py").write_text("2\n")
    assert states()[0].dirty is False
    (other / "lib/new.py").write_text("2\n")
    assert states()[0].dirty is True
    (other / "lib/new.py").unlink()
    (other / "lib/a.py").write_text("2\n")
    assert states()[0].dirty is True


def test_a_plan_tells_how_such_a_package_stands_today(tmp_path: Path) -> None:
    """Where it stood, changed, at another commit, or gone; one that was changed then cannot be had again."""
    lib = tmp_path / "lib"
    lib.mkdir()
    git(lib, "init", "-q", "-b", "main")
    (lib / "a.py").write_text("1\n")
    git(lib, "add", "-A")
    git(lib, "commit", "-q", "-m", "x")
    commit = git(lib, "rev-parse", "HEAD")

    def finding(dirty: bool = False) -> tuple[str, str]:
        package = LocalPackage(name="lib", path=str(lib), commit=commit, dirty=dirty)
        environment = Environment(origins={"lib": f"-e {lib}"}, local_packages=(package,))
        (found,) = local_findings(RunRecord(id="x", name="x", project="p", environment=environment))
        return found.state, found.text.rpartition(commit[:12])[2]

    assert finding() == ("ok", ", where it stands today")
    assert finding(dirty=True) == ("warn", " with changes that are not kept")
    (lib / "a.py").write_text("2\n")
    assert finding() == ("warn", "; there are changes now")
    git(lib, "commit", "-qam", "y")
    assert finding() == ("warn", f"; it stands at {git(lib, 'rev-parse', 'HEAD')[:12]} now")
    lib.rename(tmp_path / "away")
    assert finding()[1].endswith("which is gone; its version is asked of the index")


def test_a_package_from_a_folder_lowers_the_score_once_it_is_changed(
    repository: Path, run_script: RunScript
) -> None:
    """A real editable package: its note is what pip leaves."""
    lib = repository.parent / "lib"
    site = repository.parent / "site"
    (site / "demo-1.0.dist-info").mkdir(parents=True)
    (site / "demo-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    lib.mkdir()
    git(lib, "init", "-q", "-b", "main")
    (lib / "demo.py").write_text("x = 1\n")
    git(lib, "add", "-A")
    git(lib, "commit", "-q", "-m", "x")
    note = {"url": f"file://{lib}", "dir_info": {"editable": True}}
    (site / "demo-1.0.dist-info/direct_url.json").write_text(json.dumps(note))
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    (lib / "demo.py").write_text("x = 2\n")
    run_script("import labtop; labtop.init()", PYTHONPATH=path)
    environment = only_record(repository / "runs").environment
    demo = next(each for each in environment.local_packages if each.name == "demo")
    assert (demo.commit, demo.dirty) == (git(lib, "rev-parse", "HEAD"), True)


def test_large_files_that_were_not_fetched(repository: Path, run_script: RunScript) -> None:
    """A pointer in the place of the data is told; a file that is there is not."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
    (repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (repository / "weights.bin").write_text(pointer)
    (repository / "there.bin").write_bytes(b"\0" * 2000)
    (repository / "note.txt").write_text(pointer)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "data")
    run_script("import labtop; labtop.init()", name="run.py")
    problem = only_record(repository / "runs").code.problem
    assert problem is not None
    assert "1 file of git lfs not fetched, only the pointer is there: weights.bin" in problem
    assert "there.bin" not in problem
