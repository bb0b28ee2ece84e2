"""Brings the code of a run back: a fresh tree of its commit, its patch, and the files git did not know.

The commit is taken from the first place that has it: the user's clone, the bundle kept with the run, the remote.
The user's own tree is never touched; the tree is made in the scratch folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from labtop.errors import InputError
from labtop.model.run import Code, RunRecord
from labtop.model.trackers import OURS, nothing_of
from labtop.reproduce.code_places import PATCH, UNTRACKED, CodePlaces, find_places, open_scratch
from labtop.reproduce.git import Bundle, Clone, GitError, check_path, is_commit, is_safe_remote
from labtop.reproduce.shell import quote
from labtop.reproduce.step import Finding, FindingState, Part, Step, stop

_GIT = "git -c core.hooksPath=/dev/null -c protocol.ext.allow=never"


def plan_code(record: RunRecord, run_folder: Path | None, here: Path) -> Part:
    """Findings and steps for the code."""
    places = find_places(record, run_folder, here)
    if record.code.commit is None:
        return _without_commit(places, record.source.tracker)
    if not is_commit(record.code.commit):
        finding = Finding("code", "missing", "the recorded commit is no hexadecimal name of one")
        return Part((finding,), (Step("the code", (stop("the commit of this run is not usable"),)),))
    steps = [_checkout(places)]
    findings = [_checkout_finding(places)]
    if places.patch:
        steps.append(_patch_step(record.code))
    if kept := _kept_paths(record.code):
        steps.append(_untracked_step(record.code, kept))
    if record.code.submodules:
        steps.append(_submodules_step(record.code))
    findings += _patch_findings(places)
    findings += _untracked_findings(places)
    return Part(tuple(findings), tuple(steps))


# the commit


def _checkout(places: CodePlaces) -> Step:
    """The tree of the commit, from the first place that has it."""
    commit = places.code.commit or ""
    if places.clone_has_it and places.clone:
        return Step(
            f"the code: a new worktree of your clone at {commit[:12]}",
            (f'{_GIT} -C {quote(str(places.clone.root))} worktree add --detach -- "$tree" {commit}',),
            ("the clone may be moved or pruned until then",),
        )
    if places.bundle and places.bundle_ref and (places.bundle_base or not places.bundle.prerequisites):
        return _from_bundle(places, places.bundle, places.bundle_base)
    if is_safe_remote(places.code.remote):
        return _from_remote(places)
    return Step(
        f"the code: commit {commit[:12]} must come from a clone that has it",
        (
            ': "${LABTOP_CLONE:?set it to a clone that has commit ' + commit[:12] + '}"',
            f'{_GIT} -C "$LABTOP_CLONE" worktree add --detach -- "$tree" {commit}',
        ),
        ("no clone here has the commit, and neither a bundle nor a usable remote was recorded",),
    )


def _from_bundle(places: CodePlaces, bundle: Bundle, base: Clone | None) -> Step:
    """A repository of its own, filled from the bundle, over the clone's objects where the bundle builds on them."""
    lines = [f'{_GIT} init -q -- "$tree"']
    if bundle.prerequisites and base:
        # borrowed, not copied; git wants what a bundle builds on to be reachable
        lines = [f'{_GIT} clone -q --shared --no-checkout -- {quote(str(base.root))} "$tree"']
        lines += _anchors(bundle)
    return Step(
        f"the code: commit {(places.code.commit or '')[:12]} from the bundle kept with the run",
        (*lines, *_fetch_bundle(places)),
        ("the bundle may be damaged",),
    )


def _anchors(bundle: Bundle) -> list[str]:
    return [f'git -C "$tree" update-ref refs/labtop/{each[:16]} {each}' for each in bundle.prerequisites]


def _fetch_bundle(places: CodePlaces) -> tuple[str, ...]:
    name = quote(f"/code/{places.code.bundle}")
    return (
        f'{_GIT} -C "$tree" fetch -q --no-tags "$run"{name} {places.bundle_ref}:refs/labtop/run',
        f'{_GIT} -C "$tree" checkout -q --detach {places.code.commit}',
    )


def _from_remote(places: CodePlaces) -> Step:
    commit = places.code.commit
    url = places.code.remote or ""
    lines = [f'{_GIT} clone -q --no-checkout -- {quote(url)} "$tree"']
    if places.bundle and places.bundle_ref:
        lines += [*_anchors(places.bundle), *_fetch_bundle(places)]
    else:
        lines += [
            f'git -C "$tree" cat-file -e {commit}^{{commit}} 2>/dev/null || {_GIT} -C "$tree" fetch -q origin {commit}',
            f'{_GIT} -C "$tree" checkout -q --detach {commit}',
        ]
    return Step(
        f"the code: commit {(commit or '')[:12]} from {url}",
        tuple(lines),
        ("the remote may be gone, ask for a password, or no longer have the commit",),
    )


def _checkout_finding(places: CodePlaces) -> Finding:
    short = (places.code.commit or "")[:12]
    trouble = f" ({places.bundle_problem})" if places.bundle_problem else ""
    if places.clone_has_it and places.clone:
        return Finding("code", "ok", f"commit {short} is in the clone at {places.clone.root}{trouble}")
    if places.bundle and places.bundle_ref:
        if not places.bundle.prerequisites:
            return Finding("code", "ok", f"commit {short} is in the bundle kept with the run, whole")
        if places.bundle_base:
            return Finding(
                "code", "ok", f"commit {short} is in the bundle; the clone here has what it builds on"
            )
        if is_safe_remote(places.code.remote):
            return Finding(
                "code",
                "warn",
                f"commit {short} is in the bundle; what it builds on must come from the remote",
            )
        return Finding(
            "code", "missing", f"commit {short} is in the bundle, but what it builds on is nowhere here"
        )
    if is_safe_remote(places.code.remote):
        text = f"commit {short} is not here; it must come from {places.code.remote}, which was not asked{trouble}"
        return Finding("code", "warn", text)
    refused = f"; the recorded remote is refused: {places.code.remote}" if places.code.remote else ""
    return Finding(
        "code", "missing", f"commit {short} is neither in a clone here nor in a bundle{refused}{trouble}"
    )


