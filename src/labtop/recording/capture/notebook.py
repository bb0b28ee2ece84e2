"""The cells that a notebook has run so far, as a script, and the notebook itself where it can be found.

A run of a notebook has no script that could be kept. What its kernel was given, in the order it came, is the code
that ran; the file on disk may hold something else by then, so both are kept.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labtop.recording.capture.hashing import write_file
from labtop.recording.capture.redact import Redactor

NOTEBOOK_SCRIPT = "notebook.py"
NOTEBOOK_FILE = "notebook.ipynb"
_LARGEST = 50_000_000


def notebook_shell() -> Any | None:
    """The shell of the notebook that this process runs for; None in scripts and at a plain prompt."""
    ipython: Any = sys.modules.get("IPython")
    try:
        shell = ipython.get_ipython() if ipython is not None else None
    except Exception:  # an IPython that is half imported
        return None
    return shell if shell is not None and getattr(shell, "kernel", None) is not None else None


def keep_notebook(shell: Any, folder: Path, redactor: Redactor, mode: int = 0o600) -> str:
    """Write the cells into `folder`, the run's `code/`, and the notebook's file if that is known; the script's name."""
    cells = [str(cell) for cell in getattr(shell.history_manager, "input_hist_raw", ())]
    content = redactor.source(as_script(cells)).encode("utf-8", "backslashreplace")
    write_file(folder / NOTEBOOK_SCRIPT, content, mode)
    if (path := notebook_path(shell)) is not None and (kept := without_outputs(path, redactor)) is not None:
        write_file(folder / NOTEBOOK_FILE, kept, mode)
    return NOTEBOOK_SCRIPT


def as_script(cells: Sequence[str]) -> str:
    """Cells under `# %%` lines, as editors know them; commands of the notebook's own (`%pip`, `!ls`) as comments."""
    parts = []
    for number, cell in enumerate(cells):
        if cell.strip():
            parts.append(f"# %% [{number}]\n{_as_python(cell)}\n")
    return "\n".join(parts)


def _as_python(cell: str) -> str:
    lines = cell.rstrip().split("\n")
    is_whole = lines[0].lstrip().startswith("%%")
    return "\n".join(
        f"# {line}" if is_whole or line.lstrip().startswith(("%", "!", "?")) else line for line in lines
    )


def notebook_path(shell: Any) -> Path | None:
    """The notebook's file, as VS Code and Jupyter tell their kernels; None where nobody does."""
    named = (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"))
    for each in named:
        if isinstance(each, str) and each.endswith(".ipynb") and Path(each).is_file():
            return Path(each)
    return None


def without_outputs(path: Path, redactor: Redactor) -> bytes | None:
    """The notebook with its cells' sources, and neither outputs nor secrets; None where it is no notebook."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        notebook = json.loads(path.read_bytes())
        cells = [_clean_cell(cell, redactor) for cell in notebook["cells"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    clean = {
        "cells": cells,
        "metadata": redactor.tree({"kernelspec": notebook.get("metadata", {}).get("kernelspec", {})}),
        "nbformat": notebook.get("nbformat", 4),
        "nbformat_minor": notebook.get("nbformat_minor", 5),
    }
    return json.dumps(clean, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _clean_cell(cell: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    source = cell.get("source", "")
    text = "".join(source) if isinstance(source, list) else str(source)
    kind = str(cell.get("cell_type", "code"))
    clean = {"cell_type": kind, "metadata": {}, "source": redactor.source(text).splitlines(keepends=True)}
    if "id" in cell:
        clean["id"] = redactor.text(str(cell["id"]))
    return {**clean, "outputs": [], "execution_count": None} if kind == "code" else clean
