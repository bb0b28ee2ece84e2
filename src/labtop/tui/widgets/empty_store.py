"""What an empty store shows: how a first run gets into it."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from labtop.tui.widgets.line_view import Line, LineView
from labtop.views.text import clean

STEPS = """\
  No runs yet.

  Log the first one from any training script:

      import labtop

      store = {store!r}
      with labtop.init(project="demo", config={{"lr": 0.1}}, store=store) as run:
          for step in range(100):
              run.log({{"train/loss": 1 / (step + 1)}}, step=step)

  It appears here by itself, and goes on while it runs.

  ? helps, q leaves.
"""


class EmptyStore(LineView):
    """A friendly page instead of an empty table."""

    def __init__(self, path: Path) -> None:
        super().__init__(has_cursor=False)
        self.can_focus = False
        self.path = path

    def on_mount(self) -> None:
        """Say how to log into this store."""
        text = STEPS.format(store=clean(str(self.path), 300))
        self.show(
            [Line(Text(line, "bold" if line.startswith("      ") else "")) for line in text.split("\n")]
        )
