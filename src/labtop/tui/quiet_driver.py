"""Textual's driver for terminals, less the reports of every motion of the mouse (mode 1003).

Clicks and the wheel are all labtop uses; over SSH each motion would cost a packet and wake the program.

And Escape with a letter or digit after it is those two keys: over a slow line they arrive together, which for Textual
is alt and that key, and of some digits a sign (`Esc 2` typed ™ into the filter). No key of labtop needs alt.
"""

from __future__ import annotations

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS  # the only door: there is no public name for it
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import _character_to_key
from textual.message import Message

ON = "\x1b[?1000h\x1b[?1006h"
OFF = "\x1b[?1006l\x1b[?1000l"


class QuietDriver(LinuxDriver):
    """A driver whose mouse reports clicks and the wheel, and can be switched while the program runs."""

    _mouse: bool

    def process_message(self, message: Message) -> None:
        """Pass a message on; runs in the thread that reads."""
        for each in apart(message):
            super().process_message(each)

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


def apart(message: Message) -> tuple[Message, ...]:
    """Escape and the key after it where they came as one; all else as it is."""
    if not isinstance(message, events.Key) or not message.key.startswith("alt+") or not message.character:
        return (message,)
    key = events.Key(_character_to_key(message.character), message.character)
    return events.Key("escape", "\x1b"), key


def forget_signs() -> None:
    """Let Escape and a digit be what they are; Textual has signs for them, as a Mac's keyboard does with alt."""
    if isinstance(ANSI_SEQUENCES_KEYS, dict):
        for character in "§1234567890-=":
            ANSI_SEQUENCES_KEYS.pop(f"\x1b{character}", None)
