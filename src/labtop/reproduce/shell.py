"""Words of a POSIX shell: what was recorded becomes one quoted word each, and can never become code.

Secrets that were taken out when the run was recorded stand as `${TOKEN}` in the record; a script asks for them.
What a terminal would obey (control characters, bidirectional marks) is written as its bytes in octal, so that a
script can be shown, copied and pasted without a change.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from labtop.errors import InputError

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-]+|--?[A-Za-z][A-Za-z0-9_.-]*=[A-Za-z0-9_@%+:,./-]*")
_PLACEHOLDER = re.compile(
    r"\$\{((?:(?![0-9])[A-Z0-9_]*)?(?:PASS|PWD|SECRET|TOKEN|KEY|CRED|AUTH|JWT|SIGNATURE|WEBHOOK|REDACTED)[A-Z0-9_]*)\}"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# names that a shell would not look up in PATH, though a program of that name may have been run
_LISTED = """
if then else elif fi do done case esac while until for in function select time coproc repeat foreach end nocorrect
noglob break continue eval exec exit export readonly return set shift times trap unset alias bg cd command echo false
fc fg getopts hash jobs kill printf pwd read test true type ulimit umask unalias wait local declare typeset let source
history builtin enable help logout mapfile popd pushd dirs shopt suspend print whence where which limit log sched zle
r float integer disown emulate autoload .
"""
_WORDS_OF_SHELLS = frozenset(_LISTED.split())


def quote(word: str) -> str:
    """One word in quotes where it needs them, with no placeholder looked for. Raises InputError for a NUL."""
    if "\0" in word:
        raise InputError(f"{word[:40]!r} holds a NUL, which no argument or path can")
    if _PLAIN.fullmatch(word):
        return word
    pieces = [_piece(shown, "".join(each)) for shown, each in groupby(word, _is_shown)]
    return "".join(pieces) or "''"


def _piece(shown: bool, text: str) -> str:
    """Some characters of a word: as they are between quotes, or as bytes. Bytes never end in a line end."""
    if shown:
        return "'" + text.replace("'", "'\"'\"'") + "'"
    return "\"$(printf '" + "".join(f"\\{byte:03o}" for byte in _bytes(text)) + "')\""


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair: no argument of a program, though a record can hold it
        return text.encode("utf-8", "surrogatepass")


@lru_cache(4096)
def _is_shown(character: str) -> bool:
    """Whether a terminal shows a character as one sign of its own, or ends a line at it."""
    if character.isascii():
        return character == "\n" or character.isprintable()
    code = ord(character)
    if 0x115F <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF or code in (0x3164, 0xFFA0):  # parts of syllables
        return False
    return unicodedata.category(character)[0] in "LNPS"


def is_plain_text(content: bytes) -> bool:
    """Whether a file can stand in a script as it is: whole lines of signs that a terminal shows."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.endswith("\n") and all(map(_is_shown, set(text)))


def quote_argument(word: str) -> str:
    """One word in which `${TOKEN}` asks for the secret that was taken out."""
    parts: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(word):
        if found.start() > end:
            parts.append(quote(word[end : found.start()]))
        parts.append(f'"${{{found[1]}:?set it: it was a secret and is not recorded}}"')
        end = found.end()
    if end < len(word) or not parts:
        parts.append(quote(word[end:]))
    return "".join(parts)


def quote_command(argv: Sequence[str]) -> str:
    """A command that runs a program with exactly these arguments, in sh, bash, dash and zsh."""
    if not argv:
        raise InputError("an empty command cannot be run")
    program = argv[0]
    words = [quote_argument(word) for word in argv]
    if program in _WORDS_OF_SHELLS:
        words.insert(0, "env")
    elif words[0] == program and "=" in program:  # would be read as an assignment
        words[0] = f"'{program}'"
    return " ".join(words)


def secrets_in(argv: Sequence[str]) -> Iterator[str]:
    """The names of the secrets that a command asks for, each once."""
    yield from dict.fromkeys(found[1] for word in argv for found in _PLACEHOLDER.finditer(word))


def is_variable(name: str) -> bool:
    """Whether an environment variable's name may stand in a script."""
    return _VARIABLE.fullmatch(name) is not None


def comment(text: str, width: int = 72) -> list[str]:
    """Text as comment lines, whatever it holds: no character of it can end a line."""
    shown = "".join(each if each == " " or (_is_shown(each) and each != "\n") else " " for each in text)
    return [f"# {line}" for line in textwrap.wrap(shown, width)] or ["#"]
