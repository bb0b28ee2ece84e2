"""How records become columns: types, names that collide, hostile text, damage inside a record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from labtop.model.run import (
    Code,
    Command,
    DataInput,
    Gpu,
    Hardware,
    Life,
    MetricSummary,
    Randomness,
    RunError,
)
from labtop.query import found_columns, reading
from tests.query.runs import column, opened, run, store_of
from tests.stores import write_run


def types(catalog: Any) -> dict[str, str]:
    return {each.key: each.type.name for each in catalog.columns() if each.kind != "field"}


def test_params_keep_their_types(tmp_path: Path) -> None:
    """Integers, numbers, booleans and text stay what they are; lists are JSON; nested keys are dotted."""
    params = {"lr": 1e-3, "n": 2**40, "amp": True, "opt": "adam", "sizes": [1, 2], "model": {"width": 8}}
    catalog = opened(store_of(tmp_path / "s", run(params, name="a")))
    assert types(catalog) == {
        "params.lr": "number", "params.n": "integer", "params.amp": "boolean", "params.opt": "text",
        "params.sizes": "mixed", "params.model.width": "integer",
    }  # fmt: skip
    keys = list(types(catalog))
    assert catalog.cells([0], keys) == [(1e-3, 2**40, True, "adam", "[1,2]", 8)]


def test_a_param_of_several_types_is_json_text(tmp_path: Path) -> None:
    """What is a number in one run and a text in another loses neither."""
    catalog = opened(store_of(tmp_path / "s", run({"x": 1}, name="a"), run({"x": "one"}, name="b")))
    assert types(catalog)["params.x"] == "mixed"
    assert column(catalog, "params.x") == {"a": "1", "b": '"one"'}


@pytest.mark.parametrize(
    ("first", "second", "type_name", "expected"),
    [
        (1, 2.5, "number", (1.0, 2.5)),
        (1, math.inf, "number", (1.0, math.inf)),
        (True, "yes", "mixed", ("true", '"yes"')),
        (2.5, "x", "mixed", ("2.5", '"x"')),
        ("x", [1], "mixed", ('"x"', "[1]")),
        (None, 3, "integer", (None, 3)),
        (2**63, 3, "mixed", (str(2**63), "3")),
    ],
)
def test_a_column_widens_when_a_later_run_needs_it(
    tmp_path: Path, first: Any, second: Any, type_name: str, expected: Any
) -> None:
    """The same column comes out whether the runs are read at once or one after the other."""
    store = store_of(tmp_path / "s", run({"x": first}, name="a"))
    later = opened(store)
    write_run(store, run({"x": second}, name="b"))
    later.refresh()
    at_once = opened(store)
    for catalog in (later, at_once):
        assert types(catalog)["params.x"] == type_name
        found = column(catalog, "params.x")
        assert (found["a"], found["b"]) == expected


def test_names_that_differ_by_case_or_a_dot_do_not_collide(tmp_path: Path) -> None:
    """DuckDB knows no upper case and labtop's keys have dots; still each value is found under a key of its own."""
    params = {"lr": 1, "LR": 2, "a": {"b": 3}, "a.b": 4}
    record = run(params, {"Loss": 5.0, "loss": 6.0, "loss.min": 7.0})
    catalog = opened(store_of(tmp_path / "s", record))
    keys = [each.key for each in catalog.columns() if each.kind != "field"]
    assert len({key.casefold() for key in keys}) == len(keys) == 7
    named = {
        (each.name, value)
        for each, value in zip(catalog.columns()[-7:], catalog.cells([0], keys)[0], strict=True)
    }
    assert named == {
        ("lr", 1), ("LR", 2), ("a.b", 3), ("a.b", 4), ("Loss", 5.0), ("loss", 6.0), ("loss.min", 7.0),
    }  # fmt: skip


HOSTILE = [
    "", " ", '"', "'", "a'b\"c", "\\", "~/~0", "\x1b[31m", "[/b]", "\u202e", "a\nb", "\x00", "nul\x00inside", "*", "$",
    "$.x", "x" * 300, "漢" * 300, "'; DROP TABLE fresh; --", "0", "params.x", "#2", "é", "e\u0301", "[0]",
]  # fmt: skip


