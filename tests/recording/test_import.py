"""What importing labtop brings in, and what its names are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import labtop

HEAVY = ("textual", "duckdb", "polars", "pyarrow", "git", "numpy", "psutil", "pynvml", "rich", "msgspec")


def test_import_pulls_in_nothing_heavy() -> None:
    """A training script pays for labtop only when it uses it."""
    code = f"import sys, labtop; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_recording_leaves_the_tools_of_the_browser_out() -> None:
    """init needs neither the query engine nor the terminal UI."""
    names = ("textual", "duckdb", "polars", "rich", "git")
    code = f"import sys, labtop; labtop.init; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("is_on", [True, False])
def test_git_is_left_out_where_code_is_not_recorded(tmp_path: Path, is_on: bool) -> None:
    """Also where a package is installed from a repository of its own."""
    (tmp_path / "package/.git").mkdir(parents=True)
    installed = tmp_path / "site/package-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: package\nVersion: 1.0\n")
    origin = {"url": (tmp_path / "package").as_uri(), "dir_info": {"editable": True}}
    (installed / "direct_url.json").write_text(json.dumps(origin))
    code = f"""import sys
sys.path.append({str(tmp_path / "site")!r})
import labtop
run = labtop.init(store={str(tmp_path / "runs")!r})
run.finish()
print("git" in sys.modules)"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "LABTOP_CAPTURE_CODE": str(is_on).lower()},
    )
    assert done.stdout.splitlines()[-1] == str(is_on)


def test_all_is_sorted_and_exact() -> None:
    """Every public name is there, once."""
    assert labtop.__all__ == sorted(set(labtop.__all__))
    assert set(labtop.__all__) <= set(dir(labtop))


@pytest.mark.parametrize("name", labtop.__all__)
def test_every_public_name_resolves(name: str) -> None:
    """The lazy table points at things that exist."""
    getattr(labtop, name)


def test_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="watch"):
        labtop.watch  # noqa: B018


def test_functions_stay_callable_where_a_package_has_their_name() -> None:
    """`labtop.views()` and `labtop.reproduce()` survive the import of the packages of that name."""
    code = (
        "import labtop, labtop.views, labtop.views.text, labtop.reproduce\n"
        "from labtop.views.text import clean\n"
        "assert callable(labtop.views) and callable(labtop.reproduce)\n"
        "assert labtop.views.text.clean is clean\n"
        "import labtop.views.text as t; assert t.clean is clean\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_version_is_the_package_version() -> None:
    """Read from the installed metadata."""
    from importlib.metadata import version

    assert labtop.__version__ == version("labtop")
