"""The settings, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from labtop.cli.doctor.line import Line, looked_at
from labtop.settings import Settings, settings_path

SECTION = "settings"


def setting_lines(settings: Settings) -> Iterable[Line]:
    """The lines of the section: the file, and what differs from the defaults."""
    return looked_at(SECTION, (("settings", lambda: _settings(settings)),))


def _settings(settings: Settings) -> Iterator[Line]:
    path = settings_path()
    yield Line(
        SECTION, "file", "well", f"{path}{'' if path.is_file() else ' (is not there; all is default)'}"
    )
    for field in fields(settings):
        if field.name != "origins" and (origin := settings.origins.get(field.name)):
            yield Line(SECTION, field.name, "well", f"{_shown(getattr(settings, field.name))} (by {origin})")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return f"{len(value)} given"  # patterns may tell what they hide
    return str(value)
