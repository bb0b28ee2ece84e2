"""Every verb, action and setting is in the documentation."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from labtop.cli.main import VERBS, labtop_command
from labtop.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCS = "\n".join(path.read_text("utf-8") for path in PAGES)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands_of(page: str) -> Iterator[list[str]]:
    """The words of each `labtop …` in a page's lines for a shell, without what the shell takes for itself."""
    for language, block in BLOCK.findall(page):
        lines = block.replace("\\\n", " ").splitlines() if language in ("", "sh", "bash") else []
        for line in lines:
            if not re.match(r"(\$ )?([A-Z_]+=\S+ )*labtop |.*\| labtop ", line):
                continue
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            words = words[words.index("labtop") + 1 :]
            ends = (at for at, word in enumerate(words) if set(word) <= set("|&;<>()"))
            yield words[: next(ends, None)]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb: str) -> None:
    """Each verb appears as a command in some page."""
    assert f"labtop {verb}" in DOCS


@pytest.mark.parametrize("name", [each.name for each in fields(Settings) if each.name != "origins"])
def test_every_setting_is_documented(name: str) -> None:
    """Each setting has a line in docs/settings.md."""
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_can_be_given(page: Path) -> None:
    """Its verb has the options that the page shows."""
    context = click.Context(labtop_command)
    for words in commands_of(page.read_text("utf-8")):
        name, verb, arguments = labtop_command.resolve_command(context, words)
        assert verb is not None
        try:
            verb.make_context(name, arguments)
        except click.UsageError as error:
            pytest.fail(f"labtop {shlex.join(words)}: {error.format_message()}")
