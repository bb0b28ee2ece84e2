"""Makes the screenshots of the documentation from `sample_runs`: the app is driven without a terminal.

    python docs/screenshots.py [NAME…]

Needs chromium, which draws braille where the font has none; without it SVG files are left.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
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
    "trackers": ((98, 12), ""),
    "trackers-curves": ((110, 24), "* 3"),
    "value": ((110, 16), "enter / c o n f u s enter enter"),
}
"""Name → (columns, rows) of the terminal and the keys that are pressed, `key*N` for many times."""
NAMES = {"*": "asterisk", "/": "slash", "<": "less_than_sign", ">": "greater_than_sign"}


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


def record_values(store: Path) -> None:
    """A run with rich values, the newest of a store: the digits of scikit-learn, told apart by a linear model."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    import labtop

    images, classes = load_digits(return_X_y=True)
    images = images / 16
    model = LogisticRegression(max_iter=500).fit(images[:900], classes[:900])
    scores = model.predict_proba(images[900:])
    with labtop.init(project="digits", name="linear", store=store) as run:
        run.log(
            {
                "val/acc": model.score(images[900:], classes[900:]),
                "val/confusion": labtop.ConfusionMatrix(classes[900:], scores),
                "val/roc": labtop.Curve.roc(classes[900:], scores),
                "digit": labtop.Image(images[7].reshape(8, 8), caption="a 7"),
                "weights": labtop.Histogram(model.coef_),
            }
        )


def write_trackers(store: Path) -> None:
    """In place of the store the logs of several trackers."""
    sys.path.insert(0, str(HERE.parent))
    from tests.tui.foreign_logs import write_logs

    shutil.rmtree(store)
    write_logs(store)


async def shoot(size: tuple[int, int], keys: str, prepare: Callable[[Path], None] | None = None) -> str:
    """The screen after some keys, as SVG with a font that is at hand."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "sample_runs"  # a copy: tests and people may look at the original meanwhile
        shutil.copytree(STORE, store)
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        if prepare is not None:
            prepare(store)
        app = LabtopApp(store, Settings.load(theme="dark"))
        async with app.run_test(size=size) as pilot:
            await settle(app, pilot)
            for word in keys.split():
                key, _, times = (word, "", "") if word == "*" else word.partition("*")
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


PREPARED: dict[str, Callable[[Path], None]] = {
    "value": record_values,
    "trackers": write_trackers,
    "trackers-curves": write_trackers,
}
"""What is done to the copy of the store before."""


def main() -> None:
    """Make the named screenshots, or all."""
    for name in sys.argv[1:] or SHOTS:
        svg = HERE / "images" / f"{name}.svg"
        svg.write_text(asyncio.run(shoot(*SHOTS[name], PREPARED.get(name))), "utf-8")
        draw(svg.resolve())
        print(name)


if __name__ == "__main__":
    main()
