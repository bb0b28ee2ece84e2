"""Files of a run that belong into its folder besides record and points: small ones copied, its output linked."""

from __future__ import annotations

from pathlib import Path

from labtop.errors import InputError
from labtop.formats.files import read_bytes
from labtop.store.files import replace_file
from labtop.store.inside import parse_inside


def keep(folder: Path, target: str, path: Path) -> None:
    """Copy a small file into the run's folder; what cannot be read is left where it is."""
    try:
        content = read_bytes(path)
        kept = folder.joinpath(*parse_inside(target))
        kept.parent.mkdir(parents=True, exist_ok=True)
        replace_file(kept, content, sync=False)
    except (OSError, InputError):
        return


def link_output(folder: Path, place: Path, output: Path | None) -> None:
    """Let the run's output be found; one that is a link, or leads out of the place, is left alone."""
    if output is None:
        return
    link = folder / "output.log"
    try:
        top = (place if place.is_dir() else place.parent).resolve()
        if output.is_symlink() or not output.is_file() or top not in output.resolve().parents:
            return
        if not link.is_symlink():
            link.symlink_to(output.resolve())
    except OSError:  # no links on this system: the output stays where it is
        return