def test_hostile_names_are_columns_like_others(tmp_path: Path) -> None:
    """No name of a param or metric breaks the table or loses its value."""
    params = {name: at for at, name in enumerate(HOSTILE)}
    metrics = {name: float(at) for at, name in enumerate(HOSTILE)}
    catalog = opened(store_of(tmp_path / "s", run(params, metrics, name="a"), run({"y": 1}, name="b")))
    assert catalog.problems == ()
    params_found = [each.key for each in catalog.columns() if each.kind == "param" and each.name != "y"]
    metrics_found = [each.key for each in catalog.columns() if each.kind == "metric"]
    row = catalog.row_of(catalog.resolve("a"))
    assert row is not None
    assert catalog.cells([row], params_found)[0] == tuple(range(len(HOSTILE)))
    assert catalog.cells([row], metrics_found)[0] == tuple(map(float, range(len(HOSTILE))))
    sparks = [f"{key.replace('metrics', 'spark', 1)}" for key in metrics_found]
    assert catalog.cells([row], sparks)[0] == ("3           ",) * len(HOSTILE)


def test_a_value_here_and_a_mapping_there(tmp_path: Path) -> None:
    """`opt: adam` in one run and `opt: {name: adam}` in another are two columns."""
    store = store_of(tmp_path / "s", run({"opt": "adam"}, name="a"), run({"opt": {"name": "sgd"}}, name="b"))
    catalog = opened(store)
    assert column(catalog, "params.opt") == {"a": "adam", "b": None}
    assert column(catalog, "params.opt.name") == {"a": None, "b": "sgd"}


def test_fields_come_from_their_groups(tmp_path: Path) -> None:
    """Every field says what the record says."""
    record = run(
        name="a",
        life=Life(
            group="g",
            job_type="train",
            tags=("x", "y"),
            notes="n",
            exit_code=1,
            error=RunError(type="E", message="m"),
        ),
        command=Command(argv=("train.py", "--name", "two words", "it's")),
        code=Code(commit="c0ffee", branch="main", dirty=True),
        randomness=Randomness(seeds={"python": 7, "numpy": 7}),
        hardware=Hardware(gpus=(Gpu(name="H100"), Gpu(name="H100"))),
    )
    catalog = opened(store_of(tmp_path / "s", record))
    keys = [
        "group",
        "job_type",
        "tags",
        "notes",
        "exit_code",
        "error",
        "command",
        "commit",
        "dirty",
        "seed",
        "gpu",
    ]
    assert catalog.cells([0], keys)[0] == (
        "g", "train", ["x", "y"], "n", 1, "E: m",
        "train.py --name 'two words' 'it'\"'\"'s'", "c0ffee", True, "7", "2x H100",
    )  # fmt: skip
    assert catalog.cells([0], ["duration_s", "tracker", "archived", "problems"])[0] == (
        30.0,
        "labtop",
        False,
        0,
    )


def test_the_seed_is_what_all_libraries_got_or_all_of_them_or_a_param(tmp_path: Path) -> None:
    """One number where one says it all."""
    store = store_of(
        tmp_path / "s",
        run(name="same", randomness=Randomness(seeds={"python": 1, "numpy": 1})),
        run(name="different", randomness=Randomness(seeds={"python": 1, "numpy": 2})),
        run({"data": {"seed": 5}}, name="param"),
        run(name="none"),
    )
    assert column(opened(store), "seed") == {
        "same": "1", "different": '{"python":1,"numpy":2}', "param": "5", "none": None,
    }  # fmt: skip


def test_a_document_that_is_no_json_costs_only_itself(tmp_path: Path) -> None:
    """A record with one broken group is in the table with the rest, and counts a problem."""
    store = store_of(tmp_path / "s", run({"lr": 1.0}, name="good"))
    _rewrite(write_run(store, run({"lr": 2.0}, name="bad", life=Life(notes="kept"))), params="{not json")
    catalog = opened(store)
    assert column(catalog, "params.lr") == {"good": 1.0, "bad": None}
    assert column(catalog, "notes")["bad"] == "kept"
    assert column(catalog, "problems") == {"good": 0, "bad": 1}


@pytest.mark.parametrize("metrics", ["[1]", '"x"', '{"a": 1}', '{"a": '])
def test_metrics_that_are_none_are_a_problem_of_their_run_alone(tmp_path: Path, metrics: str) -> None:
    """What only a foreign writer writes costs no other run its metrics."""
    store = store_of(tmp_path / "s", run({}, {"a": 1.0}, name="good"))
    _rewrite(write_run(store, run(name="odd")), metrics=metrics)
    catalog = opened(store)
    assert column(catalog, "metrics.a") == {"good": 1.0, "odd": None}
    assert column(catalog, "problems") == {"good": 0, "odd": 1}


