"""Runs that go on from a step of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

import labtop
from labtop.errors import InputError, UsageError
from labtop.recording.forking import Fork, parse_fork
from tests.recording.conftest import records


def steps_and_values(run: str, own: bool = False) -> list[tuple[float, float]]:
    """The points of `loss` as they are shown."""
    with labtop.open("runs") as store:
        frame = store.metrics(run, "loss", own=own)
    return list(zip(frame["step"], frame["value"], strict=True))


def in_sql(run: str, printed: bool, view: str = "metrics") -> list[tuple[float, float]]:
    """The same by SQL, or by the views that `labtop views` prints."""
    import duckdb

    with labtop.open("runs") as store:
        connection = duckdb.connect() if printed else store.connect()
        if printed:
            connection.execute(store.views())
    query = f"SELECT step, value FROM {view} WHERE run_id = '{run}' AND name = 'loss' ORDER BY step"
    with connection:
        return connection.execute(query).fetchall()


def recorded(first: int, last: int, value: float, **how: object) -> str:
    """A run that logged `loss` at some steps; gives its id."""
    with labtop.init(store="runs", **how) as run:  # type: ignore[arg-type]  # arguments of init
        for step in range(first, last + 1):
            run.log({"loss": value}, step=step)
    return run.id


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("k7f2?_step=1000", Fork("k7f2", 1000.0)),
        ("k7f2@12.5", Fork("k7f2", 12.5)),
        (("k7f2", 10), Fork("k7f2", 10)),
        ("k7f2", Fork("k7f2")),
        (None, None),
    ],
)
def test_ways_to_say_it(said: object, meant: Fork | None) -> None:
    """The spelling of wandb among them."""
    assert parse_fork(said) == meant


@pytest.mark.parametrize("said", [17, "k7f2?_step=soon", ("k7f2", "?"), "", ("k7f2", 1, 2)])
def test_what_means_nothing_is_refused(said: object) -> None:
    """Before anything is recorded."""
    with pytest.raises(UsageError, match="names no run"):
        parse_fork(said)


def test_a_fork_takes_over_parameters_and_curves_up_to_its_step(folder: Path) -> None:
    """Its record and summaries are its own; the parent stays as it was."""
    parent = recorded(0, 9, 1.0, config={"lr": 0.1, "width": 4})
    with labtop.init(store="runs", fork_from=f"{parent}?_step=4", config={"lr": 0.01}) as run:
        assert dict(run.config) == {"lr": 0.01, "width": 4}
        assert (run.parent_id, run.step) == (parent, 5)
        run.log({"loss": 2.0})
        run.log({"loss": 2.5})
    assert steps_and_values(run.id) == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2.5)]
    assert steps_and_values(run.id, own=True) == [(5, 2), (6, 2.5)]
    assert len(steps_and_values(parent)) == 10
    forked = next(each for each in records(folder / "runs") if each.id == run.id)
    assert (forked.life.parent_id, forked.life.fork_step) == (parent, 4.0)
    assert (forked.metrics["loss"].count, forked.metrics["loss"].first) == (2, 2.0)


def test_a_fork_of_a_fork_is_one_curve(folder: Path) -> None:
    """Each up to where the next began, also where it forks below its parent's own fork."""
    first = recorded(0, 9, 1.0)
    second = recorded(5, 9, 2.0, fork_from=(first, 4))
    third = recorded(8, 9, 3.0, fork_from=(second, 7))
    below = recorded(3, 4, 4.0, fork_from=(second, 2))
    assert [value for _, value in steps_and_values(third)] == [1.0] * 5 + [2.0] * 3 + [3.0] * 2
    assert [value for _, value in steps_and_values(below)] == [1.0] * 3 + [4.0] * 2
    for run in (first, second, third, below):
        for printed in (False, True):
            assert in_sql(run, printed) == steps_and_values(run)
            assert in_sql(run, printed, "metrics_own") == steps_and_values(run, own=True)


def test_sql_stitches_rank_by_rank_what_logs_and_resumes_left(folder: Path) -> None:
    """A parent of two ranks that was resumed, a fork that logs below its step, points that are not sealed yet."""
    from labtop.model.run import Writer
    from labtop.store.writer import RunWriter
    from tests.query.runs import run as handmade

    parent = recorded(0, 5, 1.0)
    with labtop.init(store="runs", id=parent, resume="must") as resumed:
        for step in range(3, 8):
            resumed.log({"loss": 1.5}, step=step)
    (path,) = (folder / "runs").glob(f"*/{parent}")
    other = RunWriter(path, handmade(id=parent), who=Writer(rank=1, world_size=2))
    other.append(0, 1_700_000_000_000_000, {"loss": 100.0, "only": 3.0})
    other.close()
    fork = labtop.init(store="runs", fork_from=(parent, 6))
    try:
        for step in (5, 9):
            fork.log({"loss": 2.0}, step=step)
        expected = [(0, 1), (1, 1), (2, 1), (3, 1.5), (4, 1.5), (5, 2), (9, 2)]
        assert steps_and_values(fork.id) == in_sql(fork.id, printed=False) == expected
        with labtop.open("runs") as store:
            (step,) = store.sql("SELECT fork_step FROM runs WHERE fork_step IS NOT NULL")["fork_step"]
            (only,) = store.sql(f"SELECT value FROM metrics WHERE run_id = '{fork.id}' AND name = 'only'")[
                "value"
            ]
        assert (step, only) == (6, 3)
    finally:
        fork.finish()


def test_a_fork_without_points_shows_those_of_its_parent(folder: Path) -> None:
    """Before its first step there is nothing else."""
    parent = recorded(0, 9, 1.0)
    fork = recorded(0, -1, 0.0, fork_from=(parent, 2))
    assert len(steps_and_values(fork)) == 3


def test_a_fork_whose_parent_is_gone_shows_its_own(folder: Path) -> None:
    """Nothing else is known."""
    import shutil

    parent = recorded(0, 9, 1.0)
    fork = recorded(5, 6, 2.0, fork_from=(parent, 4))
    shutil.rmtree(next((folder / "runs").glob(f"*/{parent}")))
    assert steps_and_values(fork) == [(5, 2), (6, 2)]


def test_a_fork_of_nothing_is_an_error(folder: Path) -> None:
    """And says what is missing."""
    with pytest.raises(InputError, match="no run nowhere00 to fork"):
        labtop.init(store="runs", fork_from="nowhere00?_step=1")


def test_the_lineage_shows_in_the_record_and_in_a_comparison(folder: Path) -> None:
    """In the Run screen and `show`; and as a difference of the code that ran."""
    from labtop.views.record import record_sections

    parent = recorded(0, 3, 1.0)
    fork = recorded(2, 3, 2.0, fork_from=(parent, 1))
    with labtop.open("runs") as store:
        facts = {each.label: each for each in record_sections(store.record(fork))[0].facts}
        rows = store.diff(parent, fork).rows
    assert (facts["parent"].value, facts["parent"].note) == (parent, "at step 1")
    assert ("fork", "parent") in {each.path for each in rows}
