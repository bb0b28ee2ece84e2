"""Runs a command from its start to its end: streams, keys and signals pass through, and a recorder looks on."""

from __future__ import annotations

import os
import signal
import sys
import time

from labtop.recording.wrapped.guarded import has_whole_terminal, read_reports, start_in_terminal
from labtop.recording.wrapped.order import Order
from labtop.recording.wrapped.recorder import prepared
from labtop.recording.wrapped.starting import NotStarted, become
from labtop.recording.wrapped.streams import STDERR, STDIN, Started, fill_closed_streams, start_beside
from labtop.recording.wrapped.terminal import copy_size, is_in_front, modes_of, raw, set_modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Any

    from labtop.recording.wrapped.relay import Relay
    from labtop.recording.wrapped.told import Told

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)
_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_SENT_BY_KERNEL = 0x80  # SI_KERNEL: to the whole process group, by a terminal
_TURN_S = 0.001  # what passes through waits no longer than this for what is being recorded
_GRACE_S = 0.2  # for the last words of processes that the command left behind


def run_command(order: Order) -> int:
    """Run and record a command; its exit code. A command that died of a signal takes this process with it.

    Raises:
        UsageError: the line or the settings cannot be meant; nothing was started.
    """
    ready = prepared(order)
    if ready is None:
        return _run_alone(order)
    environment, record = ready
    fill_closed_streams()
    caught = _signals_to_catch()
    mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, caught)}
    start = start_in_terminal if has_whole_terminal() else start_beside
    try:
        started = start(order.command, environment, mask)
    except NotStarted as trouble:
        return _Session(record, mask, caught).end_unstarted(trouble)
    return _Session(record, mask, caught).see_through(started)


def _run_alone(order: Order) -> int:
    """Nothing is to be recorded: become the command."""
    number = become(order.command, os.environ, set())
    return NotStarted(order.command[0], number).tell()


def _signals_to_catch() -> set[int]:
    """What we shall pass on; what somebody (nohup, a shell in the background) had ignored stays so."""
    numbers = {int(getattr(signal, name)) for name in (*_PASSED_ON, "SIGWINCH")}
    return {number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}


