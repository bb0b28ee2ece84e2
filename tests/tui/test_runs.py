"""The Runs screen: what keys do, on real stores."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import labtop as labtop_package
from labtop.model.run import RunRecord, Source
from labtop.settings import Settings
from labtop.tui.state import StoreState, saved_views, view_path
from tests.stores import build_store, write_run
from tests.tui.shell_app import labtop


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 30 runs, made once."""
    return build_store(tmp_path_factory.mktemp("built") / "runs", runs=30, params=6, metrics=3, points=5)


@pytest.fixture
def store(built: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(built, tmp_path / "runs"))


async def test_the_runs_are_shown_newest_first(store: Path) -> None:
    """Rows, their number, and the key line."""
    async with labtop(store) as driver:
        assert "30 runs" in driver.title
        assert driver.runs.grid.row_count == 30
        assert driver.current == driver.names()[0]
        assert "/ filter" in driver.screen.split("\n")[-1]


async def test_keys_move_the_cursor(store: Path) -> None:
    """Arrows, hjkl, g g and G."""
    async with labtop(store) as driver:
        grid = driver.runs.grid
        await driver.press("down", "j", "j", "k")
        assert grid.cursor_index == 2
        await driver.press("G")
        assert grid.cursor_index == 29
        await driver.press("g", "g")
        assert grid.cursor_index == 0
        await driver.press("ctrl+d")
        assert 5 < grid.cursor_index < 20
        await driver.press("l", "l", "h")
        assert grid.cursor_column == 1


async def test_one_g_alone_does_nothing_to_the_next_key(store: Path) -> None:
    """A begun sequence gives way to another key."""
    async with labtop(store) as driver:
        await driver.press("g", "j")
        assert driver.runs.grid.cursor_index == 1


async def test_the_filter_is_live(store: Path) -> None:
    """The table and the count follow each key; Enter keeps; the history has it."""
    async with labtop(store) as driver:
        await driver.press("/")
        await driver.type("optimizer = 'adam'")
        adams = driver.runs.grid.row_count
        assert 0 < adams < 30
        assert f"{adams} of 30" in driver.screen
        await driver.press("enter")
        assert driver.runs.view.where == "optimizer = 'adam'"
        assert "/ optimizer = 'adam'" in driver.title
        await driver.press("/", "ctrl+u", "up")
        assert "/ optimizer = 'adam'" in driver.screen


async def test_a_half_typed_filter_keeps_the_last_good_one_and_points_at_the_error(store: Path) -> None:
    """The caret stands under the character at fault."""
    async with labtop(store) as driver:
        await driver.press("/")
        await driver.type("seed < 2")
        fitting = driver.runs.grid.row_count
        await driver.type(" and (")
        assert driver.runs.grid.row_count == fitting < 30
        await driver.press("backspace")
        await driver.type("lrr > 0")
        lines = driver.screen.split("\n")
        at = next(number for number, line in enumerate(lines) if line.lstrip().startswith("/ seed"))
        assert lines[at + 1].index("^") == lines[at].index("lrr")
        assert "lr" in lines[at + 1]
        await driver.press("enter")
        assert driver.runs.open_bar is not None
        await driver.press("escape")
        assert driver.runs.grid.row_count == 30
        assert driver.runs.view.where == ""


async def test_tab_completes_names_and_values(store: Path) -> None:
    """First the column, then what it can be."""
    async with labtop(store) as driver:
        await driver.press("/")
        await driver.type("optim")
        await driver.press("tab")
        assert driver.runs.open_bar is not None
        assert driver.runs.open_bar.line.value == "optimizer"
        await driver.type(" = ")
        await driver.press("tab")
        assert driver.runs.open_bar.line.value.startswith("optimizer = '")


