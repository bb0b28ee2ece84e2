"""Every fake secret through every channel of a run; then every byte of the store is searched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.recording.conftest import RunScript, every_byte, git
from tests.recording.secrets import BY_LOOK, texts

SCRIPT = """
import json, os, sys, labtop
texts = json.loads(os.environ.pop("CORPUS"))
run = labtop.init(
    project="secrets",
    name=" ".join(texts),
    config={f"p{at}": text for at, text in enumerate(texts)} | {"deep": {"list": texts}, "api_key": "plain-canary"},
    notes="\\n".join(texts),
    tags=texts,
    group=texts[0],
    job_type=texts[1],
)
for text in texts:
    print("printed", text)
    print("and in an error", text, file=sys.stderr)
    run.log({f"metric {text}": 1.0})
run.summary["best " + texts[2]] = texts[3]
run.summary.update({"all": texts})
for text in texts:
    labtop.log_artifact({"text": text}, name="artifact " + text)
for at in range(8):  # each call writes the record
    some = " ".join(texts[at::8])
    labtop.use_data("s3://bucket/" + some.replace("\\n", ""), name=some)
    labtop.log_artifact("line\\n" + some, name="text " + some[:100])
run.define_metric("m" + texts[4])
print(os.environ["CANARY_TOKEN"], os.environ["AWS_SECRET_ACCESS_KEY"])
raise ValueError(" ".join(texts))
"""


@pytest.fixture
def corpus() -> dict[str, tuple[str, str]]:
    """The texts and what must not be found of each."""
    return texts()


def test_no_secret_reaches_the_store(
    repository: Path, run_script: RunScript, corpus: dict[str, tuple[str, str]]
) -> None:
    """Arguments, parameters, notes, tags, names, output, errors, data, artifacts, patch, files, remote, variables."""
    given = [text for text, _ in corpus.values()]
    (repository / "model.py").write_text("width = 8\n" + "\n".join(f"# {text}" for text in given))
    for at, text in enumerate(given):
        (repository / f"untracked{at}.txt").write_text(f"line\n{text}\n")
    (repository / ".env").write_text("plain-canary-in-env-file\n")
    git(
        repository,
        "remote",
        "add",
        "origin",
        "https://me:" + BY_LOOK["github-personal"] + "@example.org/p.git",
    )
    variables = {f"CANARY_{at}_TOKEN": f"canary-variable-{at:02}" for at in range(30)}
    done = run_script(
        SCRIPT,
        *given,
        "--token",
        "plain-canary-argument",
        timeout_s=240,
        CORPUS=json.dumps(given),
        CANARY_TOKEN="canary-variable-99",
        AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
        CUDA_VISIBLE_DEVICES="token=" + "canary-in-allowed-variable1",
        **variables,
    )
    assert "ValueError" in done.stderr
    store = every_byte(repository / "runs")
    found = [name for name, (_, secret) in corpus.items() if secret.encode() in store]
    assert found == []
    assert b"canary" not in store
    assert b"wJalrXUtnFEMI" not in store
    assert b"${GITHUB_TOKEN}" in store


def test_the_store_is_private(repository: Path, run_script: RunScript) -> None:
    """0700 and 0600, whatever the umask."""
    (repository / "new.py").write_text("1\n")
    before = os.umask(0)
    try:
        run_script(
            "import labtop; labtop.init().log_artifact([1], name='a/b'); labtop.log({'x': 1.0}); print(1)"
        )
    finally:
        os.umask(before)
    store = repository / "runs"
    modes = {path.stat().st_mode & 0o777 for path in store.rglob("*") if path.is_dir()}
    files = {path.name: path.stat().st_mode & 0o777 for path in store.rglob("*") if path.is_file()}
    assert modes == {0o700}
    assert {name: mode for name, mode in files.items() if mode != 0o600} == {}
