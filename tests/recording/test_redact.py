"""Secrets are found by their look, their name and their value; everything else is left as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtop.errors import UsageError
from labtop.recording.capture.redact import LINE_LIMIT, Redactor, _is_secret_in_text
from labtop.recording.capture.secret_looks import LOOKS
from labtop.recording.capture.secret_names import is_secret_file, is_secret_name, placeholder
from tests.recording.secrets import BY_LOOK, texts

REDACTOR = Redactor()
PIECES = [
    *(hint for look in LOOKS for hint in look.hints), "token=", "--password ", "api_key: ", "https://u:p@", "SK",
    "AKIA", "0123456789abcdef" * 2, "q" * 40, " ",
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret"), texts().values(), ids=texts())
def test_every_fake_secret_is_taken_out_of_text(text: str, secret: str) -> None:
    """And something says that there was one."""
    clean = REDACTOR.text(f"before {text} after")
    assert secret not in clean
    assert clean.startswith("before ")
    assert "${" in clean


@pytest.mark.parametrize(("text", "secret"), texts().values(), ids=texts())
def test_lines_alike_are_looked_at_as_others_are(text: str, secret: str) -> None:
    """What was remembered of lines with other numbers takes nothing from any secret, and makes none of numbers."""
    redactor = Redactor()
    digits = str.maketrans("123456789", "987654321")
    for each in (text.translate(digits), f"step 17: {text}", text):
        for _ in range(2):
            assert redactor.text(each) == redactor._whole(each, _is_secret_in_text)


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.text(max_size=12)), max_size=6), st.integers(0, 9))
def test_the_quick_way_is_the_slow_way(pieces: list[tuple[str, str]], digit: int) -> None:
    """Whatever stands beside what secrets are known by, and whichever digits."""
    redactor = Redactor.build({"A_TOKEN": f"remembered{digit}{digit}"})
    line = "".join(f"{piece}{text}" for piece, text in pieces)
    for each in (line.translate(dict.fromkeys(map(ord, "0123456789"), str(digit))), line):
        assert redactor.text(each) == redactor._whole(each, _is_secret_in_text)


def test_a_program_that_prints_other_numbers_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole look, at a hundred kinds of secrets, is for what is new."""
    redactor = Redactor()
    looks: list[str] = []

    def look(text: str, low: str) -> str:
        looks.append(low)
        return text

    monkeypatch.setattr("labtop.recording.capture.redact.without_looks", look)
    for step in range(100, 200):
        assert redactor.text(line := f"epoch {step}: loss=0.{step} tokens/s 51{step}\n") == line
    assert looks == []
    redactor.text("password=12345678")
    assert len(looks) == 1


@pytest.mark.parametrize("secret", BY_LOOK.values(), ids=BY_LOOK)
def test_redacting_twice_changes_nothing_more(secret: str) -> None:
    """Placeholders are no secrets."""
    once = REDACTOR.text(f"token={secret} password: x{secret}")
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=512 pad_token='<pad>' eos_token_id=2 tokenizer=bert-base",
        "tokens: 8192/s, 12.5 tokens per second",
        "Next token: hello",
        "forward pass: 12.3 ms, passes=3",
        "author: Ada Lovelace",
        "epoch 3 loss 0.1234 lr=1e-3 keys=['a', 'b'] primary_key=id sort_key=name",
        "git+ssh://git@github.com/me/project.git",
        "s3://bucket/path@v2/file.parquet",
        "https://example.org/a@b",
        "risk-adjusted-long-hyphenated-text-without-digits",
        "sk-learn-like-name-of-something-quite-long",
        "hf_hub_download(repo)",
        "token=None password=False secret=null",
        "monkey=banana turkey: yes keyboard=us",
        "commit aff3117eb9dd8d2d164a5d76e4fe2006d9990d78",
        "sha256:98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4",
    ],
)
def test_ordinary_words_of_training_stay(text: str) -> None:
    """A redacted hyper-parameter would spoil a run for good."""
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    "source",
    [
        "token = get_token()",
        "self.token = token",
        "api_key = os.environ['API_KEY']",
        "password = config.database.password",
        "auth = 'basic'",
        "def login(password: str = '') -> None:",
        "if token == 'abc':",
        "secret = secrets.token_hex(16)",
        "parser.add_argument('--token', help='the access token to use')",
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
        "pad_token = '[PAD]'",
    ],
)
def test_program_text_without_literals_stays(source: str) -> None:
    """A patch must still apply."""
    assert REDACTOR.source(source) == source


