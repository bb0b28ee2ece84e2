"""A filter's text as tokens: names (bare ones with `/`, `.`, `-` or spaces too), values, functions, operators.

Only what is named here can reach the parser: no comment, no semicolon, no cast, no keyword of SQL that starts
anything else than a boolean expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labtop.errors import FilterError
from labtop.query.filter_functions import FUNCTIONS
from labtop.query.filter_names import CONSTANTS, KEYWORDS, STATISTICS, Names
from labtop.query.filter_values import AGO, DATE, DURATION

Kind: TypeAlias = Literal[
    "name", "text", "number", "duration", "time", "constant", "function", "keyword", "operator", "(", ")", ","
]
OPERANDS = ("name", "text", "number", "duration", "time", "constant")
MAX_LENGTH = 10_000

_SPACE = re.compile(r"\s+")
_OPERATOR = re.compile(r"<=|>=|<>|!=|==|=~|!~|&&|\|\||\*\*|//|[=<>~+\-*/%^]")
_SPELLINGS = {"==": "=", "<>": "!=", "=~": "~", "^": "**"}
_NUMBER = re.compile(r"(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\w.])", re.IGNORECASE)
_WORD = re.compile(r"[\w./:@#+-]+")
_FUNCTION = re.compile(r"([A-Za-z_]\w*)(\s*)\(")
_PATTERN = re.compile(r"[^\s'\"(),][^\s]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `start` and `end` are characters of the user's text, `text` is what it says without quotes."""

    kind: Kind
    text: str
    start: int
    end: int
    quoted: bool = False


def tokenise(text: str, names: Names) -> list[Token]:
    """The tokens of a filter. Raises FilterError at a character that belongs to none."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"the filter is longer than {MAX_LENGTH:,} characters", text, MAX_LENGTH)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        token = _next_token(text, at, names, tokens[-1] if tokens else None)
        tokens.append(token)
        at = token.end
    return tokens


def _next_token(text: str, at: int, names: Names, before: Token | None) -> Token:
    if text[at] in "'\"":
        return _quoted(text, at)
    if _takes_pattern(before) and (pattern := _PATTERN.match(text, at)):
        written = _balanced(pattern.group())
        return Token("text", _checked(written, text, at), at, at + len(written))
    if text[at] in "(),":
        return Token(text[at], text[at], at, at + 1)  # type: ignore[arg-type]  # the three are kinds of their own
    for kind, form in (("time", AGO), ("time", DATE), ("duration", DURATION), ("number", _NUMBER)):
        if found := form.match(text, at):
            return Token(kind, found.group(), at, found.end())  # type: ignore[arg-type]  # likewise
    if (word := _word(text, at, names)) is not None:
        return word
    if operator := _OPERATOR.match(text, at):
        written = operator.group()
        if written in ("&&", "||"):
            return Token("keyword", "and" if written == "&&" else "or", at, operator.end())
        return Token("operator", _SPELLINGS.get(written, written), at, operator.end())
    raise FilterError(
        f"{text[at]!r} means nothing here",
        text,
        at,
        hint="put names that hold such characters in double quotes",
    )


def _word(text: str, at: int, names: Names) -> Token | None:
    """A function, keyword, constant or name at a place; None where none starts."""
    if text[at] in "+-":
        return None
    call = _FUNCTION.match(text, at)
    if call and call.group(1).lower() not in KEYWORDS and (not call.group(2) or _is_function(call.group(1))):
        return Token("function", call.group(1).lower(), at, call.end(1))
    known = names.match(text, at)
    found = _WORD.match(text, at)
    run = found.group().rstrip("./:-+@#") if found else ""
    if text[at] in "./:@#" and known == at:
        return None
    if run.lower() in KEYWORDS:
        return Token("keyword", run.lower(), at, at + len(run))
    if run.lower() in CONSTANTS:
        return Token("constant", run.lower(), at, at + len(run))
    if known > at and (known >= at + len(run) or _is_arithmetic(text[at : at + len(run)], names)):
        return Token("name", text[at:known], at, known)
    if not run:
        return None
    return Token("name", _checked(run, text, at), at, at + len(run))


def _is_function(word: str) -> bool:
    return word.lower() in STATISTICS or word.lower() in FUNCTIONS


def _is_arithmetic(run: str, names: Names) -> bool:
    """Whether a run such as `loss/10` is known names and numbers joined by operators, not one word."""
    at = 0
    while True:
        number = _NUMBER.match(run, at)
        end = number.end() if number else names.match(run, at)
        if end == at:
            return False
        if end == len(run):
            return True
        if run[end] not in "+-/":
            return False
        at = end + 1


def _quoted(text: str, at: int) -> Token:
    """A text in single quotes or a name in double quotes; the quote is doubled to stand for itself."""
    quote = text[at]
    found = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(text, at)
    if not found:
        raise FilterError("this quote is never closed", text, at, len(text) - at, f"close it with {quote}")
    content = _checked(found.group(1).replace(quote * 2, quote), text, at)
    return Token("text" if quote == "'" else "name", content, at, found.end(), quoted=True)


def _checked(content: str, text: str, at: int) -> str:
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise FilterError("this is not valid Unicode", text, at + error.start) from None
    return content


def _takes_pattern(before: Token | None) -> bool:
    """Whether a pattern may follow without quotes: `name like base%`."""
    return (
        before is not None
        and before.text in ("like", "ilike", "~", "!~")
        and before.kind in ("keyword", "operator")
    )


def _balanced(written: str) -> str:
    """A bare pattern up to the parenthesis that closes a group around it."""
    depth = 0
    for at, character in enumerate(written):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return written[:at]
    return written
