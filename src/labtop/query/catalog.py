"""Which runs exist, and answers about them: filtered, sorted, grouped, cell by cell.

The one door between what lies on disk and every view. Reads no point of a metric unless asked for points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from labtop.model.columns import Column
from labtop.model.run import RunRecord
from labtop.query.request import (
    Aggregate,
    ColumnProfile,
    Point,
    Problem,
    RunGroup,
    Selection,
    SortKey,
    TableQuery,
)
from labtop.settings import Settings

__all__ = [
    "Aggregate",
    "Catalog",
    "ColumnProfile",
    "Point",
    "Problem",
    "RunGroup",
    "Selection",
    "SortKey",
    "TableQuery",
]


class Catalog:
    """The runs below a path. All methods may be called from any thread.

    Nothing is read by the constructor but the store's marker; `refresh` reads, and reads only what is new.
    """

    path: Path
    revision: int  # moves when any answer may have changed

    def __init__(self, path: Path, settings: Settings | None = None) -> None:
        raise NotImplementedError

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read, in the order of paths."""
        raise NotImplementedError

    @property
    def cut(self) -> str:
        """What the table leaves out ("812 metrics beyond the 1,000 most common"), or nothing."""
        raise NotImplementedError

    def columns(self) -> tuple[Column, ...]:
        """The columns there are: fields, then params, then metrics; spark columns are asked for by key."""
        raise NotImplementedError

    def refresh(self, on_progress: Callable[[int, int], None] | None = None) -> bool:
        """Look again at what may have changed; True when something did. Rows appear chunk by chunk."""
        raise NotImplementedError

    def select(self, query: TableQuery) -> Selection:
        """The runs that a query asks for. Raises FilterError."""
        raise NotImplementedError

    def cells(self, rows: Sequence[int], keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """Values of columns for some rows, in the order of `rows`; a key that no run has gives None."""
        raise NotImplementedError

    def profile(self, selection: Selection, keys: Sequence[str]) -> dict[str, ColumnProfile]:
        """What columns hold in a selection: whether they vary, and their range."""
        raise NotImplementedError

    def group(
        self, selection: Selection, by: Sequence[str] | Literal["seed"], values: Sequence[str]
    ) -> tuple[RunGroup, ...]:
        """Runs grouped by columns, or "seed": the same but for the seed. In the order of first appearance."""
        raise NotImplementedError

    def resolve(self, text: str) -> str:
        """The id of the run that `text` names. Raises NoRunError, AmbiguousRunError."""
        raise NotImplementedError

    def record(self, run_id: str) -> RunRecord:
        """All that is recorded of a run, with its status inferred and later edits applied."""
        raise NotImplementedError

    def row_of(self, run_id: str) -> int | None:
        """The row number of a run."""
        raise NotImplementedError

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of rows, in their order."""
        raise NotImplementedError

    def run_folder(self, run_id: str) -> Path | None:
        """The folder of a run in a labtop store; None for runs read from elsewhere."""
        raise NotImplementedError

    def points(self, run_ids: Sequence[str], names: Sequence[str] | None = None) -> list[Point]:
        """Logged points of runs, by run, name and step; `names` are globs."""
        raise NotImplementedError

    def suggest(self, prefix: str) -> list[str]:
        """Names of columns that start with `prefix`, or contain it."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Stop a select, group or points that runs in another thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Remember what was read in the cache, and free memory."""
        raise NotImplementedError
