"""What event files say of a run beside numbers: params, status and notes, by the hparams plugin and in texts.

HParamsPluginData: 2 experiment{1 name, 2 description}, 3 session_start_info{1 hparams (map of text to Value),
4 group_name, 5 start_time}, 4 session_end_info{1 status, 2 end_time}. Value: 1 null, 2 number, 3 text, 4 boolean,
5 struct{1 fields}, 6 list{1 values}.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labtop.errors import InputError
from labtop.formats.json_text import parse_json
from labtop.formats.protobuf import BYTES, ProtobufError, fields
from labtop.formats.tensorboard import Other
from labtop.formats.typed_text import is_kept, typed
from labtop.model.run import Status

_STATUS = {1: Status.FINISHED, 2: Status.FAILED, 3: Status.RUNNING}
_DEEPEST = 20
_MOST_PARAMS = 10_000
_PARAM_TAG = re.compile(
    r"(?:.*/)?(?:hyper_?-?param(?:eter)?s?|h_?params?|params|parameters|config|configuration|args|arguments|flags"
    r"|model_config|settings)",
    re.IGNORECASE,
)
_HASH = re.compile(r"[0-9a-f]{32,64}")


@dataclass(slots=True)
class Facts:
    """What was said. `ended_s` is when the end was said, seconds since the epoch."""

    params: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    status: Status | None = None
    started_s: float | None = None
    ended_s: float | None = None
    said_end_s: float = 0.0
    group: str | None = None
    notes: str = ""
    is_definition: bool = False  # of an experiment: which params there are, and metrics


def is_fact(other: Other) -> bool:
    """Whether a value says something of the run itself."""
    if other.kind == "hparams":
        return True
    return other.kind == "text" and bool(_params_in(other))


def take(facts: Facts, others: Iterable[Other]) -> None:
    """Add what some values say; a later one counts more, and a param of the hparams plugin more than one in a text."""
    told: dict[str, Any] = {}
    # where the model's and the run's own settings share a name, the latter counts
    for other in sorted(others, key=lambda each: "model_config" not in each.tag):
        if other.kind == "text":
            for name, (value, text) in _params_in(other).items():
                facts.params[name] = value
                facts.texts.pop(name, None)
                if text is not None and not is_kept(text, value):
                    facts.texts[name] = text
        elif other.kind == "hparams":
            try:
                _take_plugin(facts, told, other)
            except (ProtobufError, struct.error):
                continue
    for name, value in told.items():
        facts.params[name] = value
        facts.texts.pop(name, None)


def _take_plugin(facts: Facts, told: dict[str, Any], other: Other) -> None:
    for number, shape, content in fields(other.content):
        if shape != BYTES or not isinstance(content, bytes):
            continue
        if number == 2:
            facts.is_definition = True
            for inner, _, text in fields(content):
                if inner == 2 and isinstance(text, bytes):
                    facts.notes = text.decode("utf-8", "replace")
        elif number == 3:
            _take_start(facts, told, content)
        elif number == 4:
            status, ended = 0, None
            for inner, _, value in fields(content):
                if inner == 1 and isinstance(value, int):
                    status = value
                elif inner == 2 and isinstance(value, bytes):
                    ended = _double(value)
            facts.status, facts.ended_s, facts.said_end_s = _STATUS.get(status), ended, other.time_s


def _take_start(facts: Facts, told: dict[str, Any], content: bytes) -> None:
    for number, _, value in fields(content):
        if number == 1 and isinstance(value, bytes) and len(told) < _MOST_PARAMS:
            name, param = _entry(value, 0)
            told[name] = param
        elif number == 4 and isinstance(value, bytes):
            group = value.decode("utf-8", "replace")
            facts.group = None if not group or _HASH.fullmatch(group) else group
        elif number == 5 and isinstance(value, bytes):
            facts.started_s = _double(value) or None


def _entry(content: bytes, depth: int) -> tuple[str, Any]:
    """Key and value of an entry of a map."""
    name, param = "", None
    for number, _, value in fields(content):
        if number == 1 and isinstance(value, bytes):
            name = value.decode("utf-8", "replace")
        elif number == 2 and isinstance(value, bytes):
            param = _value(value, depth)
    return name, param


def _value(content: bytes, depth: int) -> Any:
    """A google.protobuf.Value. It knows one kind of number: a whole one is an integer again."""
    found: Any = None
    for number, _, value in fields(content):
        if number == 2 and isinstance(value, bytes) and len(value) == 8:
            found = _double(value)
            found = int(found) if found.is_integer() and abs(found) < 2**53 else found
        elif number == 3 and isinstance(value, bytes):
            found = value.decode("utf-8", "replace")
        elif number == 4:
            found = bool(value)
        elif number == 5 and isinstance(value, bytes) and depth < _DEEPEST:
            found = dict(_entry(each, depth + 1) for each in _repeated(value))
        elif number == 6 and isinstance(value, bytes) and depth < _DEEPEST:
            found = [_value(each, depth + 1) for each in _repeated(value)]
    return found


def _repeated(content: bytes) -> Iterator[bytes]:
    return (value for number, _, value in fields(content) if number == 1 and isinstance(value, bytes))


def _double(content: bytes) -> float:
    return float(struct.unpack("<d", content)[0])


def _params_in(other: Other) -> dict[str, tuple[Any, str | None]]:
    """The params in a text that is called so, with the text of those that had to be guessed.

    Known are a JSON object (Hugging Face's `args` and `model_config`) and a Markdown table of two columns.
    """
    if not _PARAM_TAG.fullmatch(other.tag.removesuffix("/text_summary")):
        return {}
    text = other.content.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            value = parse_json(text)
        except InputError:
            return {}
        return {str(name): (each, None) for name, each in value.items()} if isinstance(value, dict) else {}
    return {name: (typed(cell), cell) for name, cell in _table(text)}


def _table(text: str) -> Iterator[tuple[str, str]]:
    """The rows of a Markdown table of two columns, without its header."""
    rows = [_cells(line) for line in text.splitlines() if "|" in line]
    rulers = [
        at for at, row in enumerate(rows) if row and all(set(cell) <= set(":- ") and cell for cell in row)
    ]
    if not rulers or len(rows[rulers[0]]) != 2:
        return
    for row in rows[rulers[0] + 1 :]:
        if len(row) >= 2 and row[0]:
            yield row[0].strip("*`"), "|".join(row[1:]).strip("`")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
