"""The values of log calls: numbers become points, pictures and tables references, texts the last of their name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import msgspec

from labtop.errors import InputError
from labtop.formats.files import decode_text
from labtop.formats.json_text import as_number, parse_json
from labtop.model.run import Artifact
from labtop.sources.source import NO_TIME, Curve

_DEEPEST = 20
_MOST_ARTIFACTS = 10_000
_LONGEST_TEXT = 1_000
_KINDS = {"trackio.file": "file", "trackio.object3d": "file"}


@dataclass
class Log:
    """What was logged to one run so far. `media` is where files of it lie, `uri` where the rows do."""

    media: str = ""
    uri: str = ""
    curves: dict[str, Curve] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    rich: int = 0
    points: int = 0

    def add(
        self, step: float | None, time_us: int, values: Mapping[str, Any], prefix: str = "", depth: int = 0
    ) -> None:
        """Take the values of one call. Without a step a point has its number."""
        for key, value in values.items():
            name = prefix + key
            kind = type(value)
            number = value if kind is float else float(value) if kind is bool else as_number(value)
            if number is not None:
                curve = self.curves.get(name)
                if curve is None:
                    curve = self.curves[name] = Curve()
                # as `Curve.add`, which costs as much again when it is called a million times
                curve.steps.append(len(curve.values) if step is None else step)
                curve.times_us.append(time_us)
                curve.values.append(number)
                self.points += 1
            elif isinstance(value, str):
                self.texts[name] = value[:_LONGEST_TEXT]
            elif isinstance(value, list):
                for each in value:
                    if isinstance(each, dict) and "_type" in each:
                        self._add_rich(name, each, step)
            elif isinstance(value, dict) and "_type" in value:
                self._add_rich(name, value, step)
            elif isinstance(value, dict) and depth < _DEEPEST:
                self.add(step, time_us, value, f"{name}/", depth + 1)

    def _add_rich(self, name: str, value: Mapping[str, Any], step: float | None) -> None:
        """List a picture, a table, a histogram, …: its file, or the row that holds it."""
        self.rich += 1
        if self.rich > _MOST_ARTIFACTS:
            return
        kind, where = str(value.get("_type")), value.get("file_path")
        about: dict[str, str | int | float | bool] = {}
        if isinstance(value.get("caption"), str):
            about["caption"] = value["caption"]
        if isinstance(value.get("_value"), list):
            about["rows"] = len(value["_value"])
        uri = self._file(where) if isinstance(where, str) else self.uri
        self.artifacts.append(
            Artifact(
                name=name, uri=uri, kind=_KINDS.get(kind, kind.rpartition(".")[2]), step=step, about=about
            )
        )

    def _file(self, where: str) -> str:
        """The file of a rich value; as it was told where that leads out of the folder of such files."""
        parts = PurePosixPath(where)
        return (
            where if parts.is_absolute() or ".." in parts.parts or not self.media else f"{self.media}/{parts}"
        )

    def problems(self) -> list[str]:
        """What was left out."""
        left = self.rich - _MOST_ARTIFACTS
        return [f"{left:,} of {self.rich:,} rich values are not listed"] if left > 0 else []


def json_object(content: Any) -> dict[str, Any] | None:
    """The mapping that a JSON column holds, as text or as bytes; None when it holds none."""
    if not isinstance(content, bytes | str):
        return None
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            value = parse_json(content if isinstance(content, str) else decode_text(content).text)
        except InputError:
            return None
    return value if isinstance(value, dict) else None


@lru_cache(8)
def time_us(text: Any, offset_us: int = 0) -> int:
    """Microseconds since 1970 of a time as text; `offset_us` is how far one without a zone is ahead of UTC."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return NO_TIME
    if at.tzinfo is None:
        return _micro(at.replace(tzinfo=UTC)) - offset_us
    return _micro(at)


def _micro(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def time_of(micro: int) -> datetime | None:
    """A time of microseconds since 1970."""
    from datetime import timedelta

    try:
        return None if micro == NO_TIME else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micro)
    except OverflowError:
        return None


def zone_of(naive: Any, told: Any) -> int:
    """How far a clock was ahead of UTC, in microseconds, whose `naive` time was written just after the UTC time `told`.

    Old versions wrote local times without their zone, but the time at which a run was made in UTC.
    """
    local, utc = time_us(naive), time_us(told)
    if local == NO_TIME or utc == NO_TIME:
        return 0
    quarter = 15 * 60 * 1_000_000
    ahead = local - utc
    zone = ahead // quarter * quarter
    return zone if abs(zone) <= 56 * quarter and ahead - zone < quarter // 2 else 0
