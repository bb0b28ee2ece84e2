"""Several processes in one run: whose points are shown, and that the others can be had."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import labtop
from labtop.cli.main import main
from labtop.errors import UsageError
from labtop.model.run import RunRecord, Status, Writer
from labtop.store.writer import RunWriter
from tests.query.runs import opened, run, store_of

RUN = "r" * 10
US = 1_700_000_000_000_000
Log = Callable[[str, Mapping[float, float]], None]


@contextmanager
def writer(store: Path, who: Writer | None, record: RunRecord | None = None) -> Iterator[Log]:
    """A writer of the run, to log a metric's values by step with."""
    record = record or run(id=RUN, status=Status.RUNNING, ended_at=None)
    one = RunWriter(store / "digits" / record.id, record, who=who)

    def log(name: str, values: Mapping[float, float]) -> None:
        for step, value in values.items():
            one.append(step, US + int(step), {name: value})

    yield log
    one.close(Status.FINISHED)


def rank(number: int, generation: int = 0, **facts: object) -> Writer:
    """One of several ranks."""
    who = Writer(rank=number, generation=generation, wants_record=True, ends_run=True, world_size=3)
    return replace(who, **facts)  # type: ignore[arg-type]  # fields of Writer


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A run of three ranks; only the last logs `loss`, and a helper of the first logs `acc` too."""
    path = store_of(tmp_path / "s")
    for number in range(3):
        with writer(path, rank(number)) as log:
            log("acc", {0: number, 1: number + 1.0, **({2: float("nan")} if number == 2 else {})})
            if number == 2:
                log("loss", {0: 9.0})
    with writer(path, Writer(role="child", rank=0)) as log:
        log("acc", {0: 100.0})
        log("load_ms", {0: 5.0})
    return path


def values(store: Path, name: str, ranks: str | int = 0) -> list[float]:
    """The values of a metric."""
    with labtop.open(store) as there:
        return [float(each) for each in there.metrics(RUN, name, ranks=ranks)["value"]]


def test_by_default_the_lowest_rank_that_logged_it_is_shown(store: Path) -> None:
    """Rank 0; another one for what rank 0 does not know; a helper for what only helpers do. So do the summaries."""
    assert values(store, "acc") == [0.0, 1.0]
    assert values(store, "loss") == [9.0]
    assert values(store, "load_ms") == [5.0]
    with labtop.open(store) as there:
        metrics = there.record(RUN).metrics
        assert there.runs()["acc"].to_list() == [1.0]
    assert {name: (each.count, each.rank) for name, each in metrics.items()} == {
        "acc": (2, None),
        "loss": (1, 2),
        "load_ms": (1, 0),
    }


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [("mean", [1.0, 2.0]), ("min", [0.0, 1.0]), ("max", [2.0, 3.0]), (1, [1.0, 2.0]), ("1", [1.0, 2.0])],
)
def test_an_aggregate_or_another_rank_can_be_had(
    store: Path, ranks: str | int, expected: list[float]
) -> None:
    """At each step over the ranks; NaN takes no part where there is something else."""
    assert values(store, "acc", ranks)[:2] == expected


def test_nan_of_the_only_rank_at_a_step_stays(store: Path) -> None:
    """It is what was logged."""
    assert [str(each) for each in values(store, "acc", "mean")] == ["1.0", "2.0", "nan"]


def test_all_ranks_with_their_numbers(store: Path) -> None:
    """Every point that was logged, the helpers' too."""
    with labtop.open(store) as there:
        frame = there.metrics(RUN, "acc", ranks="all")
    assert frame.columns == ["run_id", "name", "step", "time", "value", "rank"]
    assert sorted(zip(frame["rank"], frame["step"], strict=True)) == [
        (0, 0.0), (0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0), (2, 2.0),
    ]  # fmt: skip


def test_an_unknown_choice_is_named(store: Path) -> None:
    """Nothing is guessed."""
    with labtop.open(store) as there, pytest.raises(UsageError, match="median"):
        there.metrics(RUN, ranks="median")


