"""The cells of a notebook are kept as code, as they ran."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import labtop
from labtop.recording.capture.notebook import as_script, without_outputs
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import only_record
from tests.recording.secrets import BY_LOOK


class Shell:
    """What IPython's shell has, as far as labtop asks."""

    def __init__(self, path: Path | None = None) -> None:
        self.kernel = object()
        self.user_ns: dict[str, Any] = {"__vsc_ipynb_file__": str(path)} if path else {}
        self.history_manager = SimpleNamespace(input_hist_raw=[""])
        self.callbacks: list[tuple[str, Callable[..., None]]] = []
        self.events = self

    def register(self, name: str, callback: Callable[..., None]) -> None:
        assert name in ("pre_run_cell", "post_run_cell")
        self.callbacks.append((name, callback))

    def unregister(self, name: str, callback: Callable[..., None]) -> None:
        self.callbacks.remove((name, callback))

    def run(self, cell: str, does: Callable[[], object] = lambda: None, wraps: bool = True) -> None:
        """A cell is run. Since its version 9 IPython wraps the streams for that time, and then puts them back."""
        self.history_manager.input_hist_raw.append(cell)
        stream: Any = sys.stdout
        before = stream.write
        if wraps:
            stream.write = lambda text: before(text)
        self._tell("pre_run_cell")
        does()
        self._tell("post_run_cell")
        if wraps:
            stream.write = before

    def _tell(self, event: str) -> None:
        for name, callback in [*self.callbacks]:
            if name == event:
                callback(None)


@pytest.fixture
def shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A notebook of VS Code in this process."""
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "true")
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
        {"cell_type": "code", "metadata": {"x": 1}, "source": f"token = '{BY_LOOK['github-oauth']}'",
         "execution_count": 3,
         "outputs": [{"output_type": "stream", "text": ["printed"]}], "id": "abc"},
    ]  # fmt: skip
    (folder / "nb.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    shell = Shell(folder / "nb.ipynb")
    ipython: Any = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shell


class Stream:
    """A kernel's standard output: a `write` that may be replaced."""

    def __init__(self) -> None:
        self.shown = ""

    def write(self, text: str) -> int:
        self.shown += text
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.mark.parametrize("wraps", [True, False])
def test_what_cells_print_is_kept(
    folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch, wraps: bool
) -> None:
    """Each line once, of every cell, also where IPython takes our wrapper off at the end of each."""
    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("LABTOP_CAPTURE_OUTPUT", "true")
    shell.run("labtop.init()", labtop.init, wraps)
    run = labtop.run
    assert run is not None
    for at in range(3):
        shell.run("print", partial(print, "line", at), wraps)
    shell.run("labtop.finish()", labtop.finish, wraps)
    shell.run("print", lambda: print("after"), wraps)
    assert (run.folder / "output.log").read_text() == "line 0\nline 1\nline 2\n"
    assert stream.shown == "line 0\nline 1\nline 2\nafter\n"
    assert shell.callbacks == []


def test_the_key_to_a_kernel_is_no_configuration(
    folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own arguments name a file that holds one."""
    (folder / "kernel.json").write_text('{"key": "secret-of-the-kernel"}')
    monkeypatch.setattr(
        sys, "orig_argv", ["python", "-m", "ipykernel_launcher", "-f", str(folder / "kernel.json")]
    )
    with labtop.init() as run:
        pass
    assert only_record(folder / "runs").command.config_files == ()
    assert not (run.folder / "config").exists()


def test_cells_are_kept_as_a_script(folder: Path, shell: Shell) -> None:
    """All that ran until the end, without secrets and outputs; then nothing of labtop stays in the shell."""
    shell.run("import labtop\nrun = labtop.init()")
    run = labtop.init()
    shell.run("%matplotlib inline\nx = 1")
    shell.run(f"key = '{BY_LOOK['aws']}'")
    run.finish()
    assert shell.callbacks == []
    code = run.folder / "code"
    assert only_record(folder / "runs").code.notebook == "notebook.py"
    script = (code / "notebook.py").read_text()
    assert script == (
        "# %% [1]\nimport labtop\nrun = labtop.init()\n\n# %% [2]\n# %matplotlib inline\nx = 1\n\n"
        "# %% [3]\nkey = '${AWS_ACCESS_KEY_ID}'\n"
    )
    compile(script, "notebook.py", "exec")
    notebook = json.loads((code / "notebook.ipynb").read_text())
    assert notebook["cells"][1]["outputs"] == []
    assert notebook["cells"][1]["source"] == ["token = '${GITHUB_TOKEN}'"]
    assert b"printed" not in (code / "notebook.ipynb").read_bytes()


def test_a_kernel_that_dies_has_its_cells_kept(
    folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written while the run lives."""
    monkeypatch.setattr("labtop.recording.notebook_cells._PAUSE_S", 0.0)
    run = labtop.init()
    shell.run("y = 2")
    assert "y = 2" in (run.folder / "code/notebook.py").read_text()


def test_a_plain_prompt_is_no_notebook(folder: Path, shell: Shell) -> None:
    """IPython in a terminal has no kernel."""
    shell.kernel = None
    with labtop.init() as run:
        pass
    assert only_record(folder / "runs").code.notebook is None
    assert not (run.folder / "code/notebook.py").exists()


def test_commands_of_the_notebook_become_comments() -> None:
    """So that the script can be read by Python."""
    script = as_script(["", "!pip list\n  %time x = 1\ny = 2", "%%bash\nls\n", "  \n"])
    assert script == "# %% [1]\n# !pip list\n#   %time x = 1\ny = 2\n\n# %% [2]\n# %%bash\n# ls\n"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": [1]}', '{"cells": 5}'])
def test_what_is_no_notebook_is_not_kept(tmp_path: Path, content: str) -> None:
    """Whatever its name says."""
    (tmp_path / "a.ipynb").write_text(content)
    assert without_outputs(tmp_path / "a.ipynb", Redactor()) is None
