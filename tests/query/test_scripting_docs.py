"""docs/scripting.md says what works: its Python runs, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import labtop
from labtop.api import Store
from labtop.model.run import Randomness, Status
from tests.query.runs import run, store_of
from tests.stores import write_run

PAGE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text("utf-8")


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block, one after the other, as a reader would paste it."""
    store = store_of(
        tmp_path / "runs",
        run({"lr": 1e-4, "seed": 1}, {"val/acc": 0.5}, randomness=Randomness(seeds={"numpy": 1})),
    )
    record = run({"lr": 1e-4, "seed": 2}, {"val/acc": 0.7}, status=Status.FINISHED)
    write_run(store, record, [("val/loss", float(step), step, 1.0 / (step + 1)) for step in range(5)])
    monkeypatch.chdir(tmp_path)
    first, *others = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(first, {})
    with labtop.open() as opened:
        names: dict[str, Any] = {"store": opened, "run_id": record.id}
        for block in others:
            exec(block, names)
        assert names["group"].values["metrics.val/acc"].n == 2


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`store\.(\w+)", PAGE)) - {"catalog"}))
def test_every_name_of_a_store_is_there(name: str) -> None:
    """No function is promised that is not there, and none is left out."""
    assert hasattr(Store, name)


def test_nothing_of_a_store_is_left_out() -> None:
    """Public names of Store stand on the page."""
    left_out = {"catalog", "path", "close"}
    public = {name for name in vars(Store) if not name.startswith("_")} - left_out
    assert public <= set(re.findall(r"store\.(\w+)", PAGE))
