"""A Python program that fails says why, without joining."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labtop.recording.wrapped.last_words import LastWords, error_in
from tests.wrapped.conftest import RunLine, record_of


def test_the_exception_of_a_program_that_never_heard_of_labtop(line: RunLine, folder: Path) -> None:
    """Type, message and line; secrets are taken out."""
    token = "ghp_" + "a1B2" * 9
    (folder / "train.py").write_text(f"def step():\n    raise ValueError('no {token}')\n\n\nstep()\n")
    done = line("--", sys.executable, "train.py")
    error = record_of(folder).life.error
    assert done.returncode == 1
    assert error is not None
    assert (error.type, error.message, error.where) == (
        "ValueError",
        "no ${GITHUB_TOKEN}",
        "train.py:2 in step",
    )


def test_a_program_that_went_on_has_no_error(line: RunLine, folder: Path) -> None:
    """A traceback that was only printed."""
    code = "import traceback\ntry: 1 / 0\nexcept ZeroDivisionError: traceback.print_exc()"
    line("--", sys.executable, "-c", code)
    assert record_of(folder).life.error is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nKeyError: 'a'\n",
         ("KeyError", "'a'", "a.py:3 in f")),
        ("Traceback (most recent call last):\r\n  File \"a.py\", line 3, in <module>\r\npkg.mod.Error\r\n",
         ("pkg.mod.Error", "", "a.py:3")),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1\nRuntimeError: two\nlines\n",
         ("RuntimeError", "two\nlines", "a.py:1")),
        ("Traceback (most recent call last):\n", None),
        ("Traceback (most recent call last):\n  nothing\n123 no error\n", None),
        ("segmentation fault\n", None),
    ],
)  # fmt: skip
def test_what_tracebacks_say(text: str, found: tuple[str, str, str] | None) -> None:
    """The last one, its end, and its innermost line."""
    error = error_in(text)
    assert (error and (error.type, error.message, error.where)) == found


def test_only_the_end_is_kept() -> None:
    """However much is printed."""
    words = LastWords()
    for _ in range(100):
        words.take("stdout", "x" * 10_000)
    words.take("stderr", "Traceback (most recent call last):\nOSError: full\n")
    error = words.error()
    assert error is not None
    assert error.type == "OSError"
    assert sum(map(len, words._ends.values())) < 130_000
