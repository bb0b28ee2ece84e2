"""Objects of Python that somebody dumped into YAML."""

from __future__ import annotations

import pytest

from labtop.formats.yaml_text import parse_yaml


def test_a_large_or_circular_object_is_its_tag() -> None:
    """What stands beside it is kept."""
    many = ", ".join(f"k{at}: {at}" for at in range(100))
    text = (
        "lr: 0.1\n"
        f"model: !!python/object:net.Model {{{many}}}\n"
        "loop: !!python/object:net.Node &node {next: *node}\n"
        "data: !!python/object/apply:torch.load [!!binary aGVsbG8=]\n"
    )
    assert parse_yaml(text) == {
        "lr": 0.1,
        "model": "!python/object:net.Model",
        "loop": "!python/object:net.Node",
        "data": "!python/object/apply:torch.load",
    }


def test_small_objects_and_holders_of_settings_keep_what_they_hold() -> None:
    """However much that is."""
    many = ", ".join(f"k{at}: {at}" for at in range(100))
    text = (
        "path: !!python/object/apply:pathlib.PosixPath [/, data]\n"
        f"args: !!python/object:argparse.Namespace {{{many}}}"
    )
    assert parse_yaml(text) == {"path": ["/", "data"], "args": {f"k{at}": at for at in range(100)}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1e-05", 1e-05), ("yes", "yes"), ("on", "on"), ("012", 12), ("0o14", 12), ("0x1F", 31),
        ("1:30", "1:30"), ("true", True), ("~", None), (".inf", float("inf")), ("'1e-3'", "1e-3"),
    ],
)  # fmt: skip
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    """What DVC writes and reads is YAML 1.2: its numbers and texts are not those of YAML 1.1."""
    found = parse_yaml(f"a: {text}\nb: &x [{text}]\nc: *x\n", is_core=True)
    assert (found["a"], type(found["a"])) == (value, type(value))
    assert found["c"] == found["b"] == [value]