# the patch


def _patch_step(code: Code) -> Step:
    stored = f'"$run"/code/{PATCH}'
    return Step(
        "the uncommitted changes",
        (
            f"same {code.patch_sha256} {stored}",
            f'git -C "$tree" apply --check --binary --whitespace=nowarn {stored}',
            f'git -C "$tree" apply --binary --whitespace=nowarn {stored}',
        ),
        ("the patch may be damaged, or need files that a filter (such as LFS) has not fetched",),
    )


def _patch_findings(places: CodePlaces) -> Iterator[Finding]:
    if places.patch is None:
        if places.code.dirty is None:
            yield Finding("code", "warn", "whether there were uncommitted changes is not known")
        elif places.code.dirty:
            yield Finding("code", "missing", "there were uncommitted changes, and they were not kept")
        return
    try:
        found = hashlib.sha256(places.patch.read_bytes()).hexdigest()
    except OSError as error:
        yield Finding("code", "missing", f"the stored patch cannot be read: {error.strerror}")
        return
    if found != places.code.patch_sha256:
        yield Finding(
            "code", "missing", "the stored patch is not the one that was recorded: its hash differs"
        )
        return
    yield _does_apply(places, places.patch)


def _does_apply(places: CodePlaces, patch: Path) -> Finding:
    """Try the patch in a scratch index, where nothing of anybody's is touched."""
    try:
        with open_scratch(places) as scratch:
            if not scratch.has(places.code.commit or ""):
                return Finding(
                    "code", "warn", "whether the patch applies shows only once the commit is there"
                )
            scratch.tree(places.code.commit or "", patch, {})
    except GitError as error:
        return Finding("code", "missing", f"the patch does not apply: {error.message}")
    return Finding("code", "ok", f"the patch applies ({patch.stat().st_size:,} bytes)")


# files git did not know


def _kept_paths(code: Code) -> list[str]:
    """The paths of kept files that may be written into a tree."""
    return [each.path for each in code.untracked if each.kept and _is_inside(each.path)]


def _is_inside(path: str) -> bool:
    try:
        check_path(path)
    except InputError:
        return False
    return True


def _untracked_step(code: Code, paths: list[str]) -> Step:
    hashes = {each.path: each.sha256 for each in code.untracked}
    lines = [f"take {quote(hashes[path] or '-')} {quote(path)}" for path in paths]
    return Step(f"files git did not know ({len(paths)})", tuple(lines), ("a kept file may be damaged",))


def _untracked_findings(places: CodePlaces) -> Iterator[Finding]:
    code = places.code
    kept = [each for each in code.untracked if each.kept]
    if refused := [each.path for each in kept if not _is_inside(each.path)]:
        yield Finding("code", "missing", f"{_files(len(refused))} would leave the tree and are refused")
    lost = [
        each.path for each in kept if places.folder and not (places.folder / UNTRACKED / each.path).is_file()
    ]
    if lost:
        yield Finding(
            "code", "missing", f"{_files(len(lost))} kept then are no longer in the store: {lost[0]}"
        )
    elif kept:
        state: FindingState = "warn" if refused else "ok"
        yield Finding("code", state, f"{_files(len(kept) - len(refused))} git did not know: kept")
    by_reason: dict[str, int] = {}
    for each in code.untracked:
        if not each.kept:
            by_reason[each.reason or "not wanted"] = by_reason.get(each.reason or "not wanted", 0) + 1
    for reason, number in by_reason.items():
        yield Finding("code", "warn", f"{_files(number)} git did not know: not kept, {reason}")


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


# submodules, and no repository at all


def _submodules_step(code: Code) -> Step:
    lines = [f'{_GIT} -C "$tree" submodule -q update --init --recursive']
    for each in code.submodules:
        if is_commit(each.commit) and _is_inside(each.path):
            lines.append(f'{_GIT} -C "$tree"/{quote(each.path)} checkout -q --detach {each.commit}')
    return Step("its submodules", tuple(lines), ("their remotes may be gone or ask for a password",))


def _without_commit(places: CodePlaces, tracker: str) -> Part:
    kept = _kept_paths(places.code)
    if kept and places.folder:
        findings = (
            Finding(
                "code", "warn", f"no commit was recorded; {len(kept)} files that were kept make up the tree"
            ),
            *_untracked_findings(places),
        )
        return Part(
            findings, (Step("the code", ('mkdir -p -- "$tree"',)), _untracked_step(places.code, kept))
        )
    step = Step(
        "the code: it was not recorded",
        (
            ': "${LABTOP_TREE:?the code of this run was not recorded: set it to a folder that holds it}"',
            'mkdir -p -- "$tree"',
            'cp -R -- "$LABTOP_TREE"/. "$tree"',
        ),
        ("nothing tells whether that folder holds the code that ran",),
    )
    ours = "neither a commit nor files were recorded"
    words = (
        ours
        if tracker == OURS
        else f"{nothing_of(tracker, 'commit', 'commit')}: give the code in LABTOP_TREE"
    )
    return Part((Finding("code", "missing", words),), (step,))
