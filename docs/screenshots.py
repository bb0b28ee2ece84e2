"""Makes the screenshots of the documentation from `sample_runs`: the app is driven without a terminal.

    python docs/screenshots.py [NAME…]

Needs chromium, which draws braille where the font has none; without it SVG files are left.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from labtop.settings import Settings
from labtop.tui.app import LabtopApp

HERE = Path(__file__).parent
STORE = HERE.parent / "sample_runs"
SHOTS: dict[str, tuple[tuple[int, int], str]] = {
    "runs": ((130, 34), ""),
    "runs-80x24": ((80, 24), ""),
    "runs-200x50": ((200, 50), ""),
    "filter": (
        (100, 20),
        "/ l r space < space 0 . 2 space a n d space v a l / a c c space > space 0 . 9 7 5",
    ),
    "filter-error": ((100, 12), "/ l r r space < space 3"),
    "seeds": ((110, 18), "s"),
    "run": ((110, 34), "enter"),
    "curves": ((130, 34), "space down*8 space down*9 space G space 3 z"),
    "compare": ((110, 34), "space down*4 space G space c"),
    "reproduce": ((110, 40), "r"),
    "help": ((110, 34), "?"),
}
"""Name → (columns, rows) of the terminal and the keys that are pressed, `key*N` for many times."""
NAMES = {"/": "slash", "<": "less_than_sign", ">": "greater_than_sign"}


async def settle(app: LabtopApp, pilot: Pilot[int]) -> None:
    """Wait until nothing changes on the screen for a while."""
    before, calm = "", 0
    for _ in range(100):
        await pilot.pause(0.1)
        now = app.export_screenshot()
        is_reading = not app.session.is_open or app.is_reading
        calm = calm + 1 if now == before and not is_reading else 0
        if calm >= 5:
            return
        before = now


async def shoot(size: tuple[int, int], keys: str) -> str:
    """The screen after some keys, as SVG with a font that is at hand."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "sample_runs"  # a copy: tests and people may look at the original meanwhile
        shutil.copytree(STORE, store)
        app = LabtopApp(store, Settings.load(theme="dark"))
        async with app.run_test(size=size) as pilot:
            await settle(app, pilot)
            for word in keys.split():
                key, _, times = word.partition("*")
                for _ in range(int(times or 1)):
                    await pilot.press(NAMES.get(key, key))
                    await pilot.pause(0.05)
            await settle(app, pilot)
            svg = app.export_screenshot(title="labtop")
    return re.sub(r"@font-face \{.*?\}", "", svg.replace("Fira Code", "DejaVu Sans Mono"), flags=re.DOTALL)


def draw(svg: Path) -> None:
    """The SVG as PNG beside it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print(f"{svg.name}: no chromium to draw it with")
        return
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text("utf-8"))[0]
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--hide-scrollbars", f"--user-data-dir={profile}",
                f"--window-size={round(float(width))},{round(float(height))}",
                f"--screenshot={svg.with_suffix('.png')}", svg.as_uri(),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    svg.unlink()


def main() -> None:
    """Make the named screenshots, or all."""
    for name in sys.argv[1:] or SHOTS:
        svg = HERE / "images" / f"{name}.svg"
        svg.write_text(asyncio.run(shoot(*SHOTS[name])), "utf-8")
        draw(svg.resolve())
        print(name)


if __name__ == "__main__":
    main()
