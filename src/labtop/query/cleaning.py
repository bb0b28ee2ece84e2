"""Takes secrets out of what other trackers recorded, before it goes into a store of labtop.

A mirror in the cache is as its logs are; a store is copied to machines and people that these logs never saw.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labtop.formats.files import open_regular
from labtop.model.run import RunRecord
from labtop.recording.capture.redact import Redactor

_BLOCK = 2**20


def redactor_for(patterns: tuple[str, ...]) -> Redactor:
    """One that knows the secrets in this process's environment and the user's `patterns`. Raises UsageError."""
    return Redactor.build(os.environ, patterns)


def cleaned(record: RunRecord, redactor: Redactor) -> RunRecord:
    """A record without secrets: in arguments, params, variables, addresses, notes, tags and messages."""
    life, code = record.life, record.code
    error = life.error
    return replace(
        record,
        name=redactor.text(record.name),
        params=redactor.tree(record.params),
        summary=redactor.tree(record.summary),
        life=replace(
            life,
            notes=redactor.text(life.notes),
            tags=tuple(map(redactor.text, life.tags)),
            error=replace(error, message=redactor.text(error.message or "")) if error else None,
        ),
        command=replace(record.command, argv=redactor.argv(record.command.argv)),
        code=replace(code, remote=redactor.uri(code.remote) if code.remote else None),
        data=tuple(
            replace(each, uri=redactor.uri(each.uri) if each.uri else each.uri) for each in record.data
        ),
        environment=replace(record.environment, variables=redactor.tree(record.environment.variables)),
        artifacts=tuple(
            replace(each, uri=redactor.uri(each.uri) if each.uri else None) for each in record.artifacts
        ),
        source=replace(record.source, texts=redactor.tree(record.source.texts)),
    )


def cleaned_text(path: Path, redactor: Redactor) -> Iterator[bytes]:
    """The content of a text file without secrets, in blocks of lines. Raises OSError, InputError."""
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            block += file.readline(_BLOCK)
            text = block.decode("utf-8", "surrogateescape")
            if not redactor.leaves(text):
                text = "".join(map(redactor.text, text.splitlines(keepends=True)))
            yield text.encode("utf-8", "surrogateescape")
