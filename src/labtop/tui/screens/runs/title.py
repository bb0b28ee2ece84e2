"""The title line of the Runs screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from labtop.views.glyphs import Glyphs
from labtop.views.text import clean

if TYPE_CHECKING:
    from labtop.tui.screens.runs.screen import RunsScreen


def title_parts(screen: RunsScreen) -> list[str | Text]:
    """What the title line says: the store, how many runs, filter, sort, what is hidden, marks, problems."""
    session, loaded, view = screen.session, screen.loaded, screen.view
    parts: list[str | Text] = [Text(clean(session.path.name or str(session.path), 60))]
    if loaded is None:
        return [*parts, "opening"]
    shown, total = len(loaded.selection), loaded.selection.total
    parts.append(
        f"{shown:,} of {total:,} runs" if shown != total else f"{total:,} run{'' if total == 1 else 's'}"
    )
    done, of = screen.lab.reading
    if screen.lab.is_reading and of:
        parts.append(f"reading {done:,} of {of:,}")
    if screen.is_grouped:
        names = ", ".join(clean(key.partition(".")[2] or key, 40) for key in view.group)
        parts.append(
            f"{loaded.table.row_count:,} groups, same but for the seed" if names == "seed" else f"by {names}"
        )
    if screen.members is not None:
        parts.append(Text(clean(screen.members.title, 80)))
    if view.where:
        parts.append(Text("/ " + clean(view.where, 200)))
    if view.sort:
        parts.append(Text("by " + ", ".join(sort_title(each, screen.drawn_with) for each in view.sort)))
    unread, hurt = len(session.catalog.problems), session.hurt
    said = (f"{unread:,} unreadable" if unread else "", f"{hurt:,} with problems" if hurt else "")
    if any(said):
        parts.append(Text(", ".join(filter(None, said)) + " (P)", "lab.warning"))
    hidden = len(getattr(loaded.table, "hidden", ()))
    if hidden and loaded.selection.total:
        parts.append(f"{hidden} constant hidden")
    if session.marked_run_ids:
        parts.append(f"{len(session.marked_run_ids)} marked")
    if session.running:
        parts.append(f"{session.running} running")
    return parts


def sort_title(key: str, drawn: Glyphs) -> str:
    """A sort key as the title says it: the column's name and the direction."""
    name = key.removeprefix("-")
    short = name.partition(".")[2] if name.startswith(("params.", "metrics.")) else name
    return clean(short, 40) + (drawn.descending if key.startswith("-") else drawn.ascending)
