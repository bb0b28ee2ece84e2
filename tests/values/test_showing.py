"""Rich values asked for again: from Python, from the command line, drawn for a terminal that obeys nothing in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import labtop
from labtop.cli.verbs.show import show_command
from labtop.errors import InputError
from labtop.model.run import Artifact
from labtop.model.values.base import RichValue
from labtop.store.values.png import encode_png
from labtop.views.glyphs import glyphs
from labtop.views.value_canvas import Canvas
from labtop.views.values import value_lines, value_sheet

PAGE = Path(__file__).parents[2] / "docs/values.md"
HOSTILE = "x\x1b]52;c;VEFCTEU=\x1b\\\x1b[6n\x9b31m\u202e[/b][@click=app.bell]"


def drawn(
    value: RichValue, width: int = 60, height: int = 20, is_ascii: bool = False, colours: bool = True
) -> list[str]:
    """The text of the lines."""
    lines = value_lines(value, Canvas(width, height, glyphs(is_ascii), colours))
    return ["".join(span.text for span in line) for line in lines]


def one_of_each(text: str = "a") -> dict[str, RichValue]:
    """Values with a text wherever one can be."""
    return {
        "image": labtop.Image(np.add.outer(np.arange(40), np.arange(60)) / 100, caption=text),
        "table": labtop.Table(
            {text: [text, None], "n": [1.5, 2.25], "b": [b"\x1b[2J", b""], "l": [[text], []]}
        ),
        "histogram": labtop.Histogram([1.0, 2.0, 2.5, np.nan]),
        "confusion_matrix": labtop.ConfusionMatrix([text, "b"], ["b", "b"]),
        "curve": labtop.Curve([1, 2, 3], {text: [1, 5, 2]}, x_name=text, y_name=text),
        "text": labtop.Text(f"{text}\nsecond\tline"),
    }


@pytest.fixture
def run(folder: Path) -> labtop.Run:
    """A run with every kind at two steps."""
    with labtop.init(name="rich") as run:
        for step in (10, 20):
            run.log({"loss": 1.0, **one_of_each(f"at {step}")}, step=step)
    return run


def show(*arguments: str) -> str:
    """What `labtop show @last` prints."""
    done = CliRunner().invoke(show_command, ["@last", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_python_gives_the_same_objects(run: labtop.Run) -> None:
    """The last step by default; what is not there is named with what is."""
    with labtop.open("runs") as store:
        assert str(store.value(run.id, "text")) == "at 20\nsecond\tline"
        assert str(store.value(run.id, "text", step=10)) == "at 10\nsecond\tline"
        table = store.value("rich", "table")
        assert isinstance(table, labtop.Table)
        assert table.get_column("n") == [1.5, 2.25]
        image = store.value("rich", "image", 10)
        assert isinstance(image, labtop.Image)
        assert (image.size, image.caption) == ((60, 40), "at 10")
        with pytest.raises(InputError, match="'txt'") as error:
            store.value(run.id, "txt")
        assert "text" in str(error.value.hint)
        with pytest.raises(InputError, match="step 15"):
            store.value(run.id, "text", step=15)
        paths = store.sql("SELECT path FROM artifacts WHERE name = 'table' AND step = 10")["path"].to_list()
        assert (run.folder / paths[0]).is_file()


def test_show_lists_them(run: labtop.Run) -> None:
    """A line a name in the card; every file in JSON."""
    card = show().partition("\nvalues\n")[2]
    assert re.search(r"image +image  60 x 40  at 20  2 steps, 10 to 20", card)
    assert re.search(r"curve +curve  curve of 1 line  2 steps", card)
    assert "sha256" not in card
    (record,) = json.loads(show("--format", "json"))
    assert len(record["artifacts"]) == 12


def test_show_one(run: labtop.Run) -> None:
    """Drawn; as rows for programs; an image by its file."""
    assert show("--value", "text", "--step", "10") == "at 10\nsecond  line\n"
    assert json.loads(show("--value", "histogram", "--format", "json"))[0]["count"] == 1.0
    assert show("--value", "confusion_matrix", "--format", "csv").splitlines()[0] == "actual,at 20,b"
    facts = json.loads(show("--value", "image", "--format", "jsonl"))
    assert (run.folder / facts["path"]).is_file()
    assert len(show("--value", "image").splitlines()) > 5
    failed = CliRunner().invoke(show_command, ["@last", "--step", "3"])
    assert "--value" in str(failed.exception or failed.output)


@pytest.mark.parametrize("kind", list(one_of_each()))
@pytest.mark.parametrize("is_ascii", [False, True])
def test_nothing_in_them_is_obeyed(kind: str, is_ascii: bool) -> None:
    """Hostile text in every place comes out visible; in ASCII nothing else is drawn but what texts hold."""
    value = one_of_each(HOSTILE)[kind].snapshot().finished()
    for width, height in ((60, 20), (12, 5), (1, 1), (300, 80)):
        text = "\n".join(drawn(value, width, height, is_ascii))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_a_picture_in_colours() -> None:
    """Two pixels a cell: what is on top in front, what is below behind."""
    top, bottom = [255, 0, 0], [0, 0, 255]
    image = labtop.Image(np.array([[top] * 4, [bottom] * 4], dtype=np.uint8)).snapshot()
    lines = value_lines(image, Canvas(4, 1, glyphs(), True))
    assert [(span.text, span.front, span.behind) for span in lines[0]] == [
        ("▀", tuple(top), tuple(bottom))
    ] * 4


def test_a_picture_that_cannot_be_drawn() -> None:
    """A word instead: too large, damaged."""
    huge = encode_png(np.zeros((5000, 5000, 1), dtype=np.uint8))
    assert "too large" in drawn(labtop.Image(huge).snapshot())[0]
    good = encode_png(np.zeros((50, 50, 3), dtype=np.uint8))
    assert "damaged" in drawn(labtop.Image(good[:60]).snapshot())[0]
    assert (
        "not drawn"
        in drawn(labtop.Image(b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x10\x00\x10" + bytes(20)).snapshot())[0]
    )


def test_bars_tell_counts() -> None:
    """The fullest bin fills the line; an empty one is empty; a rare one is seen."""
    histogram = labtop.Histogram(counts=[0, 1, 1000], edges=[0, 1, 2, 3]).snapshot()
    empty, rare, full = (line.count("█") + line.count("▏") for line in drawn(histogram)[:3])
    assert (empty, rare) == (0, 1)
    assert full > 40


def test_sheets_hold_all(run: labtop.Run) -> None:
    """Points of a curve with their thresholds, in full precision."""
    curve = labtop.Curve.roc([0, 1], [0.1, 1 / 3]).snapshot()
    sheet = value_sheet(curve, Artifact(name="roc"))
    assert sheet.columns == ("line", "false positive rate", "true positive rate", "threshold")
    assert sheet.rows[1] == ("", 0.0, 1.0, 1 / 3)


def test_a_path_out_of_the_run_is_refused(run: labtop.Run, tmp_path: Path) -> None:
    """Whatever the record says: up, absolute, or through a link that was put there."""
    from labtop.store.values.decoding import read_value

    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (run.folder / "media/link.txt").symlink_to(secret)
    (run.folder / "up").symlink_to(tmp_path)
    for path in (
        "../../../secret.txt",
        str(secret),
        "media/link.txt",
        "up/secret.txt",
        "media/\0",
        "file://x",
    ):
        with pytest.raises(InputError):
            read_value(run.folder, Artifact(name="x", kind="text", path=path))


def test_the_page(folder: Path) -> None:
    """Every block of docs/values.md runs."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "values.md", "exec"), {"__name__": "__main__"})


def test_it_draws_on_a_terminal_with_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences are ours alone, of 16 million colours or of 256."""
    from labtop.cli.value_output import _encoded

    image: Any = labtop.Image(np.zeros((2, 1, 3), dtype=np.uint8)).snapshot()
    (line,) = value_lines(image, Canvas(1, 1, glyphs(), True))
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert _encoded(line, True) == "\x1b[38;2;0;0;0;48;2;0;0;0m▀\x1b[0m"
    monkeypatch.delenv("COLORTERM")
    assert _encoded(line, True) == "\x1b[38;5;16;48;5;16m▀\x1b[0m"
    assert _encoded(line, False) == "▀"