async def test_sorting_puts_the_best_on_top_and_turns_round(store: Path) -> None:
    """A metric to be maximised sorts downwards first."""
    async with labtop(store) as driver:
        await driver.press("o")
        await driver.type("val/acc")
        await driver.press("enter")
        assert driver.runs.view.sort == ("-metrics.val/acc",)
        best = driver.current
        await driver.press("o")
        await driver.type("val/acc")
        await driver.press("enter")
        assert list(driver.runs.view.sort) == ["metrics.val/acc"]
        assert driver.names()[0] != best
        await driver.press("O")
        await driver.type("name")
        await driver.press("enter")
        assert list(driver.runs.view.sort) == ["metrics.val/acc", "name"]


async def test_marks_follow_the_run_and_not_the_row(store: Path) -> None:
    """Sorting, filtering and undoing leave them alone."""
    async with labtop(store) as driver:
        await driver.press("space", "j", "j", "space")
        marked = list(driver.app.session.marked_run_ids)
        assert len(marked) == 2
        await driver.command("sort name")
        assert list(driver.app.session.marked_run_ids) == marked
        assert "2 marked" in driver.title
        await driver.press("U")
        assert list(driver.app.session.marked_run_ids) == []


async def test_ranges_and_inversion(store: Path) -> None:
    """V marks from the last mark to here, * turns the marks of what is shown round."""
    async with labtop(store) as driver:
        await driver.press("space", "j", "j", "j", "V")
        assert len(driver.app.session.marked_run_ids) == 4
        await driver.press("*")
        assert len(driver.app.session.marked_run_ids) == 26


async def test_a_baseline_shows_deltas(store: Path) -> None:
    """And unpins with the same key."""
    async with labtop(store, size=(90, 30)) as driver:
        await driver.press("b", "j")
        assert driver.app.session.baseline_run_id is not None
        assert "+0." in driver.screen or "-0." in driver.screen
        await driver.press("k", "b")
        assert driver.app.session.baseline_run_id is None


async def test_columns_are_hidden_moved_and_brought_back(store: Path) -> None:
    """Each change can be undone and redone."""
    async with labtop(store) as driver:
        runs = driver.runs
        before = runs.shown_keys
        await driver.press("l", "l", "-")
        hidden = runs.shown_keys
        assert len(hidden) == len(before) - 1
        await driver.press("u")
        assert runs.shown_keys == before
        await driver.press("ctrl+r")
        assert runs.shown_keys == hidden
        column = runs.grid.column
        assert column is not None
        await driver.press("L")
        assert runs.shown_keys.index(column.key) == hidden.index(column.key) + 1
        width = next(each.width for each in runs.grid.table.columns if each.key == column.key)  # type: ignore[union-attr]
        await driver.press(">", ">")
        wider = next(each.width for each in runs.grid.table.columns if each.key == column.key)  # type: ignore[union-attr]
        assert wider == width + 2


async def test_choosing_columns(store: Path) -> None:
    """By command, and in the list with Tab."""
    async with labtop(store) as driver:
        await driver.command("columns lr,val/acc")
        assert driver.runs.shown_keys[-2:] == ("params.lr", "metrics.val/acc")
        await driver.press("C")
        await driver.type("optimizer")
        await driver.press("tab", "enter")
        assert "params.optimizer" in driver.runs.shown_keys


async def test_this_value_and_not_this_value(store: Path) -> None:
    """The cell under the cursor becomes a condition."""
    async with labtop(store) as driver:
        await driver.command("columns optimizer,lr")
        await driver.press("$", "h")
        assert driver.runs.grid.column is not None
        assert driver.runs.grid.column.key == "params.optimizer"
        value = driver.runs.grid.cell
        await driver.press("=")
        same = driver.runs.grid.row_count
        assert driver.runs.view.where == f"optimizer = '{value}'"
        await driver.press("u", "!")
        assert driver.runs.grid.row_count == 30 - same


