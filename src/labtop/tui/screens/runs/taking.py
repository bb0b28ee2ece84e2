"""What can be taken away from the Runs screen: a cell, the table as SQL, and an export of what is shown."""

from __future__ import annotations

from pathlib import Path

from labtop.tui.choice import Choice
from labtop.tui.screens.runs.table import RunsTable
from labtop.views.text import clean


class RunsTaking(RunsTable):
    """What is taken is what is shown: the same rows in the same columns and order."""

    _waits: Path | None = None  # a file to export to when all runs are read

    def yank_choices(self) -> list[Choice]:
        """What can be copied here: also the cell, and the table as SQL."""
        return [
            *super().yank_choices(),
            Choice("cell", "cell", self._cell_as_text, "v"),
            Choice("SQL", "SQL", "a query over the views that gives this table", "s"),
        ]

    @property
    def _cell_as_text(self) -> str:
        """The cell as it is drawn; words whole, and a status by its name."""
        value = self.grid.cell
        return clean(value if isinstance(value, str) else self.grid.cell_text)

    def action_yank(self) -> None:
        """Ask what to copy."""

        def done(what: str | None) -> None:
            if what == "cell":
                self.lab.copy(self._cell_as_text, "cell")
            elif what == "SQL":
                self._copy_sql()
            elif what:
                self.copy_of_run(what)

        self.menu("copy", self.yank_choices(), done)

    def _copy_sql(self) -> None:
        from labtop.views.table_sql import table_sql

        catalog, view, keys = self.session.catalog, self.view, self.shown_keys
        self.request(
            "sql",
            lambda: table_sql(catalog, view.where, view.sort, keys),
            lambda sql: self.lab.copy(sql, "SQL"),
        )

    def action_export(self, path: str = "") -> None:
        """Export what is shown, by the ending of the file's name."""
        self.ask_file(
            "export what is shown: .csv .parquet .json .jsonl .md .tex", "runs.csv", self._export, path
        )

    def _export(self, path: Path) -> None:
        if self.loaded is None or self.lab.is_reading:
            self._waits = path
            self.say(f"{clean(path.name, 60)} is written when all runs are read")
            return
        from labtop.tui.screens.runs.export import export_table

        catalog, loaded = self.session.catalog, self.loaded
        self.request("export", lambda: export_table(catalog, loaded, path), self.say)

    def export_what_waits(self) -> None:
        """A table has come; when it is whole, write the export that was asked for before."""
        if self._waits is not None and not self.lab.is_reading:
            path, self._waits = self._waits, None
            self._export(path)
