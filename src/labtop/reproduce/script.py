"""Writes a plan as a POSIX shell script that a person can read first and run then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from labtop.model.run import RunRecord
from labtop.reproduce.carrying import carries
from labtop.reproduce.shell import comment, quote
from labtop.reproduce.step import Finding, Step

MARKS = {"ok": "+", "warn": "~", "missing": "-"}

_FUNCTIONS = r"""
stop() { printf '%s\n' "$1" >&2; exit 1; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }
md5() { if command -v md5sum >/dev/null; then md5sum | cut -d' ' -f1; else command md5 -q; fi; }
sha256_of() { # a file, or a folder by the hashes of its files
  if [ -d "$1" ]; then
    (cd -- "$1" && find -L . -type f | sed 's|^\./||' | LC_ALL=C sort |
      while IFS= read -r file; do printf '%s  %s\n' "$(sha256 < "$file")" "$file"; done) | sha256
  else sha256 < "$1"; fi
}
same() {
  [ -e "$2" ] || stop "$2 is not there"
  [ "$(sha256_of "$2")" = "$1" ] || stop "$2 is not what it was when the run was recorded"
}
same_md5() {
  [ -e "$2" ] || stop "$2 is not there"
  [ "$(md5 < "$2")" = "$1" ] || stop "$2 is not what it was when the run was recorded"
}
""".strip()

_TAKE = r"""
take() { # a file that git did not know, from the store into the tree
  same "$1" "$run/code/untracked/$2"
  case $2 in */*) mkdir -p -- "$tree/${2%/*}"; inside=$(cd -P -- "$tree/${2%/*}" && pwd -P) ;; *) inside=$tree ;; esac
  case $inside/ in "$tree"/*) ;; *) stop "$2 leads out of the tree" ;; esac
  [ ! -L "$tree/$2" ] || stop "$2 is a link"
  cp -p -- "$run/code/untracked/$2" "$tree/$2"
}
""".strip()

_REACH = r"""
reach() { # an input that is not part of the code: linked, not copied
  [ -e "$2" ] || { mkdir -p -- "$(dirname -- "$2")"; ln -s -- "$1" "$2"; }
}
""".strip()


def write_script(
    record: RunRecord,
    run_folder: Path | None,
    environment: str,
    found: Sequence[Finding],
    steps: Sequence[Step],
) -> str:
    """The whole script. Every word of it that was recorded is quoted, and in comments cannot end a line."""
    body = [line for step in steps for line in ("", *_step(step))]
    work = [*_functions(body), *body]
    lines = [
        "#!/bin/sh",
        *_head(record, environment),
        *_findings(found),
        "(  # read whole before anything is done, and apart from the shell it is pasted into",
        "set -eu",
        "umask 077",
        *_places(record, run_folder if any("$run" in line for line in work) else None),
        *work,
        ")",
    ]
    return "\n".join(lines) + "\n"


def _head(record: RunRecord, environment: str) -> Iterator[str]:
    when = f", started {record.started_at:%Y-%m-%d %H:%M} UTC" if record.started_at else ""
    yield from comment(f"Brings back the run {record.id} ({record.name!r} of {record.project!r}{when}).")
    yield from comment(
        f"Works in a folder of its own (LABTOP_SCRATCH chooses it), environment: {environment}. Read before you run."
    )
    yield "#"


def _findings(found: Sequence[Finding]) -> Iterator[str]:
    yield "# Found today (+ there, ~ may be a problem, - missing):"
    for finding in found:
        first, *rest = comment(finding.text, 52)
        yield f"#  {MARKS[finding.state]} {finding.pillar + ':':14} {first[2:]}"
        yield from (f"#{'':19}{line[2:]}" for line in rest)
    yield ""


def _places(record: RunRecord, run_folder: Path | None) -> Iterator[str]:
    if run_folder is not None and not carries(record):
        yield f"run={quote(str(run_folder))}"
    template = f'"${{TMPDIR:-/tmp}}"/{quote(f"labtop-{_plain(record.id)}.XXXXXX")}'
    yield f"scratch=${{LABTOP_SCRATCH:-$(mktemp -d {template})}}"
    yield 'mkdir -p -- "$scratch"'
    yield 'scratch=$(cd -P -- "$scratch" && pwd -P)'
    yield "tree=$scratch/tree"
    if run_folder is not None and carries(record):
        yield "run=$scratch/kept"


def _plain(text: str) -> str:
    return "".join(each for each in text if each.isascii() and each.isalnum())[:20]


def _functions(body: Sequence[str]) -> Iterator[str]:
    """The functions that the steps use."""
    yield ""
    yield _FUNCTIONS
    if any(line.startswith("take ") for line in body):
        yield _TAKE
    if any(line.startswith("reach ") for line in body):
        yield _REACH


def _step(step: Step) -> Iterator[str]:
    first, *rest = comment(step.title)
    yield f"# --- {first[2:]}"
    yield from rest
    for reason in step.may_fail_because:
        yield from comment(f"may fail: {reason}")
    yield from step.lines
