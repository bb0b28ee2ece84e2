"""Objects of Python that somebody dumped into YAML."""

from __future__ import annotations

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
