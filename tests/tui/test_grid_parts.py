"""The parts of the grid that know no terminal: place, columns, rows at hand, texts that fit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from labtop.tui.widgets.grid_layout import first_to_show, lay_out
from labtop.tui.widgets.grid_lines import clip, fit_title
from labtop.tui.widgets.grid_rows import KEPT, RowStore
from labtop.tui.widgets.grid_viewport import Viewport
from labtop.views.table_shape import TableColumn, TableRow
from labtop.views.text import clean

WIDTHS = st.lists(st.integers(1, 40), min_size=1, max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-300, 300)),
        st.tuples(st.just("page"), st.sampled_from([-2, -1, -0.5, 0.5, 1, 2])),
        st.tuples(st.just("scroll"), st.integers(-10, 10)),
        st.tuples(st.just("resize"), st.integers(-1, 60)),
        st.tuples(st.just("table"), st.integers(0, 300)),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 60), STEPS)
def test_the_cursor_is_always_on_the_screen(
    row_count: int, height: int, steps: list[tuple[str, float]]
) -> None:
    """Whatever happens, the cursor is on a row that is seen, and no line is wasted."""
    view = Viewport(row_count, height)
    for kind, amount in steps:
        if kind == "move":
            view.move_to(view.index + int(amount))
        elif kind == "page":
            view.page(amount)
        elif kind == "scroll":
            view.scroll(int(amount))
        elif kind == "resize":
            view.resize(int(amount))
        else:
            view = view.on_another(int(amount), None)
        assert 0 <= view.line < view.height
        assert view.row_count == 0 or view.index in view.seen
        assert len(view.seen) == min(view.row_count, view.height)


def columns_of(widths: list[int], frozen: int) -> list[TableColumn]:
    """Columns of some widths, the first ones frozen."""
    return [TableColumn(str(at), str(at), width, is_frozen=at < frozen) for at, width in enumerate(widths)]


@settings(deadline=None)
@given(WIDTHS, st.integers(0, 2), st.integers(1, 120), st.integers(0, 12))
def test_columns_stay_on_the_screen(widths: list[int], frozen: int, width: int, first: int) -> None:
    """No column reaches over the edge or another, and what is out of sight is said."""
    layout = lay_out(columns_of(widths, frozen), width, first)
    end = 0
    for _, x, drawn in layout.places:
        assert x >= end
        assert drawn > 0
        end = x + drawn
    assert end <= max(width, 2)


@settings(deadline=None)
@given(WIDTHS, st.integers(0, 2), st.integers(50, 120), st.integers(0, 11))
def test_a_column_can_be_brought_into_sight(widths: list[int], frozen: int, width: int, wanted: int) -> None:
    """Going to a column scrolls until it is seen."""
    columns = columns_of(widths, min(frozen, 1))
    wanted = min(wanted, len(columns) - 1)
    first = first_to_show(columns, width, 0, wanted)
    assert wanted in {place.number for place in lay_out(columns, width, first).places}


def rows(start: int, stop: int) -> list[TableRow]:
    """Rows without values."""
    return [TableRow(index, ()) for index in range(start, stop)]


def test_pages_ahead_are_asked_for_once() -> None:
    """What was asked for is not asked for again; what came is not either."""
    store = RowStore(1000)
    assert store.missing(0, 20) == (0, 80)
    assert store.missing(0, 20) is None
    store.put(0, rows(0, 80))
    assert store.missing(20, 20) is None
    assert store.missing(60, 20) == (80, 140)
    assert store.missing(500, 20, -1) == (440, 540)


def test_an_answer_that_never_came_is_asked_for_again() -> None:
    """A request that was dropped for a newer one is repeated when its rows are needed."""
    store = RowStore(1000)
    assert store.missing(0, 20) == (0, 80)
    assert store.missing(400, 20) == (380, 480)
    assert store.missing(0, 20) == (0, 80)


def test_far_rows_are_forgotten() -> None:
    """Scrolling through a long table keeps memory bounded, and what is near."""
    store = RowStore(100_000)
    for start in range(0, 60_000, 100):
        store.put(start, rows(start, start + 100))
    assert sum(store.get(index) is not None for index in range(60_000)) <= KEPT
    assert store.has(59_000, 60_000)


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(0, 30), st.sampled_from(["left", "right"]))
def test_clipped_text_has_its_width(text: str, width: int, align: str) -> None:
    """A clipped text takes exactly its cells, whatever its characters."""
    assert cell_len(clip(clean(text), width, align, "…")) == width
    assert cell_len(fit_title(clean(text), width, "…")) <= width


def test_what_was_cut_says_so() -> None:
    """Names lose their end, paths their beginning."""
    assert clip("a-long-name", 6, "left", "…") == "a-lon…"
    assert clip("中文字符", 5, "left", "…") == "中文…"
    assert fit_title("model.encoder.lr", 8, "…") == "…oder.lr"
    assert fit_title("temperature", 8, "…") == "tempera…"


def test_names_leave_room_on_a_narrow_screen() -> None:
    """A name of 32 cells takes a third of 80 at most, and all it wants of 200, or where a person set the width."""
    name = TableColumn("name", "name", 32, is_frozen=True, least=16)
    others = [TableColumn(f"c{number}", "", 8) for number in range(9)]
    assert lay_out([name, *others], 80, 1).places[0].width == 24
    assert lay_out([name, *others], 200, 1).places[0].width == 32
    by_hand = TableColumn("name", "name", 32, is_frozen=True)
    assert lay_out([by_hand, *others], 80, 1).places[0].width == 32


@given(st.text(max_size=60), st.integers(3, 30))
def test_text_without_its_middle_has_its_width(text: str, width: int) -> None:
    """Whatever it is made of."""
    assert cell_len(clip(clean(text), width, "left", "…", "middle")) == width


def test_a_text_cut_in_the_middle_keeps_both_ends() -> None:
    """Names that begin alike are told apart by their ends."""
    assert clip("data.size=1000,model=large", 13, "left", "…", "middle") == "data.s…=large"
