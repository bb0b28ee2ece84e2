"""One record as a row of the run table: fields, params at the ends of their paths, summaries of metrics.

In Python and not in SQL: a query over a hundred JSON columns takes longer to be planned than a hundred runs take here,
and what is the same in many runs is decoded once.
"""

from __future__ import annotations

import hashlib
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from labtop.errors import InputError
from labtop.model.columns import FIELDS
from labtop.model.packages import NUMERIC
from labtop.model.run import Command, ConfigFile, MetricSummary, Randomness, RunRecord, Status
from labtop.model.score import PILLARS, score_record
from labtop.model.tree import is_seed
from labtop.query.encoded_record import Document, EncodedRecord
from labtop.query.found_columns import Path, flat_name
from labtop.store.format import decode_group, number_text

HIDDEN = {
    "row": "UINTEGER",
    "_folder": "VARCHAR",  # where it was read, relative to the store
    "_stamp": "BIGINT",  # identifies the version of the record that was read
    "_final": "BOOLEAN",  # whether the run has ended by its own word, and all its ranks
    "_twins": "UBIGINT",  # the same in runs that are the same but for the seed
    "_environment": "UBIGINT",  # its text is in the table `environments`
    "_data": "VARCHAR",  # the list of inputs as JSON; null when it is long: it is in the record
    "_artifacts": "VARCHAR",  # the same of artifacts
    "_source_id": "VARCHAR",  # what another tracker calls the run
}
"""Columns of the run table besides those people see."""

COLD = frozenset(("_data", "_artifacts"))
"""Those of them that only SQL views ask for."""

UNTOLD = ("points", "problems", "_artifacts")
"""Those that are null as long as the points of a run are not read, as are the details of its metrics."""

ROW_COLUMNS: Mapping[str, str] = {**HIDDEN, **{each.key: each.type.sql for each in FIELDS}}
"""The columns that every row has, and their SQL types."""

PLACES: Mapping[str, int] = {key: place for place, key in enumerate(ROW_COLUMNS)}

_DEEPEST = 64
"""Levels of nested params that become columns; what lies deeper stays one value."""

_LONGEST_LIST = 4096
_MOST_REMEMBERED = 2000
_MOST_SETS_OF_PARAMS = 100
_NOTHING = RunRecord(id="", name="", project="")
_REPEATED = ("code", "data", "randomness", "environment", "hardware", "source")


@dataclass(frozen=True, slots=True)
class Latest:
    """What is known of a run without an end beyond its record: its status, when it was last seen, its summaries."""

    status: Status
    seen_until_us: int | None = None
    metrics: Mapping[str, MetricSummary] | None = None


class RecordRow(NamedTuple):
    """A row. `values` are those of `ROW_COLUMNS` but "row", times in microseconds; `params` are as JSON has them.

    `last`: of a run whose points were not read, the last value of each metric instead of `metrics`.
    `is_whole`: there are no points of these metrics.
    `shared`: values that it has in common with others, by their `PLACES`; those are not in `values`.
    """

    record: EncodedRecord
    values: Mapping[str, Any]
    params: Mapping[Path, Any]
    metrics: Mapping[str, MetricSummary]
    environment: tuple[int, Document] | None = None  # its hash and its text
    last: Mapping[str, float] | None = None
    is_whole: bool = False
    shared: Mapping[int, Any] = {}


def text_hash(text: Document) -> int:
    """64 bits that tell one text from another, on every machine and in every version."""
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


@dataclass(slots=True)
class Known:
    """A document that was decoded: what it says, its reproducibility mark, and whether it could be read."""

    facts: Any
    mark: str = ""
    is_broken: bool = False
    hash: int = 0


