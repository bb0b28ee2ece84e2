"""CSV as loggers leave it."""

from __future__ import annotations

import io

import pytest

from labtop.formats.csv_table import Block, CsvTable, numbers_of


def read(content: bytes, table: CsvTable | None = None) -> tuple[list[Block], CsvTable]:
    """All blocks of a file."""
    table = table or CsvTable()
    return list(table.read(io.BytesIO(content), len(content))), table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_ends_of_lines_and_marks(delimiter: str, end: str, mark: str) -> None:
    """Any mixture of them."""
    rows = [["step", "loss é"], ["0", "0.5"], ["1", ""]]
    (block,), table = read((mark + "".join(delimiter.join(row) + end for row in rows)).encode())
    assert (block.names, block.rows) == (("step", "loss é"), rows[1:])
    assert not table.problems


def test_utf16_latin1_and_nul_bytes() -> None:
    """Read, and said where something was guessed."""
    (block,), _ = read("step,loss é\r\n0,1\r\n".encode("utf-16"))
    assert (block.names, block.rows) == (("step", "loss é"), [["0", "1"]])
    (block,), table = read("step,loss é\n0,1\n".encode("latin-1"))
    assert block.names == ("step", "loss é")
    assert table.problems == ["it is not UTF-8; read as Latin-1"]
    (block,), table = read(b"step,loss\n0,1\n" + bytes(100))
    assert block.rows == [["0", "1"]]
    assert table.problems == ["it holds NUL bytes; lines with such are left out"]


def test_lines_with_zeros_in_them_are_left_out() -> None:
    """A hole that a crash left joins no halves of two rows to a number that nobody logged."""
    (block,), table = read(b"step,loss\n0,1\n1,0." + bytes(30) + b"7\n3,4\n")
    assert block.rows == [["0", "1"], ["3", "4"]]
    assert table.problems == ["it holds NUL bytes; lines with such are left out"]


def test_every_cut_gives_whole_rows_and_reading_on_gives_the_rest() -> None:
    """Nothing twice; the row without an end is apart."""
    content = b'step,loss,note\n0,0.25,"a, b"\n1,0.5,"two\nlines"\n2,0.125,\n'
    (whole,), _ = read(content)
    assert whole.rows == [["0", "0.25", "a, b"], ["1", "0.5", "two\nlines"], ["2", "0.125", ""]]
    for size in range(len(content)):
        first, table = read(content[:size])
        table.unfinished = None
        rest, _ = read(content, table)
        rows = [row for block in first + rest for row in block.rows]
        assert rows == whole.rows, size


def test_the_last_row_without_an_end_is_apart() -> None:
    """Where it has all cells; it may lack digits."""
    blocks, table = read(b"step,loss\n0,1\n1,0.2")
    assert ([block.rows for block in blocks], table.unfinished) == ([[["0", "1"]]], ["1", "0.2"])
    assert read(b"step,loss\n0,1\n1")[1].unfinished is None


def test_a_quote_that_is_not_closed_is_said() -> None:
    """What comes before it counts."""
    (block,), table = read(b'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    assert block.rows == [["1", "2"]]
    assert table.problems == ["a quote is not closed in the line at byte 8"]


def test_rows_of_another_width_are_counted() -> None:
    """And left out."""
    (block,), table = read(b"a,b\n1,2\n1\n1,2,3\n\n4,5\n")
    assert block.rows == [["1", "2"], ["4", "5"]]
    assert (table.ragged, table.first_ragged) == (2, 3)


def test_a_header_may_come_again_with_more_names() -> None:
    """As a logger does that goes on in the same file."""
    blocks, _ = read(b"epoch,a\n0,1\nepoch,a\n1,2\nepoch,a,b\n2,3,4\n")
    assert [(block.names, block.rows) for block in blocks] == [
        (("epoch", "a"), [["0", "1"]]),
        (("epoch", "a"), [["1", "2"]]),
        (("epoch", "a", "b"), [["2", "3", "4"]]),
    ]


def test_numbers_of_a_column() -> None:
    """What is none is NaN, and told from a NaN that was written."""
    numbers, which = numbers_of(["1", " 2.5 ", "-1e3"])
    assert (list(numbers), which) == ([1, 2.5, -1000], None)
    numbers, which = numbers_of(["nan", "", "NA", "1_000", "١", "inf"])
    assert which == [True, False, False, False, False, True]
    assert str(numbers[0]) == "nan"


def test_a_line_without_end_takes_no_memory() -> None:
    """It is given up."""
    _, table = read(b"a,b\n" + b"x" * (9 * 2**20) + b"\n1,2\n")
    assert table.ragged or table.problems
