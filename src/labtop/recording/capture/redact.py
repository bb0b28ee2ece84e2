"""Takes secrets out of everything that a run records, before it is written.

Three ways find them: the name they stand under (`--token x`, `password=…`), their own look (`ghp_…`, a PEM block, user
and password in a URL), and the values of the process's own environment variables with secret names. What is found
gives way to `${NAME}`, so that a reproduced command shows what to fill in.

Every pattern is linear: no repeat inside a repeat, and long repeats begin where a look-behind lets them begin once.
In free text, lines longer than `LINE_LIMIT` are cut first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labtop.errors import UsageError
from labtop.recording.capture.plain_lines import PlainLines
from labtop.recording.capture.secret_looks import has_hint, holds_look, without_looks
from labtop.recording.capture.secret_names import is_secret_name, is_surely_secret_name, placeholder

LINE_LIMIT = 65_536


_URL_USER = re.compile(r"(?<=://)(?!git@)[^\s/\"'<>?#]{1,512}@(?=[^\s@])")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_NAME_HINTS = ("pass", "secret", "token", "key", "cred", "auth", "pwd")
# a name and what assigns to it: `token=`, `"token": `, `environ["TOKEN"] = `, `token: str = `
_ASSIGNED_NAME = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{2,}+)\\{0,3}[\"']?\]?[ \t]{0,4}"
    r"(?::[ \t]{0,4}(?:str|bytes|Any|Final|Optional|SecretStr)\b[\w.\[\]| ,]{0,40}=|:=|=>|==|[:=])[ \t]{0,4}"
)
# quotes may be escaped, in JSON inside of JSON: then the value ends before the next backslash or quote
_VALUE = re.compile(
    r"\\{1,3}[\"'][^\\\"'\n]{0,4096}|\"(?:[^\"\\\n]|\\.){0,4096}\"?|'(?:[^'\\\n]|\\.){0,4096}'?|[^\s\"',;&)\]}]{1,256}"
)
_QUOTE = re.compile(r"\\{0,3}[\"']")
_REST = re.compile(r"[^\s\"',;&)\]}]*")
_FLAG = re.compile(
    r"(?<![\w.-])(?P<flag>--?(?P<name>[A-Za-z][\w.-]{1,79}))(?P<between>[ \t]{1,4})"
    r"(?P<value>\"[^\"\n]{0,4096}\"|'[^'\n]{0,4096}'|[^\s\"'\\-][^\s\"'\\]{0,4095})"
)
_NO_SECRET = re.compile(r"(?i)bearer|basic|token|none|null|nil|true|false|\*+|[\[<{(].{0,60}[\]>})]|\$[({].*")
_LITERAL = re.compile(r"[A-Za-z0-9_+/=.~!@#$%^*-]{8,}")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


def _names_secret(text: str) -> bool:
    low = text.lower()
    return any(hint in low for hint in _NAME_HINTS) and (
        any(is_secret_name(found["name"][-200:]) for found in _ASSIGNED_NAME.finditer(text))
        or any(is_secret_name(found["name"]) for found in _FLAG.finditer(text))
    )


@dataclass(frozen=True, slots=True)
class Redactor:
    """Redacts text, argument lists and configuration. Make one a run with `Redactor.build`."""

    known: tuple[str, ...] = ()  # literal secrets of this process, longest first
    names: Mapping[str, str] = field(default_factory=dict)  # literal secret → name of its variable
    extra: tuple[re.Pattern[str], ...] = ()  # the user's own patterns
    _plain: PlainLines = field(default_factory=lambda: PlainLines(_names_secret), repr=False, compare=False)

    @classmethod
    def build(cls, environment: Mapping[str, str], patterns: Iterable[str] = ()) -> Redactor:
        """A redactor that also knows the secrets in `environment` and the user's `patterns`."""
        names = {
            value: name
            for name, value in environment.items()
            if is_secret_name(name) and _is_worth_knowing(value)
        }
        try:
            extra = tuple(re.compile(pattern) for pattern in patterns)
        except re.error as error:
            raise UsageError(f"the setting redact holds a pattern that is not usable: {error}") from error
        return cls(tuple(sorted(names, key=len, reverse=True)), names, extra)

    def text(self, text: str) -> str:
        """Free text (output, notes, messages) without its secrets; lines over the limit are cut."""
        if not self.extra and self._plain.has(text):  # nearly all that programs print, a tenth of the time
            for secret in self.known:
                if secret in text:
                    break
            else:
                return text
        if len(text) > LINE_LIMIT and max(map(len, text.splitlines()), default=0) > LINE_LIMIT:
            text = "".join(map(_cut, text.splitlines(keepends=True)))
        return self._whole(text, _is_secret_in_text)

    def source(self, text: str) -> str:
        """Program text without its secrets; `token = ask()` stays, since it holds none."""
        return self._whole(text, _is_secret_in_source)

    def tokens(self, text: str) -> str:
        """Text without what is a secret by its look; names are not judged. For files that machines write."""
        return self._whole(text, None)

    def uri(self, uri: str) -> str:
        """An address without user, password and secret parameters."""
        return self.text(_URL_USER.sub("", uri))

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Arguments without their secrets: after a secret flag, in `name=value`, and by look."""
        clean: list[str] = []
        secret_flag = ""
        for argument in argv:
            if secret_flag and not argument.startswith("--"):
                clean.append(placeholder(secret_flag))
                secret_flag = ""
                continue
            secret_flag = ""
            name, is_pair, value = argument.partition("=")
            bare = name.lstrip("-+~")
            if is_pair and value and is_secret_name(bare) and not re.search(r"\s", name):
                clean.append(f"{name}={placeholder(bare)}")
                continue
            if not is_pair and name.startswith("-") and is_secret_name(bare):
                secret_flag = bare
            clean.append(self.text(argument))
        return tuple(clean)

    def tree(self, value: Any, name: str = "") -> Any:
        """A configuration tree (mappings, lists, scalars) without its secrets, by name and by look."""
        if isinstance(value, Mapping):
            inner = name if is_surely_secret_name(name) else ""
            if "key" in value and "username" in value:  # as Kaggle has it
                value = {**value, "key": self.tree(value["key"], "api_key")}
            return {self.text(str(key)): self.tree(each, inner or str(key)) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.tree(each, name) for each in value]
        if isinstance(value, str):
            is_secret = bool(value) and is_secret_name(name) and not _NO_SECRET.fullmatch(value)
            return placeholder(name) if is_secret else self.text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and is_surely_secret_name(name):
            return placeholder(name)
        return value

    def holds_secret(self, text: str) -> bool:
        """Whether a file's text holds anything that `source` would take out; in binary files only what looks it."""
        return self.holds_token(text) if "\0" in text[:8000] else self.source(text) != text

    def holds_token(self, text: str) -> bool:
        """Whether a text holds a secret by its look or value; what is assigned to names is not judged."""
        low = text.lower()
        return (
            any(secret in text for secret in self.known)
            or ("private key" in low and _PEM_BEGIN.search(text) is not None)
            or holds_look(text, low)
        )

    def leaves(self, text: str) -> bool:
        """Whether `text` is sure to come back as it is, but for long lines: a quick look at many lines at once."""
        if self.extra or any(secret in text for secret in self.known):
            return False
        low = text.lower()
        return (
            "private key" not in low
            and not ("://" in low and "@" in low)
            and not any(hint in low for hint in _NAME_HINTS)
            and not has_hint(low)
        )

    def _whole(self, text: str, is_secret_value: Callable[[str, str], bool] | None) -> str:
        low = text.lower()
        for secret in self.known:
            if secret in text:
                text = text.replace(secret, placeholder(self.names[secret]))
        for pattern in self.extra:
            text = pattern.sub("${REDACTED}", text)
        if "private key" in low:
            text = _without_pem(text)
        if "://" in low and "@" in low:
            text = _URL_USER.sub("${CREDENTIALS}@", text)
        text = without_looks(text, low)
        if is_secret_value is not None and any(hint in low for hint in _NAME_HINTS):
            text = _without_assigned(text, is_secret_value)
            text = _FLAG.sub(
                _after_flag if is_secret_value is _is_secret_in_text else _after_flag_in_source, text
            )
        return text


