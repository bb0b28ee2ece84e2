"""The example of docs/writing-a-source.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from labtop.sources.source import Source

PAGE = Path(__file__).parent.parent.parent / "docs" / "writing-a-source.md"


def test_the_example_reads_runs(tmp_path: Path) -> None:
    """Points are read, and a line that is no point is told."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(compile(found[1], str(PAGE), "exec"), names)
    source = names["Steps"]()
    assert isinstance(source, Source)
    (tmp_path / "a.steps").write_text("loss 0 1.5\nnonsense\nloss 1 0.5\n")
    refs = list(source.runs(tmp_path))
    (read,) = source.read(tmp_path, refs)
    assert list(read.curves["loss"].values) == [1.5, 0.5]
    assert read.record.source.problems == ("line 2 cannot be read",)
