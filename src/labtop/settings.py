"""Settings: defaults < settings file < environment < flags; each value knows where it came from.

The file is `settings.toml` in the user's configuration folder (or `$LABTOP_SETTINGS`); the environment variable of
a setting is `LABTOP_` and its name in capitals.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from labtop.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default. `origins` says where a value came from: default, file, environment, flag."""

    store: str | None = None  # folder of the store; None looks for one
    project: str | None = None  # project of runs that name none
    durability: str = "os"  # "process", "os" or "sync": when log() is on disk
    strict: bool = False  # raise when recording fails, instead of warning once
    mode: str = "online"  # "offline" records into the spool; "disabled" makes every recording verb do nothing
    spool: str | None = None  # folder where runs wait for `labtop sync`; None: in the user's data folder
    capture_code: bool = True
    capture_untracked: bool = True  # keep untracked source files, except secrets
    capture_output: bool | str = True  # "fd": also what child processes and C libraries print
    run_metrics: tuple[str, ...] = ()  # rules by which `labtop run` picks up metrics
    tables: tuple[str, ...] = ()  # what columns of tables are for: "results*.csv: run=model step=epoch"
    resolve_data: bool = True  # ask S3, lakeFS, … for the version behind an address
    aim_python: str | None = None  # a Python with the aim package, to read Aim repositories with
    untracked_max_bytes: int = 5_000_000  # of all untracked files kept together
    output_max_bytes: int = 50_000_000
    system_metrics: bool = True  # measure the machine while a run lives
    system_interval_s: float = 15.0  # how often
    values_max: int = 5_000  # rich values (images, tables, …) a run keeps
    values_max_bytes: int = 2_000_000_000  # of them together
    environment_variables: tuple[str, ...] = ()  # more names (globs) to record
    signals: tuple[str, ...] = ()  # that announce an end, besides SIGTERM, SIGINT and SIGHUP: SIGUSR1, …
    redact: tuple[str, ...] = ()  # more patterns (regular expressions) to redact
    shared: bool = False  # a new store that others may read: 0755/0644 as the umask allows
    theme: str = "auto"  # auto, dark, light, ansi
    mouse: bool = True
    ascii: bool = False  # draw with ASCII only; on by itself where the locale cannot do more
    refresh_s: float = 1.0  # how often running runs are looked at
    sql_timeout_s: float = 30.0
    sql_memory: str = "1GB"
    keys: Mapping[str, str] = field(default_factory=dict)  # action → key
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, **flags: Any) -> Settings:
        """Read the file and the environment and lay `flags` over them; flags that are None don't count."""
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        known = {each.name: each for each in fields(cls) if each.name != "origins"}

        def lay(layer: Mapping[str, Any], origin: str, convert: bool) -> None:
            for name, value in layer.items():
                if name not in known:
                    raise UsageError(
                        f"unknown setting {name!r} in {origin}", f"known: {', '.join(sorted(known))}"
                    )
                values[name] = _convert(name, value, getattr(_DEFAULTS, name), origin, convert)
                origins[name] = origin

        path = settings_path()
        if path.is_file():
            import tomllib

            try:
                lay(tomllib.loads(path.read_text("utf-8")), str(path), False)
            except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
                raise UsageError(
                    f"cannot read the settings file {path}: {error}", "mend or remove it"
                ) from error
        lay(
            {
                name: os.environ[f"LABTOP_{name.upper()}"]
                for name in known
                if name != "keys" and os.environ.get(f"LABTOP_{name.upper()}")
            },
            "environment",
            True,
        )
        lay({name: value for name, value in flags.items() if value is not None}, "flag", False)
        return cls(**values, origins=origins)


_DEFAULTS = Settings()


def settings_path() -> Path:
    """Where the settings file is, or would be."""
    if named := os.environ.get("LABTOP_SETTINGS"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir("labtop", appauthor=False)) / "settings.toml"


def cache_folder() -> Path:
    """The folder of everything that can be made again: `$XDG_CACHE_HOME/labtop` on Linux."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("labtop", appauthor=False))


def edits_folder() -> Path:
    """The store whose ledger holds the edits of runs that other trackers recorded: their files are never changed."""
    import platformdirs

    return Path(platformdirs.user_data_dir("labtop", appauthor=False)) / "edits"


def spool_folder(settings: Settings) -> Path:
    """Where runs wait that cannot be, or shall not yet be, in their store: `$XDG_DATA_HOME/labtop/spool` on Linux."""
    if settings.spool:
        return Path(settings.spool).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("labtop", appauthor=False)) / "spool"


def _convert(name: str, value: Any, default: Any, origin: str, from_text: bool) -> Any:
    """A value as the type of its default; text from the environment is parsed."""
    try:
        if name == "capture_output" and value == "fd":
            return "fd"
        if isinstance(default, bool):
            if from_text:
                return _parse_bool(value)
            if not isinstance(value, bool):
                raise ValueError("expected true or false")
            return value
        if isinstance(default, int):
            return int(value)
        if isinstance(default, float):
            return float(value)
        if isinstance(default, tuple):
            mark = "\n" if from_text and "\n" in value else ","
            return tuple(filter(None, value.split(mark))) if from_text else tuple(map(str, value))
        if isinstance(default, Mapping):
            return {str(key): str(text) for key, text in value.items()}
        return str(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"setting {name} = {value!r} ({origin}) is not usable: {error}") from error


def _parse_bool(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected true or false")