async def test_grouping_by_seed_and_opening_a_group(store: Path) -> None:
    """mean ± std and n; Enter opens the members, q leads back, s ends it."""
    async with labtop(store, size=(200, 30)) as driver:
        await driver.press("s")
        assert driver.runs.grid.row_count < 30
        assert "±" in driver.screen
        groups = driver.runs.grid.row_count
        assert 5 <= groups < 30
        await driver.press("enter")
        assert not driver.runs.is_grouped
        assert 1 <= driver.runs.grid.row_count <= 5
        await driver.press("q")
        assert driver.runs.grid.row_count == groups
        await driver.press("s")
        assert driver.runs.grid.row_count == 30


async def test_a_group_of_runs_without_a_param_is_named_by_what_it_lacks(tmp_path: Path) -> None:
    """Not as if somebody had recorded None."""
    for name, config in (("plain", {}), ("bold", {"lr": 0.1, "width": 8})):
        with labtop_package.init(project="p", name=name, config=config, store=tmp_path) as run:
            run.log({"loss": 1.0})
    async with labtop(tmp_path, size=(120, 20)) as driver:
        await driver.command("group lr,width")
        titles = ""
        for place in range(2):
            await driver.press("enter")
            titles += driver.title
            await driver.press("q")
            assert driver.runs.grid.cursor_index == place  # where one came from
            await driver.press("down")
        assert "lr 0.1, width 8" in titles
        assert "no lr, width" in titles


async def test_an_export_waits_until_all_runs_are_read(store: Path, tmp_path: Path) -> None:
    """A run that is only listed has no figures yet, and a file does not say so."""
    file = tmp_path / "out.csv"
    async with labtop(store) as driver:
        driver.app.is_reading = True
        await driver.command(f"export {file}")
        assert "out.csv is written when all runs are read" in driver.message
        assert not file.exists()
        driver.app.is_reading = False
        driver.app.catalog_moved()
        await driver.settle()
        assert len(file.read_text().splitlines()) == 31


async def test_grouping_by_columns(store: Path) -> None:
    """By command or from the list."""
    async with labtop(store) as driver:
        await driver.press("S")
        await driver.type("optimizer")
        await driver.press("tab", "enter")
        assert driver.runs.view.group == ("params.optimizer",)
        assert driver.runs.grid.row_count <= 4


async def test_export_writes_what_is_shown(store: Path, tmp_path: Path) -> None:
    """The filtered rows, in a file of the kind its ending says."""
    async with labtop(store) as driver:
        await driver.command("filter seed = 1")
        count = driver.runs.grid.row_count
        for ending in ("csv", "parquet", "json", "jsonl", "md", "tex"):
            await driver.command(f"export {tmp_path / 'out'}.{ending}")
            assert f"{count} rows" in driver.message
            assert f"out.{ending}" in driver.message
            assert (tmp_path / f"out.{ending}").stat().st_size > 100
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == count
    assert len(rows[0]["val/loss"]) > 10  # full precision


async def test_an_export_asks_before_it_replaces_a_file(store: Path, tmp_path: Path) -> None:
    """Esc and n leave it."""
    path = tmp_path / "out.csv"
    path.write_text("mine")
    async with labtop(store) as driver:
        await driver.command(f"export {path}")
        await driver.press("n")
        assert path.read_text() == "mine"
        await driver.command(f"export {path}")
        await driver.press("y")
    assert path.read_text() != "mine"


async def test_an_unknown_ending_is_told(store: Path, tmp_path: Path) -> None:
    """With those that would do."""
    async with labtop(store) as driver:
        await driver.command(f"export {tmp_path / 'out.xyz'}")
        assert ".parquet" in driver.message


