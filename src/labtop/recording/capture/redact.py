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
from functools import cache
from typing import Any

from labtop.errors import UsageError
from labtop.recording.capture.secret_names import is_secret_name, is_surely_secret_name, placeholder

LINE_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class _Look:
    """A secret that is known by its look. `hints` are lower-case texts without which it cannot be there."""

    name: str
    hints: tuple[str, ...]
    expression: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first needed: all of them cost 10 ms."""
        return _compiled(self.expression)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _look(name: str, hints: str, pattern: str) -> _Look:
    return _Look(name, tuple(hints.split()), pattern)


_B = r"(?<![A-Za-z0-9])"  # begins a word; also keeps a repeat from starting again at each letter
_LOOKS = (
    _look("AWS_ACCESS_KEY_ID", "akia asia abia acca", _B + r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}"),
    _look("GITHUB_TOKEN", "ghp_ gho_ ghu_ ghs_ ghr_", _B + r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _look("GITHUB_TOKEN", "github_pat_", _B + r"github_pat_[A-Za-z0-9_]{20,}"),
    _look("GITLAB_TOKEN", "glpat- gldt- glrt- glptt-", _B + r"gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{16,}"),
    _look("HF_TOKEN", "hf_", _B + r"hf_[A-Za-z0-9]{30,}"),
    _look("HF_TOKEN", "api_org_", _B + r"api_org_[A-Za-z0-9]{30,}"),
    _look("API_KEY", "sk-", _B + r"sk-(?:(?:ant|proj|svcacct|admin|or|lf)-)?"
          r"(?:(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,})"),
    _look("STRIPE_KEY", "sk_live_ sk_test_ rk_live_ rk_test_", _B + r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _look("SLACK_TOKEN", "xoxa- xoxb- xoxp- xoxr- xoxs- xoxe- xoxc- xoxd-", _B + r"xox[abcdeprs]-[A-Za-z0-9-]{10,}"),
    _look("SLACK_TOKEN", "xapp-", _B + r"xapp-[A-Za-z0-9-]{10,}"),
    _look("SLACK_WEBHOOK", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/_-]{20,}"),
    _look("GOOGLE_API_KEY", "aiza", _B + r"AIza[0-9A-Za-z_-]{35,}"),
    _look("GOOGLE_TOKEN", "ya29.", _B + r"ya29\.[0-9A-Za-z_-]{20,}"),
    _look("GOOGLE_CLIENT_SECRET", "gocspx-", _B + r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    _look("JWT", "eyj", _B + r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    _look("PYPI_TOKEN", "pypi-", _B + r"pypi-[A-Za-z0-9_-]{40,}"),
    _look("NPM_TOKEN", "npm_", _B + r"npm_[A-Za-z0-9]{30,}"),
    _look("DIGITALOCEAN_TOKEN", "dop_v1_ doo_v1_ dor_v1_", _B + r"do[opr]_v1_[a-f0-9]{40,}"),
    _look("SENDGRID_API_KEY", "sg.", _B + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _look("DATABRICKS_TOKEN", "dapi", _B + r"dapi[a-f0-9]{32}"),
    _look("GROQ_API_KEY", "gsk_", _B + r"gsk_[A-Za-z0-9]{30,}"),
    _look("REPLICATE_API_TOKEN", "r8_", _B + r"r8_[A-Za-z0-9]{30,}"),
    _look("NVIDIA_API_KEY", "nvapi-", _B + r"nvapi-[A-Za-z0-9_-]{30,}"),
    _look("XAI_API_KEY", "xai-", _B + r"xai-[A-Za-z0-9]{30,}"),
    _look("TOGETHER_API_KEY", "tgp_v1_", _B + r"tgp_v1_[A-Za-z0-9_-]{20,}"),
    _look("WANDB_API_KEY", "wandb_v1_", _B + r"wandb_v1_[A-Za-z0-9_]{20,}"),
    _look("LANGSMITH_API_KEY", "lsv2_", _B + r"lsv2_[a-z]{2}_[A-Za-z0-9_]{20,}"),
    _look("SQUARE_TOKEN", "eaaa", _B + r"EAAA[A-Za-z0-9_-]{40,}"),
    _look("TELEGRAM_TOKEN", ":aa", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    _look("VAULT_TOKEN", "hvs. hvb.", _B + r"hv[sb]\.[A-Za-z0-9_-]{24,}"),
    _look("DOCKER_TOKEN", "dckr_pat_ dckr_oat_", _B + r"dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    _look("SHOPIFY_TOKEN", "shpat_ shpss_ shpca_ shppa_", _B + r"shp(?:at|ss|ca|pa)_[A-Fa-f0-9]{32}"),
    _look("LINEAR_API_KEY", "lin_api_ lin_oauth_", _B + r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _look("NOTION_TOKEN", "ntn_", _B + r"ntn_[A-Za-z0-9]{40,}"),
    _look("FIGMA_TOKEN", "figd_", _B + r"figd_[A-Za-z0-9_-]{20,}"),
    _look("PLANETSCALE_TOKEN", "pscale_", _B + r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}"),
    _look("ATLASSIAN_TOKEN", "atatt3", _B + r"ATATT3[A-Za-z0-9_=-]{40,}"),
    _look("AGE_KEY", "age-secret-key-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    _look("TAILSCALE_KEY", "tskey-", _B + r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{20,}"),
    _look("PERPLEXITY_API_KEY", "pplx-", _B + r"pplx-[A-Za-z0-9]{40,}"),
    _look("SENTRY_TOKEN", "sntrys_ sntryu_", _B + r"sntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    _look("GRAFANA_TOKEN", "glsa_ glc_", _B + r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,}"),
    _look("POSTMAN_API_KEY", "pmak-", _B + r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _look("RUBYGEMS_API_KEY", "rubygems_", _B + r"rubygems_[a-f0-9]{48}"),
    _look("CRATES_TOKEN", "cio", _B + r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _look("TERRAFORM_TOKEN", ".atlasv1.", _B + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}"),
    _look("NEPTUNE_API_TOKEN", "eyjhcglfywrkcmvzcyi6", r"eyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/=_-]{20,}"),
    _look("AZURE_KEY", "accountkey= accesskey=", r"(?i)(?:(?<=AccountKey=)|(?<=AccessKey=))[A-Za-z0-9+/=]{20,}"),
    _look("SIGNATURE", "sig= signature=", r"(?i)(?<=[?&]sig=)[A-Za-z0-9%+/=_-]{16,}"),
    _look("SIGNATURE", "x-amz-signature= x-amz-security-token= x-amz-credential= x-goog-signature=",
          r"(?i)(?<=[?&])X-(?:Amz|Goog)-(?:Signature|Security-Token|Credential)=[^\s&\"']{8,}"),
    _look("AUTHORIZATION", "bearer basic", r"(?i)(?:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{16,}"),
)  # fmt: skip
_URL_USER = re.compile(r"(?<=://)(?!git@)[^\s/\"'<>?#]{1,512}@(?=[^\s@])")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_NAME_HINTS = ("pass", "secret", "token", "key", "cred", "auth", "pwd")
_ALL_HINTS = (*_NAME_HINTS, *(hint for look in _LOOKS for hint in look.hints))
_HINTS_BY_SIGN = [
    (sign, [hint for hint in _ALL_HINTS if (next((each for each in "_-=." if each in hint), "")) == sign])
    for sign in ("", *"_-=.")
]
"""What a text without any `_` need not be searched for, and so on."""
# a name and what assigns to it: `token=`, `"token": `, `environ["TOKEN"] = `, `token: str = `
_ASSIGNED_NAME = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{2,}+)[\"']?\]?[ \t]{0,4}"
    r"(?::[ \t]{0,4}(?:str|bytes|Any|Final|Optional|SecretStr)\b[\w.\[\]| ,]{0,40}=|:=|=>|==|[:=])[ \t]{0,4}"
)
_VALUE = re.compile(r"\"(?:[^\"\\\n]|\\.){0,4096}\"?|'(?:[^'\\\n]|\\.){0,4096}'?|[^\s\"',;&)\]}]{1,256}")
_REST = re.compile(r"[^\s\"',;&)\]}]*")
_FLAG = re.compile(
    r"(?<![\w.-])(?P<flag>--?(?P<name>[A-Za-z][\w.-]{1,79}))(?P<between>[ \t]{1,4})(?P<value>[^\s-]\S{0,4095})"
)
_NO_SECRET = re.compile(r"(?i)bearer|basic|token|none|null|nil|true|false|\*+|[\[<{(].{0,60}[\]>})]|\$[({].*")
_LITERAL = re.compile(r"[A-Za-z0-9_+/=.~!@#$%^*-]{8,}")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Redacts text, argument lists and configuration. Make one a run with `Redactor.build`."""

    known: tuple[str, ...] = ()  # literal secrets of this process, longest first
    names: Mapping[str, str] = field(default_factory=dict)  # literal secret → name of its variable
    extra: tuple[re.Pattern[str], ...] = ()  # the user's own patterns

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
            or any(
                look.pattern.search(text) is not None
                for look in _LOOKS
                if any(hint in low for hint in look.hints)
            )
        )

    def leaves(self, text: str) -> bool:
        """Whether `text` is sure to come back as it is, but for long lines: a quick look at many lines at once."""
        if self.extra or any(secret in text for secret in self.known):
            return False
        low = text.lower()
        return (
            "private key" not in low
            and not ("://" in low and "@" in low)
            and not any(hint in low for sign, hints in _HINTS_BY_SIGN if sign in low for hint in hints)
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
        for look in _LOOKS:
            for hint in look.hints:  # plain loops: half the cost of any() on each printed line
                if hint in low:
                    text = look.pattern.sub(f"${{{look.name}}}", text)
                    break
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
        quote = value[0][0] if value[0][0] in "\"'" else ""
        parts += (text[done:at], quote, placeholder(found["name"]), quote)
        rest = _REST.match(text, value.end()) if not quote else None
        done = at = rest.end() if rest else value.end()
    return "".join((*parts, text[done:]))


def _is_secret_in_text(assigned: str, value: str) -> bool:
    """In text that nobody runs: everything after `token=`; after `token: ` only what is no word of prose."""
    inner = value.strip("\"'")
    if not inner or _NO_SECRET.fullmatch(inner):
        return False
    is_prose = ":" in assigned and "=" not in assigned and value[0] not in "\"'"
    return not is_prose or is_surely_secret_name(_name_of(assigned)) or _looks_random(inner)


def _is_secret_in_source(assigned: str, value: str) -> bool:
    """In program text: literals, and never an expression."""
    inner = value.strip("\"'")
    if not inner or _NO_SECRET.fullmatch(inner):
        return False
    if value[0] in "\"'":
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
    return f"{match['flag']}{match['between']}{placeholder(match['name'])}"


def _after_flag_in_source(match: re.Match[str]) -> str:
    """In a script's own command line: `--token abc123…`, and not `--token "$TOKEN"`."""
    return (
        _after_flag(match)
        if _LITERAL.fullmatch(match["value"]) and _looks_random(match["value"])
        else match[0]
    )
