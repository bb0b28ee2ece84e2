"""What labtop remembers of a store between two sessions: view, marks, history, and the last painted rows.

One small JSON file a store in the cache folder, written whole by rename; damaged or foreign content counts as
nothing remembered. Saved views are files of their own in the settings folder, made to be shared.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.settings import cache_folder, settings_path
from labtop.tui.runs_view import RunsView

HISTORY_LENGTH = 100


@dataclass(slots=True, kw_only=True)
class StoreState:
    """What is remembered of one store. Loaded at the start, saved when something worth it changed."""

    path: Path | None = None  # of the state file; None remembers nothing
    view: RunsView = field(default_factory=RunsView)
    marked: tuple[str, ...] = ()
    baseline: str | None = None
    current: str | None = None
    screen: str = "runs"
    history: tuple[str, ...] = ()  # filters, the newest last
    commands: tuple[str, ...] = ()
    painted: Mapping[str, Any] = field(
        default_factory=dict
    )  # last rows of the Runs screen, for the first paint

    @classmethod
    def load(cls, store: Path) -> StoreState:
        """The state of a store, from its path."""
        path = state_path(store)
        try:
            values = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            values = {}
        if not isinstance(values, Mapping):
            values = {}
        state = cls(path=path, view=RunsView.from_json(values.get("view")))
        for name in ("marked", "history", "commands"):
            if isinstance(found := values.get(name), list):
                setattr(state, name, tuple(each for each in found if isinstance(each, str)))
        for name in ("baseline", "current", "screen"):
            if isinstance(found := values.get(name), str):
                setattr(state, name, found)
        if isinstance(found := values.get("painted"), Mapping):
            state.painted = found
        return state

    def save(self) -> None:
        """Write the file; what cannot be written is forgotten without a word, it is only comfort."""
        if self.path is None:
            return
        values = asdict(self)
        del values["path"]
        try:
            write_whole(self.path, json.dumps(values, ensure_ascii=True, separators=(",", ":")))
        except OSError:
            pass

    def remember_filter(self, text: str) -> None:
        """Put a filter at the end of the history."""
        self.history = _appended(self.history, text)

    def remember_command(self, line: str) -> None:
        """Put a command line at the end of its history."""
        self.commands = _appended(self.commands, line)


def state_path(store: Path) -> Path:
    """Where the state of a store is kept."""
    digest = hashlib.sha256(os.fsencode(store.absolute())).hexdigest()[:20]
    return cache_folder() / "screens" / f"{digest}.json"


def views_folder() -> Path:
    """Where saved views lie."""
    return settings_path().parent / "views"


def view_path(name: str) -> Path:
    """The file of a saved view; a name with a folder or ending .json is a path of the user's own."""
    if "/" in name or name.endswith(".json"):
        return Path(name).expanduser()
    return views_folder() / (re.sub(r"[^\w.+@ -]", "_", name).strip(". ") + ".json")


def save_view(name: str, view: RunsView) -> Path:
    """Write a view so that it can be opened again, here or by someone else. Raises InputError."""
    path = view_path(name)
    values = {"labtop_view": 1, "name": Path(name).stem} | asdict(view)
    try:
        write_whole(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    except (OSError, UnicodeEncodeError) as error:
        raise InputError(f"cannot write the view {str(path)!r}: {error}") from error
    return path


def load_view(name: str) -> RunsView:
    """Read a saved view. Raises InputError."""
    path = view_path(name)
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the view {str(path)!r}: {error}", "':views' lists those there are"
        ) from error
    if not isinstance(values, Mapping) or "labtop_view" not in values:
        raise InputError(f"{str(path)!r} is not a view of labtop")
    return RunsView.from_json(values)


def delete_view(name: str) -> Path:
    """Delete a saved view, and nothing that is none. Raises InputError."""
    load_view(name)
    path = view_path(name)
    try:
        path.unlink()
    except OSError as error:
        raise InputError(f"cannot delete the view {str(path)!r}: {error}") from error
    return path


def saved_views() -> list[str]:
    """Names of the saved views, sorted."""
    try:
        return sorted(path.stem for path in views_folder().glob("*.json"))
    except OSError:
        return []


def write_whole(path: Path, text: str) -> None:
    """Replace a file by rename, so that a reader sees the old text or the new one."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _appended(lines: tuple[str, ...], line: str) -> tuple[str, ...]:
    if not line.strip():
        return lines
    return (*(each for each in lines if each != line), line)[-HISTORY_LENGTH:]
