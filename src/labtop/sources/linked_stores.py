"""Shows the projects of labtop's own stores in a mirror, through links."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from labtop.store.layout import project_folders, safe_folder_name


def link_stores(mirror: Path, stores: Iterable[Path]) -> tuple[bool, dict[str, str]]:
    """Make the links those of `stores`; whether any came or went, and which could not be made, by project."""
    problems: dict[str, str] = {}
    wanted = {_link_name(project): project for store in stores for project in project_folders(store)}
    there = {each.name: each for each in mirror.iterdir() if each.is_symlink()}
    for name in there.keys() - wanted.keys():
        there[name].unlink(missing_ok=True)
    for name in wanted.keys() - there.keys():
        try:
            (mirror / name).symlink_to(wanted[name], target_is_directory=True)
        except OSError as error:
            problems[str(wanted[name])] = f"open this store by itself: no link can be made ({error})"
    return wanted.keys() != there.keys(), problems


def _link_name(project: Path) -> str:
    digest = hashlib.sha256(os.fsencode(project)).hexdigest()[:8]
    return f"{safe_folder_name(project.name)}-{digest}"