def _is_worth_knowing(value: str) -> bool:
    """Whether a variable's value may be taken out wherever it stands: no path, and no common word like `postgres`."""
    if len(value) < 8 or value.startswith(("/", "~", "./", "${")):
        return False
    return len(value) >= 16 or not value.isalpha()


def _cut(line: str) -> str:
    words = line.rstrip("\r\n")
    if len(words) <= LINE_LIMIT:
        return line
    return f"{words[:LINE_LIMIT]} … [{len(words) - LINE_LIMIT} characters cut]{line[len(words) :]}"


def _without_pem(text: str) -> str:
    parts: list[str] = []
    at = 0
    while begin := _PEM_BEGIN.search(text, at):
        end = _PEM_END.search(text, begin.end())
        parts += (text[at : begin.start()], "${PRIVATE_KEY}")
        at = end.end() if end else len(text)
    return "".join((*parts, text[at:]))


def _without_assigned(text: str, is_secret_value: Callable[[str, str], bool]) -> str:
    """Take out what is assigned to secret names. Looks at every name, also at those inside another's value."""
    parts: list[str] = []
    done = at = 0
    while found := _ASSIGNED_NAME.search(text, at):
        at = found.end()
        if not is_secret_name(found["name"][-200:]):
            continue
        value = _VALUE.match(text, at)
        if value is None or not is_secret_value(found[0], value[0]):
            continue
        begin = _QUOTE.match(value[0])
        quote = begin[0] if begin else ""
        parts += (text[done:at], quote, placeholder(found["name"]), quote if len(quote) == 1 else "")
        rest = _REST.match(text, value.end()) if not quote else None
        done = at = rest.end() if rest else value.end()
    return "".join((*parts, text[done:]))


