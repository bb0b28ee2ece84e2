"""Which names announce a secret (`--api-key`, `db.password`), and which only sound so (`pad_token`, `author`).

In machine learning "token" mostly means a piece of text, and a redacted `max_tokens` would spoil a run for good, so a
name is judged by its words, not by what it contains.
"""

from __future__ import annotations

import re
from functools import lru_cache

from labtop.recording.capture.name_patterns import NamePatterns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANYWHERE = _words(
    "password passwd passphrase secret secrets credential credentials apikey apikeys authorization "
    "passcode pwd privatekey accesskey secretkey authtoken accesstoken"
)
_BEFORE_KEY = _words(
    "api access private secret signing encryption account ssh license master auth client storage sas hmac "
    "subscription kaggle openai anthropic azure aws wandb comet huggingface hf mistral cohere groq gemini openrouter "
    "replicate deepseek xai nvidia ngc clearml neptune sendgrid stripe twilio pinecone langsmith"
)
_PUBLIC_AFTER_KEY = _words("path file dir name column col")
_TEXT_BEFORE_TOKEN = _words(
    "pad padding eos bos unk cls sep mask special start end stop image video audio begin per prompt first last "
    "next prev previous target source word trigger class register sub extra by query visual patch separator boundary "
    "n num max min decoder action state think"
)
_AFTER_AUTH = _words("key token header secret password code value")
_PASSES = _words("forward backward first second single multi one two num n by low high band all per max")

_SECRET_FILES = (
    ".env", ".env.*", "*.env", "*.pem", "id_*", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials", ".dockercfg",
    "credentials", "credentials.*", "secrets.*", "*.secret", "client_secret*.json", "service-account*.json",
    "service_account*.json", "kubeconfig", "*.tfvars", "*.asc", "*.gpg",
)  # fmt: skip
_SURELY_SECRET_FILES = (
    ".env", "*.pem", "*.p12", "*.pfx", "*.key", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc",
    ".git-credentials",
)  # fmt: skip
_SECRET_FOLDERS = frozenset((".aws", ".ssh", ".gnupg", ".kube", ".docker"))

_SECRET = NamePatterns(_SECRET_FILES)
_SURELY_SECRET = NamePatterns(_SURELY_SECRET_FILES)

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a parameter, flag or variable of this name holds a secret."""
    return _strength(name) > 0


@lru_cache(maxsize=4096)
def is_surely_secret_name(name: str) -> bool:
    """Whether even a number under this name is a secret; `token = 5` and `auth = 1` are not."""
    return _strength(name) > 1


def is_secret_file(path: str) -> bool:
    """Whether a file is a key or a credential by its name; `path` has forward slashes."""
    *folders, name = path.lower().split("/")
    return _SECRET.match(name) or not _SECRET_FOLDERS.isdisjoint(folders)


def is_surely_secret_file(path: str) -> bool:
    """As `is_secret_file`, without names that often are something else, such as `id_mapping.py`."""
    return _SURELY_SECRET.match(path.lower().rsplit("/", 1)[-1])


def placeholder(name: str) -> str:
    """What stands for the secret of this name, as a shell would fill it in: `${API_KEY}`."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name[-60:].rsplit(".", 1)[-1]).strip("_").upper()
    return f"${{{word if word and not word[0].isdigit() else 'SECRET'}}}"


def _strength(name: str) -> int:
    """2 for a name that means a secret, 1 for one that does unless its value is a number, 0 else."""
    words = [word.lower() for word in _WORDS.findall(name[-200:])]
    if not words:
        return 0
    if not _ANYWHERE.isdisjoint(words):
        return 2
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if word in ("key", "keys") and before in _BEFORE_KEY and after not in _PUBLIC_AFTER_KEY:
            return 2
        if word == "pass" and not after and before not in _PASSES:
            return 1
        if word == "token" and before not in _TEXT_BEFORE_TOKEN and after in ("", "value"):
            return 1
        if word == "auth" and (not after or after in _AFTER_AUTH):
            return 1
    return 0