@pytest.mark.parametrize("others", [3, 20], ids=["few", "many"])
def test_a_run_that_cannot_be_indexed_is_a_problem_and_the_others_are_there(
    tmp_path: Path, others: int
) -> None:
    """Whatever DuckDB stumbles over in one run, only that run is missing; once mended it is there."""
    store = store_of(tmp_path / "s", *(run(name=f"good {n}") for n in range(others)))
    folder = write_run(store, run(name="bad", id="b" * 10, life=Life(exit_code=2**70)))
    catalog = opened(store)
    assert len(column(catalog, "id")) == others
    assert [Path(each.path).parent.name for each in catalog.problems] == [folder.name]
    write_run(store, run(name="mended", id="b" * 10))
    assert catalog.refresh()
    assert len(column(catalog, "id")) == others + 1
    assert catalog.problems == ()


def test_nesting_without_end_is_json_text_from_some_depth_on(tmp_path: Path) -> None:
    """A thousand levels are no thousand columns, and no crash."""
    nested = "1"
    for _ in range(500):
        nested = f'{{"x": {nested}}}'
    store = store_of(tmp_path / "s", run(name="good"))
    _rewrite(write_run(store, run(name="deep")), params=nested)
    catalog = opened(store)
    assert sorted(column(catalog, "id")) == ["deep", "good"]
    assert [each.type.name for each in catalog.columns() if each.kind == "param"] == ["mixed"]


def _rewrite(folder: Path, **columns: str) -> None:
    """Put other text into a record."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / "run.parquet")
    row = {**table.to_pylist()[0], **columns}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row], table.schema), folder / "run.parquet")


def test_beyond_the_limit_the_most_common_keys_are_kept_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut table says that it is cut."""
    monkeypatch.setattr(found_columns, "MOST_KEYS", 3)
    common = {"a": 1.0, "b": 2.0}
    records = [run({}, {**common, f"only {n}": 3.0}, name=str(n)) for n in range(4)]
    catalog = opened(store_of(tmp_path / "s", *records))
    kept = [each.name for each in catalog.columns() if each.kind == "metric"]
    assert len(kept) == 3
    assert {"a", "b"} < set(kept)
    assert catalog.cut == "3 metrics beyond the 1,000 most common"


def test_chunks_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs read one by one give the same table as runs read together."""
    records = [
        run(
            {"n": n, f"p{n % 3}": n / 2, "mixed": n if n % 2 else str(n)},
            {f"m{n % 4}": float(n)},
            name=str(n),
            minute=n,
        )
        for n in range(12)
    ]
    store = store_of(tmp_path / "s", *records)
    together = opened(store)
    together.engine.close()
    monkeypatch.setattr(reading, "FIRST_CHUNK", 1)
    monkeypatch.setattr(reading, "CHUNK", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    together, apart = opened(store), opened(store)
    for key in ["params.n", "params.p0", "params.p2", "params.mixed", "metrics.m3", "spark.m3"]:
        assert column(apart, key) == column(together, key)


def test_a_summary_value_without_points_is_there(tmp_path: Path) -> None:
    """What was set and never logged has a last value and no sparkline."""
    store = store_of(tmp_path / "s", run({}, {"best": MetricSummary(last=0.5)}, name="a"))
    catalog = opened(store)
    assert catalog.cells([0], ["metrics.best", "spark.best", "metrics.best.count"]) == [(0.5, None, 0)]


def test_twins_differ_in_seeds_alone(tmp_path: Path) -> None:
    """Seed params don't tell groups apart; params, commit, patch and data do."""
    base = {"lr": 1.0, "seed": 0, "data": {"random_state": 3}}
    other_order = {"data": {"random_state": 9}, "seed": 5, "lr": 1.0}
    data = (DataInput(name="d", uri="d", kind="file", digest="1"),)
    store = store_of(
        tmp_path / "s",
        run(base, name="a"),
        run(other_order, name="b"),
        run({**base, "lr": 2.0}, name="c"),
        run(base, name="d", code=Code(commit="1")),
        run(base, name="e", code=Code(patch_sha256="1")),
        run(base, name="f", data=data),
        run(base, name="g", project="other"),
    )
    found = column(opened(store), "_twins")
    assert found["a"] == found["b"]
    assert len(set(found.values())) == 6
