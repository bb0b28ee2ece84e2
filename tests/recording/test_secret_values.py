"""Every fake secret in what a script says of a run beyond its parameters: values, captions, seeds, a project."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.recording.conftest import RunScript, every_byte
from tests.recording.secrets import texts

SCRIPT = """
import json, os
import labtop
texts = json.loads(os.environ.pop("CORPUS"))
run = labtop.init(project="of " + texts[0], name=texts[1], tags=texts, notes="\\n".join(texts), group=texts[2])
run.log({
    "text": labtop.Text("\\n".join(texts)),
    "cells": labtop.Table(
        columns=["a", "b", "c", texts[3]], data=[[t, [t, t], t.encode(), {"k": t, t: 1}] for t in texts]
    ),
    "image": labtop.Image([[0.0, 1.0], [1.0, 0.0]], caption=texts[4]),
    "classes": labtop.ConfusionMatrix(list(range(len(texts))), list(range(len(texts))), labels=texts),
})
run.config.update({"late " + text: {text: text} for text in texts})
for at in range(8):
    some = " ".join(texts[at::8])
    run.seed(at, name="seed " + some)
    run.use_data("s3://bucket/" + str(at), name=some, split=some)
try:
    raise RuntimeError("\\n".join(texts))
except RuntimeError as error:
    raise ValueError(texts) from error
"""


@pytest.mark.parametrize("ranks", ["1", "2"])
def test_no_secret_in_values_and_names(folder: Path, run_script: RunScript, ranks: str) -> None:
    """Neither in a byte of a file nor in the name of one; of a rank too, which finds its folder by the project."""
    corpus = texts()
    given = json.dumps([text for text, _ in corpus.values()])
    launch = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": ranks} if ranks != "1" else {}
    done = run_script(SCRIPT, timeout_s=240, CORPUS=given, NCCL_CORPUS=given[:90_000], **launch)
    assert "ValueError" in done.stderr
    store = folder / "runs"
    everything = every_byte(store) + "\n".join(str(each) for each in store.rglob("*")).encode()
    tables = [pyarrow.parquet.read_table(each) for each in store.rglob("*.parquet")]
    everything += "\n".join(repr(each.schema) + repr(each.to_pylist()) for each in tables).encode()
    assert len([each for each in store.rglob("media/*") if each.is_file()]) == 4
    assert [kind for kind, (_, secret) in corpus.items() if secret.encode() in everything] == []
