"""Reproduce: what was found today for each pillar, and the script that brings the run back, as it will be copied."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from labtop.errors import InputError
from labtop.model.score import PillarScore, score_record
from labtop.reproduce.environment import KINDS
from labtop.reproduce.plan import PILLARS, Plan, plan
from labtop.reproduce.step import Finding, FindingState
from labtop.tui.choice import Choice
from labtop.tui.screens.difference import wrapped
from labtop.tui.screens.lists import ListScreen
from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.text import clean

STATES: dict[FindingState, tuple[str, str]] = {
    "ok": ("+", "green"),
    "warn": ("~", "yellow"),
    "missing": ("-", "bold red"),
}
BESIDE = 120  # cells from which the two panes stand side by side


class ReproduceScreen(ListScreen):
    """One run's plan. Looking at it runs nothing."""

    NAME = "reproduce"
    HEADING = "Reproduce"
    AUTO_FOCUS: ClassVar[str | None] = "#script"
    CSS_PATH = "reproduce.tcss"

    def __init__(self, run_ids: tuple[str, ...] = ()) -> None:
        super().__init__(run_ids[:1])
        self.plan: Plan | None = None
        self.scores: tuple[PillarScore, ...] = ()
        self.script: list[str] = []
        self.environment: str | None = None

    def compose_body(self) -> ComposeResult:
        """What was found, and the script."""
        with Container(id="plan"):
            yield LineView(has_cursor=False, id="found")
            yield LineView(id="script")

    def on_mount(self) -> None:
        """Plan."""
        self._load()

    def show_runs(self, run_ids: tuple[str, ...]) -> None:
        """Plan another run."""
        if run_ids[:1] != self.run_ids:
            self.run_ids = run_ids[:1]
            self.environment = None
            self._load()

    def on_resize(self, event: events.Resize) -> None:
        """One pane above the other, or beside it."""
        super().on_resize(event)
        self.set_class(event.size.width >= BESIDE, "-beside")
        self.call_after_refresh(self._draw)

    def catalog_changed(self) -> None:
        """A plan stays as it is until R: what it found was looked at once."""
        if self.plan is None:
            self._load()

    def _load(self) -> None:
        if not self.run_ids:
            self.set_title("none chosen")
            self.query_one("#script", LineView).show(
                [Line(Text("  There is no run to bring back.", "dim"), is_heading=True)]
            )
            return
        if not self.session.is_open:
            return
        catalog, run_id, environment = self.session.catalog, self.run_ids[0], self.environment
        if self.plan is None:
            self.set_title(clean(run_id, 20), "looking …")

        def compute() -> tuple[Plan, tuple[PillarScore, ...]]:
            record = catalog.record(run_id)
            return plan(record, catalog.run_folder(run_id), Path.cwd(), environment), score_record(
                record
            ).pillars

        self.request("plan", compute, self._planned)

    def _planned(self, answer: tuple[Plan, tuple[PillarScore, ...]]) -> None:
        self.plan, self.scores = answer
        self.script = self.plan.script().rstrip("\n").split("\n")
        record = self.plan.record
        missing = sum(finding.state == "missing" for finding in self.plan.found)
        verdict = "nothing is missing" if self.plan.can_work else f"{missing} missing"
        self.set_title(
            Text(clean(record.name, 60)),
            clean(record.id, 12),
            verdict,
            f"environment: {self.plan.environment}",
        )
        self._draw()

    def _draw(self) -> None:
        if self.plan is None:
            return
        found, script = self.query_one("#found", LineView), self.query_one("#script", LineView)
        lines = list(self._found_lines(max(20, found.size.width - 1)))
        found.styles.height = "1fr" if self.has_class("-beside") else len(lines) + 1
        found.show(lines)
        script.show(
            [
                line
                for at, text in enumerate(self.script)
                for line in _script_line(at, text, script.size.width - 1)
            ]
        )

    def _found_lines(self, width: int) -> Iterator[Line]:
        """Pillar by pillar: how much was recorded, and what was found of it today."""
        assert self.plan is not None
        scores = {score.pillar: score for score in self.scores}
        for pillar in PILLARS:
            found = [each for each in self.plan.found if each.pillar == pillar]
            score = scores.get(pillar)
            if not found and score is None:
                continue
            head = Text.assemble((f" {pillar}", "bold"))
            if score is not None:
                head.append(f"  recorded: {score.state}", "dim")
            yield Line(head, is_heading=True)
            for finding in found:
                yield from _finding_lines(finding, width)
            said = " ".join(finding.text for finding in found)
            for reason in score.reasons if score else ():
                if reason in said:
                    continue
                yield from _indented(Text(clean(reason, 400), "dim"), "     ", width)

    # actions

    def action_next_pane(self) -> None:
        """To the other pane."""
        other = "#found" if self.list_view.id == "script" else "#script"
        self.query_one(other, LineView).focus()

    def action_previous_pane(self) -> None:
        """To the other pane."""
        self.action_next_pane()

    def action_reload(self) -> None:
        """Look again."""
        self._load()

    def action_copy_plan(self) -> None:
        """Copy the script, a command that runs it, or a line."""
        choices = (
            Choice("script", f"the script, {len(self.script)} lines", "for a file or an editor", "y"),
            Choice("shell", "the script for a shell", "pasted, it writes a file and runs it with sh", "s"),
            Choice("line", "the line under the cursor", letter="l"),
        )
        if self.plan is not None:
            self.menu("copy", choices, self._copy)

    def _copy(self, what: str | None) -> None:
        if what == "line":
            self.action_copy_line()
        elif what and self.plan:
            text = "\n".join(self.script)
            self._send(_for_shell(text, self.plan.record.id) if what == "shell" else text, "the script")

    def action_copy_line(self) -> None:
        """Copy the line under the cursor, whole however it is drawn."""
        line = self.query_one("#script", LineView).line
        if self.plan is not None and line is not None and line.key:
            self._send(self.script[int(line.key)], "the line")

    def _send(self, text: str, what: str) -> None:
        """Copy at once: what it holds has been chosen, and a script is meant to be run."""
        from labtop.tui import clipboard

        write = self.lab.write_to_terminal
        self.request("copy", lambda: clipboard.copy(text, write), lambda how: self.say(f"{what}: {how}"))

    def action_write_script(self, path: str = "") -> None:
        """Write the script to a file that is not there yet."""
        if self.plan is None:
            return
        if path:
            self._write(path)
            return
        name = f"reproduce-{re.sub(r'[^a-z0-9]', '', self.plan.record.id)[:12]}.sh"
        self.ask("write the script to a file", name, lambda answer: self._write(answer or ""))

    def _write(self, name: str) -> None:
        if name.strip():
            text = "\n".join(self.script) + "\n"
            self.request("write", lambda: write_new(Path(name.strip()).expanduser(), text), self._written)

    def _written(self, path: Path) -> None:
        self.say(f"written to {path}; read it, then: sh {path}")

    def action_choose_environment(self, kind: str = "") -> None:
        """Bring the environment back another way."""
        if kind:
            self.environment = None if kind == "auto" else kind
            self._load()
            return
        details = {
            "uv": "uv, from the lock or the list of packages",
            "pip": "venv and pip, from the list of packages",
            "conda": "conda, from its explicit list",
            "docker": "the container image, by digest",
            "current": "the environment that is active here",
        }
        choices = [Choice(kind, kind, details[kind], kind[0] if kind != "current" else "n") for kind in KINDS]
        choices.append(Choice("auto", "auto", "the most exact one there is", "a"))
        self.menu("environment", choices, lambda kind: self.action_choose_environment(kind) if kind else None)


