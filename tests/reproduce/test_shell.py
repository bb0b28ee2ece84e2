"""What was recorded becomes words of a shell, and nothing of it becomes code."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from labtop.errors import InputError
from labtop.reproduce.shell import comment, is_variable, quote, quote_argument, quote_command, secrets_in
from labtop.tui.clipboard import clean_for_paste

# each shell once: sh is dash or bash by another name
SHELLS = sorted(
    {os.path.realpath(found) for name in ("sh", "dash", "bash", "zsh") if (found := shutil.which(name))}
)
NASTY = [
    "", "'", '"', "\\", "$HOME", "$(id)", "`id`", ";", "&&", "|", ">x", "*", "?", "[a]", "~", "!", "#c", "=ls", "a=b",
    "-n", "--", "-e", "\n", "a\nb\n", "\t", "\r", "\x1b[31m", "\x07", "{a,b}", "é", "日本", "\u202e", "e\u0301",
    "\udcff", "\U0001f600", "a b", "if", "then", "--x=$(id)", "--lr=0.1", "%s", "\\n", "\\0", "''",
    "\u200b", "\u00a0", "${X}",
]  # fmt: skip


def fuzzed_argv(seed: int) -> list[str]:
    """Some arguments of nasty pieces and random characters."""
    rng = random.Random(seed)
    pieces = [*NASTY, *(chr(rng.randrange(1, 0x250)) for _ in range(20))]
    return ["".join(rng.choices(pieces, k=rng.randrange(0, 4))) for _ in range(rng.randrange(1, 8))]


@pytest.mark.parametrize("shell", SHELLS)
def test_ten_thousand_fuzzed_arguments_come_back(shell: str, tmp_path: Path) -> None:
    """Each shell hands the program exactly what was recorded, byte by byte."""
    recorded = [fuzzed_argv(seed) for seed in range(3_000)]  # about 10,000 arguments
    assert sum(map(len, recorded)) >= 10_000
    script = "\n".join("printf '%s\\0' " + " ".join(map(quote_argument, argv)) for argv in recorded)
    path = tmp_path / "script"
    path.write_bytes(os.fsencode(script))
    done = subprocess.run([shell, str(path)], capture_output=True, check=True, cwd=tmp_path)
    said = [os.fsdecode(each) for each in done.stdout.split(b"\0")[:-1]]
    assert said == [word for argv in recorded for word in argv]
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_quoted_command_survives_being_shown_and_pasted() -> None:
    """Nothing in it is obeyed by a terminal or changed by the clipboard."""
    for seed in range(500):
        line = " ".join(map(quote_argument, fuzzed_argv(seed)))
        assert clean_for_paste(line) == line


def test_a_secret_that_was_taken_out_is_asked_for() -> None:
    """`${TOKEN}` stops the script until it is set, and is handed over whole."""
    word = "--token=${HF_TOKEN}"
    line = f"printf '%s' {quote_argument(word)}"
    missing = subprocess.run(
        ["sh", "-c", line], capture_output=True, env={"PATH": os.environ["PATH"]}, check=False
    )
    assert missing.returncode != 0
    assert b"set it" in missing.stderr
    secret = "a b'$(id)\"`"
    given = {"PATH": os.environ["PATH"], "HF_TOKEN": secret}
    assert subprocess.check_output(["sh", "-c", line], env=given).decode() == f"--token={secret}"
    assert list(secrets_in(["x", word, word])) == ["HF_TOKEN"]


@pytest.mark.parametrize("program", ["A=b", "if", "time", "echo"])
def test_a_program_is_a_program_whatever_it_is_called(program: str, tmp_path: Path) -> None:
    """A program named like an assignment or a word of the shell is run all the same."""
    path = tmp_path / program
    path.write_text("#!/bin/sh\nprintf 'ran %s' \"$1\"\n")
    path.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for shell in SHELLS:
        line = quote_command([program, "x"])
        assert subprocess.check_output([shell, "-c", line], env=environment) == b"ran x"


def test_a_nul_is_refused() -> None:
    """No argument can hold one; a shell would cut there."""
    with pytest.raises(InputError):
        quote("a\0b")


@pytest.mark.parametrize("name", ["A=$(x)", "1A", "A B", "A;B", "", "Ä", "A\n"])
def test_names_of_variables_are_checked(name: str) -> None:
    """Only letters, digits and underscores."""
    assert not is_variable(name)
    assert is_variable("OMP_NUM_THREADS")


def test_a_comment_ends_where_it_should() -> None:
    """No character of a run's name can start a line of its own."""
    lines = comment("name\nrm -rf ~\r\x85\u2028\u2029rm \x1b[2J")
    assert len(lines) == 1
    assert lines[0].startswith("# name rm -rf ~")
    assert lines[0].isprintable()
