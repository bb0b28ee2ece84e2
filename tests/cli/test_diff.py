"""`labtop diff` as people read it: all runs are there, whatever the width."""

from __future__ import annotations

from pathlib import Path

import pytest

import labtop as lt
from labtop.analysis.compare import Comparison
from labtop.cli.diff_table import diff_lines
from tests.command import labtop

PROMPTS = ["word " * 30 + "one", "word " * 30 + "two", "[bold]three[/b]\x1b]52", "x" * 150]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diff") / "runs"
    for number, prompt in enumerate(PROMPTS):
        config = {"lr": 0.1 + 0.2 * number, "prompt": prompt, "same": 1}
        with lt.init(project="p", name=f"run-{number}", config=config, store=path) as run:
            run.log({"loss": 0.123456789 + number})
    return path


@pytest.fixture(scope="module")
def four(store: Path) -> Comparison:
    with lt.open(store) as opened:
        return opened.diff("run-0", "run-1", "run-2", "run-3")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_run_is_shown_at_every_width(four: Comparison, width: int) -> None:
    """Runs that do not fit beside each other follow in a table of their own, beside the first run."""
    lines = diff_lines(four, width, ascii=False, is_bold=False)
    heads = [line for line in lines if "run-0" in line]
    assert max(map(len, lines)) <= width
    assert all(sum(f"run-{number}" in head for head in heads) == 1 for number in (1, 2, 3))
    assert len(heads) == {40: 3, 80: 2, 200: 1}[width]
    assert sum(line.split()[:1] == ["lr"] for line in lines) == len(heads)


def test_long_values_are_folded_and_whole(four: Comparison) -> None:
    """A text of 150 letters is on as many lines as it takes; markup and escapes in it are text."""
    lines = diff_lines(four, 80, ascii=False, is_bold=True)
    assert sum(line.count("x") for line in lines if "xx" in line) == 150
    assert any("[bold]three" in line for line in lines)
    assert not any("\x1b]" in line for line in lines)


def test_numbers_are_rounded_as_far_as_they_stay_apart(store: Path) -> None:
    """0.1 + 0.2 reads 0.3; a metric has its difference beside it; exact values are for programs."""
    done = labtop("diff", "run-0", "run-1", "--store", store)
    (lr,) = (line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["lr"])
    assert lr == ["lr", "0.1", "0.3"]
    assert "loss.last" in done.stdout
    assert "0.123456789" not in done.stdout
    assert (
        "0.30000000000000004" in labtop("diff", "run-0", "run-1", "--store", store, "--format", "csv").stdout
    )


def test_equal_rows_are_counted(store: Path) -> None:
    """What is left out because it is equal is said beside its section."""
    done = labtop("diff", "run-0", "run-1", "--store", store, "--section", "params")
    assert "2 differ, 1 equal" in done.stdout
