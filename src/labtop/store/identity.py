"""Makes the identities of runs and writers. Imports nothing, so that `labtop run` can start its command at once."""

from __future__ import annotations

import os

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_identity() -> str:
    """Ten random characters of lower-case base 32: 50 bits, no coordinator."""
    return "".join(ALPHABET[byte & 31] for byte in os.urandom(10))
