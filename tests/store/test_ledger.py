"""The ledger: events in order, and no change that the chain does not show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labtop.errors import InputError, NewerFormatError, NoStoreError
from labtop.store.layout import create_store
from labtop.store.ledger import append, check_chain, read_events


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with five events."""
    create_store(tmp_path)
    for number in range(5):
        append(tmp_path, "tag", f"run{number}", {"add": [f"t{number}"]})
    return tmp_path


def path(store: Path, number: int) -> Path:
    """An event's file."""
    return store / "ledger" / f"{number:020d}.json"


def test_events_come_back_in_order(store: Path) -> None:
    """With who and when."""
    events = read_events(store).events
    assert [(each.n, each.kind, each.run_id, each.payload) for each in events] == [
        (n + 1, "tag", f"run{n}", {"add": [f"t{n}"]}) for n in range(5)
    ]
    assert all("@" in each.actor and each.at is not None and each.at.tzinfo is not None for each in events)
    assert check_chain(store) == ()


def test_only_later_events_are_read(store: Path) -> None:
    """A reader that knows three asks for the rest."""
    assert [each.n for each in read_events(store, after=3).events] == [4, 5]


def test_a_store_without_edits_has_no_events(tmp_path: Path) -> None:
    """Nor a problem; and what is no store takes none."""
    assert read_events(tmp_path).events == ()
    assert check_chain(tmp_path) == ()
    with pytest.raises(NoStoreError):
        append(tmp_path, "tag", "r", {})


def _edit(store: Path) -> None:
    event = json.loads(path(store, 2).read_text())
    path(store, 2).write_text(json.dumps({**event, "run_id": "other"}))


def _swap(store: Path) -> None:
    second, third = path(store, 2).read_bytes(), path(store, 3).read_bytes()
    path(store, 2).write_bytes(third)
    path(store, 3).write_bytes(second)


def _renumber(store: Path) -> None:
    _swap(store)
    for number in (2, 3):
        event = json.loads(path(store, number).read_text())
        path(store, number).write_text(json.dumps({**event, "n": number}))


@pytest.mark.parametrize(
    "tamper",
    [
        _edit,
        _swap,
        _renumber,
        lambda store: path(store, 2).unlink(),
        lambda store: path(store, 1).unlink(),
        lambda store: path(store, 2).write_bytes(b""),
    ],
    ids=["edit", "swap", "renumber", "remove", "remove first", "empty"],
)
def test_a_change_breaks_the_chain(tamper: Callable[[Path], None], store: Path) -> None:
    """Edited, reordered, renumbered, removed or emptied."""
    tamper(store)
    assert check_chain(store)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"n": 2}', b"\xff", b"x" * 2**21], ids=lambda each: each[:8]
)
def test_a_damaged_event_hides_no_other(content: bytes, store: Path) -> None:
    """It is named; new events go on after it."""
    path(store, 2).write_bytes(content)
    append(store, "note", "r", {"text": "x"})
    read = read_events(store)
    assert [each.n for each in read.events] == [1, 3, 4, 5, 6]
    assert [each.path for each in read.problems] == [path(store, 2)]


def test_an_event_that_is_a_pipe_does_not_hang(store: Path) -> None:
    """It is named like any other damage."""
    path(store, 2).unlink()
    os.mkfifo(path(store, 2))
    assert [each.path for each in read_events(store).problems] == [path(store, 2)]


def test_kinds_of_later_versions_are_kept(store: Path) -> None:
    """Readers pass over what they don't know."""
    append(store, "promote", "r", {"alias": "prod", "nested": {"x": [1, None]}})
    assert read_events(store).events[-1].kind == "promote"
    assert check_chain(store) == ()


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each number is given once, and the chain holds."""
    create_store(tmp_path)
    code = (
        "import sys, pathlib; from labtop.store.ledger import append\n"
        "for n in range(10): append(pathlib.Path(sys.argv[1]), 'note', sys.argv[2], {'text': str(n)})"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), f"run{at}"]) for at in range(4)]
    assert [each.wait() for each in started] == [0] * 4
    events = read_events(tmp_path).events
    assert [each.n for each in events] == list(range(1, 41))
    for at in range(4):
        assert [each.payload["text"] for each in events if each.run_id == f"run{at}"] == [
            str(n) for n in range(10)
        ]
    assert check_chain(tmp_path) == ()


def test_hostile_text_is_kept_as_data(store: Path) -> None:
    """Escapes, lone surrogates and all."""
    append(store, "note", "r", {"text": "\x1b[31m\ud800\n\u202e"})
    assert read_events(store).events[-1].payload == {"text": "\x1b[31m\\ud800\n\u202e"}


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Named, with the reason."""
    create_store(tmp_path)
    (tmp_path / "ledger").write_text("in the way")
    with pytest.raises(InputError, match="ledger"):
        append(tmp_path, "tag", "r", {})


def test_a_store_of_a_newer_format_takes_no_edit(tmp_path: Path) -> None:
    """A tag or note would be a write into what this labtop does not fully know."""
    (tmp_path / "labtop.json").write_text('{"format": 99, "store_id": "x"}')
    with pytest.raises(NewerFormatError, match="format 99"):
        append(tmp_path, "tag", "aaaaaaaaaa", {"add": ["good"]})
    assert [each.name for each in tmp_path.iterdir()] == ["labtop.json"]
