"""More than sixty kinds of token through eight channels: what each channel keeps, and that no token is in it.

Unlike test_secrets.py, which searches the store as a whole, this shows for each channel that it was recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labtop.model.run import RunRecord
from labtop.recording.capture.code import remote_of
from labtop.recording.capture.redact import Redactor
from tests.recording.conftest import RunScript, every_byte, git, only_record
from tests.recording.secrets import BY_LOOK, texts

SCRIPT = """
import json, os, sys, types
import labtop
texts = json.loads(os.environ.pop("CORPUS"))
cells = [f"x{at} = {text!r}  # {text}" for at, text in enumerate(texts)]
shell = types.SimpleNamespace(
    kernel=object(), user_ns={}, history_manager=types.SimpleNamespace(input_hist_raw=["", *cells]),
    events=types.SimpleNamespace(register=lambda *_: None, unregister=lambda *_: None),
)
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
run = labtop.init(project="secrets", config={f"p{at}": text for at, text in enumerate(texts)})
for text in texts:
    print("printed", text)
    run.log_artifact(b"x", name="folder/artifact " + text)
run.finish()
"""


@pytest.fixture(scope="module")
def corpus() -> dict[str, tuple[str, str]]:
    return texts()


@pytest.fixture
def recorded(repository: Path, run_script: RunScript, corpus: dict[str, tuple[str, str]]) -> Path:
    """The folder of one run that was given the whole corpus through every channel."""
    given = [text for text, _ in corpus.values()]
    (repository / "model.py").write_text(
        "width = 8\n" + "\n".join(f"a{at} = '''{text}'''" for at, text in enumerate(given))
    )
    notebook = {
        "cells": [{"cell_type": "code", "source": text, "outputs": [{"text": text}]} for text in given]
    }
    (repository / "nb.ipynb").write_text(json.dumps(notebook))
    (repository / ".gitignore").write_text("nb.ipynb\nscript.py\nruns\n")
    remote = "https://me:" + BY_LOOK["gitlab"] + "@example.org/p.git?private_token=" + BY_LOOK["aws"]
    git(repository, "remote", "add", "origin", remote)
    variables = {f"CUDA_CORPUS_{at}": text for at, text in enumerate(given)}
    variables |= {f"SERVICE_{at}_TOKEN": secret for at, (_, secret) in enumerate(corpus.values())}
    variables |= {"CORPUS": json.dumps(given), "JPY_SESSION_NAME": str(repository / "nb.ipynb")}
    done = run_script(SCRIPT, *given, timeout_s=240, **variables)
    assert done.returncode == 0, done.stderr
    return next((repository / "runs").glob("secrets/*"))


Channel = Callable[[Path, RunRecord], str]
CHANNELS: dict[str, Channel] = {
    "argv": lambda folder, record: "\n".join(record.command.argv),
    "params": lambda folder, record: json.dumps(record.params),
    "env": lambda folder, record: json.dumps(dict(record.environment.variables)),
    "remote": lambda folder, record: str(record.code.remote),
    "diff": lambda folder, record: (folder / "code/patch.diff").read_text(),
    "notebook": lambda folder, record: (
        (folder / "code/notebook.py").read_text() + (folder / "code/notebook.ipynb").read_text()
    ),
    "output": lambda folder, record: (folder / "output.log").read_text(),
    "artifact names": lambda folder, record: "\n".join(
        f"{each.name} {each.path}" for each in record.artifacts
    ),
}
AT_LEAST = {"remote": 0, "notebook": 100}
"""How many of the tokens must have left their mark, so that no channel is clean because nothing went through it."""


def test_sixty_kinds_of_token_in_eight_channels(recorded: Path, corpus: dict[str, tuple[str, str]]) -> None:
    """None in any byte of the store; every channel was used, and shows where a token stood."""
    assert len(corpus) >= 60
    record = only_record(recorded.parents[1])
    for name, channel in CHANNELS.items():
        kept = channel(recorded, record)
        leaked = [kind for kind, (_, secret) in corpus.items() if secret in kept]
        assert leaked == [], name
        assert kept.count("${") + kept.count("__") >= AT_LEAST.get(name, 55), name
    store = every_byte(recorded.parents[1])
    assert [kind for kind, (_, secret) in corpus.items() if secret.encode() in store] == []


def test_remotes_with_every_kind_of_token(corpus: dict[str, tuple[str, str]]) -> None:
    """As the password, as the user, and as a parameter of the address."""
    for kind, (_, secret) in corpus.items():
        for url in (
            f"https://me:{secret}@h/p.git",
            f"https://{secret}@h/p.git",
            f"https://h/p.git?private_token={secret}",
        ):
            assert secret not in str(remote_of({"remote.origin.url": url}, None, Redactor())), (kind, url)


def test_a_wrapped_command_with_every_kind_of_token(folder: Path, corpus: dict[str, tuple[str, str]]) -> None:
    """`labtop run` takes none into the store: of its own line, of the command's, and of what that prints."""
    given = [text for text, _ in corpus.values()]
    command = [sys.executable, "-c", "import sys; print('\\n'.join(sys.argv))", *given]
    params = [part for at, text in enumerate(given) for part in ("--param", f"p{at}={text}")]
    line = [sys.executable, "-m", "labtop", "run", *params, "--", *command]
    done = subprocess.run(line, capture_output=True, env={**os.environ}, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") >= len(given)
    store = every_byte(folder / "runs")
    assert [kind for kind, (_, secret) in corpus.items() if secret.encode() in store] == []
    assert b"${GITHUB_TOKEN}" in store
