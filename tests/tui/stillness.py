"""Waits until an app has nothing left to do, however slow the machine.

Textual's pilot waits until the process has cost no time for a moment, a second at most: on a busy machine that is over
before a key has done its work. Here every widget has handled all its messages, and the screen is painted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

from labtop.tui.app import LabtopApp

PATIENCE_S = 60.0
FRAMES = 5
"""A frame may ask for another layout, as panes do that come and go with the width."""


async def wait_until_still(app: App[Any]) -> None:
    """Wait until no widget has a message, paint the next frame, and wait for what that brings."""
    for _ in range(FRAMES):
        await _no_messages(app)
        if not app.screen_stack or not app.is_running:
            return
        screen = app.screen
        is_last = not (screen._layout_required or screen._recompose_required)
        screen._on_timer_update()  # Textual waits a sixtieth of a second, that more may come
        await _no_messages(app)
        if is_last and not (app.screen._layout_required or app.screen._recompose_required):
            return


async def _no_messages(app: App[Any]) -> None:
    until = time.monotonic() + PATIENCE_S
    while app.is_running:
        assert time.monotonic() < until, [each for each in _pumps(app) if _has_work(each)]
        if not any(_has_work(each) for each in _pumps(app)):
            await _barrier(app)  # a handler may still be at work
            is_typed = not isinstance(app, LabtopApp) or app.typed.is_empty
            if is_typed and not any(_has_work(each) for each in _pumps(app)):
                return
        await asyncio.sleep(0.0005)


async def wait_until_loaded(app: LabtopApp) -> None:
    """Wait until all work of threads has come back, too, and has been painted."""
    gateway = app.session.gateway
    await wait_until_still(app)
    while app.is_running and not gateway.is_settled:
        await gateway.settled()
        await wait_until_still(app)


def _pumps(app: App[Any]) -> list[MessagePump]:
    return [app, *app._registry]


def _has_work(pump: MessagePump) -> bool:
    if isinstance(pump, App) and pump._resize_timer is not None:  # another size is told a moment later
        return True
    waits_for_paint = isinstance(pump, Screen) and pump.is_current and pump._callbacks
    return bool(pump.is_running and (pump.message_queue_size or pump._next_callbacks or waits_for_paint))


async def _barrier(app: App[Any]) -> None:
    """Wait until everyone has handled what was asked of him before."""
    await asyncio.sleep(0)
    asked = [pump for pump in _pumps(app) if pump.is_running]
    handled: list[MessagePump] = []
    all_done = asyncio.Event()

    def done(pump: MessagePump) -> None:
        handled.append(pump)
        if len(handled) >= len(waiting):
            all_done.set()

    waiting = [pump for pump in asked if pump.call_later(done, pump)]
    until = time.monotonic() + PATIENCE_S
    while len(handled) < len(waiting) and not _has_failed(app) and time.monotonic() < until:
        try:
            await asyncio.wait_for(all_done.wait(), 0.1)
            break
        except TimeoutError:  # one of them may have been removed meanwhile
            if not any(_has_work(each) for each in _pumps(app)):
                break


def _has_failed(app: App[Any]) -> bool:
    return app._exception_event.is_set()


async def _pause(pilot: Pilot[Any], delay: float | None = None) -> None:
    if delay is not None:
        await asyncio.sleep(delay)
    await wait_until_still(pilot.app)


async def _press_keys(app: App[Any], keys: Iterable[str]) -> None:
    """As Textual does it, but waiting for what the key does."""
    import unicodedata

    from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key

    for each in keys:
        name = _character_to_key(each) if len(each) == 1 and not each.isalnum() else each
        character: str | None
        try:
            character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
        except KeyError:
            character = name if len(name) == 1 else None
        event = events.Key(name, character)
        event.set_sender(app)
        app.post_message(event)
    await wait_until_still(app)


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots wait so."""
    monkeypatch.setattr(Pilot, "pause", _pause)
    monkeypatch.setattr(App, "_press_keys", _press_keys)
