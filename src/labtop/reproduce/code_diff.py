"""What changed in the code between two runs: their trees, patches and untracked files included, compared by git.

The trees are made in a scratch repository over the user's own clone and the runs' bundles. Where a commit is not
here, the stored patches are shown as they are, and it is said what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import RunRecord
from labtop.reproduce.code_places import UNTRACKED, CodePlaces, find_places, open_scratch, take_bundle
from labtop.reproduce.git import Scratch, is_commit


@dataclass(frozen=True, slots=True)
class CodeDiff:
    """A unified diff from the first run's code to the second's; `missing` says what it could not take into account."""

    patch: str
    missing: tuple[str, ...] = ()


def code_diff(
    before: RunRecord, after: RunRecord, folder_before: Path | None, folder_after: Path | None, here: Path
) -> CodeDiff:
    """Compare the code of two runs. Asks only the clone around `here`, and runs git in no recorded path."""
    here = here.resolve()
    first = find_places(before, folder_before and folder_before.resolve(), here)
    second = find_places(after, folder_after and folder_after.resolve(), here)
    missing = [words for each in (first, second) for words in _gaps(each)]
    if not all(is_commit(each.code.commit) for each in (first, second)):
        return CodeDiff(_stored(first, second), (*missing, "not both runs have a commit"))
    with open_scratch(first) as scratch:
        take_bundle(scratch, second)
        absent = [each.code.commit for each in (first, second) if not scratch.has(each.code.commit or "")]
        if absent:
            words = [
                f"commit {str(commit)[:12]} is neither in a clone here nor in a bundle" for commit in absent
            ]
            return CodeDiff(_stored(first, second), (*missing, *dict.fromkeys(words)))
        try:
            trees = _tree(scratch, first, "first"), _tree(scratch, second, "second")
            return CodeDiff(scratch.diff(*trees), tuple(missing))
        except InputError as error:
            return CodeDiff(_stored(first, second), (*missing, error.message))


def _tree(scratch: Scratch, places: CodePlaces, index: str) -> str:
    files: dict[str, tuple[Path, bool]] = {}
    for each in places.code.untracked:
        if each.kept and places.folder:
            file = places.folder / UNTRACKED / each.path
            files[each.path] = file, bool(file.lstat().st_mode & 0o100) if file.is_file() else False
    return scratch.tree(places.code.commit or "", places.patch, files, index)


def _gaps(places: CodePlaces) -> Iterator[str]:
    code = places.code
    if code.dirty and not code.patch_sha256:
        yield "uncommitted changes that were not kept"
    if left := sum(not each.kept for each in code.untracked):
        yield f"{left} untracked files that were not kept"


def _stored(first: CodePlaces, second: CodePlaces) -> str:
    """The two patches one after the other, for want of a common ground."""
    return "\n".join(text for each in (first, second) for text in _stored_patch(each))


def _stored_patch(places: CodePlaces) -> Iterator[str]:
    if places.patch is None:
        return
    yield f"diff of the uncommitted changes on {str(places.code.commit)[:12]}"
    try:
        yield places.patch.read_text("utf-8", "replace")
    except OSError as error:
        yield f"(cannot be read: {error.strerror})"
