"""YAML without its dangers: no tag is run, an unknown one leaves its value as text, aliases cannot blow up."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from labtop.errors import InputError
from labtop.formats.files import read_text

MOST_BYTES = 8 * 2**20
_MOST_VALUES = 1_000_000
_ALWAYS = 10_000
_A_BYTE = 4  # values for each byte of text: what is written out needs two bytes a value, the rest are aliases
_DEEPEST = 100
_MAYBE_DEEP = re.compile(r"(?:[-?:][ \t]+){50}|^[ ]{50}", re.MULTILINE)
_MOST_IN_OBJECT = 50
_STANDARD = "tag:yaml.org,2002:"
_OBJECT = _STANDARD + "python/object"
_CORE = {
    "null": re.compile(r"null|Null|NULL|~|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}"),
    "float": re.compile(
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    ),
}
"""Plain scalars of YAML 1.2: https://yaml.org/spec/1.2.2/#1032-tag-resolution, the core schema."""
_HOLDERS = ("Namespace", "AttributeDict", "OrderedDict", "defaultdict", "DictConfig", "ListConfig", "dict")
"""Classes of Python whose objects hold settings and nothing else."""


def parse_yaml(text: str, is_core: bool = False) -> Any:
    """The value of one YAML document: mappings with text keys, lists, text, numbers, booleans and None.

    Of a value with a tag of its own (`!!python/object…`) what it holds is kept, unless that is much or holds itself: of
    such an object, pickled in other words, its tag stays. The tag of a scalar stays in front of its text. Dates stay
    text. Raises InputError.

    Arguments:
        is_core: plain scalars are those of YAML 1.2, as DVC reads them: `1e-3` is a number, `yes` a text, `012` is 12.
    """
    import yaml

    try:
        _refuse_depth(text)
        node = yaml.compose(text, Loader=_loader())
        if is_core:
            _resolve_as_core(node)
        return _build(node, _Budget(min(_MOST_VALUES, _ALWAYS + _A_BYTE * len(text))))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"no YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise InputError("no YAML: nested too deep") from None


def read_yaml(path: Path, most: int = MOST_BYTES) -> Any:
    """The value of a YAML file. Raises OSError, InputError."""
    return parse_yaml(read_text(path, most).text)


def read_written_yaml(path: Path, most: int = MOST_BYTES, is_core: bool = False) -> tuple[Any, str]:
    """The value of a YAML file that a program wrote, and what is wrong with it. Raises OSError, InputError.

    Programs end it with an end of line and write `{}` for nothing, so one without either was cut off.
    """
    text, problem = read_text(path, most)
    return parse_yaml(text, is_core), problem or cut_off(text)


def cut_off(text: str) -> str:
    """Why a YAML text that a program wrote cannot be all that it wrote; empty: it may be."""
    if not text.strip():
        return "is empty"
    return "" if text.endswith(("\n", "\r")) else "ends within a line: it may be cut off"


@cache
def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _refuse_depth(text: str) -> None:
    """Raise InputError for what is nested too deep: PyYAML's C loader has no bound, and ends the process.

    Only what looks like it is parsed for it.
    """
    import yaml

    if text.count("[") + text.count("{") <= _DEEPEST and not _MAYBE_DEEP.search(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise InputError(f"no YAML: nested deeper than {_DEEPEST} levels")


class _Budget:
    """Values that may still be made: an alias of an alias of an alias… is a small text and a huge value."""

    def __init__(self, values: int) -> None:
        self.left = self.most = values

    def take(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise InputError(f"no YAML: more than {self.most:,} values")
        if depth > _DEEPEST:
            raise InputError(f"no YAML: nested deeper than {_DEEPEST} levels")


def _build(node: Any, budget: _Budget, depth: int = 0) -> Any:
    """The value of a node, made here and not by a constructor of PyYAML."""
    import yaml

    budget.take(depth)
    if node is None:
        return None
    if node.tag.startswith(_OBJECT) and _is_large(node):
        return "!" + node.tag.removeprefix(_STANDARD)
    if isinstance(node, yaml.MappingNode):
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            value = _build(value_node, budget, depth + 1)
            if key_node.tag == _STANDARD + "merge":
                for each in value if isinstance(value, list) else [value]:
                    if isinstance(each, dict):
                        built = {**each, **built}
                continue
            built[_key_text(_build(key_node, budget, depth + 1))] = value
        return built
    if isinstance(node, yaml.SequenceNode):
        return [_build(each, budget, depth + 1) for each in node.value]
    return _scalar(node)


def _is_large(node: Any) -> bool:
    """Whether an object is no mere holder of settings, and has more than a few values or itself within it."""
    import yaml

    if node.tag.rpartition(".")[2] in _HOLDERS:
        return False
    waiting, count = [(node, frozenset({id(node)}))], 0
    while waiting:
        here, above = waiting.pop()
        count += 1
        if count > _MOST_IN_OBJECT or here.tag == _STANDARD + "binary":
            return True
        inner: list[Any] = []
        if isinstance(here, yaml.MappingNode):
            inner = [each for pair in here.value for each in pair]
        elif isinstance(here, yaml.SequenceNode):
            inner = here.value
        if any(id(each) in above for each in inner):
            return True
        waiting += [(each, above | {id(each)}) for each in inner]
    return False


def _resolve_as_core(root: Any) -> None:
    """Give the plain scalars of a document the types that they have in YAML 1.2."""
    import yaml

    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif not node.style and node.tag.startswith(_STANDARD):
            _resolve_scalar(node)


def _resolve_scalar(node: Any) -> None:
    kind = next((kind for kind, pattern in _CORE.items() if pattern.fullmatch(node.value)), "str")
    if kind == "int":
        node.value = str(int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10))
    node.tag = _STANDARD + kind


def _key_text(key: Any) -> str:
    return key if isinstance(key, str) else "null" if key is None else str(key)


def _scalar(node: Any) -> Any:
    """A scalar by its resolved tag; what cannot be had as said stays text."""
    tag, text = str(node.tag).removeprefix(_STANDARD), node.value
    construct = _CONSTRUCTED.get(tag)
    if construct is None:
        return text if tag in ("str", "timestamp", "value") else f"!{tag.removeprefix('!')} {text}".rstrip()
    try:
        return construct(node)
    except (ValueError, KeyError, TypeError, OverflowError):
        return text


def _construct(name: str) -> Any:
    def construct(node: Any) -> Any:
        import yaml

        return getattr(yaml.constructor.SafeConstructor(), f"construct_yaml_{name}")(node)

    return construct


_CONSTRUCTED = {"null": lambda _: None, **{name: _construct(name) for name in ("bool", "int", "float")}}
