"""Shuts out the developer's home, locale, colours, clock zone and settings from every test."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings

from tests.sources.peers import begin_installing, end

_SHUT_OUT = (
    "NO_COLOR",
    "COLUMNS",
    "LINES",
    "TMUX",
    "TMUX_PANE",
    "SSH_CONNECTION",
    "COLORTERM",
    "LABTOP_STORE",
    "LC_ALL",
)


# the same examples everywhere: a change is judged by what it changed; `--hypothesis-profile=explore` looks further
settings.register_profile("labtop", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("labtop")


_NUMBERS = itertools.count()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with real clients of other trackers come last: those are installed meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("client") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to install the clients that are wanted, in one process of a session."""
    names = {name for item in session.items for mark in item.iter_markers("client") for name in mark.args}
    is_first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    installing = begin_installing(names) if is_first and not session.config.option.collectonly else None
    if installing is not None:
        session.config.add_cleanup(lambda: end(installing))


def pytest_configure(config: pytest.Config) -> None:
    """Let the programs that tests start share compiled modules also where Python was told to write none.

    Compiling labtop takes a third of a second, and some hundred programs are started.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", "") and "PYTHONPYCACHEPREFIX" not in os.environ:
        folder = tempfile.mkdtemp(prefix="labtop-tests-")
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder of the test's own; pytest's looks through all folders before for a number that is free."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}{next(_NUMBERS)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_NUMBERS))
    home.mkdir(parents=True)
    for name in [*os.environ]:
        if name in _SHUT_OUT or name.startswith(("LABTOP_", "SLURM_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LABTOP_SYSTEM_METRICS", "false")  # only where a test asks for them
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    for name, value in {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sample_runs() -> Path:
    """The store that ships with labtop."""
    return Path(__file__).parent.parent / "sample_runs"