@pytest.mark.parametrize(
    ("argv", "clean"),
    [
        (["t.py", "--token", "x"], ["t.py", "--token", "${TOKEN}"]),
        (["t.py", "--token=x"], ["t.py", "--token=${TOKEN}"]),
        (["t.py", "--hf-token", "a b"], ["t.py", "--hf-token", "${HF_TOKEN}"]),
        (["t.py", "-password", "p"], ["t.py", "-password", "${PASSWORD}"]),
        (["t.py", "db.password=p", "+api_key=k"], ["t.py", "db.password=${PASSWORD}", "+api_key=${API_KEY}"]),
        (["t.py", "--auth", "--lr", "1"], ["t.py", "--auth", "--lr", "1"]),
        (["t.py", "--max_tokens", "5", "--tokenizer=b"], ["t.py", "--max_tokens", "5", "--tokenizer=b"]),
        (["t.py", "https://u:p@h/x"], ["t.py", "https://${CREDENTIALS}@h/x"]),
    ],
)
def test_arguments(argv: list[str], clean: list[str]) -> None:
    """The flag stays and shows what to fill in."""
    assert list(REDACTOR.argv(argv)) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ('"!python t.py --token 7qAbc123xyz9\\n",', '"!python t.py --token ${TOKEN}\\n",'),
        ('python t.py --token "7qAbc123xyz9" --lr 1', 'python t.py --token "${TOKEN}" --lr 1'),
        ("run(['--token 7qAbc123xyz9', 'x'])", "run(['--token ${TOKEN}', 'x'])"),
        (
            '"{\\"api_key\\": \\"7qAbc123xyz9\\", \\"lr\\": 1}"',
            '"{\\"api_key\\": \\"${API_KEY}\\", \\"lr\\": 1}"',
        ),
    ],
)
def test_quotes_around_a_secret_stay(text: str, clean: str) -> None:
    """In a notebook's own JSON, in JSON inside of JSON, on a command line: what is left can still be read."""
    assert REDACTOR.source(text) == clean
    assert REDACTOR.text(text) == clean


def test_trees_are_redacted_by_name_and_by_look() -> None:
    """However deep; numbers and lists too, where the name leaves no doubt."""
    tree = {
        "lr": 0.1,
        "max_tokens": 256,
        "token": 5,
        "db": {"password": "p", "port": 5432, "credentials": {"user": "u", "pin": 1234}},
        "api_keys": ["a", "b"],
        "env": [{"url": "https://u:p@h"}],
        "use_auth": True,
    }
    assert REDACTOR.tree(tree) == {
        "lr": 0.1,
        "max_tokens": 256,
        "token": 5,
        "db": {
            "password": "${PASSWORD}",
            "port": 5432,
            "credentials": {"user": "${CREDENTIALS}", "pin": "${CREDENTIALS}"},
        },
        "api_keys": ["${API_KEYS}", "${API_KEYS}"],
        "env": [{"url": "https://${CREDENTIALS}@h"}],
        "use_auth": True,
    }


def test_values_of_secret_variables_are_known() -> None:
    """A secret of no known look, printed without its name."""
    redactor = Redactor.build({"AWS_SECRET_ACCESS_KEY": "wJalr/K7MDENG+bPx", "HOME": "/home/somebody"})
    assert (
        redactor.text("got wJalr/K7MDENG+bPx in /home/somebody")
        == "got ${AWS_SECRET_ACCESS_KEY} in /home/somebody"
    )


def test_common_words_in_secret_variables_are_not_hunted() -> None:
    """POSTGRES_PASSWORD=postgres would take every postgres out of everything."""
    redactor = Redactor.build({"POSTGRES_PASSWORD": "postgres", "SSH_KEY_PASSPHRASE": "/run/secrets/x"})
    assert redactor.text("postgres at /run/secrets/x") == "postgres at /run/secrets/x"


def test_patterns_of_the_user() -> None:
    """The setting redact; one that is no pattern is an error in words."""
    assert Redactor.build({}, ["CORP-[0-9]+"]).text("id CORP-123") == "id ${REDACTED}"
    with pytest.raises(UsageError, match="redact"):
        Redactor.build({}, ["("])


def test_addresses_lose_their_user() -> None:
    """A remote needs none to be found again."""
    assert REDACTOR.uri("https://me:tok@example.org/p.git") == "https://example.org/p.git"
    assert REDACTOR.uri("git@github.com:me/p.git") == "git@github.com:me/p.git"


HOSTILE = {
    "letters": "a" * 300_000,
    "equals": "a=" * 150_000,
    "tokens": "token=" * 50_000,
    "names": "x_token:" * 40_000,
    "jwt": "eyJ" * 100_000,
    "urls": "://a" * 75_000 + "@",
    "keys": "sk-" * 100_000,
    "quotes": 'password="' + "\\" * 300_000,
    "pem": ("-----BEGIN PRIVATE" + " KEY-----\n") * 10_000,
    "annotations": "token: " + "a " * 150_000,
    "flags": "--token " * 40_000,
    "spaces": "token" + " " * 300_000 + "=",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """A line made to hurt, whole and cut into lines."""
    begun = time.process_time()
    REDACTOR.source(text)
    REDACTOR.text("\n".join(text[at : at + 60_000] for at in range(0, len(text), 60_000)))
    assert time.process_time() - begun < 8


def test_lines_beyond_the_limit_are_cut() -> None:
    """And say so."""
    clean = REDACTOR.text("x" * (LINE_LIMIT + 10) + "\nshort\n")
    assert clean.endswith("… [10 characters cut]\nshort\n")


@pytest.mark.parametrize(
    "name", ["token", "HF_TOKEN", "api-key", "apiKey", "db.password", "client_secret", "auth", "passwd"]
)
def test_secret_names(name: str) -> None:
    """In every spelling."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["tokenizer", "max_tokens", "author", "key", "monkey", "forward_pass", "token_dropout"]
)
def test_names_that_only_sound_so(name: str) -> None:
    """They are parameters."""
    assert not is_secret_name(name)


def test_placeholders_are_shell_names() -> None:
    """So that reproduce can fill them."""
    assert placeholder("--model.api-key") == "${API_KEY}"
    assert placeholder("é") == "${SECRET}"


@pytest.mark.parametrize(
    "path", [".env", "a/.env.local", "x/server.pem", "id_ed25519", "home/.aws/config", "b.p12"]
)
def test_secret_files(path: str) -> None:
    """By their name."""
    assert is_secret_file(path)
