"""What can be done with a run from the Runs and the Run screen: tag, note, rename, archive, copy.

Edits are events in the store's ledger; those of a run of another tracker are kept in the user's data folder.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from labtop.tui.choice import Choice
from labtop.tui.screens.base import LabScreen
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.model.run import RunRecord
    from labtop.query.editing import Edit

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class RunEdits(LabScreen):
    """Actions on the run in front, or for tags and archiving on all marked ones."""

    def edited_run_ids(self) -> tuple[str, ...]:
        """The runs that an edit changes."""
        return self.session.chosen_run_ids

    def edited_record(self) -> RunRecord | None:
        """The one run in front, where it is loaded already."""
        return None

    def run_id_in_front(self) -> tuple[str, ...]:
        """The run that a note or a name is for: the one that is looked at, whatever is marked."""
        record = self.edited_record()
        run_id = record.id if record is not None else self.session.current_run_id
        return (run_id,) if run_id else ()

    # edits

    def action_tag(self, tags: str = "") -> None:
        """Add tags; "-tag" takes one away."""
        if tags:
            self._tag(tags)
            return
        self._with_record(self._pick_tag)

    def _pick_tag(self, record: RunRecord) -> None:
        choices = [Choice(f"-{tag}", tag, "take away") for tag in record.life.tags]

        def also(typed: str) -> Choice | None:
            tag = typed.strip()
            return Choice(tag, tag, "add this tag") if tag and tag not in record.life.tags else None

        count = len(self.edited_run_ids())
        title = f"tags of {clean(record.name, 60)}" if count == 1 else f"tags of {count} runs"
        self.pick(
            title, choices, self._tag_one, "type a new tag, or choose one to take away   Esc closes", also
        )

    def _tag_one(self, tag: str | None) -> None:
        if tag:
            self._edit("tag", {"remove": [tag[1:]]} if tag.startswith("-") else {"add": [tag]})

    def _tag(self, tags: str) -> None:
        words = shlex.split(tags) if tags.count("'") % 2 == 0 and tags.count('"') % 2 == 0 else tags.split()
        add = [each.lstrip("+") for each in words if not each.startswith("-")]
        remove = [each[1:] for each in words if each.startswith("-") and len(each) > 1]
        self._edit("tag", {key: names for key, names in (("add", add), ("remove", remove)) if names})

    def action_note(self, text: str = "") -> None:
        """Write the note of the run."""
        if text:
            self._edit("note", {"text": text}, self.run_id_in_front())
            return

        def done(typed: str | None) -> None:
            if typed is not None:
                self._edit("note", {"text": typed}, run_ids)

        run_ids = self.run_id_in_front()
        self._with_record(
            lambda record: self.ask(f"note of {clean(record.name, 60)}", record.life.notes, done)
        )

    def action_rename(self, name: str = "") -> None:
        """Give the run another name."""
        if name:
            self._edit("rename", {"name": name}, self.run_id_in_front())
            return

        def done(typed: str | None) -> None:
            if typed:
                self._edit("rename", {"name": typed}, run_ids)

        run_ids = self.run_id_in_front()
        self._with_record(lambda record: self.ask("rename", record.name, done))

    def action_archive(self) -> None:
        """Archive the runs, or bring them back when all are archived."""
        run_ids = self.edited_run_ids()
        catalog = self.session.catalog

        def compute() -> bool:
            rows = [row for run_id in run_ids if (row := catalog.row_of(run_id)) is not None]
            return all(bool(values[0]) for values in catalog.cells(rows, ["archived"]))

        self.request("archived?", compute, lambda are: self._edit("archive", {"archived": not are}))

    def _edit(self, kind: Edit, payload: dict[str, Any], run_ids: Sequence[str] | None = None) -> None:
        ids = tuple(run_ids if run_ids is not None else self.edited_run_ids())
        if not ids or not payload:
            self.say("there is no run to edit" if not ids else "nothing to do", "warning")
            return
        catalog = self.session.catalog

        def compute() -> int:
            from labtop.query.editing import edit_runs

            edit_runs(catalog, ids, kind, payload)
            return len(ids)

        def then(count: int) -> None:
            what = {"tag": "tagged", "note": "noted", "rename": "renamed"}.get(kind)
            what = what or ("archived" if payload["archived"] else "brought back")
            self.say(f"{what} {count} run{'' if count == 1 else 's'}")
            self.lab.catalog_moved()

        self.request("edit", compute, then)

    # copying

    def yank_choices(self) -> list[Choice]:
        """What can be copied here."""
        return [
            Choice("id", "id", letter="i"),
            Choice("name", "name", letter="n"),
            Choice("params", "params", "one a line", "p"),
            Choice("metrics", "metrics", "one a line", "m"),
            Choice("command", "command", "as a shell takes it", "c"),
            Choice("place", "place", "where the run was read from", "l"),
            Choice("source id", "source id", "the id that its own tracker gave it", "t"),
        ]

    def yank_text(self, what: str, record: RunRecord) -> str:
        """The text of one of the choices."""
        from labtop.model.tree import flatten
        from labtop.views.facts import shown

        if what == "id":
            return record.id
        if what == "name":
            return clean(record.name)
        if what == "params":
            return "\n".join(
                f"{clean(key)}={shown(value, 10_000)}" for key, value in flatten(record.params).items()
            )
        if what == "metrics":
            return "\n".join(f"{clean(name)}={metric.last!r}" for name, metric in record.metrics.items())
        if what == "place":
            return clean(record.source.uri or "")
        if what == "source id":
            return clean(record.source.run_id or "")
        return shell_line(record.command.argv)

    def action_yank(self) -> None:
        """Ask what to copy."""
        self.menu("copy", self.yank_choices(), lambda what: self.copy_of_run(what) if what else None)

    def copy_of_run(self, what: str) -> None:
        """Copy one of the choices."""
        self._with_record(lambda record: self._copy(what, record))

    def _copy(self, what: str, record: RunRecord) -> None:
        if what != "place" or record.source.uri:
            self.lab.copy(self.yank_text(what, record), what)
            return
        catalog = self.session.catalog  # a run of labtop's own lies in its store
        self.request(
            "one",
            lambda: catalog.run_folder(record.id),
            lambda folder: self.lab.copy(clean(str(folder or "")), what),
        )

    def _with_record(self, then: Callable[[RunRecord], object]) -> None:
        record = self.edited_record()
        if record is not None:
            then(record)
            return
        run_id = self.session.current_run_id
        if run_id is None:
            self.say("there is no run here", "warning")
            return
        catalog = self.session.catalog
        self.request("one", lambda: catalog.record(run_id), then)


def shell_line(argv: Sequence[str]) -> str:
    """A command on one line that a shell (sh with $'', as bash, zsh and ksh have) reads back as `argv`."""
    return " ".join(_quoted(each) for each in argv)


def _quoted(argument: str) -> str:
    if not _CONTROL.search(argument):
        return shlex.quote(argument)
    escaped = argument.replace("\\", "\\\\").replace("'", "\\'")
    return (
        "$'"
        + _CONTROL.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in found[0].encode()), escaped)
        + "'"
    )