def test_after_a_resume_the_later_points_count(tmp_path: Path) -> None:
    """A crash at step 4, resumed from a checkpoint at 2: no zigzag, nothing deleted."""
    store = store_of(tmp_path / "s")
    with writer(store, None) as log:
        log("loss", {0: 1.0, 1: 0.9, 2: 0.8, 3: 5.0, 4: 6.0})
    with labtop.open(store) as there:
        before = there.record(RUN)
    with writer(store, None, replace(before, status=Status.RUNNING, ended_at=None)) as log:
        log("loss", {2: 0.7, 3: 0.6})
    assert values(store, "loss") == [1.0, 0.9, 0.7, 0.6]
    with labtop.open(store) as there:
        assert there.sql("SELECT value FROM metrics ORDER BY step")["value"].to_list() == [1.0, 0.9, 0.7, 0.6]
        assert len(there.sql("SELECT * FROM points")) == 7
    from labtop.store.reader import read_points

    assert len(read_points(store / "digits" / RUN)[0]) == 7


def test_a_restarted_rank_is_one_curve(tmp_path: Path) -> None:
    """Each rank's own; the older generation ends where the newer begins."""
    store = store_of(tmp_path / "s")
    for generation, first in ((0, 0.0), (1, 1.0)):
        for number in range(2):
            with writer(store, rank(number, generation)) as log:
                log("loss", {first: generation + number * 10.0, first + 1: generation + number * 10.0})
    assert values(store, "loss") == [0.0, 1.0, 1.0]
    assert values(store, "loss", 1) == [10.0, 11.0, 11.0]


@pytest.mark.parametrize("printed", [False, True])
def test_sql_shows_the_same(store: Path, printed: bool) -> None:
    """`metrics` as everywhere, `points` with every process; also in what `labtop views` prints."""
    with labtop.open(store) as there:
        frame = there.metrics(RUN)
        expected = sorted(map(repr, zip(frame["name"], frame["step"], frame["value"], strict=True)))
        connection = there.connect()
        if printed:
            import duckdb

            connection = duckdb.connect()
            connection.execute(there.views())
    shown = connection.execute("SELECT name, step, value FROM metrics").fetchall()
    ranks = connection.execute("SELECT rank, count(*) FROM points WHERE name = 'acc' GROUP BY 1 ORDER BY 1")
    assert sorted(map(repr, shown)) == expected
    assert ranks.fetchall() == [(0, 3), (1, 2), (2, 3)]


def test_the_command_says_what_it_shows(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, for an answer that leaves ranks out."""
    arguments = ["metrics", RUN, "--store", str(store), "--name", "acc", "--format", "jsonl"]
    shown = lines_of([*arguments, "--ranks", "mean"], capsys)
    assert [each["value"] for each in shown[0]] == [1.0, 2.0, "NaN"]
    assert "mean over the ranks of 3" in shown[1]
    everything, said = lines_of([*arguments, "--ranks", "all"], capsys)
    assert ({each["rank"] for each in everything}, said) == ({0, 1, 2}, "")


def lines_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, object]], str]:
    """What the command gives as JSON lines, and says."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    captured = capsys.readouterr()
    return [json.loads(line) for line in captured.out.splitlines()], captured.err


def test_processes_and_what_became_of_them_are_told(store: Path) -> None:
    """In the record, for `show` and the Run screen."""
    catalog = opened(store)
    record = catalog.record(RUN)
    assert [(each.role, each.rank, each.status) for each in record.writers if each.role == "rank"] == [
        ("rank", number, Status.FINISHED) for number in range(3)
    ]
    from labtop.views.record import record_sections

    (section,) = [each for each in record_sections(record) if each.title == "Processes"]
    assert [each.label for each in section.facts] == ["rank 0 of 3", "child", "rank 1 of 3", "rank 2 of 3"]