def write_new(path: Path, text: str) -> Path:
    """Write an executable file that nobody else can read. Raises InputError where one is there already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    except FileExistsError as error:
        raise InputError(f"{path} is there already", "choose another name") from error
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "choose another place") from error
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    return path


def _for_shell(script: str, run_id: str) -> str:
    """Lines to paste into any shell: they write the script to a file and run it, apart from that shell."""
    end = "END_OF_SCRIPT"
    while end in script:
        end += "_"
    name = f"/tmp/reproduce-{re.sub(r'[^a-z0-9]', '', run_id)[:12]}.sh"
    return f"cat > {name} <<'{end}'\n{script}\n{end}\nsh {name}"


def _finding_lines(finding: Finding, width: int) -> Iterator[Line]:
    mark, style = STATES[finding.state]
    first = True
    for line in _indented(Text(clean(finding.text, 600)), "     ", width):
        if first:
            text = Text.assemble("   ", (mark, style), " ")
            text.append_text(line.text[5:])
            yield Line(text, is_heading=True)
            first = False
        else:
            yield line


def _indented(text: Text, indent: str, width: int) -> Iterator[Line]:
    """Text broken at words (wide characters anywhere), each line with an indent."""
    room = max(10, width - len(indent))
    words = (
        textwrap.wrap(text.plain, room)
        if text.plain.isascii()
        else [each.plain for each in wrapped(text, room)]
    )
    for part in words or [""]:
        yield Line(Text(indent) + Text(part, text.style), is_heading=True)


def _script_line(at: int, text: str, width: int) -> Iterator[Line]:
    """A line of the script in as many lines of the screen as it takes; each knows which line it is of."""
    style = "bold" if text.startswith("# ---") else "dim" if text.startswith("#") else ""
    shown = Text(clean(text, 100_000), style)
    for number, part in enumerate(wrapped(shown, max(10, width - 4))):
        yield Line(Text(" " if number == 0 else "    ") + part, str(at), search=text)
