"""What has been read of a store so far: the run table with its columns, runs without an end, edits, and problems."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from labtop.query.chunk import Seen
from labtop.query.edits import Edits
from labtop.query.engine import Engine
from labtop.query.found_columns import FoundColumns
from labtop.query.live import LiveRuns
from labtop.query.record_files import record_path
from labtop.query.request import Problem
from labtop.query.table import RunTable


class RunIndex:
    """One of a catalog; `table` and `found` are others after `reset`. Written by one thread at a time."""

    def __init__(self, engine: Engine, store: Path, unchanging: Container[str] = frozenset()) -> None:
        self.engine = engine
        self.store = store
        self.unchanging = unchanging
        """Run folders of which somebody says when they are to be read again; there is nothing in them to look at."""
        self.problems: dict[str, Problem] = {}
        self.live = LiveRuns(engine, store, unchanging)
        self.next_row = 0
        self.uncached = 0  # rows that the cache should remember and doesn't
        self.found = FoundColumns()
        self.edits = Edits()
        self.table = RunTable(engine, self.found)

    def reset(self, found: FoundColumns | None = None, edits: Edits | None = None, next_row: int = 0) -> None:
        """Forget all rows; columns and edits are those given."""
        self.table.drop()
        self.found = found or FoundColumns()
        self.edits = edits or Edits()
        self.next_row = next_row
        self.table = RunTable(self.engine, self.found)

    def note(self, path: str | Path, reason: str) -> None:
        """Say that something could not be read."""
        self.problems[str(path)] = Problem(str(path), reason)

    def learn(self, seen: Seen) -> None:
        """Make room for the params and metrics of a chunk."""
        self.table.adapt(self.found.observe(seen.params, seen.metrics))

    def rows_of(self, folders: Sequence[str]) -> dict[str, int]:
        """The row numbers of run folders that are in the table."""
        return dict(
            self.engine.query(
                f"""SELECT _folder, "row" FROM {self.table.relation(["_folder"])} r
                    WHERE _folder IN (SELECT unnest(?::VARCHAR[]))""",
                [list(folders)],
            )
        )

    def folders_of_ids(self, run_ids: Iterable[str]) -> dict[str, str]:
        """The folders of runs that are in the table."""
        return dict(
            self.engine.query(
                f"""SELECT id, _folder FROM {self.table.relation(["id", "_folder"])} r
                    WHERE id IN (SELECT unnest(?::VARCHAR[]))""",
                [list(run_ids)],
            )
        )

    def remove(self, folders: Sequence[str]) -> int:
        """Take runs out whose folders are gone; how many there were."""
        rows = self.rows_of(folders)
        self.table.remove(list(rows.values()))
        self.live.forget(rows.values())
        return len(rows)

    def number(
        self, runs: Sequence[tuple[str, str]], on_the_way: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[dict[str, int], list[int]]:
        """Row numbers of runs (folder and id) by folder, and which of the numbers are in the table by now.

        A run that is there already from another folder, a copy within the store, is left out and said. `on_the_way`
        are the folders, by id, of runs that have a number and are not in the table yet.
        """
        watched = self.live.rows()
        there = {folder: watched[folder, run_id] for folder, run_id in runs if (folder, run_id) in watched}
        others = [(folder, run_id) for folder, run_id in runs if folder not in there]
        first_of = {**on_the_way, **{run_id: folder for folder, run_id in runs if folder in there}}
        if others and self.next_row:  # else there are no rows so far
            there |= self.rows_of([folder for folder, _ in others])
            first_of |= self.folders_of_ids(run_id for _, run_id in others)
        numbers: dict[str, int] = {}
        for folder, run_id in runs:
            first = first_of.setdefault(run_id, folder)
            if first != folder:
                self.note(record_path(self.store, folder), f"the same run as {first}; that one is shown")
            elif folder in there:
                numbers[folder] = there[folder]
            else:
                numbers[folder] = self.next_row
                self.next_row += 1
        return numbers, [number for folder, number in numbers.items() if folder in there]

    def lay_edits(self, run_ids: Iterable[str]) -> None:
        """Put edits into the table. Laying one twice does no harm."""
        wanted = [run_id for run_id in run_ids if run_id in self.edits.runs]
        if not wanted:
            return
        rows = self.engine.query(
            f"""SELECT "row", id, tags FROM {self.table.relation(["id", "tags"])} r
                WHERE id IN (SELECT unnest(?::VARCHAR[]))""",
            [wanted],
        )
        if not rows:
            return
        edits = [self.edits.runs[run_id] for _, run_id, _ in rows]
        self.table.update(
            """name = coalesce(g.name, t.name), archived = coalesce(g.archived, t.archived),
               problems = greatest(t.problems, g.damage),
               notes = if(g.notes IS NULL, t.notes, nullif(g.notes, '')), tags = g.tags""",
            """SELECT unnest(?::UINTEGER[]) AS "row", unnest(?::VARCHAR[]) AS name, unnest(?::BOOLEAN[]) AS archived,
                      unnest(?::BIGINT[]) AS damage,
                      unnest(?::VARCHAR[]) AS notes, unnest(?::VARCHAR[][]) AS tags""",
            [
                [row for row, *_ in rows],
                [each.name for each in edits],
                [each.archived for each in edits],
                [len(each.damage) for each in edits],
                [each.notes for each in edits],
                [list(edit.edited_tags(tags or ())) for edit, (_, _, tags) in zip(edits, rows, strict=True)],
            ],
        )

    def follow_statuses(self) -> bool:
        """Take in statuses that moved although no file did; True when there are any."""
        changed = self.live.changed_statuses()
        if changed:
            self.table.update(
                "status = g.status",
                'SELECT unnest(?::UINTEGER[]) AS "row", unnest(?::VARCHAR[]) AS status',
                [list(changed), [str(each) for each in changed.values()]],
            )
        return bool(changed)
