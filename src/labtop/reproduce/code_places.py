"""Where the code of a run can be had from today: the user's clone, the bundle and the patch kept with the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Code, RunRecord
from labtop.reproduce.git import (
    Bundle,
    Clone,
    GitError,
    Scratch,
    check_path,
    find_clone,
    read_bundle,
    scratch_repository,
)

PATCH = "patch.diff"
UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True)
class CodePlaces:
    """Where the code of a run can be had from today."""

    code: Code
    folder: Path | None  # the run's code/
    clone: Clone | None
    clone_has_it: bool
    bundle: Bundle | None
    bundle_problem: str

    @property
    def patch(self) -> Path | None:
        """The stored patch, if the run has one."""
        return self.folder / PATCH if self.folder and self.code.patch_sha256 else None

    @property
    def bundle_ref(self) -> str | None:
        """The bundle's name for the commit."""
        return self.bundle.ref_of(self.code.commit or "") if self.bundle else None

    @property
    def bundle_base(self) -> Clone | None:
        """The clone, if it has what the bundle builds on."""
        if self.bundle is None or self.clone is None:
            return None
        return self.clone if all(map(self.clone.has, self.bundle.prerequisites)) else None


def find_places(record: RunRecord, run_folder: Path | None, here: Path) -> CodePlaces:
    """Look where the code is; asks only the user's own clones, around `here` and around the store."""
    code = record.code
    folder = run_folder / "code" if run_folder else None
    clone = choose_clone(record, run_folder, here)
    bundle, problem = None, ""
    if code.bundle and folder:
        try:
            check_path(code.bundle)
            bundle = read_bundle(folder / code.bundle)
        except InputError as error:
            problem = error.message
    has_it = bool(code.commit and clone and clone.has(code.commit))
    return CodePlaces(code, folder, clone, has_it, bundle, problem)


def choose_clone(record: RunRecord, run_folder: Path | None, here: Path) -> Clone | None:
    """The clone around `here` or around the store that has the run's commit; else the first there is."""
    around = (find_clone(place) for place in (here, run_folder) if place is not None)
    clones = [clone for clone in around if clone is not None]
    return next((clone for clone in clones if clone.has(record.code.commit or "")), next(iter(clones), None))


@contextmanager
def open_scratch(places: CodePlaces) -> Iterator[Scratch]:
    """A scratch repository that has whatever of the run's commits can be had here."""
    object_format = "sha256" if len(places.code.commit or "") == 64 else "sha1"
    with scratch_repository(places.clone, object_format) as scratch:
        take_bundle(scratch, places)
        yield scratch


def take_bundle(scratch: Scratch, places: CodePlaces) -> None:
    """Take a run's bundle into a scratch repository; one that cannot be used is left out."""
    if places.bundle and not places.clone_has_it:
        try:
            scratch.take(places.bundle)
        except GitError:
            return  # whoever asks for the commit will say that it is not there
