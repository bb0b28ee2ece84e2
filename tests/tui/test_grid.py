"""What a grid shows, and what moving, marking and resizing do to it."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual import events
from textual.geometry import Region

from labtop.tui.widgets.grid import Grid
from labtop.views.table_shape import Cell
from tests.tui.grid_app import HOSTILE, GridApp, MemoryTable


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """The regions that grids asked Textual to paint again."""
    regions: list[Region] = []
    refresh = Grid.refresh

    def watched(
        self: Grid, *where: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Grid:
        regions.extend(where or [self.size.region])
        return refresh(self, *where, repaint=repaint, layout=layout, recompose=recompose)

    monkeypatch.setattr(Grid, "refresh", watched)
    return regions


async def test_rows_are_shown_below_their_titles() -> None:
    """A header, then rows; numbers to the right; frozen columns first."""
    app = GridApp()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert lines[0].split()[:3] == ["name", "model.p0", "model.p1"]
        assert lines[1].startswith("  ✓ run 0")
        assert lines[9].startswith("  ✓ run 8")
        assert {cell_len(line) for line in lines} == {60}


async def test_a_cursor_key_paints_two_lines(refreshed: list[Region]) -> None:
    """Moving the cursor touches the line it left and the one it came to."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        app.grid.move(3)
        await pilot.pause()
        refreshed.clear()
        app.grid.move(1)
        await pilot.pause()
        assert refreshed == [Region(0, 4, 80, 2)]


async def test_nothing_changed_paints_nothing(refreshed: list[Region]) -> None:
    """Showing the same rows again, the same marks or a move against the edge costs no byte."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        refreshed.clear()
        again = MemoryTable()
        app.grid.show(again, again.fetch(0, 100))
        app.grid.set_marks({})
        app.grid.move(-1)
        app.grid.move(0, -1)
        await pilot.pause()
        assert refreshed == []


async def test_a_running_row_repaints_alone(refreshed: list[Region]) -> None:
    """A new revision in which one row changed paints that row."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        refreshed.clear()
        again = MemoryTable()
        rows = again.fetch(0, 100)
        rows[5] = rows[5]._replace(values=("running", "changed", *rows[5].values[2:]))
        app.grid.show(again, rows)
        await pilot.pause()
        assert refreshed == [Region(0, 6, 80, 1)]
        assert "changed" in app.lines()[6]


async def test_the_page_turns_and_the_next_was_asked_for() -> None:
    """PageDown keeps the cursor's line, and its rows were asked for before."""
    app = GridApp()
    async with app.run_test(size=(80, 21)) as pilot:
        await pilot.pause()
        assert app.wanted[0] == (0, 80)
        app.grid.move(2)
        app.answers = False
        app.grid.page(1)
        await pilot.pause()
        assert app.grid.cursor_index == 22
        assert app.grid.seen == range(20, 40)
        assert app.lines()[1].startswith("  ✓ run 20")
        app.grid.page(-0.5)
        assert app.grid.seen == range(10, 30)


async def test_the_ends_are_kept() -> None:
    """No movement leaves the table."""
    app = GridApp(MemoryTable(100))
    async with app.run_test(size=(80, 21)) as pilot:
        await pilot.pause()
        app.grid.move_to(10**9)
        await pilot.pause()
        assert app.grid.cursor_index == 99
        assert app.grid.seen == range(80, 100)
        assert app.lines()[20].startswith("  ✓ run 99")
        app.grid.page(5)
        app.grid.move(0, 10**6)
        assert app.grid.column is not None
        assert app.grid.column.key == "params.p11"
        app.grid.move_to(-5)
        assert (app.grid.cursor_index, app.grid.seen) == (0, range(20))


