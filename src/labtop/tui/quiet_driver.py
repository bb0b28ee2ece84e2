"""Textual's driver for terminals, less the reports of every motion of the mouse (mode 1003).

Clicks and the wheel are all labtop uses; over SSH each motion would cost a packet and wake the program.
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver

ON = "\x1b[?1000h\x1b[?1006h"
OFF = "\x1b[?1006l\x1b[?1000l"


class QuietDriver(LinuxDriver):
    """A driver whose mouse reports clicks and the wheel, and can be switched while the program runs."""

    _mouse: bool

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write(ON)
            self.flush()

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write(OFF)
            self.flush()

    def set_mouse(self, on: bool) -> None:
        """Switch the mouse; off, the terminal selects text again."""
        if on != self._mouse:
            self._mouse = on
            self.write(ON if on else OFF)
            self.flush()