async def test_tags_and_notes_go_into_the_ledger(store: Path) -> None:
    """They are there for everyone who opens the store."""
    async with labtop(store) as driver:
        await driver.press("t")
        await driver.type("for the talk")
        await driver.press("enter")
        run_id = driver.app.session.current_run_id
        assert run_id is not None
        assert "for the talk" in driver.app.session.catalog.record(run_id).life.tags
        await driver.command("note looks good")
        assert driver.app.session.catalog.record(run_id).life.notes == "looks good"
        marked = next(each for each in driver.app.session.catalog.ids(range(5)) if each != run_id)
        driver.app.session.mark([marked])
        await driver.command("rename winner")  # the one under the cursor, whatever is marked
        assert driver.app.session.catalog.record(marked).name != "winner"
        assert "winner" in driver.screen
    async with labtop(store) as driver:
        await driver.command("filter tags has 'for the talk'")
        assert driver.names() == ["winner"]


async def test_archiving_hides_a_run_until_asked(store: Path) -> None:
    """And brings it back."""
    async with labtop(store) as driver:
        name = driver.current
        await driver.command("archive")
        assert driver.runs.grid.row_count == 29
        await driver.command("archived")
        assert driver.runs.grid.row_count == 30
        await driver.press("g", "g")
        assert driver.current == name
        await driver.command("archive")
        await driver.command("archived")
        assert driver.runs.grid.row_count == 30


async def test_a_saved_view_is_deleted_after_a_question(store: Path) -> None:
    """No keeps it; what is no view is not touched."""
    async with labtop(store) as driver:
        await driver.command("save-view mine")
        await driver.command("delete-view mine")
        await driver.press("n")
        assert saved_views() == ["mine"]
        await driver.command("delete-view mine")
        await driver.press("y")
        assert saved_views() == []
        foreign = store.parent / "mine.json"
        foreign.write_text("{}")
        await driver.command(f"delete-view {foreign}")
        await driver.press("y")
        assert "not a view" in driver.message
        assert foreign.exists()


async def test_a_damaged_view_is_an_error_and_no_end(store: Path) -> None:
    """Chosen from the list, too."""
    async with labtop(store) as driver:
        await driver.command("save-view mine")
        view_path("mine").write_text("{")
        await driver.press("v", "enter")
        assert "cannot read the view" in driver.message
        assert driver.app.is_running


async def test_views_are_kept_and_opened(store: Path) -> None:
    """By a name that is typed."""
    async with labtop(store) as driver:
        await driver.command("filter seed = 1")
        await driver.command("sort -val/acc")
        await driver.press("v")
        await driver.type("ones")
        await driver.press("enter")
        kept = driver.runs.view
        await driver.press("u", "u")
        assert driver.runs.view.where == ""
        await driver.press("v", "enter")
        assert driver.runs.view == kept


async def test_state_is_restored(store: Path) -> None:
    """View, marks, baseline and the place of the cursor."""
    async with labtop(store) as driver:
        await driver.command("sort name")
        await driver.press("j", "j", "space", "b", "j")
        name, marked = driver.current, driver.app.session.marked_run_ids
        assert len(marked) == 1
        driver.app.exit(0)
    async with labtop(store) as driver:
        assert driver.runs.view.sort == ("name",)
        assert driver.app.session.marked_run_ids == marked
        assert driver.app.session.baseline_run_id == marked[0]
        assert driver.current == name


async def test_the_rows_of_the_last_time_are_kept_for_the_first_paint(store: Path) -> None:
    """As they were drawn, and only as data."""
    async with labtop(store) as driver:
        name = driver.current
    painted = StoreState.load(store).painted
    assert any(name == cell[0] for cell in painted["rows"][0][1])


async def test_a_filter_that_no_longer_fits_the_store_is_dropped_with_a_word(store: Path) -> None:
    """A column of the last session is gone."""
    state = StoreState.load(store)
    state.view = state.view.narrowed_to("nothing_like_it > 3")
    state.save()
    async with labtop(store) as driver:
        assert driver.runs.grid.row_count == 30
        assert "nothing_like_it" in driver.message


async def test_undo_with_nothing_to_undo_says_so(store: Path) -> None:
    """No silence."""
    async with labtop(store) as driver:
        await driver.press("u")
        assert driver.message == "nothing to undo"