async def test_columns_scroll_beside_the_frozen_ones() -> None:
    """Moving right scrolls whole columns; the name stays, and signs show that there is more."""
    app = GridApp()
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        assert app.lines()[0].endswith("›")
        app.grid.move(0, 13)
        await pilot.pause()
        assert app.grid.column is not None
        assert app.grid.column.key == "params.p11"
        header, first = app.lines()[:2]
        assert "‹" in header
        assert not header.endswith("›")
        assert header.split()[-1] == "…del.p11"
        assert first.startswith("  ✓ run 0")
        assert app.grid.cell == 11
        assert app.grid.cell_text == "11.0"
        app.grid.move(0, -13)
        await pilot.pause()
        assert "‹" not in app.lines()[0]


async def test_old_rows_stay_until_new_ones_come() -> None:
    """A new table does not flash: the old one is seen until the rows of the new one are there."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        app.answers = False
        new = MemoryTable(500, mark="new ")
        app.grid.show(new)
        await pilot.pause()
        assert app.grid.table is app.first_table
        assert "run 0" in app.lines()[1]
        assert app.wanted[-1][0] == 0
        app.grid.supply(app.first_table, 0, [])
        app.grid.supply(new, 0, new.fetch(0, 100))
        await pilot.pause()
        assert app.grid.table is new
        assert "new run 0" in app.lines()[1]


async def test_late_rows_of_an_old_table_are_dropped() -> None:
    """Rows that were asked for before the table changed don't appear in the new one."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        new = MemoryTable(500, mark="new ")
        app.grid.show(new, new.fetch(0, 60))
        app.grid.supply(app.first_table, 0, app.first_table.fetch(0, 60))
        await pilot.pause()
        assert "new run 0" in app.lines()[1]


async def test_the_cursor_follows_its_run() -> None:
    """A table in another order puts the cursor where it is told, on the same column and line."""
    app = GridApp()
    async with app.run_test(size=(80, 21)) as pilot:
        await pilot.pause()
        app.grid.move(4, 3)
        new = MemoryTable(500, mark="new ")
        app.grid.show(new, cursor=300)
        await pilot.pause()
        assert app.grid.cursor_index == 300
        assert app.grid.seen.start == 296
        assert app.grid.column is not None
        assert app.grid.column.key == "params.p1"
        assert app.cursor_moves[-1].index == 300
        row = app.cursor_moves[-1].row
        assert row is not None
        assert row.number == 300


async def test_a_shorter_table_keeps_the_cursor_inside() -> None:
    """A filter that leaves few rows, or none."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        app.grid.move_to(900)
        few = MemoryTable(3)
        app.grid.show(few)
        await pilot.pause()
        assert app.grid.cursor_index == 2
        app.grid.empty_text = "no run fits"
        app.grid.show(MemoryTable(0))
        await pilot.pause()
        assert app.grid.row is None
        assert app.grid.cell is None
        assert "no run fits" in app.lines()[2]
        app.grid.move(1)
        app.grid.page(1)


async def test_a_jump_asks_for_rows_and_fills_in_when_they_come() -> None:
    """Far away rows are empty until they come, and the cursor's row is told when it has come."""
    app = GridApp(MemoryTable(100_000), answers=False)
    async with app.run_test(size=(80, 20)) as pilot:
        app.grid.supply(app.first_table, 0, app.first_table.fetch(0, 60))
        app.grid.move_to(70_000)
        await pilot.pause()
        assert app.grid.row is None
        start, end = app.wanted[-1]
        assert start <= app.grid.seen.start < app.grid.seen.stop <= end
        app.grid.supply(app.first_table, start, app.first_table.fetch(start, end))
        await pilot.pause()
        assert "run 70000" in app.lines()[app.grid.cursor_index - app.grid.seen.start + 1]
        row = app.cursor_moves[-1].row
        assert row is not None
        assert row.number == 70_000


async def test_marks_and_baseline_stand_in_front() -> None:
    """A mark is a shape, not only a colour; the baseline has a sign of its own."""
    app = GridApp()
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        app.grid.set_marks({1: ("▴", "color(208)"), 2: ("✦", "color(74)")}, baseline=2)
        await pilot.pause()
        assert [line[:2] for line in app.lines()[1:4]] == ["  ", "▴ ", "✦⌂"]
        app.grid.set_marks({})
        await pilot.pause()
        assert [line[:2] for line in app.lines()[1:4]] == ["  ", "  ", "  "]


