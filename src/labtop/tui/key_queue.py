"""Keys one after the other: the next one waits until the one before has done its work.

Over a slow line `:sort lr` and Enter arrive at once. Textual hands a key to whoever has the focus when it is read, so
that all that follows `:` would go to the screen below the command line that is just opening, and mean something else
there. What follows Enter would go to the dialog that is just closing. And what is typed while a store is being opened
is for the rows that are coming.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump

from labtop.tui.screens.dialogs import Dialog

PATIENCE_S = 1.0
"""Longer no key is held back, whatever the one before does."""

OPENING_PATIENCE_S = 5.0
"""So long after the start keys wait for the first rows; later they do what can be done without."""

TELL_S = 0.4
"""A key that waits longer than this is told to."""


class KeyQueue:
    """The keys and pasted texts that an app has not been given yet.

    `is_asking`: a dialog is on its way. `is_opening`: there are no rows yet. `leads_out`: a key that leaves, or asks
    for help, which needs no rows. `tell` is called when keys wait for rows.
    """

    def __init__(
        self,
        app: App[Any],
        is_asking: Callable[[], bool],
        is_opening: Callable[[], bool] = lambda: False,
        leads_out: Callable[[events.Key], bool] = lambda _: False,
        tell: Callable[[], object] = lambda: None,
    ) -> None:
        self._app = app
        self._is_asking = is_asking
        self._is_opening, self._leads_out, self._tell = is_opening, leads_out, tell
        self._open_until = time.monotonic() + OPENING_PATIENCE_S
        self._waiting: deque[events.Event] = deque()
        self._task: asyncio.Task[None] | None = None
        self._passed: events.Event | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all keys have done their work."""
        return self._task is None

    def holds(self, event: events.Event) -> bool:
        """Whether an event is a key that has to wait; it comes again when it is its turn."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or event is self._passed:
            return False
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._pass_on())
        return True

    async def _pass_on(self) -> None:
        try:
            while self._waiting:
                await self._rows()
                self._passed = self._waiting.popleft()
                self._app.post_message(self._passed)
                await self._done()
        finally:
            self._task = None

    async def _rows(self) -> None:
        """Wait for the first rows, unless the next key needs none."""
        tell_at = time.monotonic() + TELL_S
        while self._is_opening() and self._app.is_running and time.monotonic() < self._open_until:
            if isinstance(key := self._waiting[0], events.Key) and self._leads_out(key):
                return
            if time.monotonic() > tell_at:
                tell_at = self._open_until
                self._tell()
            await asyncio.sleep(0.01)

    async def _done(self) -> None:
        """Wait until whoever may get a key has handled all he was told, and a dialog that opened has the focus."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._app.is_running:
            path = self._path()
            for pump in path:
                await _handled(pump, until)
            is_idle = not any(each.message_queue_size for each in path)
            if is_idle and self._path() == path and self._has_focus() and not self._is_asking():
                return
            await asyncio.sleep(0.002)

    def _path(self) -> list[MessagePump]:
        """From the app to the widget with the focus, and back as a key rises."""
        if not self._app.screen_stack:
            return [self._app]
        node: DOMNode = self._app.focused or self._app.screen
        return [self._app, *(each for each in node.ancestors_with_self if each is not self._app), self._app]

    def _has_focus(self) -> bool:
        stack = self._app.screen_stack
        return not (stack and isinstance(stack[-1], Dialog) and self._app.focused is None)


async def _handled(pump: MessagePump, until: float) -> None:
    """Wait until somebody has handled what was asked of him before; not for who is gone meanwhile."""
    done = asyncio.Event()
    if _is_there(pump) and pump.call_later(done.set):
        while not await _is_set_within(done, 0.02):
            if time.monotonic() > until or not _is_there(pump):
                return


def _is_there(pump: MessagePump) -> bool:
    return pump.is_running


async def _is_set_within(done: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError:
        return False
    return True
