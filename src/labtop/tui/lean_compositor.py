"""Sends the cells that changed, and not the line before them.

Textual 8 crops an update on the right only: a cell that changes in the middle of a line costs the line up to it, five
times the bytes of a moving cursor in four charts. A screen that repaints single cells takes this compositor in place of
Textual's. It builds on two of its methods; should a later Textual have others, whole lines are sent as before.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor  # the only door: there is no public name for it


class LeanUpdate(ChopsUpdate):
    """An update of spans of cells, cropped on both sides."""

    def render_segments(self, console: Console) -> str:
        """The update as it goes to the terminal."""
        sent: list[str] = []
        for y, start, stop in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= stop or end <= start:
                    continue
                left, right = max(start, x), min(stop, end)
                sent.append(Control.move_to(left, y).segment.text)
                sent.append(strip.crop(left - x, right - x).render(console))
        return "".join(sent)


class LeanCompositor(Compositor):
    """Textual's compositor with lean updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What changed since the last update."""
        update = super().render_partial_update()
        return None if update is None else LeanUpdate(update.chops, update.spans, update.chop_ends)
