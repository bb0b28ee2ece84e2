"""The configuration of a live run: a dictionary that can also be read and set as attributes, as wandb's can."""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from labtop.errors import UsageError
from labtop.model.run import Tree, Value

_LONGEST_TEXT = 20_000
_LONGEST_LIST = 10_000
_DEEPEST = 40


class Config(dict[str, Any]):
    """Parameters by name. `on_change` is told after each change; mappings inside are configurations too."""

    __slots__ = ("_depth", "_on_change")

    def __init__(
        self, values: object = None, on_change: Callable[[], None] | None = None, depth: int = 0
    ) -> None:
        super().__init__()
        object.__setattr__(self, "_on_change", on_change)
        object.__setattr__(
            self, "_depth", depth
        )  # a value that contains itself is left as it is at some point
        for key, value in as_mapping(values).items():
            super().__setitem__(key, self._wrapped(value))

    def update(self, values: object = None, /, allow_val_change: bool | None = None, **more: Any) -> None:
        """Take over a mapping, a namespace of argparse, a dataclass or a configuration of Hydra.

        `allow_val_change` is accepted for wandb's sake: a value may always change.
        """
        for key, value in {**as_mapping(values), **more}.items():
            super().__setitem__(key, self._wrapped(value))
        self._changed()

    def setdefaults(self, values: object) -> None:
        """Take over what is not there yet."""
        self.update({key: value for key, value in as_mapping(values).items() if key not in self})

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries all the way down."""
        return {key: value.as_dict() if isinstance(value, Config) else value for key, value in self.items()}

    def _wrapped(self, value: object) -> object:
        if isinstance(value, Config) and value._on_change is self._on_change:
            return value
        if self._depth >= _DEEPEST or not _is_nested(value):
            return value
        return Config(value, self._on_change, self._depth + 1)

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(str(key), self._wrapped(value))
        self._changed()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed()

    def __ior__(self, values: object) -> Config:  # type: ignore[override,misc]  # takes more than dict does
        self.update(values)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of `key`, which becomes `default` where there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:
        """Remove `key` and give its value."""
        value = super().pop(key, *default)
        self._changed()
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove and give the newest pair."""
        pair = super().popitem()
        self._changed()
        return pair

    def clear(self) -> None:
        """Remove everything."""
        super().clear()
        self._changed()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"no parameter {name!r}; there are: {', '.join(map(str, self)) or 'none'}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Config, (self.as_dict(),))  # to another process it goes as values only


def as_mapping(values: object) -> dict[str, Any]:
    """The fields of anything people keep parameters in."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return {str(key): values[key] for key in values}
    if dataclasses.is_dataclass(values) and not isinstance(values, type):
        return {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}
    if callable(dump := getattr(values, "model_dump", None)):  # pydantic
        return {str(key): value for key, value in dump().items()}
    if fields := getattr(values, "__attrs_attrs__", None):
        return {field.name: getattr(values, field.name) for field in fields}
    if callable(flags := getattr(values, "flag_values_dict", None)):  # absl
        return {str(key): value for key, value in flags().items()}
    if hasattr(values, "__dict__") and not callable(values):  # argparse.Namespace and its like
        return {key: value for key, value in vars(values).items() if not key.startswith("_")}
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        try:
            return {str(key): value for key, value in values}
        except (TypeError, ValueError):
            pass
    raise UsageError(
        f"a configuration is no {type(values).__name__}", "give a mapping, a namespace or a dataclass"
    )


def _is_nested(value: object) -> bool:
    """Whether a value holds parameters of its own: a mapping, a dataclass, a namespace of argparse."""
    if isinstance(value, type):
        return False
    return (
        isinstance(value, Mapping)
        or dataclasses.is_dataclass(value)
        or type(value).__name__ in ("Namespace", "SimpleNamespace")
    )


def as_tree(values: Mapping[str, Any]) -> Tree:
    """A configuration as the record holds it: typed scalars, lists and mappings; the rest as text."""
    return {str(key): _as_value(value, 0) for key, value in [*values.items()]}


def _as_value(value: Any, depth: int) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _as_value(value.value, depth + 1) if isinstance(value.value, str | int | float) else value.name
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, os.PathLike):
        return _text(os.fspath(value) if isinstance(os.fspath(value), str) else repr(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if depth > _DEEPEST:
        return _text(repr(value)[:1000])
    return _as_container(value, depth)


def _as_container(value: Any, depth: int) -> Value:
    if _is_nested(value):
        return {key: _as_value(each, depth + 1) for key, each in as_mapping(value).items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_as_value(each, depth + 1) for each in value[:_LONGEST_LIST]]
    if (scalar := as_scalar(value)) is not None:
        return scalar
    if (
        callable(tolist := getattr(value, "tolist", None))
        and getattr(value, "size", _LONGEST_LIST + 1) <= _LONGEST_LIST
    ):
        return _as_value(tolist(), depth + 1)  # a small array
    return _text(str(value))


def as_scalar(value: Any) -> bool | int | float | None:
    """A number of numpy, torch, tensorflow or jax as a plain one; None for what is no single number."""
    item = getattr(value, "item", None)
    if not callable(item):
        return None
    try:
        plain = item()
    except Exception:  # more than one element, or a device that fails
        return None
    return plain if isinstance(plain, bool | int | float) else None


def _text(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}… [{len(text)} characters]"
