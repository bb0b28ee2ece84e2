"""What importing labtop brings in, and what its names are."""

from __future__ import annotations

import subprocess
import sys

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
