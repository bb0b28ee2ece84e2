"""`labtop fsck`: checks a whole store, mends it if asked, and tells the runs' readers what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labtop.errors import LabtopError
from labtop.store import ledger
from labtop.store.checking import CheckedRun, Finding, check_run, check_store_itself, run_folders_to_check
from labtop.store.layout import FORMAT, read_store_info
from labtop.store.repairing import repair_run, repair_store_itself

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a store and mended, and how many runs were looked at.

    `is_whole`: nothing that was recorded is lost or in doubt, now that what could be mended is.
    """

    findings: tuple[Finding, ...]
    runs: int
    is_whole: bool


def fsck(store: Path, *, repair: bool = False, on_progress: Progress = lambda done, total: None) -> Checked:
    """Check every file of a store.

    Raises:
        InputError: it is no store, or a newer labtop wrote it and `repair` was asked for.
        OSError: it cannot be listed, or, with `repair`, not be written to.
    """
    info = read_store_info(store)
    if repair and info.format > FORMAT:
        raise LabtopError(
            f"{store} is a store of format {info.format}; this labtop repairs format {FORMAT}",
            "update labtop",
        )
    findings = check_store_itself(store)
    if repair:
        findings = repair_store_itself(store, findings, info.shared)
    is_whole = not any(each.is_harmful for each in findings)
    folders = run_folders_to_check(store)
    told = _told(store)
    for number, folder in enumerate(folders):
        on_progress(number, len(folders))
        run = check_run(folder)
        found = list(run.findings)
        if repair and found:
            found = repair_run(store, run, info.shared)
            run = check_run(folder)
        findings += found
        is_whole &= not any(each.is_harmful for each in run.findings)
        _tell(store, run, told.get(folder.name, ()))
    on_progress(len(folders), len(folders))
    return Checked(tuple(findings), len(folders), is_whole)


def _told(store: Path) -> dict[str, tuple[str, ...]]:
    """What earlier checks have said of each run."""
    said: dict[str, tuple[str, ...]] = {}
    for event in ledger.read_events(store).events:
        if event.kind == ledger.CHECK:
            said[event.run_id] = tuple(map(str, event.payload.get("problems") or ()))
    return said


def _tell(store: Path, run: CheckedRun, before: tuple[str, ...]) -> None:
    """Let readers of the store see what is wrong with a run, or that it no longer is."""
    now = tuple(_words(store, run))
    if now == before or run.is_newer:
        return
    try:
        ledger.append(store, ledger.CHECK, run.folder.name, {"problems": list(now)})
    except LabtopError:  # read-only: then only the table says it
        pass


def _words(store: Path, run: CheckedRun) -> Iterator[str]:
    for each in run.findings:
        if each.is_harmful:
            yield f"{each.path.relative_to(run.folder)}: {each.reason}"
