"""What this terminal can show and should be sent: colours, ASCII, themes, and a mouse that stays quiet.

Textual reports every motion of the mouse and paints a background on every cell; over SSH both cost more than the
rows that a person reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from textual.driver import Driver
from textual.theme import Theme

from labtop.views.glyphs import locale_is_ascii

THEMES = ("auto", "dark", "light", "ansi")


def wants_colour(environ: Mapping[str, str] = os.environ) -> bool:
    """False under NO_COLOR (set and not empty, as no-color.org has it)."""
    return not environ.get("NO_COLOR")


def wants_ascii(asked: bool) -> bool:
    """Whether only ASCII may be sent: asked for, or the locale knows no more."""
    return asked or locale_is_ascii()


# $text-muted and its like are drawn dim rather than in a colour: one byte, on any ground, also without colours
_QUIET = {
    "ansi-background": "ansi_default",  # Textual's own stylesheet asks for these two
    "ansi-foreground": "ansi_default",
    "rule": "ansi_bright_black",
    "text-muted": "ansi_default",
    "foreground-muted": "ansi_default",
    "scrollbar": "ansi_bright_black",
    "scrollbar-hover": "ansi_bright_black",
    "scrollbar-active": "ansi_bright_black",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "scrollbar-corner-color": "ansi_default",
}


def themes() -> list[Theme]:
    """labtop's themes: `auto` and `ansi` leave the ground to the terminal, `dark` and `light` paint their own."""
    # middle tones, readable on a dark and on a light ground
    auto = Theme(
        "labtop-auto",
        ansi=True,
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        primary="#3f8fd0",
        secondary="#3aa3a3",
        accent="#3f8fd0",
        success="#3c9a5f",
        warning="#c08a1e",
        error="#d0504f",
        variables=_QUIET,
    )
    return [
        auto,
        replace(
            auto, name="labtop-ansi", primary="ansi_blue", secondary="ansi_cyan", accent="ansi_cyan",
            success="ansi_green", warning="ansi_yellow", error="ansi_red",
        ),
        Theme(
            "labtop-dark", primary="#6cb2eb", secondary="#5fc3b6", accent="#6cb2eb", success="#6fc28b",
            warning="#e0b050", error="#ef7a76", foreground="#d8dade", background="#14161a", surface="#14161a",
            panel="#1c1f25", boost="#1c1f25", variables={"rule": "#3a3f48", "text-muted": "#9aa0aa"},
        ),
        Theme(
            "labtop-light", dark=False, primary="#1464a5", secondary="#0f766e", accent="#1464a5", success="#1f7a43",
            warning="#8a5a00", error="#b3261e", foreground="#24262b", background="#fbfaf7", surface="#fbfaf7",
            panel="#efede7", boost="#efede7", variables={"rule": "#cfcbc0", "text-muted": "#6b6f78"},
        ),
    ]  # fmt: skip


def text_styles(theme: Theme) -> dict[str, str]:
    """Styles that lines of text name, as rich writes them, in the colours of a theme."""

    def colour(name: str | None) -> str:
        return (name or "default").removeprefix("ansi_")

    return {
        "lab.good": colour(theme.success),
        "lab.bad": colour(theme.error),
        "lab.warning": colour(theme.warning),
        "lab.spark": colour(theme.secondary),
        "lab.accent": colour(theme.accent),
    }


def driver_class(environ: Mapping[str, str] = os.environ) -> type[Driver] | None:
    """The driver without motion reports; None where Textual was told to use another one (a browser, a test)."""
    if environ.get("TEXTUAL_DRIVER") or os.name != "posix":
        return None
    from labtop.tui.quiet_driver import QuietDriver, forget_signs

    forget_signs()
    return QuietDriver


def set_mouse(driver: Driver | None, on: bool) -> bool:
    """Switch the mouse of a running app; False where its driver cannot."""
    from labtop.tui.quiet_driver import QuietDriver

    if not isinstance(driver, QuietDriver):
        return False
    driver.set_mouse(on)
    return True