@dataclass
class RowMaker:
    """Makes rows of records; remembers documents that many runs share."""

    _known: dict[tuple[str, Document | None], Known] = field(default_factory=dict)
    _seeds: dict[tuple[Path, ...], tuple[Path, ...]] = field(default_factory=dict)

    def row(self, record: EncodedRecord, latest: Latest | None = None) -> RecordRow:
        """The row of a record. A document that cannot be read leaves its columns empty and counts as a problem."""
        groups = self.groups(record)
        facts = {name: each.facts for name, each in groups.items()}
        params = leaves_of(facts["params"])
        metrics = latest.metrics if latest and latest.metrics is not None else facts["metrics"]
        environment = record.documents.get("environment")
        seeds = self.seeds_among(params)
        values = {
            "_folder": record.folder,
            "_stamp": record.stamp,
            "_final": record.is_settled,
            "_twins": text_hash(same_but_for_the_seed(told_besides(record, facts), params, seeds)),
            "_environment": groups["environment"].hash if environment is not None else None,
            "_data": _list_text(record.documents.get("data")),
            "_artifacts": _list_text(record.documents.get("artifacts")),
            "_source_id": facts["source"].run_id,
            **_true_columns(record, latest),
            **_columns_of_groups(facts),
            "seed": seed_told(facts["randomness"].seeds, params, seeds),
            "score": self.score(groups, bool(params), bool(seeds)),
            "points": sum(each.count for each in metrics.values()),
            "archived": facts["life"].archived,
            "ranks": record.ranks.total,
            "dead_ranks": record.ranks.dead or None,
            "problems": len(facts["source"].problems)
            + (facts["life"].degraded is not None)
            + record.ranks.told
            + sum(each.is_broken for each in groups.values()),
        }
        known = None if environment is None else (groups["environment"].hash, environment)
        return RecordRow(record, values, params, metrics, known)

    def groups(self, record: EncodedRecord) -> dict[str, Known]:
        """The documents of a record, decoded."""
        groups = {name: self._read(name, record.documents.get(name)) for name in _REPEATED}
        for name in ("life", "command", "params", "metrics"):
            groups[name] = _decoded(name, record.documents.get(name))
        return groups

    def _read(self, name: str, document: Document | None) -> Known:
        known = self._known.get((name, document))
        if known is None:
            known = _decoded(name, document)
            if name in PILLARS:
                known.mark = _mark(name, **{name: known.facts})
            if name == "environment" and document is not None:
                known.hash = text_hash(document)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[name, document] = known
        return known

    def seeds_among(self, params: Mapping[Path, Any]) -> tuple[Path, ...]:
        """Those params that are named as seeds are; many runs have the same params."""
        paths = tuple(params)
        known = self._seeds.get(paths)
        if known is None:
            if len(self._seeds) >= _MOST_SETS_OF_PARAMS:
                self._seeds.clear()
            known = self._seeds[paths] = tuple(filter(_names_a_seed, paths))
        return known

    def score(self, groups: Mapping[str, Known], has_params: bool, names_seed: bool) -> str:
        """The marks of a record's reproducibility; `names_seed`: one of its params is named as seeds are."""
        command, randomness = groups["command"].facts, groups["randomness"].facts
        configuration = _configuration_mark(
            bool(command.argv), command.cwd is not None, command.config_files, has_params
        )
        random = groups["randomness"].mark
        if names_seed:
            random = _randomness_mark(tuple(randomness.seeds), randomness.imported)
        return groups["code"].mark + groups["data"].mark + groups["environment"].mark + configuration + random


def told_besides(record: EncodedRecord, facts: Mapping[str, Any]) -> bytes:
    """What must agree in runs that are the same but for the seed, besides their params, as JSON."""
    code, packages = facts["code"], facts["environment"].packages
    return json_bytes(
        [
            record.project,
            code.commit,
            code.patch_sha256,
            sorted(each.digest for each in facts["data"] if each.digest and each.role == "input"),
            [packages.get(name) for name in NUMERIC],
        ],
        order="deterministic",
    )


def same_but_for_the_seed(besides: bytes, params: Mapping[Path, Any], seeds: Sequence[Path]) -> bytes:
    """What is the same in runs that are the same but for the seed, and in no others."""
    if seeds:
        params = {path: value for path, value in params.items() if path not in seeds}
    others = {path[0] if len(path) == 1 else "\x1f".join(path): value for path, value in params.items()}
    return besides[:-1] + b"," + json_bytes(others, order="deterministic") + b"]"


def seed_told(told: Mapping[str, Any], params: Mapping[Path, Any], named: Sequence[Path]) -> str | None:
    """The seed as JSON: the one that all libraries got, else all of them, else the param that names one."""
    if told:
        first, *others = told.values()
        return json_text(dict(told) if any(each != first for each in others) else first)
    value = next((params[path] for path in named if params[path] is not None), None)
    return None if value is None else json_text(value)


