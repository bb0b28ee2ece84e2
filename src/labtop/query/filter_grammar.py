"""What may follow what in a filter: says what would fit where it stops, and joins bare words with `and`.

DuckDB's parser is the judge of the grammar; this one exists because it can say more than "syntax error".
"""

from __future__ import annotations

from dataclasses import dataclass

from labtop.errors import FilterError
from labtop.query.filter_tokens import OPERANDS, Token

MAX_DEPTH = 100
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")


@dataclass(slots=True)
class _Level:
    """An open parenthesis: a group, the list of `in`, or the arguments of a function."""

    kind: str
    token: Token | None
    was_condition: bool  # whether the parenthesis stood where a condition stands
    compared: bool = False  # whether a comparison was made since the last and, or, not
    betweens: int = 0  # how many `between` still want their `and`


def with_conjunctions(text: str, tokens: list[Token]) -> list[Token]:
    """The tokens with `and` between bare words. Raises FilterError where something cannot follow."""
    return _Reader(text, tokens).read()


class _Reader:
    """Reads tokens from left to right, in one of two states: an operand is wanted, or an operator."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.out: list[Token] = []
        self.levels = [_Level("group", None, True)]
        self.wants_operand = True
        self.is_condition = True  # whether the operand wanted, or just read, is a condition of its own
        self.unaries = 0
        self.arithmetic = 0  # every operator may nest the tree one level deeper

    def read(self) -> list[Token]:
        for at, token in enumerate(self.tokens):
            following = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
            if self.wants_operand:
                self._operand(token)
            else:
                self._operator(token, following)
            self.out.append(token)
        if self.wants_operand:
            raise self._error(None, _wanted(self.out))
        self._check_between(None)
        if len(self.levels) > 1:
            raise self._error(None, "expected a closing )")
        return self.out

    def _operand(self, token: Token) -> None:
        previous = self.out[-1] if self.out else None
        if previous and previous.kind == "function" and token.kind != "(":
            raise self._error(token, "expected (")
        if token.kind in OPERANDS:
            self.wants_operand = False
            self.unaries = 0
        elif token.kind == "(":
            called = previous is not None and previous.kind == "function"
            self._open("call" if called else "list" if _is_word(previous, "in") else "group", token)
        elif token.kind == "function":
            pass
        elif (_is_word(token, "not") and self.is_condition) or token.text in ("+", "-"):
            self._deepen(token)
            self.is_condition = self.is_condition and _is_word(token, "not")
        elif _is_word(token, "not") and _is_word(previous, "is"):
            pass
        else:
            raise self._error(token, _wanted(self.out))

    def _operator(self, token: Token, following: Token | None) -> None:
        level = self.levels[-1]
        if token.kind == ")":
            self._close(token)
        elif token.kind == ",":
            if level.kind == "group":
                raise self._error(token, "expected and, or, or an operator such as <")
            self.wants_operand, self.is_condition = True, False
        elif _is_word(token, "and") and level.betweens:
            self.wants_operand, self.is_condition, level.betweens = True, False, level.betweens - 1
        elif _is_word(token, "and") or _is_word(token, "or"):
            self._check_between(token)
            self.wants_operand, self.is_condition, level.compared = True, level.kind == "group", False
        elif (
            token.kind in OPERANDS
            or token.kind in ("function", "(")
            or self._starts_condition(token, following)
        ):
            self._join(token)
        elif _is_word(token, "not"):
            pass  # not in, not like, not between
        elif token.kind in ("keyword", "operator"):
            if token.text in _COMPARISONS:
                if level.compared:
                    raise self._error(token, "compare two values at a time", "as in: 0 < lr and lr < 1")
                level.compared = True
            elif token.kind == "operator":
                self.arithmetic += 1
                self._check_depth(token)
            level.betweens += token.text == "between"
            self.wants_operand, self.is_condition = True, False
        else:
            raise self._error(token, "expected and, or, or an operator such as <")

    def _starts_condition(self, token: Token, following: Token | None) -> bool:
        continues = following is not None and following.text in ("in", "like", "ilike", "between", "has")
        return _is_word(token, "not") and not (
            continues and following is not None and following.kind == "keyword"
        )

    def _join(self, token: Token) -> None:
        """Put `and` before a token that starts the next condition, if what stands before it is one."""
        if not (self.is_condition and self.levels[-1].kind == "group"):
            raise self._error(
                token, "expected and, or, or an operator such as <", "quote a text of several words"
            )
        self.out.append(Token("keyword", "and", token.start, token.start))
        self.wants_operand, self.levels[-1].compared = True, False
        self._operand(token)

    def _check_between(self, token: Token | None) -> None:
        if self.levels[-1].betweens:
            raise self._error(token, "expected and, with the upper bound of between")

    def _open(self, kind: str, token: Token) -> None:
        self.levels.append(_Level(kind, token, self.is_condition))
        self._check_depth(token)
        self.is_condition = kind == "group" and self.is_condition

    def _close(self, token: Token) -> None:
        if len(self.levels) == 1:
            raise self._error(token, "this ) closes nothing")
        self._check_between(token)
        self.is_condition = self.levels.pop().was_condition

    def _deepen(self, token: Token) -> None:
        self.unaries += 1
        self._check_depth(token)

    def _check_depth(self, token: Token) -> None:
        if max(len(self.levels) + self.unaries, self.arithmetic) > MAX_DEPTH:
            raise self._error(token, f"more than {MAX_DEPTH} levels deep")

    def _error(self, token: Token | None, message: str, hint: str = "") -> FilterError:
        start, end = (token.start, token.end) if token else (len(self.text), len(self.text) + 1)
        return FilterError(message, self.text, start, max(end - start, 1), hint)


def _is_word(token: Token | None, word: str) -> bool:
    return token is not None and token.kind == "keyword" and token.text == word


def _wanted(before: list[Token]) -> str:
    """What would fit after these tokens, in words."""
    last = before[-1] if before else None
    if last is None:
        return "expected a column, or words to search for"
    if last.kind == "keyword" and last.text in ("and", "or", "not"):
        return f"expected a condition after {last.text}"
    if last.kind == "keyword" and last.text == "in":
        return "expected a list in parentheses after in"
    if last.kind == "keyword" and last.text == "is":
        return "expected null, not null, nan or a value after is"
    if last.kind == "(":
        return "expected a value or a condition after ("
    return f"expected a value after {last.text}"