async def test_enter_opens_the_run_and_q_leads_back(store: Path) -> None:
    """And q on the first screen quits."""
    async with labtop(store) as driver:
        name = driver.current
        await driver.press("enter")
        assert driver.title.split()[0] == "Run"
        assert name in driver.title
        await driver.press("q")
        assert driver.title.split()[0] == "Runs"
        await driver.press("q")
        assert not driver.app.is_running


async def test_the_preview_follows_the_cursor_where_there_is_room(store: Path) -> None:
    """From 100 columns on; none below."""
    async with labtop(store, size=(120, 30)) as driver:
        for _ in range(20):  # it comes when the cursor has rested
            if "status" in driver.screen:
                break
            await driver.pilot.pause(0.1)
            await driver.settle()
        assert "status" in driver.screen
        await driver.pilot.resize_terminal(80, 24)
        await driver.settle()
        assert "status" not in driver.screen


async def test_a_terminal_that_is_too_small_says_so_and_comes_back(store: Path) -> None:
    """20×5 and back, on every screen that is open."""
    async with labtop(store) as driver:
        await driver.press("enter")
        for _ in range(2):
            await driver.pilot.resize_terminal(20, 5)
            await driver.settle()
            assert "needs 30x6" in driver.screen
            await driver.pilot.resize_terminal(100, 30)
            await driver.settle()
            assert "needs" not in driver.title
            await driver.press("q")
        assert not driver.app.is_running or driver.app.front is driver.runs


async def test_the_palette_finds_and_does_an_action(store: Path) -> None:
    """By typing a part of it."""
    async with labtop(store) as driver:
        await driver.press("ctrl+p")
        await driver.type("but for the seed")
        await driver.press("enter")
        assert driver.runs.is_grouped


async def test_commands_complete_and_remember(store: Path) -> None:
    """Tab, then up for the last one."""
    async with labtop(store) as driver:
        await driver.press(":")
        await driver.type("sor")
        await driver.press("tab")
        await driver.type("-val/a")
        await driver.press("tab")
        assert ":sort -val/acc" in driver.screen
        await driver.press("enter", ":", "up")
        assert ":sort -val/acc" in driver.screen


async def test_a_wrong_command_is_told(store: Path) -> None:
    """With the nearest."""
    async with labtop(store) as driver:
        await driver.command("sorrt lr")
        assert "nearest: sort" in driver.message
        await driver.command("sort lrr")
        assert "no column 'lrr'" in driver.message


async def test_remapped_keys_work_and_are_shown(store: Path) -> None:
    """In the key line too."""
    async with labtop(store, settings=Settings(keys={"mark": "x"})) as driver:
        await driver.press("x")
        assert len(driver.app.session.marked_run_ids) == 1
        assert "x mark" in driver.screen


async def test_help_lists_every_action(store: Path) -> None:
    """And / searches in it."""
    async with labtop(store, size=(120, 30)) as driver:
        await driver.press("?")
        assert "keys and commands" in driver.screen  # the title
        assert "one line down" in driver.screen
        await driver.press("/")
        await driver.type("clear-marks")
        await driver.press("enter")
        assert "unmark all" in driver.screen
        await driver.press("escape", "escape")
        assert driver.app.front is driver.runs


async def test_help_cuts_nothing_at_80_columns(store: Path) -> None:
    """Long lines go on below."""
    async with labtop(store, size=(80, 400)) as driver:
        await driver.press("?")
        said = " ".join(driver.screen.split())
        for action in driver.app.session.keymap.actions:
            assert action.description in said
            assert f":{action.title}" in said


