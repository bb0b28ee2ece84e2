"""Rows and columns: predictions, examples, per-class scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from labtop.model.values.base import RichValue, is_frame
from labtop.model.values.table_columns import arrow_of_frame, arrow_of_lists, different_names

if TYPE_CHECKING:
    import pyarrow

MOST_ROWS = 1_000_000
MOST_CELLS = 10_000_000
MOST_LISTED_CELLS = (
    4_000_000  # in columns that are lists: copying those takes 30 ms, in which log() cannot return
)
MOST_COLUMNS = 1000


class Table(RichValue):
    """A table with typed columns.

    Arguments:
        columns: names of columns; or already all of it: a mapping of names to columns, or a frame of pandas, polars or
            pyarrow.
        data: rows, each a sequence or a mapping; or, as `columns`, all of it.
        rows, dataframe: the same, as wandb calls them.
    """

    kind: ClassVar[str] = "table"

    def __init__(
        self, columns: Any = None, data: Any = None, rows: Any = None, dataframe: Any = None, **unused: Any
    ) -> None:
        self.unused = tuple(unused)
        self.of_rows: int | None = None  # how many there were before it was cut
        self._frame: Any = None
        self._arrow: pyarrow.Table | None = None
        self._named: Mapping[str, Any] | None = None
        self._columns: list[str] | None = None
        self._rows: list[Any] = []
        whole = next((each for each in (dataframe, data, columns) if _is_whole(each)), None)
        if whole is not None:
            if isinstance(whole, Mapping):
                self._named = {str(name): each for name, each in whole.items()}
            else:
                self._frame = whole
            return
        if columns is not None:
            self._columns = [str(each) for each in columns]
        given = data if data is not None else rows
        if given is not None:
            self._rows = list(given)

    def add_data(self, *row: Any) -> None:
        """Add a row: a value for each column."""
        self._be_rows()
        self._rows.append(row)

    def add_column(self, name: str, data: Iterable[Any]) -> None:
        """Add a column: a value for each row."""
        named = dict(self._lists())
        values = list(data)
        if named and len(values) != len(next(iter(named.values()))):
            raise ValueError(
                f"the column {name!r} has {len(values)} values for {len(next(iter(named.values())))} rows"
            )
        self._frame, self._arrow, self._columns, self._rows = None, None, None, []
        self._named = {**named, str(name): values}

    def _be_rows(self) -> None:
        """From now on rows are added."""
        if self._named is not None or self._frame is not None or self._arrow is not None:
            named = self._lists()
            self._columns = list(named)
            self._rows = [list(each) for each in zip(*named.values(), strict=False)]
            self._named, self._frame, self._arrow = None, None, None

    def _lists(self) -> Mapping[str, Sequence[Any]]:
        """All columns as lists."""
        if self._arrow is None and self._frame is None:
            return self._as_named(self._columns, self._rows) if self._named is None else self._named
        found: dict[str, list[Any]] = self.to_arrow().to_pydict()
        return found

    def snapshot(self) -> Self:
        """A copy of the cells as far as they are kept: rows, and values of Python in columns, are shared."""
        copy = type(self)()
        copy.unused, copy.of_rows = self.unused, self.of_rows
        if self._arrow is not None:
            copy._arrow = self._arrow
        elif self._frame is not None:
            count = len(self._frame)
            most = _most_rows(_column_count(self._frame))
            copy.of_rows = count if count > most else None
            part = _head(self._frame, most)
            copier = getattr(part, "copy", None)  # pandas may be changed in place
            copy._frame = copier() if callable(copier) else part
        elif self._named is not None:
            lengths = {len(each) for each in self._named.values()}
            if len(lengths) > 1:
                raise ValueError(f"the columns of a table are of one length, not {sorted(lengths)}")
            count = lengths.pop() if lengths else 0
            most = _most_rows(len(self._named))
            if listed := sum(isinstance(each, list) for each in self._named.values()):
                most = min(most, MOST_LISTED_CELLS // listed)
            copy.of_rows = count if count > most else None
            copy._named = {name: _copied(each[:most]) for name, each in self._named.items()}
        else:
            width = len(self._columns or (self._rows[0] if self._rows else ()))
            most = _most_rows(width)
            copy.of_rows = len(self._rows) if len(self._rows) > most else None
            copy._columns = self._columns and [*self._columns]
            copy._rows = self._rows[:most]  # laid out as columns in the thread
        return copy

    @property
    def weight(self) -> int:
        """Bytes of the cells, guessed for those of Python."""
        whole = self._arrow if self._arrow is not None else self._frame
        if whole is not None:
            return int(getattr(whole, "nbytes", 0)) or 60 * len(whole) * _column_count(whole)
        if self._named is not None:
            return 60 * sum(len(each) for each in self._named.values())
        return 60 * len(self._rows) * len(self._rows[0]) if self._rows else 1000

    @staticmethod
    def _as_named(columns: list[str] | None, rows: Sequence[Any]) -> dict[str, list[Any]]:
        if rows and isinstance(rows[0], Mapping):
            names = columns or list(dict.fromkeys(str(key) for row in rows for key in row))
            return {name: [row.get(name) for row in rows] for name in names}
        plain = [row.tolist() if hasattr(row, "tolist") else row for row in rows]
        if any(isinstance(row, str) or not isinstance(row, Sequence) for row in plain):
            raise ValueError("the rows of a table are sequences with a value for each column")
        width = len(columns) if columns is not None else max((len(row) for row in plain), default=0)
        if wrong := next((row for row in plain if len(row) != width), None):
            raise ValueError(f"a row of {len(wrong)} values in a table of {width} columns")
        names = different_names(columns if columns is not None else [str(at) for at in range(width)])
        return {name: [row[at] for row in plain] for at, name in enumerate(names)}

    def finished(self) -> Self:
        """With its columns as Arrow."""
        if self._arrow is not None:
            return self
        done = type(self)()
        done.unused, done.of_rows = self.unused, self.of_rows
        done._arrow = self.to_arrow()
        return done

    @classmethod
    def of_arrow(cls, arrow: pyarrow.Table, of_rows: int | None = None) -> Table:
        """A table that is Arrow already."""
        table = cls()
        table._arrow, table.of_rows = arrow, of_rows
        return table

    def to_arrow(self) -> pyarrow.Table:
        """The columns as a pyarrow table, each of one type that Parquet keeps."""
        if self._arrow is not None:
            return self._arrow
        if self._frame is not None:
            return arrow_of_frame(self._frame)
        return arrow_of_lists(self._lists())

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        if self._columns is not None and self._named is None and self._frame is None and self._arrow is None:
            return list(self._columns)
        return list(self._lists())

    @property
    def data(self) -> list[list[Any]]:
        """The rows, each a list."""
        return [list(row) for row in zip(*self._lists().values(), strict=False)]

    def get_column(self, name: str) -> list[Any]:
        """The values of one column."""
        return list(self._lists()[name])

    def __len__(self) -> int:
        if self._arrow is not None or self._frame is not None:
            return len(self._arrow if self._arrow is not None else self._frame)
        if self._named is not None:
            return len(next(iter(self._named.values()), ()))
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Table({len(self)} rows)"


def _is_whole(thing: Any) -> bool:
    return isinstance(thing, Mapping) or (thing is not None and is_frame(thing))


def _column_count(frame: Any) -> int:
    return len(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def _most_rows(columns: int) -> int:
    if columns > MOST_COLUMNS:
        raise ValueError(f"a table has at most {MOST_COLUMNS} columns, not {columns}")
    return min(MOST_ROWS, MOST_CELLS // max(columns, 1))


def _head(frame: Any, most: int) -> Any:
    """The first rows of a frame of any library."""
    if len(frame) <= most:
        return frame
    return frame.slice(0, most) if hasattr(frame, "slice") else frame.head(most)


def _copied(column: Any) -> Any:
    """A part of a column, not shared with what it is a part of: a slice of a list is its own already."""
    if isinstance(column, list | tuple):
        return column
    copier = getattr(column, "copy", None)
    return copier() if callable(copier) else list(column)
