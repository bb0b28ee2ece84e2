"""Rows of runs whose points were not read: what is the same in many of them is made once, from a record as always.

Such a row lacks what only points tell: all of a metric but its last value, how many points there are, and how many
problems. Everything else is as it will be when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from labtop.model.run import RunRecord
from labtop.query.encoded_record import COLUMNS, Document, EncodedRecord
from labtop.query.found_columns import Path
from labtop.query.record_row import (
    PLACES,
    UNTOLD,
    Known,
    RecordRow,
    RowMaker,
    leaves_of,
    same_but_for_the_seed,
    seed_told,
    text_hash,
    told_besides,
)
from labtop.store.format import decode_group, encode_group, encode_record, safe_text

if TYPE_CHECKING:
    from labtop.sources.unread import Unread

UNREAD_STAMP = -1
"""The `_stamp` of a row whose run was not read."""

LOOKED_AT_STAMP = -2
"""The same of one whose points were read for the row alone: it is whole, and they lie where they come from."""

_NOTHING: Mapping[str, Any] = {}
_OWN = frozenset(
    (
        *("_folder", "_final", "_stamp", "_twins", "_source_id", "id", "name", "started_at", "ended_at"),
        *("duration_s", "tags", "seed", "score"),
    )
)
"""What rows with one `common` record do not share."""

_NO_DOCUMENTS: Mapping[str, Document | None] = {}
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_SIMPLE = frozenset((str, int, bool, type(None)))


@dataclass(frozen=True, slots=True)
class _Base:
    """What rows with one `common` record share."""

    common: object
    record: EncodedRecord
    groups: Mapping[str, Known]
    is_final: bool
    shared: Mapping[int, Any]  # by place; what is null is left out
    of_points: Mapping[str, Any]  # those values that points tell
    environment: tuple[int, Document] | None
    besides: bytes


def looked_at(folder: str, record: RunRecord) -> EncodedRecord:
    """The record of a run whose points were read for its row alone."""
    return _encoded(folder, LOOKED_AT_STAMP, record)


def _encoded(folder: str, stamp: int, record: RunRecord) -> EncodedRecord:
    row = {
        **encode_record(record),
        "started_at": _micros(record.started_at),
        "ended_at": _micros(record.ended_at),
    }
    return EncodedRecord.of_row(folder, stamp, [row[name] for name in COLUMNS])


class _Paths(dict[str, Path]):
    """The paths of params by their names."""

    def __missing__(self, name: str) -> Path:
        path = self[name] = (safe_text(name),)
        return path


class UnreadRows:
    """Makes rows of what was told of runs."""

    def __init__(self, maker: RowMaker) -> None:
        self._maker = maker
        self._bases: dict[int, _Base] = {}
        self._paths = _Paths()

    def row(self, unread: Unread) -> RecordRow:
        """The row of a run; null is what only its points tell."""
        listed, base = unread.listed, self._base(unread)
        params = self._params(listed.params)
        named = self._maker.seeds_among(params)
        started, ended = listed.started_us, listed.ended_us
        values = {
            **(base.of_points if listed.is_whole else _NOTHING),
            "_stamp": LOOKED_AT_STAMP if listed.is_whole else UNREAD_STAMP,
            "_folder": unread.folder,
            "_final": base.is_final,
            "_twins": text_hash(same_but_for_the_seed(base.besides, params, named)),
            "_source_id": safe_text(listed.run_id),
            "id": unread.run_id,
            "name": safe_text(unread.name),
            "started_at": started,
            "ended_at": ended,
            "duration_s": None if ended is None or started is None else max(ended - started, 0) / 1e6,
            "tags": [each if each.isascii() else safe_text(each) for each in listed.tags],
            "seed": seed_told(listed.seeds, params, named),
            "score": self._maker.score(base.groups, bool(params), bool(named)),
        }
        common = base.record
        record = EncodedRecord(
            unread.folder,
            UNREAD_STAMP,
            unread.run_id,
            unread.name,
            common.project,
            common.status,
            started,
            ended,
            _NO_DOCUMENTS,
        )
        return RecordRow(
            record, values, params, _NOTHING, base.environment, listed.last, listed.is_whole, base.shared
        )

    def _base(self, unread: Unread) -> _Base:
        known = self._bases.get(id(unread.common))
        if known is None:
            known = self._bases[id(unread.common)] = self._made(unread)
        return known

    def _made(self, unread: Unread) -> _Base:
        record = _encoded(unread.folder, UNREAD_STAMP, unread.common)
        groups = self._maker.groups(record)
        facts = {name: each.facts for name, each in groups.items()}
        row = self._maker.row(record)
        shared = {
            PLACES[key]: each
            for key, each in row.values.items()
            if each is not None and key not in _OWN and key not in UNTOLD
        }
        of_points = {key: row.values[key] for key in UNTOLD}
        besides = told_besides(record, facts)
        is_final = bool(row.values["_final"])
        return _Base(unread.common, record, groups, is_final, shared, of_points, row.environment, besides)

    def _params(self, params: Mapping[str, Any]) -> dict[Path, Any]:
        """Params by path, as JSON has them."""
        for value in params.values():
            kind = type(value)
            if value - value != 0.0 if kind is float else kind not in _SIMPLE:
                return leaves_of(decode_group("params", encode_group(dict(params))))
        paths = self._paths
        return {paths[key]: value for key, value in params.items()}


def _micros(when: datetime | None) -> int | None:
    return None if when is None else (when - _EPOCH) // _MICROSECOND
