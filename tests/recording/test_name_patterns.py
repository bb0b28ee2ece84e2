"""Patterns taken together say what each of them says alone."""

from __future__ import annotations

from fnmatch import fnmatchcase

from labtop.recording.capture.environment import _ALLOWED
from labtop.recording.capture.name_patterns import NamePatterns
from labtop.recording.capture.secret_names import _SECRET_FILES

NAMES = (
    "CUDA_HOME", "XCUDA_", "NVIDIA_X_VERSION", "NVIDIA_VERSION", "LANG", "LANGUAGE", "", "*", "id_rsa", "x.pem", ".env",
    ".env.local", "prod.env", "client_secret_1.json", "service-account.json", "credentials", "credentials.txt", "a?c",
    "abc",
)  # fmt: skip


def test_they_match_as_fnmatch_does() -> None:
    """Also patterns with other signs than one star at an end."""
    patterns = (*_ALLOWED, *_SECRET_FILES, "a?c", "[xy]*", "*mid*dle*")
    for taken in (patterns, _ALLOWED, _SECRET_FILES, ("*",), ()):
        together = NamePatterns(taken)
        for name in (*NAMES, "xyz", "in the middle of"):
            assert together.match(name) == any(fnmatchcase(name, each) for each in taken), (name, taken)