async def test_hostile_names_are_shown_and_cut() -> None:
    """Escapes, markup, newlines, wide and combining characters keep every line at its width."""
    app = GridApp(MemoryTable(len(HOSTILE), names=HOSTILE))
    async with app.run_test(size=(50, 20)) as pilot:
        await pilot.pause()
        for _ in range(len(HOSTILE)):
            lines = app.lines()
            assert {cell_len(line) for line in lines} == {50}
            assert all(line.isprintable() for line in lines)
            app.grid.move(1)
            await pilot.pause()
        text = "\n".join(app.lines())
        assert "[/b] [@click=ap" in text
        assert "␛]52;c;" in text
        assert "two⏎lines⏎and⏎" in text


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (3, 2), (400, 100), (25, 1)])
async def test_any_size_is_survived(size: tuple[int, int]) -> None:
    """Resizing and back loses neither cursor nor rows, and every line has the width of the screen."""
    app = GridApp(MemoryTable(names=HOSTILE))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.move(30, 5)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        app.grid.move(1, 1)
        app.grid.page(1)
        app.grid.page(-1)
        await pilot.pause()
        assert {cell_len(line) for line in app.lines()} == {size[0]}
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.grid.cursor_index in app.grid.seen
        assert all(line.strip() for line in app.lines())


async def test_a_click_moves_the_cursor_and_two_choose() -> None:
    """The mouse picks row and column; a double click opens."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        await pilot.click(Grid, offset=(30, 5))
        assert app.grid.cursor_index == 4
        assert app.grid.column is not None
        assert app.grid.column.key == "params.p1"
        await pilot.click(Grid, offset=(30, 7), times=2)
        assert app.clicks == ["row 6"]
        await pilot.click(Grid, offset=(30, 0))
        await pilot.click(Grid, offset=(30, 0), control=True)
        assert app.clicks[1:] == ["params.p1", "+params.p1"]


async def test_the_wheel_scrolls_and_keeps_the_cursor_on_the_screen() -> None:
    """A notch scrolls three lines; the cursor stays on its row while it is seen."""
    app = GridApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        app.grid.move(1)
        place = {"widget": app.grid, "x": 5, "y": 5, "delta_x": 0, "delta_y": 0, "button": 0}
        place |= {"shift": False, "meta": False, "ctrl": False}
        app.grid.post_message(events.MouseScrollDown(**place))  # type: ignore[arg-type]  # by name
        await pilot.pause()
        assert (app.grid.seen.start, app.grid.cursor_index) == (3, 3)
        app.grid.post_message(events.MouseScrollUp(**place))  # type: ignore[arg-type]  # by name
        await pilot.pause()
        assert (app.grid.seen.start, app.grid.cursor_index) == (0, 3)


async def test_wider_columns_of_a_page_are_laid_out_again() -> None:
    """When a fetched page needs wider columns, all lines follow."""

    class Growing(MemoryTable):
        def widen(self) -> None:
            self.version += 1
            self.columns = (
                *self.columns[:2],
                *(type(c)(c.key, c.title, 12, c.align) for c in self.columns[2:]),
            )

    table = Growing()
    app = GridApp(table, answers=False)
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        app.grid.supply(table, 0, table.fetch(0, 20))
        table.widen()
        app.grid.supply(table, 20, table.fetch(20, 40))
        await pilot.pause()
        assert app.lines()[1].index("0.0") == 21 + 12 - 3


def test_a_note_gives_way_to_the_value() -> None:
    """In a narrow column the delta is dropped before the number."""
    from labtop.tui.widgets.grid_lines import fit

    cell = Cell("0.951", "", "+0.01", "good")
    assert [piece[0] for piece in fit(cell, 11, "right", "…")] == ["0.951", " +0.01"]
    assert [piece[0] for piece in fit(cell, 8, "right", "…")] == ["   0.951"]
    assert [piece[0] for piece in fit(cell, 4, "right", "…")] == ["0.9…"]
