"""Starts a command in a pseudo-terminal of its own, with a small guard process between it and us, as sudo does.

The guard leads the session of that terminal and is the command's parent: so Ctrl-C and Ctrl-Z reach the command's
process group there, and only there, and the command can be stopped. It reports every change in lines of text. When we
are gone (done, or killed) it passes on what background processes still write, so that nothing of the command hangs or
is lost; when we were killed it first mends the real terminal and hangs the command's one up.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
from collections.abc import Iterator, Mapping

from labtop.recording.wrapped.starting import NotStarted, become
from labtop.recording.wrapped.streams import STDERR, STDIN, STDOUT, Outlet, Started, open_outlet
from labtop.recording.wrapped.terminal import is_in_front, is_same_file, modes_of, open_like, set_modes

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from typing import Any


def has_whole_terminal() -> bool:
    """Whether keys come from, and text goes to, one terminal whose foreground is ours."""
    is_terminal = os.isatty(STDIN) and os.isatty(STDOUT) and is_same_file(STDIN, STDOUT)
    return is_terminal and is_in_front(STDIN)


def start_in_terminal(argv: list[str], environment: Mapping[str, str], mask: set[int]) -> Started:
    """Start a command in a terminal like ours.

    Raises:
        NotStarted: there is no such command, or it may not be run.
    """
    ours, theirs = open_like(STDIN)
    outlets, errors = [Outlet(STDOUT, ours, True)], theirs
    if not is_same_file(STDOUT, STDERR):
        outlet, errors = open_outlet(STDERR)
        outlets.append(outlet)
    reports, report = os.pipe()
    leash_end, leash = os.pipe()
    modes = modes_of(STDIN)
    if os.fork() == 0:
        try:
            os.close(leash)
            for each in outlets[1:]:
                os.close(each.source)
            _Guard(ours, theirs, errors, report, leash_end, modes).run(argv, environment, mask)
        finally:
            os._exit(0)
    for descriptor in {theirs, errors, report, leash_end}:
        os.close(descriptor)
    word, number = next(read_reports(reports), ("failed", 5))
    if word == "failed":
        raise NotStarted(argv[0], number)
    return Started(number, outlets, ours, reports, leash)


def read_reports(reports: int) -> Iterator[tuple[str, int]]:
    """What the guard says, word and number: pid, failed (error), stopped (signal), ended (as of `waitpid`)."""
    rest = b""
    while data := os.read(reports, 1):  # byte by byte: what follows is for the next reader
        if data != b"\n":
            rest += data
            continue
        word, _, number = rest.decode("ascii").partition(" ")
        rest = b""
        yield word, int(number)


class _Guard:
    """The process in between. It never returns to our own code."""

    def __init__(
        self, ours: int, theirs: int, errors: int, report: int, leash: int, modes: list[Any] | None
    ) -> None:
        self.ours = ours
        self.theirs = theirs
        self.errors = errors
        self.report_end = report
        self.leash = leash
        self.modes = modes

    def run(self, argv: list[str], environment: Mapping[str, str], mask: set[int]) -> None:
        """Start the command, see to it, and let go."""
        os.setsid()
        fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)
        bell, ring = os.pipe()
        os.set_blocking(ring, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        pid = self._start(argv, environment, mask)
        if pid:
            self._watch(pid, bell)
            self._pass_on()

    def _start(self, argv: list[str], environment: Mapping[str, str], mask: set[int]) -> int:
        trouble, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os._exit(self._become(argv, environment, mask, tell))
        os.close(tell)
        for descriptor in {self.theirs, self.errors}:
            os.close(descriptor)
        number = os.read(trouble, 4)
        os.close(trouble)
        if number:
            self._report("failed", int.from_bytes(number, "little"))
            return 0
        self._report("pid", pid)
        return pid

    def _become(self, argv: list[str], environment: Mapping[str, str], mask: set[int], tell: int) -> int:
        """In the command's process: take the foreground of the terminal, and begin."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(self.theirs, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.dup2(self.theirs, STDIN)
        os.dup2(self.theirs, STDOUT)
        os.dup2(self.errors, STDERR)
        number = become(argv, environment, mask)
        os.write(tell, number.to_bytes(4, "little"))
        return 127

    def _report(self, word: str, number: int) -> None:
        try:
            os.write(self.report_end, f"{word} {number}\n".encode("ascii"))
        except OSError:  # nobody is there to listen
            pass

    def _watch(self, pid: int, bell: int) -> None:
        """Report until the command has ended, and until we are let go."""
        has_ended, is_held = False, True
        while is_held or not has_ended:
            ready = select.select([bell, self.leash] if is_held else [bell, self.ours], [], [])[0]
            if bell in ready:
                os.read(bell, 512)
                has_ended = has_ended or self._has_ended(pid)
            if is_held and self.leash in ready:
                is_held = False
                if not has_ended:
                    self._lose(pid)
            elif self.ours in ready and not self._pass_some():
                os.close(self.ours)  # nobody can see it any more; whoever writes shall know
                os.waitpid(pid, 0)
                return

    def _has_ended(self, pid: int) -> bool:
        while True:
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if not found:
                return False
            if not os.WIFSTOPPED(status):
                self._report("ended", status)
                return True
            self._report("stopped", os.WSTOPSIG(status))

    def _lose(self, pid: int) -> None:
        """Labtop was killed: for the command that is the end of its terminal."""
        if self.modes is not None:
            set_modes(STDIN, self.modes)
        for number in (signal.SIGHUP, signal.SIGCONT):
            os.killpg(pid, number)

    def _pass_on(self) -> None:
        """Show what is still written by who is left in the terminal, until nobody is."""
        while self._pass_some():
            pass

    def _pass_some(self) -> bool:
        try:
            data = os.read(self.ours, 65536)
            while data:
                data = data[os.write(STDOUT, data) :]
                if not data:
                    return True
        except OSError:
            pass
        return False
