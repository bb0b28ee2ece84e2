"""Nested configuration as flat dotted keys, and back to what can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from labtop.model.run import Tree, Value


def flatten(tree: Tree, separator: str = ".") -> dict[str, Value]:
    """Dotted keys of a nested mapping; lists stay whole and an empty mapping stays as itself.

    Where two places spell the same (`a.b` beside `b` in `a`), the later one is `a.b#2`.
    """
    flat: dict[str, Value] = {}
    for path, value in _leaves(tree, "", separator):
        name, number = path, 1
        while name in flat:
            number += 1
            name = f"{path}#{number}"
        flat[name] = value
    return flat


def _leaves(tree: Tree, prefix: str, separator: str) -> Iterator[tuple[str, Value]]:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path + separator, separator)
        else:
            yield path, value


def is_seed(key: str) -> bool:
    """Whether a flat key names a seed: seed, random_seed, data.seed, random_state, …"""
    leaf = key.rsplit(".", 1)[-1].lower()
    return leaf in ("seed", "seeds", "random_state", "randomstate") or leaf.endswith(("_seed", "-seed"))
