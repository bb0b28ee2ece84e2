"""What is remembered of a store, and saved views."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labtop.errors import InputError
from labtop.tui.runs_view import RunsView, UndoStack
from labtop.tui.state import StoreState, load_view, save_view, saved_views, state_path

VIEW = RunsView(
    where="lr < 1e-3", sort=("-metrics.val/acc", "name"), columns=("name", "params.lr"), widths={"name": 30}
)


def test_state_comes_back(tmp_path: Path) -> None:
    """View, marks, baseline, screen and history survive."""
    state = StoreState.load(tmp_path)
    state.view, state.marked, state.baseline, state.screen = VIEW, ("a", "b"), "b", "compare"
    state.remember_filter("lr < 1")
    state.save()
    again = StoreState.load(tmp_path)
    assert (again.view, again.marked, again.baseline, again.screen) == (VIEW, ("a", "b"), "b", "compare")
    assert again.history == ("lr < 1",)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"view": 3, "marked": [1, null], "history": {}}', "\x00"]
)
def test_a_damaged_state_file_counts_as_none(tmp_path: Path, content: str) -> None:
    """Whatever the cache holds, the program starts."""
    path = state_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    state = StoreState.load(tmp_path)
    assert state.view == RunsView()
    assert state.marked == ()


def test_stores_do_not_share_state(tmp_path: Path) -> None:
    """Each store has its own."""
    assert state_path(tmp_path / "a") != state_path(tmp_path / "b")


def test_history_keeps_the_newest_once() -> None:
    """A filter that comes again moves to the end."""
    state = StoreState()
    for each in ("a", "b", "a", " "):
        state.remember_filter(each)
    assert state.history == ("b", "a")


def test_a_saved_view_can_be_shared_as_a_file(tmp_path: Path) -> None:
    """By name in the settings folder, or as a file anywhere."""
    save_view("best lr", VIEW)
    assert saved_views() == ["best lr"]
    assert load_view("best lr") == VIEW
    path = save_view(str(tmp_path / "shared.json"), VIEW)
    assert json.loads(path.read_text())["where"] == "lr < 1e-3"
    assert load_view(str(path)) == VIEW


def test_the_name_of_a_view_cannot_leave_its_folder() -> None:
    """Odd characters in a name are replaced."""
    path = save_view("..secret*?", VIEW)
    assert path.parent.name == "views"
    assert path.name == "secret__.json"


def test_what_is_no_view_is_refused(tmp_path: Path) -> None:
    """Another JSON file, or none."""
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(InputError, match="not a view"):
        load_view(str(other))
    with pytest.raises(InputError, match="cannot read the view"):
        load_view("nothing there")


def test_sorting_turns_round_on_the_second_time() -> None:
    """Ascending, then descending, and another column starts anew."""
    view = RunsView().sorted_by("metrics.loss")
    assert view.sort == ("metrics.loss",)
    assert view.sorted_by("metrics.loss").sort == ("-metrics.loss",)
    assert view.sorted_by("metrics.loss").sorted_by("metrics.loss").sort == ("metrics.loss",)
    assert view.sorted_by("name", add=True).sort == ("metrics.loss", "name")
    assert view.sorted_by("name").sort == ("name",)


def test_narrowing_keeps_an_or_together() -> None:
    """A condition is added to the whole filter, not to its last part."""
    assert RunsView().narrowed_to("lr = 1").where == "lr = 1"
    assert RunsView(where="a = 1").narrowed_to("lr = 1").where == "a = 1 and lr = 1"
    assert RunsView(where="a = 1 or b = 2").narrowed_to("lr = 1").where == "(a = 1 or b = 2) and lr = 1"


def test_undo_and_redo_go_back_and_forth() -> None:
    """A change after an undo forgets what was taken back."""
    stack = UndoStack()
    first, second, third = RunsView(), RunsView(where="a"), RunsView(where="b")
    stack.push(first)
    stack.push(second)
    assert stack.undo(third) == second
    assert stack.redo(second) == third
    assert stack.undo(third) == second
    stack.push(second)
    assert stack.redo(second) is None