def _decoded(name: str, document: Document | None) -> Known:
    if document is None:
        return Known(getattr(_NOTHING, name))
    try:
        return Known(decode_group(name, document))
    except InputError:
        return Known(getattr(_NOTHING, name), is_broken=True)


def _mark(pillar: str, **groups: Any) -> str:
    return score_record(RunRecord(id="", name="", project="", **groups))[pillar].mark


@lru_cache(_MOST_REMEMBERED)
def _names_a_seed(path: Path) -> bool:
    return is_seed(flat_name(path))


@lru_cache(_MOST_REMEMBERED)
def _configuration_mark(
    has_argv: bool, has_cwd: bool, config_files: tuple[ConfigFile, ...], has_params: bool
) -> str:
    command = Command(
        argv=("x",) if has_argv else (), cwd="." if has_cwd else None, config_files=config_files
    )
    return _mark("configuration", command=command, params={"x": 1} if has_params else {})


@lru_cache(_MOST_REMEMBERED)
def _randomness_mark(seeded: tuple[str, ...], imported: tuple[str, ...]) -> str:
    """The mark of a run one of whose params names a seed."""
    randomness = Randomness(seeds=dict.fromkeys(seeded, 0), imported=imported)
    return _mark("randomness", randomness=randomness, params={"seed": 0})


def _list_text(document: Document | None) -> str | None:
    """A JSON list that is short enough to be kept in memory for every run."""
    if document is None:
        return "[]"
    if len(document) > _LONGEST_LIST:
        return None
    return document if isinstance(document, str) else document.decode("utf-8", "replace")


def _true_columns(record: EncodedRecord, latest: Latest | None) -> dict[str, Any]:
    until = record.ended_us
    if until is None and latest:
        until = latest.seen_until_us
    lasted = None
    if until is not None and record.started_us is not None:
        lasted = max(until - record.started_us, 0) / 1e6
    return {
        "id": record.id,
        "name": record.name or record.id,
        "project": record.project,
        "status": str(latest.status) if latest else record.status or str(Status.UNKNOWN),
        "started_at": record.started_us,
        "ended_at": record.ended_us,
        "duration_s": lasted,
    }


def _columns_of_groups(facts: Mapping[str, Any]) -> dict[str, Any]:
    life, code, gpus = facts["life"], facts["code"], [each.name for each in facts["hardware"].gpus]
    distinct = list(dict.fromkeys(gpus))
    error = life.error
    return {
        "group": life.group,
        "job_type": life.job_type,
        "tags": list(life.tags),
        "notes": life.notes or None,
        "parent_id": life.parent_id,
        "fork_step": _step(life.fork_step),
        "exit_code": life.exit_code,
        "signal": life.signal,
        "error": ": ".join(filter(None, (error.type, error.message))) or None if error else None,
        "commit": code.commit,
        "branch": code.branch,
        "dirty": code.dirty,
        "host": life.process.host if life.process else None,
        "command": shlex.join(facts["command"].argv) or None,
        "python": facts["environment"].python,
        "gpu": f"{len(gpus)}x {gpus[0]}" if len(distinct) == 1 < len(gpus) else ", ".join(distinct) or None,
        "tracker": facts["source"].tracker,
    }


def _step(step: float | None) -> float | str | None:
    return step if step is None or math.isfinite(step) else number_text(step)


def leaves_of(params: Mapping[str, Any]) -> dict[Path, Any]:
    """The ends of nested params by their paths."""
    return dict(_leaves(params, ()))


def _leaves(tree: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in tree.items():
        if type(value) is dict and value and len(path) < _DEEPEST:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def json_text(value: Any) -> str:
    """A param's value as JSON text."""
    return json_bytes(value).decode()


def json_bytes(value: Any, order: Literal["deterministic"] | None = None) -> bytes:
    """A value that came from JSON as JSON, its keys sorted if wanted; its integers may be of any length."""
    try:
        return msgspec.json.encode(value, order=order)
    except OverflowError:
        import json

        return json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), sort_keys=order is not None
        ).encode()