async def test_an_empty_store_says_how_to_log_a_first_run(tmp_path: Path) -> None:
    """A friendly page, and it goes when a run comes."""
    store = build_store(tmp_path / "runs", runs=0)
    async with labtop(store) as driver:
        assert "No runs yet." in driver.screen
        assert "labtop.init" in driver.screen
        assert "as run:" in driver.screen  # nothing is cut at 80 columns
        assert "hidden" not in driver.screen
        await driver.press("ctrl+c")
        assert "ctrl+q leaves labtop" in driver.screen
        build_store(store, runs=1, points=0)
        await driver.press("R")
        assert "No runs yet." not in driver.screen
        assert driver.runs.grid.row_count == 1


async def test_damaged_files_are_counted_and_listed(store: Path) -> None:
    """With their reasons, while all else is shown."""
    broken = next(store.glob("*/*/run.parquet"))
    broken.write_bytes(b"")
    async with labtop(store) as driver:
        assert "unreadable (P)" in driver.title
        assert driver.runs.grid.row_count >= 29
        await driver.press("P")
        assert broken.parent.name in driver.screen


async def test_a_store_that_disappears_is_no_crash(store: Path) -> None:
    """What was read stays on the screen."""
    async with labtop(store) as driver:
        shutil.rmtree(store)
        await driver.press("R", "j", "enter")
        assert driver.app.is_running


async def test_a_missing_store_ends_with_a_message(tmp_path: Path) -> None:
    """And with the exit code of missing input."""
    async with labtop(tmp_path / "nothing") as driver:
        assert not driver.app.is_running
    assert driver.app.return_code == 3


async def test_a_page_of_the_run_screen_is_a_page(store: Path) -> None:
    """What stood at the bottom stands on top, and the page before comes back whole; Tab puts a section on top."""
    async with labtop(store) as driver:
        await driver.press("enter")
        first = driver.screen.split("\n")
        await driver.press("pagedown")
        assert driver.screen.split("\n")[1].strip(" ▁▂▃▄▅▆▇█") == first[-2].strip(" ▁▂▃▄▅▆▇█")
        await driver.press("pageup")
        assert driver.screen.split("\n")[1:3] == first[1:3]
        await driver.press("tab", "tab")
        assert driver.screen.split("\n")[1].split()[0] == "Params"


async def test_params_may_have_the_names_of_fields(tmp_path: Path) -> None:
    """A program that logs `status` as a number is opened as any other, and its running runs are counted."""
    store = build_store(tmp_path / "runs", runs=3, params=2, metrics=1, points=3)
    config = {
        "status": 2,
        "name": 1.5,
        "id": 7,
        "tags": 0,
        "problems": "none",
        "started_at": 3,
        "archived": 1,
    }
    with labtop_package.init(
        project="p", name="odd", config=config, store=store, capture_output=False
    ) as run:
        run.log({"score": 1.0, "points": 2.0})
    async with labtop(store) as driver:
        assert "4 runs" in driver.title
        await driver.press("s", "s", "o", "escape", "*", "c", "q", "enter")
        assert "odd" in driver.title
        assert not driver.message


async def test_runs_with_problems_are_counted_and_told(tmp_path: Path) -> None:
    """The title says how many there are; P says what is missing of which run, once where it is the same of many."""
    store = build_store(tmp_path / "runs", runs=3, params=2, metrics=1, points=3)
    why = "run.log: cut off (byte 12 of 40), " + "so that the rest of the points is missing " * 3
    for number in range(5):
        source = Source(
            tracker="wandb", uri=f"/logs/{number}", problems=(why if number else "metrics: not read",)
        )
        write_run(
            store, RunRecord(id=f"hurtrunxx{number + 2}", name=f"hurt-{number}", project="p", source=source)
        )
    async with labtop(store, (80, 24)) as driver:
        assert "5 with problems (P)" in driver.title
        await driver.press("P")
        words = " ".join(driver.screen.split())
        assert "5 runs with problems; all else was read" in words
        assert "4 runs: hurt-" in words
        assert "and 1 more" in words
        assert why.strip() in words
        assert "hurt-0 /logs/0 metrics: not read" in words
