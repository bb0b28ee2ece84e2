"""Later edits of runs (names, tags, notes, archiving), folded from the ledger's events and laid over the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from labtop.model.run import RunRecord
from labtop.store.ledger import Event


@dataclass(slots=True)
class Edit:
    """What all events together say of one run; None and empty where they say nothing."""

    name: str | None = None
    notes: str | None = None
    archived: bool | None = None
    tags: dict[str, bool] = field(default_factory=dict)  # tag → is it there; the last word counts
    damage: list[str] = field(default_factory=list)  # what the last check found wrong with the run's files

    def apply(self, record: RunRecord) -> RunRecord:
        """The record as edited."""
        life = replace(
            record.life,
            tags=self.edited_tags(record.life.tags),
            notes=record.life.notes if self.notes is None else self.notes,
        )
        source = replace(record.source, problems=(*record.source.problems, *self.damage))
        return replace(record, life=life, name=self.name or record.name, source=source)

    def edited_tags(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Tags with those added and without those removed."""
        kept = [tag for tag in tags if self.tags.get(tag) is not False]
        return (*kept, *(tag for tag, there in self.tags.items() if there and tag not in kept))


class Edits:
    """The edits of all runs up to event number `last` of each ledger."""

    def __init__(
        self, last: Mapping[str, int] | None = None, runs: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self.last = dict(last or {})
        self.runs = {run_id: Edit(**each) for run_id, each in (runs or {}).items()}

    def fold(self, events: Iterable[Event], ledger: str) -> set[str]:
        """Take in events of a ledger in order; gives the runs they touch. What is not understood is passed over."""
        touched: set[str] = set()
        for event in events:
            self.last[ledger] = max(self.last.get(ledger, 0), event.n)
            edit = self.runs.setdefault(event.run_id, Edit())
            if _take(edit, event.kind, event.payload):
                touched.add(event.run_id)
        return touched

    def as_json(self) -> dict[str, Any]:
        """All edits as plain values, for the cache."""
        return {"last": self.last, "runs": {run_id: asdict(each) for run_id, each in self.runs.items()}}


def _take(edit: Edit, kind: str, payload: Mapping[str, Any]) -> bool:
    if kind == "rename" and isinstance(name := payload.get("name"), str) and name:
        edit.name = name
    elif kind == "note" and isinstance(text := payload.get("text"), str):
        edit.notes = text
    elif kind == "archive":
        edit.archived = bool(payload.get("archived", True))
    elif kind == "check" and isinstance(found := payload.get("problems"), list):
        edit.damage = [str(each) for each in found]
    elif kind == "tag":
        # a tag that is removed and added in one event is there
        for word, there in (("remove", False), ("add", True)):
            tags = payload.get(word) or ()
            for tag in (tags,) if isinstance(tags, str) else tags:
                edit.tags.pop(str(tag), None)
                edit.tags[str(tag)] = there
    else:
        return False
    return True
