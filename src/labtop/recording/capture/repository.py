"""Git, asked without letting a repository's configuration run anything.

A repository may name programs for git to run: a file-system monitor, hooks, diff drivers, text conversions, content
filters, signature checkers. Recording must run none of them. `Repository.ask` turns off those that have a switch, and
overrides every configured filter by name; the rest is never asked for.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HARDENED = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.untrackedCache=false",
    "diff.external=",
    "log.showSignature=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "color.ui=false",
    "core.pager=cat",
    "gc.auto=0",
    "maintenance.auto=false",
)
_WANTED = r"^(filter\..*\.(clean|smudge|process|required)|remote\..*\.url|branch\..*\.remote)$"
_TIMEOUT_S = 30.0

# every setting of the user's that would change what a patch looks like is fixed here
DIFF = (
    "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--full-index",
    "--submodule=short", "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/",
    "--inter-hunk-context=0", "--diff-algorithm=myers",
)  # fmt: skip


class GitProblem(Exception):
    """Git could not say; the text is what the record tells."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree at `top`, of which only questions are asked."""

    top: Path
    config: Mapping[str, str] = field(default_factory=dict)  # filters, remotes and branches, as configured

    @classmethod
    def around(cls, folder: Path) -> Repository | None:
        """The repository that `folder` lies in, or None.

        Raises:
            GitProblem: git is missing, or refuses this repository.
        """
        if (
            not any((up / ".git").exists() for up in (folder, *folder.parents))
            and "GIT_DIR" not in os.environ
        ):
            return None
        if shutil.which("git") is None:
            raise GitProblem("git is not installed")
        outside = cls(folder)
        status, out, err = outside.run("rev-parse", "--show-toplevel")
        if status:
            said = _text(err).lower()
            if "not a git repository" in said:
                return None
            if "work tree" in said:
                raise GitProblem("the repository has no work tree (it is bare)")
            raise GitProblem(f"git refuses the repository: {_first_line(err)}")
        top = cls(Path(os.fsdecode(out.removesuffix(b"\n"))))
        _, out, _ = top.run("config", "--includes", "-z", "--get-regexp", _WANTED)
        entries = (entry.partition("\n") for entry in _text(out).split("\0") if entry)
        return cls(top.top, {key: value for key, _, value in entries})

    def run(
        self, *arguments: str, output: Any = None, timeout_s: float = _TIMEOUT_S
    ) -> tuple[int, bytes, bytes]:
        """Exit status, stdout and stderr of one git command; with `output`, stdout goes to that binary file."""
        git = _git_command_class()(str(self.top))
        options: dict[str, Any] = {"output_stream": output} if output is not None else {}
        try:
            status, out, err = git.execute(
                ["git", *_switches(_HARDENED), *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=timeout_s,
                env=self._environment(),
                **options,
            )
        except Exception as error:  # GitPython wraps what it meets in errors of many families
            raise GitProblem(f"git {arguments[0]} could not be run: {error}") from error
        return int(status), _bytes(out), _bytes(err)

    def ask(self, *arguments: str, output: Any = None, timeout_s: float = _TIMEOUT_S) -> bytes:
        """What a git command printed.

        Raises:
            GitProblem: it failed.
        """
        status, out, err = self.run(*arguments, output=output, timeout_s=timeout_s)
        if status:
            raise GitProblem(f"git {arguments[0]} failed: {_first_line(err) or f'exit status {status}'}")
        return out

    def ask_line(self, *arguments: str) -> str | None:
        """The first line that a command printed, or None where it failed."""
        status, out, _ = self.run(*arguments)
        return None if status else _text(out).removesuffix("\n").split("\n", 1)[0] or None

    def paths(self, *arguments: str) -> list[str]:
        """The NUL-separated paths that a command printed; a name that is no UTF-8 keeps its bytes as surrogates."""
        return [os.fsdecode(each) for each in self.ask(*arguments).split(b"\0") if each]

    def _environment(self) -> dict[str, str]:
        filters = (key for key in self.config if key.startswith("filter."))
        overrides = [(key, "false" if key.endswith(".required") else "") for key in filters]
        inherited = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        configured: dict[str, str] = (
            {"GIT_CONFIG_COUNT": str(inherited + len(overrides))} if overrides else {}
        )
        for at, (key, value) in enumerate(overrides, inherited):
            configured[f"GIT_CONFIG_KEY_{at}"] = key
            configured[f"GIT_CONFIG_VALUE_{at}"] = value
        return {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_PAGER": "cat",
            "LANGUAGE": "C",
            "LC_ALL": "C",
            **configured,
        }


def _git_command_class() -> Any:
    """GitPython's command runner. Importing it looks for git; quiet, since we have looked."""
    if "git.cmd" in sys.modules:
        from git.cmd import Git

        return Git
    before = os.environ.get("GIT_PYTHON_REFRESH")
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        from git.cmd import Git
    finally:
        if before is None:
            del os.environ["GIT_PYTHON_REFRESH"]
        else:
            os.environ["GIT_PYTHON_REFRESH"] = before
    return Git


def _switches(settings: Sequence[str]) -> list[str]:
    return [part for each in settings for part in ("-c", each)]


def _bytes(output: object) -> bytes:
    return output if isinstance(output, bytes) else str(output or "").encode("utf-8", "replace")


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")


def _first_line(output: bytes) -> str:
    return next((line.strip() for line in _text(output).splitlines() if line.strip()), "")[:300]
