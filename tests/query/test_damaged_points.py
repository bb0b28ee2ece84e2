"""A part that looks whole and whose pages are damaged: it is named, and every other point is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import labtop
from labtop.cli.main import main
from labtop.errors import QueryError
from labtop.model.run import MetricSummary, RunRecord, Status
from labtop.query.engine import translated_errors
from labtop.store.layout import METRICS
from labtop.store.reader import check_parquet
from labtop.views.chart_curves import Face
from labtop.views.chart_look import CurvesView
from labtop.views.chart_source import CurveSource
from tests.store.runs import new_record
from tests.stores import Point, write_run

POINTS: list[Point] = [("loss", float(step), step, step / 7) for step in range(300)]


def run_of(store: Path) -> RunRecord:
    """A run that has ended, with 300 points."""
    record = replace(new_record(), status=Status.FINISHED, metrics={"loss": MetricSummary(count=300)})
    write_run(store, record, POINTS)
    return record


def damage(folder: Path) -> Path:
    """Overwrite pages of a run's part; its head and its footer stay."""
    (part,) = (folder / METRICS).glob("*.parquet")
    content = part.read_bytes()
    part.write_bytes(content[:40] + bytes(len(content) // 2) + content[40 + len(content) // 2 :])
    assert check_parquet(part) is None
    return part


@pytest.fixture
def store(tmp_path: Path) -> tuple[Path, RunRecord, RunRecord, Path]:
    """A sound run, one whose only part is damaged, and that part."""
    sound, torn = run_of(tmp_path), run_of(tmp_path)
    return tmp_path, sound, torn, damage(tmp_path / "p" / torn.id)


def test_a_script_is_warned_and_gets_the_rest(store: tuple[Path, RunRecord, RunRecord, Path]) -> None:
    """Also a part of the same run that is sound."""
    place, sound, torn, part = store
    write_run(place, torn, [("acc", 1.0, 1, 0.5)], writer="v" * 10)
    with labtop.open(place) as opened:
        with pytest.warns(UserWarning, match=part.name):
            frame = opened.metrics([torn.id, sound.id])
        assert frame.filter(run_id=torn.id)["value"].to_list() == [0.5]
        assert len(frame.filter(run_id=sound.id)) == 300
        assert [each.path for each in opened.problems] == [str(part)]


def test_metrics_and_export_say_so(
    store: tuple[Path, RunRecord, RunRecord, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with exit code 3; what could be read is there."""
    place, sound, torn, part = store
    for arguments in (
        ["metrics", torn.id, sound.id, "--store", str(place), "--format", "csv"],
        ["export", str(place), "--points", "--to", str(place / "points.csv")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capfd.readouterr()
        assert ended.value.code == 3
        assert f"cannot read {part}: damaged" in said.err
        if arguments[0] == "metrics":
            assert len(said.out.splitlines()) == 301
    assert len((place / "points.csv").read_text().splitlines()) == 301


@pytest.mark.parametrize("view", ["metrics", "points", "metrics_own"])
def test_sql_says_so(
    store: tuple[Path, RunRecord, RunRecord, Path], capfd: pytest.CaptureFixture[str], view: str
) -> None:
    """Also of a mere count, for which the footers would do."""
    place, _, _, part = store
    for query in (f"SELECT count(*) FROM {view}", f"SELECT count(value) FROM {view}"):
        with pytest.raises(SystemExit) as ended:
            main(["sql", query, "--store", str(place), "--format", "jsonl"])
        said = capfd.readouterr()
        assert ended.value.code == 3
        assert f"cannot read {part}: damaged" in said.err
        assert said.out.endswith(": 300}\n")


def test_sql_of_a_script_warns(store: tuple[Path, RunRecord, RunRecord, Path]) -> None:
    """And keeps it among the problems of the store."""
    place, _, _, part = store
    with labtop.open(place) as opened:
        with pytest.warns(UserWarning, match=part.name):
            assert opened.sql("SELECT count(*) AS n FROM metrics")["n"].to_list() == [300]
        assert [each.path for each in opened.problems] == [str(part)]


def test_connections_and_views_warn_of_what_they_leave_out(
    store: tuple[Path, RunRecord, RunRecord, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """A part that is cut is not in their views."""
    place, _, _, part = store
    part.write_bytes(part.read_bytes()[:-20])
    with labtop.open(place) as opened:
        with pytest.warns(UserWarning, match=part.name):
            connection = opened.connect()
        assert connection.execute("SELECT count(*) FROM metrics").fetchall() == [(300,)]
        with pytest.warns(UserWarning, match=part.name):
            assert str(part) not in opened.views()
    with pytest.raises(SystemExit) as ended:
        main(["views", str(place)])
    said = capfd.readouterr()
    assert ended.value.code == 3
    assert f"cannot read {part}: cut" in said.err
    assert "CREATE" in said.out


def test_sql_and_views_name_a_damaged_record(
    store: tuple[Path, RunRecord, RunRecord, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """A run that no table has is not passed over in silence."""
    place, _, torn, _ = store
    record = place / "p" / torn.id / "run.parquet"
    record.write_bytes(record.read_bytes()[:-20])
    for arguments in (["sql", "SELECT count(*) FROM runs", "--store", str(place)], ["views", str(place)]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 3
        assert f"cannot read {record}: cut" in capfd.readouterr().err


def test_curves_count_it(store: tuple[Path, RunRecord, RunRecord, Path]) -> None:
    """Also where the run has no other points."""
    place, sound, torn, part = store
    with labtop.open(place) as opened:
        source = CurveSource(opened.catalog)
        facts = source.facts([torn.id, sound.id])
        faces = {each.run_id: Face(each.run_id, each.name, "*", "red") for each in facts}
        (chart,) = source.charts(facts, ["loss"], CurvesView(), faces)
        assert len(chart.curves) == 1
        assert [each.path for each in source.problems] == [str(part)]


def test_bytes_of_a_damaged_file_in_a_message_are_no_surprise() -> None:
    """DuckDB's messages quote names that are not UTF-8 any more."""
    with pytest.raises(QueryError, match="not UTF-8"), translated_errors():
        b"l\xefss".decode()
