"""What is done behind a run, and for its end before that comes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from labtop.recording.background import Background
from labtop.recording.capture.redact import Redactor
from labtop.recording.facts import RunFacts
from labtop.recording.rehearsal import rehearse_end
from labtop.recording.writing import NoWriter
from tests.store.runs import new_record


def new_background(hold: threading.Event) -> Background:
    """One job, which ends when `hold` is set."""
    record = new_record()

    def job() -> None:
        hold.wait(60)

    return Background(RunFacts(record, NoWriter(record), Redactor()), [("waiting", job)])


@pytest.mark.parametrize("is_awaited", [True, False])
def test_the_end_is_rehearsed_unless_somebody_waits_for_it(
    is_awaited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of a moment has no use for it."""
    rehearsed = threading.Event()
    monkeypatch.setattr("labtop.recording.background.rehearse_end", rehearsed.set)
    background = new_background(hold := threading.Event())
    background.start()
    if is_awaited:
        assert not background.wait(0.001)
    hold.set()
    if not is_awaited:
        assert rehearsed.wait(60)
    assert background.wait(60)
    assert rehearsed.is_set() is not is_awaited


def test_a_rehearsal_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It seals into memory."""
    monkeypatch.chdir(tmp_path)
    rehearse_end()
    assert [*tmp_path.rglob("*")] == []
