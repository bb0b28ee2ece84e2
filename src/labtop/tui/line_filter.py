"""The last hand on every line before it goes to the terminal: fewer bytes, and what NO_COLOR and LANG=C ask for.

Textual hands each line of each widget, its own scrollbars and borders included, to the filters that
`App.get_line_filters()` returns. By default it writes a colour and a background on every cell; with an ANSI theme
these are "default", which still costs `\\x1b[39;49m…\\x1b[0m` around each piece. This filter leaves out what says
nothing, joins neighbours that look the same, and where asked takes out colours or everything that is not ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor

from labtop.views.glyphs import to_ascii


class TerminalFilter(LineFilter):
    """Makes lines lean. `colours` False writes no colour code at all; `ascii` no byte above 127.

    Without colours a background that differs from the terminal's becomes reverse video, so that a cursor or a
    selection is still seen.
    """

    def __init__(self, colours: bool = True, ascii: bool = False) -> None:
        super().__init__()
        self.colours = colours
        self.ascii = ascii

    def after(self, filters: Sequence[LineFilter]) -> list[LineFilter]:
        """What `App.get_line_filters()` shall return: the app's own filters, and this one last.

        Textual's answer to NO_COLOR is left out: chosen before the app has a theme, it is the one that paints
        shades of grey, and black on every cell that had the terminal's own colours.
        """
        return [*(each for each in filters if not isinstance(each, Monochrome | NoColor)), self]

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line as it should be sent."""
        thin = lean_style if self.colours else plain_style
        lines: list[Segment] = []
        for text, style, _ in segments:
            style = None if style is None else thin(style)
            if self.ascii and not text.isascii():
                text = to_ascii_cells(text)
            if lines and lines[-1].style == style:
                text = lines.pop().text + text
            lines.append(Segment(text, style))
        return lines


@lru_cache(4096)
def lean_style(style: Style) -> Style | None:
    """A style without the colours that the terminal uses anyway; None when nothing is left."""
    if style._null:
        return None
    return _rebuilt(style, _told(style.color), _told(style.bgcolor), style.reverse)


@lru_cache(4096)
def plain_style(style: Style) -> Style | None:
    """A style without colours: bold, underline and reverse say what they said."""
    if style._null:
        return None
    painted = _told(style.bgcolor) is not None
    return _rebuilt(style, None, None, True if painted else style.reverse)


def to_ascii_cells(text: str) -> str:
    """`text` in ASCII, as wide as rich thinks it is."""
    shown = to_ascii(text)
    wanted = cell_len(text)
    if len(shown) == wanted:
        return shown
    each_by_itself = "".join((to_ascii(each)[:1] or "?") * cell_len(each) for each in text)
    return each_by_itself.ljust(wanted)[:wanted]


def _told(color: RichColor | None) -> RichColor | None:
    return None if color is None or color.is_default else color


def _rebuilt(
    style: Style, color: RichColor | None, bgcolor: RichColor | None, reverse: bool | None
) -> Style | None:
    if color is bgcolor is None and not (
        style.bold
        or style.dim
        or style.italic
        or style.underline
        or reverse
        or style.strike
        or style.link
        or style._meta
    ):
        return None
    return Style(
        color=color,
        bgcolor=bgcolor,
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline or None,
        reverse=reverse or None,
        strike=style.strike or None,
        link=style.link,
        meta=style.meta or None,
    )