def _is_secret_in_text(assigned: str, value: str) -> bool:
    """In text that nobody runs: everything after `token=`; after `token: ` only what is no word of prose."""
    inner = value.strip("\\\"'")
    if not inner or _NO_SECRET.fullmatch(inner):
        return False
    is_prose = ":" in assigned and "=" not in assigned and value[0] not in "\\\"'"
    return not is_prose or is_surely_secret_name(_name_of(assigned)) or _looks_random(inner)


def _is_secret_in_source(assigned: str, value: str) -> bool:
    """In program text: literals, and never an expression."""
    inner = value.strip("\\\"'")
    if not inner or _NO_SECRET.fullmatch(inner):
        return False
    if value[0] in "\\\"'":
        is_sure = is_surely_secret_name(_name_of(assigned)) and len(inner) >= 6
        return " " not in inner and (is_sure or _looks_random(inner))
    return bool(_LITERAL.fullmatch(inner) and re.search(r"\d", inner) and not _DOTTED_NAME.fullmatch(inner))


def _name_of(assigned: str) -> str:
    found = _ASSIGNED_NAME.match(assigned)
    return found["name"][-200:] if found else assigned


def _looks_random(value: str) -> bool:
    return len(value) >= 16 or (len(value) >= 8 and any(map(str.isdigit, value)))


def _after_flag(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]) or _NO_SECRET.fullmatch(match["value"].strip("\"'")):
        return match[0]
    quote = match["value"][0] if match["value"][0] in "\"'" else ""
    return f"{match['flag']}{match['between']}{quote}{placeholder(match['name'])}{quote}"


def _after_flag_in_source(match: re.Match[str]) -> str:
    """In a script's own command line: `--token abc123…`, and not `--token "$TOKEN"`."""
    return (
        _after_flag(match)
        if _LITERAL.fullmatch(value := match["value"].strip("\"'")) and _looks_random(value)
        else match[0]
    )
