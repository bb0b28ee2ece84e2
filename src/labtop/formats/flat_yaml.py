"""Reads the flat `key: value` lines that most small YAML files consist of, much faster than a parser of all YAML.

Exact where it answers: whatever could mean something else to YAML (an escape, a tag, a folded line, a word such as
`yes`, a date) is left to the real parser.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import decode_text, read_whole
from labtop.formats.yaml_text import MOST_BYTES, cut_off, parse_yaml

_LINE = re.compile(
    r"(?P<key>[A-Za-z_][\w.-]*):"
    r"(?: (?:(?P<integer>0|-?[1-9][0-9]{0,17})|'(?P<quoted>[^'\n\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*)'"
    r"|(?P<plain>[A-Za-z/][^\n\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*)"
    r"|(?P<hexadecimal>(?!0b)[0-9a-f]*[a-f][0-9a-f]*)|(?P<empty>\[\])))?"
)
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def parse_flat(text: str) -> dict[str, Any] | None:
    """The mapping that the lines of `text` are; None where only a parser of all YAML can tell."""
    found: dict[str, Any] = {}
    match = _LINE.fullmatch
    for line in text.split("\n"):
        if not line:
            continue
        parts = match(line)
        if parts is None or not _is_plain_key(parts["key"]):
            return None
        kind = parts.lastgroup
        key = parts["key"]
        if kind == "integer":
            found[key] = int(parts["integer"])
        elif kind in ("quoted", "hexadecimal"):
            found[key] = parts[kind]
        elif kind == "empty":
            found[key] = []
        elif kind == "plain":
            plain = parts["plain"]
            if plain in ("null", "Null", "NULL"):
                found[key] = None
            elif _is_text(plain):
                found[key] = plain
            else:
                return None
        else:
            return None  # nothing after the colon: what follows may belong to it
    return found or None


def read_flat_yaml(path: Path) -> tuple[Any, str]:
    """The value of a small YAML file that a program wrote, and what is wrong with it. Raises OSError, InputError."""
    text, problem = decode_text(read_whole(str(path), MOST_BYTES))
    found = parse_flat(text)
    return parse_yaml(text) if found is None else found, problem or cut_off(text)


def read_mapping(path: Path, problems: list[str], name: str = "") -> dict[str, Any]:
    """The mapping of a small YAML file; empty, with a line in `problems`, where it has none."""
    name = name or path.name
    try:
        found, problem = read_flat_yaml(path)
    except OSError as error:
        problems.append(f"{name}: {error.strerror or error}")
        return {}
    except InputError as error:
        problems.append(f"{name}: {error}")
        return {}
    if isinstance(found, dict):
        if problem:
            problems.append(f"{name} {problem}")
        return found
    problems.append(f"{name}: {'is empty' if found is None else 'holds no mapping'}")
    return {}


def _is_plain_key(key: str) -> bool:
    return key.lower() not in _WORDS


def _is_text(plain: str) -> bool:
    """Whether a plain scalar that begins with a letter or a slash is nothing but text."""
    return plain.lower() not in _WORDS and ": " not in plain and " #" not in plain and plain[-1] not in ": \t"