class _Session:
    """One command. Everything that happens comes through one queue to the main thread."""

    def __init__(self, record: Callable[[Told], None], mask: set[int], caught: set[int]) -> None:
        from queue import SimpleQueue

        from labtop.recording.wrapped.told import Told

        self.events: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self.told = Told()
        self.record = record
        self.mask = mask
        self.caught = caught
        self.modes: list[Any] | None = None  # of the real terminal, while the command has one of its own
        self.ended_at = 0.0

    # -- the command's life --------------------------------------------------------------------------------------

    def end_unstarted(self, trouble: NotStarted) -> int:
        """Record a command that could not be started, and say so."""
        trouble.tell()
        self._begin(self._listen)
        self.told.end_unstarted(trouble)
        self._begin(lambda: self.record(self.told))
        self._wait_for_record()
        return trouble.exit_code

    def see_through(self, started: Started) -> int:
        """Pass everything on until the command has ended, then see its record through."""
        from labtop.recording.wrapped.relay import Keyboard, Relay

        relays = [Relay(each, self.told.tap) for each in started.outlets]
        for relay in relays:
            relay.start()
        keyboard = None
        if started.keyboard >= 0:
            self.modes = modes_of(STDIN)
            self.told.ends_with_return = frozenset(("stdout",))
            self._to_front()
            keyboard = Keyboard(STDIN, started.keyboard, self._to_front)
            keyboard.start()
        self._begin(self._listen)
        self._begin(lambda: self._wait(started))
        sys.setswitchinterval(_TURN_S)
        self._begin(lambda: self.record(self.told))
        status = self._pass_until_end(started)
        if keyboard is not None:
            keyboard.stop()
            keyboard.join(1.0)
        self._drain(started, relays)
        if self.modes is not None:
            set_modes(STDIN, self.modes)
        if started.leash >= 0:
            os.close(started.leash)
        self.told.end(os.waitstatus_to_exitcode(status), self.ended_at)
        self._wait_for_record()
        return self._leave(status)

    def _begin(self, task: Any) -> None:
        from threading import Thread

        Thread(target=task, daemon=True).start()

    def _wait(self, started: Started) -> None:
        """In a thread: tell what becomes of the command."""
        status = int(signal.SIGKILL)  # what is left to say when its guard was killed
        if started.reports < 0:
            status = os.waitpid(started.pid, 0)[1]
        else:
            for word, number in read_reports(started.reports):
                if word == "ended":
                    status = number
                    break
                self.events.put((word, number))
        self.ended_at = time.time()
        self.events.put(("ended", status))

    def _listen(self) -> None:
        """In a thread: take the signals that come to us, with who sent them where the system tells."""
        wait = getattr(signal, "sigwaitinfo", None)
        while True:
            if wait is not None:
                told = wait(self.caught)
                number, is_key = int(told.si_signo), told.si_code == _SENT_BY_KERNEL
            else:
                number = int(signal.sigwait(self.caught))
                is_key = number in _FROM_KEYS and is_in_front(STDIN)
            self.events.put(("key" if is_key else "signal", number))

    def _pass_until_end(self, started: Started) -> int:
        while True:
            event, number = self.events.get()
            if event == "ended":
                return number
            if event == "stopped":
                self._stop_too(started, number)
            elif number == signal.SIGWINCH:
                self._resize(started)
            elif event in ("signal", "key"):
                self.told.signal(signal.Signals(number).name)
                # the keys of a terminal that we share with the command have reached it by themselves
                if event == "signal" or started.keyboard >= 0:
                    self._send(started, number)

    def _send(self, started: Started, number: int) -> None:
        try:
            if started.keyboard >= 0 and number == signal.SIGHUP:
                os.killpg(started.pid, number)  # as the end of a terminal does
            else:
                os.kill(started.pid, number)
        except OSError:  # it has ended, or belongs to somebody else by now
            pass

    # -- the terminal --------------------------------------------------------------------------------------------

    def _to_front(self) -> None:
        """The terminal is ours: let every key pass."""
        if self.modes is not None and not self.ended_at and is_in_front(STDIN):
            set_modes(STDIN, raw(self.modes))

    def _resize(self, started: Started) -> None:
        for outlet in started.outlets:
            if outlet.terminal:
                copy_size(outlet.target, outlet.source)
        if started.keyboard < 0:
            self._send(started, signal.SIGWINCH)  # the first one came before the new size

    def _stop_too(self, started: Started, number: int) -> None:
        """The command was stopped by Ctrl-Z: so are we, until the shell lets us go on."""
        if number not in _STOPS:
            return
        if self.modes is not None:
            set_modes(STDIN, self.modes)
        os.kill(0, signal.SIGTSTP)  # nothing happens where there is no job control
        self._to_front()
        self._resize(started)
        try:
            os.killpg(started.pid, signal.SIGCONT)
        except OSError:
            pass

    # -- the end -------------------------------------------------------------------------------------------------

    def _drain(self, started: Started, relays: list[Relay]) -> None:
        """Pass on what was written before the end; who goes on writing afterwards gets a helper."""
        deadline = time.monotonic() + _GRACE_S
        for relay in relays:
            relay.join(max(0.0, deadline - time.monotonic()))
        for relay in relays:
            if relay.is_alive():
                relay.stop()
        for relay in relays:
            while relay.is_alive():  # our own reader is slow: wait as the command would have
                relay.join(0.1)
                if self._is_hurried():
                    return
        for relay in relays:
            if not relay.has_ended and relay.outlet.source != started.keyboard:
                self._leave_helper(relay)

    def _leave_helper(self, relay: Relay) -> None:
        """A process that the command left behind holds the stream: `cat` passes it on when we are gone."""
        streams = ((relay.outlet.source, 0), (relay.outlet.target, 1))
        actions: list[Any] = [(os.POSIX_SPAWN_DUP2, *each) for each in streams]
        actions.append((os.POSIX_SPAWN_OPEN, STDERR, os.devnull, os.O_WRONLY, 0))
        try:
            os.posix_spawnp("cat", ["cat"], os.environ, file_actions=actions, setsigmask=self.mask)
        except OSError:
            pass
        os.close(relay.outlet.source)

    def _is_hurried(self) -> bool:
        """Whether a signal says that it is time to go."""
        hurried = False
        while not self.events.empty():
            event, number = self.events.get()
            hurried |= event in ("signal", "key") and signal.Signals(number).name in _PASSED_ON[:4]
        return hurried

    def _wait_for_record(self) -> None:
        while not self.told.done.wait(0.05):
            if self._is_hurried():
                self.told.hurried.set()
        for word in self.told.words:
            print(word, file=sys.stderr)

    def _leave(self, status: int) -> int:
        if not os.WIFSIGNALED(status):
            return os.WEXITSTATUS(status)
        sys.stderr.flush()
        number = os.WTERMSIG(status)
        if os.WCOREDUMP(status):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core is enough
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
        return 128 + number
