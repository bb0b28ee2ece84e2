"""Every error labtop raises on purpose, and nothing else.

    LabtopError                 what was wrong, with the value, and what to do next
    ├── UsageError              the command line or an argument is wrong              (exit 2)
    │   └── FilterError         a filter is wrong, at a character
    ├── InputError              input is missing, unreadable or damaged               (exit 3)
    │   ├── NoStoreError        a path holds no runs
    │   ├── NoRunError          a run is unknown
    │   ├── AmbiguousRunError   a name fits several runs
    │   └── NewerFormatError    a store was written by a newer labtop
    ├── RecordingError          the recorder could not write, and `strict` asked to be told
    └── QueryError              SQL was refused or failed                              (exit 2)

Errors of libraries are translated into one of these where they enter, and chained.
"""

from __future__ import annotations


class LabtopError(Exception):
    """The root: `message` says what was wrong, `hint` what to do next; `exit_code` is the command line's."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} — {hint}" if hint else message)
        self.message = message
        self.hint = hint


class UsageError(LabtopError):
    """An argument is wrong."""

    exit_code = 2


class FilterError(UsageError):
    """A filter is wrong at `position` (0-based character of `text`); `length` characters are at fault."""

    def __init__(self, message: str, text: str, position: int, length: int = 1, hint: str = "") -> None:
        super().__init__(message, hint)
        self.text = text
        self.position = position
        self.length = length


class QueryError(LabtopError):
    """SQL was refused or failed; at `position` (0-based character of the query) where that is known."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "", position: int | None = None) -> None:
        super().__init__(message, hint)
        self.position = position


class InputError(LabtopError):
    """Input is missing, unreadable or damaged."""


class NoStoreError(InputError):
    """A path holds no runs that labtop can read."""


class NoRunError(InputError):
    """No run has this id, prefix or name."""


class AmbiguousRunError(InputError):
    """Several runs fit."""


class NewerFormatError(InputError):
    """The store was written in a newer format than this labtop knows."""


class RecordingError(LabtopError):
    """The recorder could not write, and `strict` asked to be told."""
