"""Words to the person who trains: each said once, through logging, so that nothing can turn them into an exception."""

from __future__ import annotations

import logging

_LOGGER = logging.getLogger("labtop")  # without any set-up it prints to stderr


class Warnings:
    """Says each thing once a run and remembers what was said."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def once(self, key: str, message: str) -> bool:
        """Say `message` unless something was said for `key` before; whether it was."""
        if key in self.said:
            return False
        self.said[key] = message
        tell(message)
        return True


def tell(message: str) -> None:
    """Say something about recording."""
    _LOGGER.warning(message if message.startswith("labtop") else f"labtop: {message}")


def complain(message: str) -> None:
    """Say something that must not be missed: the record is not where it was asked to be."""
    _LOGGER.error(f"labtop: {message}")
