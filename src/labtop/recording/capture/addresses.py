"""Data that lies elsewhere: what its address says of its identity, and what its keeper says when asked.

A branch and a bucket's key move; a commit, a version and an entity tag do not. Keepers are asked only through a client
that is installed, for a few seconds at most; without an answer the address alone is recorded, and the score tells so.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labtop.model.run import DataInput
from labtop.recording.capture.redact import Redactor

_KINDS = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gcs": "gs"}
_MLFLOW = ("mlflow", "mlflow-artifacts", "runs", "models", "dbfs")
_S3_VERSION = re.compile(r"[?&]versionId=([\w.~-]{1,1024})(?:&|$)")
_GS_GENERATION = re.compile(r"#(\d{10,20})$")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_TIMEOUT_S = 10.0
_MOST_OBJECTS = 100_000


@dataclass(frozen=True, slots=True)
class Identity:
    """What pins an address, as its keeper says."""

    digest: str
    algorithm: str  # commit, version, etag, generation, etags
    bytes: int | None = None
    files: int | None = None


def describe_address(
    uri: str, scheme: str, name: str | None, redactor: Redactor, ask: bool = True
) -> DataInput:
    """An address and its identity. It has a digest only where it, or its keeper, names what cannot move."""
    clean = redactor.uri(uri)
    known = DataInput(
        name=redactor.text(name) if name else clean.rstrip("/").rsplit("/", 1)[-1],
        uri=clean,
        kind="mlflow" if scheme in _MLFLOW else _KINDS.get(scheme, scheme),
    )
    commit = next(iter(_COMMIT.findall(clean)), None) if scheme in ("lakefs", "hf") else None
    if commit:
        return replace(known, digest=commit, algorithm="commit")
    if version := _told_version(clean, known.kind):
        return replace(known, digest=version, algorithm="version")
    keeper = _KEEPERS.get(known.kind)
    if keeper is None or not ask:
        return known
    try:
        identity = _within(_TIMEOUT_S, lambda: keeper(uri))
    except _NoClient as error:
        return replace(known, problem=str(error))
    except Exception as error:  # no network, no rights, not there: whatever the client raises
        said = redactor.text(f"{type(error).__name__}: {error}".replace("\n", " "))
        return replace(known, problem=f"its keeper gave no identity: {said}"[:300])
    return replace(
        known,
        digest=identity.digest,
        algorithm=identity.algorithm,
        bytes=identity.bytes,
        files=identity.files,
    )


def _told_version(uri: str, kind: str) -> str | None:
    """The version that an address names itself: `s3://bucket/key?versionId=…`, `gs://bucket/object#1712…`."""
    pattern = {"s3": _S3_VERSION, "gs": _GS_GENERATION}.get(kind)
    found = pattern.search(uri) if pattern else None
    return found[1] if found else None


class _NoClient(Exception):
    """Nothing is installed that could ask."""


def _client(*modules: str) -> Any:
    for module in modules:
        try:
            if find_spec(module) is not None:
                return import_module(module)
        except (ImportError, ValueError):
            continue
    raise _NoClient(f"{modules[0]} is not installed, so its version is not known")


def _within(limit_s: float, ask: Callable[[], Identity]) -> Identity:
    """The answer, if it comes in time: clients without a network may wait for minutes."""
    answers: list[Identity] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="labtop-address", daemon=True)
    thread.start()
    thread.join(limit_s)
    if answers:
        return answers[0]
    raise errors[0] if errors else TimeoutError(f"no answer in {limit_s:g} s")


# -- S3 and its like ---------------------------------------------------------------------------------------------


def _s3(uri: str) -> Identity:
    """By version where the bucket keeps versions, else by entity tag; a prefix by the tags of all its objects."""
    boto3 = _client("boto3")
    bucket, key = _bucket_and_key(uri)
    config = import_module("botocore.config").Config(
        connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2}
    )
    client = boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3"), config=config)
    if key and not key.endswith("/"):
        try:
            head = client.head_object(Bucket=bucket, Key=key)
        except Exception as error:
            if "404" not in str(error) and "Not Found" not in str(error):
                raise
        else:
            version = head.get("VersionId")
            size = head.get("ContentLength")
            if version and version != "null":
                return Identity(str(version), "version", size)
            return Identity(str(head["ETag"]).strip('"'), "etag", size)
    return _s3_prefix(client, bucket, key)


def _s3_prefix(client: Any, bucket: str, prefix: str) -> Identity:
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    objects: list[tuple[str, str, int]] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        objects += (
            (str(each["Key"]), str(each["ETag"]).strip('"'), int(each["Size"]))
            for each in page.get("Contents", ())
        )
        if len(objects) > _MOST_OBJECTS:
            raise ValueError(f"more than {_MOST_OBJECTS} objects lie there")
    if not objects:
        raise FileNotFoundError("nothing lies there")
    lines = "".join(f"{tag}  {key.removeprefix(prefix)}\n" for key, tag, _ in sorted(objects))
    digest = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    return Identity(digest, "etags", sum(size for _, _, size in objects), len(objects))


def _gs(uri: str) -> Identity:
    """By generation, which a new content changes."""
    storage = _client("google.cloud.storage")
    bucket, key = _bucket_and_key(uri)
    blob = storage.Client().bucket(bucket).get_blob(key, timeout=5)
    if blob is None:
        raise FileNotFoundError("nothing lies there")
    return Identity(str(blob.generation), "generation", blob.size)


def _bucket_and_key(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc.rpartition("@")[2], parts.path.lstrip("/")


# -- lakeFS and the Hugging Face Hub -----------------------------------------------------------------------------


def _lakefs(uri: str) -> Identity:
    """The commit that a branch or a tag stands at now."""
    lakefs = _client("lakefs")
    repository, path = _bucket_and_key(uri)
    reference = path.partition("/")[0]
    commit = str(lakefs.repository(repository).ref(reference).get_commit().id)
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"{commit[:80]!r} is no commit")
    return Identity(commit, "commit")


def _hugging_face(uri: str) -> Identity:
    """The revision in the local cache of the Hub; the network is not asked."""
    parts = uri.partition("://")[2].split("/")
    kind = parts.pop(0) if parts and parts[0] in ("datasets", "spaces", "models") else "models"
    name, at, revision = "/".join(parts[:2]).partition("@")
    folder = hugging_face_cache(os.environ) / f"{kind}--{name.replace('/', '--')}"
    path = folder / "refs" / (revision if at and revision else "main")
    if ".." in path.parts or not path.is_file():
        raise FileNotFoundError("it is not in the local cache of the Hub")
    commit = path.read_text("utf-8").strip()
    if not _COMMIT.fullmatch(commit):
        raise ValueError("the cache names no commit")
    return Identity(commit, "commit")


def hugging_face_cache(environment: Mapping[str, str]) -> Path:
    """Where the Hub's client keeps what it fetched."""
    if named := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(named).expanduser()
    caches = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return Path(environment.get("HF_HOME") or caches / "huggingface").expanduser() / "hub"


_KEEPERS: Mapping[str, Callable[[str], Identity]] = {
    "s3": _s3,
    "gs": _gs,
    "lakefs": _lakefs,
    "hf": _hugging_face,
}
