"""The one place where catalog work runs in threads and comes back to the screen.

A request has a slot: of one slot only the newest counts. A newer request interrupts the one that runs, takes the
place of the one that waits, and answers to older ones are dropped. Answers arrive on the app's own thread, so
handlers may change widgets. Errors arrive as a message, never as a crash.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from textual.app import App
from textual.dom import DOMNode

from labtop.errors import LabtopError

Answer = TypeVar("Answer")

THREADS = 4  # a refresh, a selection, cells and one for a slow query


@dataclass(eq=False, slots=True)
class _Ticket(Generic[Answer]):
    """One request on its way."""

    slot: str
    compute: Callable[[], Answer]
    then: Callable[[Answer], object]
    failed: Callable[[Exception], object]
    owner: DOMNode
    interrupt: Callable[[], None] | None
    is_stale: bool = False


@dataclass(slots=True)
class _Slot:
    running: _Ticket[Any] | None = None
    waiting: _Ticket[Any] | None = None
    generation: int = 0


@dataclass(eq=False)
class Gateway:
    """Runs requests for an app. `on_error` shows what no request handles itself."""

    app: App[Any]
    on_error: Callable[[Exception], object]
    _slots: dict[str, _Slot] = field(default_factory=dict)
    _queue: SimpleQueue[_Ticket[Any] | None] = field(default_factory=SimpleQueue)
    _threads: list[threading.Thread] = field(default_factory=list)
    _unfinished: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def request(
        self,
        slot: str,
        compute: Callable[[], Answer],
        then: Callable[[Answer], object],
        *,
        owner: DOMNode | None = None,
        failed: Callable[[Exception], object] | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        """Run `compute` in a thread and hand its answer to `then`, unless a newer request of the slot came.

        `owner` is the screen or widget that `then` changes: once it is gone, so is the answer. `failed` gets
        the error in place of `on_error`. `interrupt` stops a running `compute` when it is superseded.
        """
        ticket = _Ticket(slot, compute, then, failed or self.on_error, owner or self.app, interrupt)
        place = self._slots.setdefault(slot, _Slot())
        self._unfinished += 1
        self._idle.clear()
        if place.running is None:
            self._start(place, ticket)
            return
        if place.waiting is not None:
            self._finish()
        place.waiting = ticket
        self._supersede(place.running)

    def cancel(self, slot: str) -> None:
        """Forget what a slot is doing; nothing of it will arrive."""
        place = self._slots.get(slot)
        if place is None:
            return
        if place.waiting is not None:
            place.waiting = None
            self._finish()
        if place.running is not None:
            self._supersede(place.running)

    def is_busy(self, slot: str) -> bool:
        """Whether a request of the slot is on its way."""
        place = self._slots.get(slot)
        return place is not None and place.running is not None

    def stop(self, timeout_s: float = 1.0) -> bool:
        """End the threads when the app is gone; False when one was still busy after a while."""
        for _ in self._threads:
            self._queue.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_settled(self) -> bool:
        """Whether every answer has arrived."""
        return not self._unfinished

    async def settled(self) -> None:
        """Wait until every answer has arrived; an app that is gone gets none."""
        while self._unfinished and self.app.is_running:
            try:
                await asyncio.wait_for(self._idle.wait(), 0.2)
            except TimeoutError:
                continue

    def _supersede(self, ticket: _Ticket[Any]) -> None:
        if not ticket.is_stale:
            ticket.is_stale = True
            if ticket.interrupt is not None:
                ticket.interrupt()

    def _start(self, place: _Slot, ticket: _Ticket[Any]) -> None:
        place.running = ticket
        running = sum(each.running is not None for each in self._slots.values())
        if len(self._threads) < min(running, THREADS):
            # daemons: a query without end must not keep the program from quitting
            thread = threading.Thread(target=self._work, name=f"labtop-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._queue.put(ticket)

    def _work(self) -> None:
        while (ticket := self._queue.get()) is not None:
            answer: Any = None
            error: Exception | None = None
            if not ticket.is_stale:
                try:
                    answer = ticket.compute()
                except Exception as raised:  # the edge: whatever goes wrong is shown by the app
                    error = raised
            self.app.call_later(self._deliver, ticket, answer, error)

    def _deliver(self, ticket: _Ticket[Any], answer: Any, error: Exception | None) -> None:
        place = self._slots[ticket.slot]
        place.running = None
        again = error is not None and not ticket.is_stale and _is_interruption(error)
        if place.waiting is not None:
            waiting, place.waiting = place.waiting, None
            self._start(place, waiting)
        elif again:  # another slot's interruption hit this one
            self._start(place, ticket)
            return
        try:
            if not ticket.is_stale and ticket.owner.is_attached:
                if error is None:
                    ticket.then(answer)
                else:
                    ticket.failed(error)
        except (
            Exception
        ) as raised:  # the edge again: a screen that cannot show an answer must not end the app
            self.on_error(raised)
        finally:
            self._finish()

    def _finish(self) -> None:
        self._unfinished -= 1
        if not self._unfinished:
            self._idle.set()


def _is_interruption(error: Exception) -> bool:
    return isinstance(error, LabtopError) and type(error).__name__ == "InterruptedQueryError"
