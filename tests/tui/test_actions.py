"""The table of actions: keys, changes by the user, commands, and that everything in it is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labtop.errors import UsageError
from labtop.tui.actions import ACTIONS, Keymap, parse_command

SCREENS = sorted({screen for action in ACTIONS for screen in action.screens} - {"*"})
FORBIDDEN = ("ctrl+s", "ctrl+a", "ctrl+b", "ctrl+z", "ctrl+enter")
DOCS = Path(__file__).parents[2] / "docs"


def test_names_are_unique() -> None:
    """One action, one row."""
    names = [action.name for action in ACTIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("screen", SCREENS)
def test_a_key_means_one_thing_on_a_screen(screen: str) -> None:
    """An action of a screen may take a key over from one of all screens, but two of one screen never share one."""
    owners: dict[str, str] = {}
    for action in ACTIONS:
        if screen in action.screens:
            for key in action.keys:
                assert owners.setdefault(key, action.name) == action.name, key


def test_no_key_is_used_that_terminals_and_multiplexers_take() -> None:
    """ctrl+s, ctrl+a, ctrl+b, ctrl+z and alt are never bound."""
    for action in ACTIONS:
        assert not set(action.keys) & set(FORBIDDEN)
        assert not any("alt+" in key for key in action.keys)


def test_every_action_and_key_is_documented() -> None:
    """A page in docs/ names each action as it is typed, and each of its keys."""
    text = "".join(re.sub(r"(?ms)^```.*?^```", "", page.read_text("utf-8")) for page in DOCS.glob("*.md"))
    written = set(re.findall(r"`([^`\n]+)`", text))
    for action in ACTIONS:
        assert f":{action.title}" in written or any(
            each.startswith(f":{action.title} ") for each in written
        ), action
        for key in action.keys:
            assert key in written, (action.name, key)


def test_the_user_can_give_an_action_other_keys() -> None:
    """settings.keys replaces the keys of an action."""
    keymap = Keymap({"mark": "x, insert", "group-seeds": "ctrl+g"})
    assert keymap.keys("mark") == ("x", "insert")
    found = keymap.find("runs", "x")
    assert found is not None
    assert found.name == "mark"
    assert keymap.find("runs", "space") is None
    assert keymap.keys("group_seeds") == ("ctrl+g",)


def test_an_unknown_action_in_the_settings_is_an_error_with_the_nearest() -> None:
    """A typo is told."""
    with pytest.raises(UsageError, match=r"unknown action .filtre..*filter"):
        Keymap({"filtre": "x"})


def test_a_clash_of_keys_in_the_settings_names_both() -> None:
    """A key cannot mean two things."""
    with pytest.raises(
        UsageError, match=r"'o' would mean both 'sort' and 'mark'|'o' would mean both 'mark' and 'sort'"
    ):
        Keymap({"mark": "o"})


def test_swapping_two_keys_is_no_clash() -> None:
    """What counts is the result."""
    keymap = Keymap({"mark": "o", "sort": "space"})
    found = keymap.find("runs", "o")
    assert found is not None
    assert found.name == "mark"


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("sort -val/acc", "sort", "-val/acc"),
        (":filter lr < 1e-3", "filter", "lr < 1e-3"),
        ("q", "quit", ""),
        ("exp out.csv", "export", "out.csv"),
        ("hide-column lr", "hide_column", "lr"),
    ],
)
def test_command_lines(line: str, name: str, argument: str) -> None:
    """A command is an action's name, or enough of it, and the rest of the line."""
    action, rest = parse_command(line, "runs")
    assert (action.name, rest) == (name, argument)


@pytest.mark.parametrize(
    ("line", "message"),
    [("sorrt", "nearest: sort"), ("mo", "mouse"), ("sort", "does nothing on this screen")],
)
def test_wrong_command_lines_say_what_would_do(line: str, message: str) -> None:
    """Unknown, ambiguous and misplaced commands are told apart."""
    with pytest.raises(UsageError, match=message):
        parse_command(line, "help" if line == "sort" else "runs")
