"""Tables as other programs write them: dialects, exports of trackers, logs of training libraries."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import pytest

import labtop
from labtop.errors import InputError, UsageError
from labtop.formats.cells import cell_number
from labtop.formats.date_text import form_of, micro_of
from labtop.sources.reading import Task
from labtop.sources.source import Listing
from labtop.sources.tables import Tables
from tests.sources.reading import Whole, read_all
from tests.sources.test_tables import last, named, write
from tests.sources.writers import tables as written


def only(runs: dict[str, Whole]) -> Whole:
    """The one run there is."""
    (run,) = runs.values()
    return run


def points(run: Whole) -> dict[str, list[tuple[float, float]]]:
    return {name: list(zip(each.steps, each.values, strict=True)) for name, each in run.curves.items()}


def by_name(runs: dict[str, Whole]) -> dict[str, Whole]:
    return {run.read.record.name: run for run in runs.values()}


@pytest.mark.parametrize("name", written.DIALECTS)
def test_every_dialect_says_the_same(tmp_path: Path, name: str) -> None:
    """However a table is written, its points are the same, and none is left out or made up."""
    (tmp_path / name).write_bytes(written.DIALECTS[name])
    scale = 100 if name == "percent.csv" else 1
    found = points(only(named(tmp_path / name)))
    assert found == {
        **written.POINTS,
        "acc": [(step, pytest.approx(value * scale)) for step, value in written.POINTS["acc"]],
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,013.5", 1013.5), ("76.1%", 76.1), (" +1e-3 ", 0.001), ("-1.#INF", -math.inf), ("∞", math.inf), ("TRUE", 1),
        ("N/A", None), ("1_000", None), ("12ms", None), ("1,01", None), ("%", None), ("", None),
    ],
)  # fmt: skip
def test_number_of_a_cell(text: str, number: float | None) -> None:
    """Numbers as spreadsheets and libraries write them; what only looks like one is none."""
    assert cell_number(text) == number
    assert math.isnan(cell_number("1.#QNAN") or 0)
    assert (cell_number("1.234,5", ","), cell_number("0,001", ",")) == (1234.5, 0.001)


def test_words_for_nothing_are_no_points(tmp_path: Path) -> None:
    """`N/A`, `-` and their like are no points and no damage; NaN in any spelling is one."""
    words = ["nan", "NaN", "-nan", "N/A", "null", "-", "<NA>", "#DIV/0!", "1.5"]
    rows = "".join(f"{at},{word},1\n" for at, word in enumerate(words))
    run = only(named(write(tmp_path / "t.csv", "epoch,train_loss,acc\n" + rows)))
    assert list(run.curves["train_loss"].steps) == [0, 1, 2, 8]
    assert run.read.record.source.problems == ()


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["03.04.2026 12:00", "13.04.2026 12:30"], "%d.%m.%Y %H:%M"),
        (["13/04/2026", "03/04/2026"], "%d/%m/%Y"),
        (["04/13/2026", "04/03/2026"], "%m/%d/%Y"),
        (["03/04/2026"], None),
        (["2026-11-20_10-00-01"], "%Y-%m-%d_%H-%M-%S"),
        (["2026-11-20T10:00:00Z"], "iso"),
        (["soon"], None),
    ],
)
def test_dates_in_local_forms(texts: list[str], form: str | None) -> None:
    """All dates of a column tell which comes first, day or month; where they do not, none is read."""
    assert form_of(texts) == form
    assert micro_of("13.04.2026", "%d.%m.%Y") == micro_of("2026-04-13")


def test_what_a_row_tells_of_its_run(tmp_path: Path) -> None:
    """Truth values in words, thousands, dates, tags and notes get their types; what is missing is missing."""
    text = (
        "model,amp,ema,params,created,tags,notes,acc\n"
        'a,yes,TRUE,"1,234,567",03.04.2026 12:00,"x, y",hello,0.5\nb,no,FALSE,7,13.04.2026 12:30,[],-,N/A\nc,no,TRUE\n'
    )
    runs = by_name(read_all(Tables(), write(tmp_path / "results.csv", text).parent))
    first = runs["a"].read.record
    assert first.params == {"amp": True, "ema": True, "params": 1234567}
    assert (first.life.tags, first.life.notes, str(first.started_at)) == (
        ("x", "y"), "hello", "2026-04-03 12:00:00+00:00"
    )  # fmt: skip
    assert (last(runs["b"]), runs["b"].read.record.life.tags) == ({}, ())
    assert runs["c"].read.record.params == {"amp": False, "ema": True}
    assert "fewer cells" in runs["c"].read.record.source.problems[0]


def test_names_of_columns_that_are_missing_or_doubled(tmp_path: Path) -> None:
    """The index of pandas is no parameter; R's first column without a name, and any first one of names, name runs."""
    runs = read_all(Tables(), write(tmp_path / "a" / "t.csv", ",model,acc,acc\n0,x,1,2\n1,y,3,4\n").parent)
    assert [last(run) for run in runs.values()] == [{"acc": 1, "acc (4)": 2}, {"acc": 3, "acc (4)": 4}]
    assert by_name(named(write(tmp_path / "r.csv", "acc,lr\nresnet,0.5,1\nvgg,0.6,2\n"))).keys() == {
        "resnet",
        "vgg",
    }
    assert by_name(named(write(tmp_path / "d.csv", "Modell;acc\nresnet;0,5\n"))).keys() == {"resnet"}


def test_table_without_a_header_asks_for_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with no line of names says how to give it some, and is read with them."""
    path = write(tmp_path / "log.csv", "0,1.5,0.1\n1,1.25,0.2\n")
    with pytest.raises(InputError, match=r"no line of column names.*names=epoch\|loss\|acc"):
        named(path)
    monkeypatch.setenv("LABTOP_TABLES", "log.csv: names=epoch|train_loss|acc")
    assert points(only(named(path))) == written.POINTS
    monkeypatch.setenv("LABTOP_TABLES", "log.csv: names=a|b")
    with pytest.raises(InputError, match="has 3 columns, not 2"):
        named(path)


def test_rule_with_a_wrong_column_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule for a file that is named on the line tells of a column that is not there, whatever else is guessed."""
    path = write(tmp_path / "t.csv", "model,acc\na,1\n")
    monkeypatch.setenv("LABTOP_TABLES", "t.csv: run=modell")
    with pytest.raises(InputError, match=r"no column modell.*its columns are model, acc"):
        named(path)


def test_roles_of_all_kinds_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule says what tells the status, tags, group and split, or that a column does not."""
    path = write(tmp_path / "t.csv", "who,how,kind,status,acc\na,done,k,x,1\n")
    monkeypatch.setenv("LABTOP_TABLES", "t.csv: run=who status=how group=kind")
    record = only(named(path)).read.record
    assert (record.status, record.life.group, record.params) == (
        "finished",
        "k",
        {"status": "x", "how": "done"},
    )
    path = write(tmp_path / "s.csv", "step,of,loss\n0,train,1\n0,val,2\n1,train,3\n")
    monkeypatch.setenv("LABTOP_TABLES", "s.csv: split=of")
    assert points(only(named(path))) == {"train/loss": [(0, 1), (1, 3)], "val/loss": [(0, 2)]}


def test_rules_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`labtop.open` takes rules as a setting, with commas in names of columns too; a wrong one is refused."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LABTOP_TABLES", "")
    path = write(tmp_path / "t.csv", '"who, then",x\na,1\nb,2\n')
    with labtop.open(path, tables=['t.csv: run="who, then" metrics=x']) as store:
        assert sorted(store.runs(columns=["name", "x"]).rows()) == [("a", 1.0), ("b", 2.0)]
    with pytest.raises(UsageError, match="rule for tables"):
        labtop.open(path, tables=["t.csv: colour=x"])


def test_wandb_table_of_runs(tmp_path: Path) -> None:
    """W&B's export of a table is a row a run, with status, start, tags, notes and sweep."""
    runs = read_all(Tables(), write(tmp_path / "wandb_export_1.csv", written.WANDB_RUNS).parent)
    first, second, third = (run.read.record for run in runs.values())
    assert [each.status for each in (first, second, third)] == ["finished", "crashed", "failed"]
    assert (first.life.tags, first.life.notes, second.life.notes) == (("base", "best"), "", "my note")
    assert (second.life.group, first.params) == ("sw1", {"User": "ada", "lr": 0.1, "epoch": 10})
    assert (third.name, str(third.started_at)) == ("blue-sea-2", "2026-11-20 11:00:00+00:00")
    assert math.isnan(second.metrics["val_acc"].last or 0)


def test_wandb_chart(tmp_path: Path) -> None:
    """W&B's export of a chart is a run for each of its lines; bounds that are the value itself are left out."""
    runs = {
        run.read.key: points(run)
        for run in read_all(Tables(), write(tmp_path / "c.csv", written.WANDB_CHART).parent).values()
    }
    assert runs["blue"] == {"train/loss": [(0, 2.5), (2, 2.3)]}
    assert [step for step, _ in runs["dark - sun"]["train/loss"]] == [0, 1, 2]


def test_mlflow_search_runs(tmp_path: Path) -> None:
    """What `search_runs` gives, saved: names without `params.` and `metrics.`, status, times, commit, notes, tags."""
    runs = by_name(read_all(Tables(), write(tmp_path / "r.csv", written.MLFLOW_RUNS).parent))
    record = runs["bold-crow-1"].read.record
    assert (record.params["lr"], record.params["loss_fn"], last(runs["bold-crow-1"])) == (
        0.1,
        "mse",
        {"loss": 0.5},
    )
    assert (record.status, record.code.commit, record.life.notes) == ("finished", "a" * 40, "note!")
    assert (record.life.tags, str(record.ended_at)) == (("team=red",), "2026-11-20 10:05:00+00:00")


def test_optuna_and_sklearn(tmp_path: Path) -> None:
    """Trials of Optuna and results of a search of scikit-learn are runs, with parameters by their own names."""
    trials = by_name(read_all(Tables(), write(tmp_path / "o" / "o.csv", written.OPTUNA_TRIALS).parent))
    first, second = trials["trial 0"].read.record, trials["trial 1"].read.record
    assert (first.status, first.params["lr"], last(trials["trial 0"])) == ("finished", 0.1, {"value": 0.5})
    assert (second.status, second.params["state"]) == ("killed", "PRUNED")
    searched = list(read_all(Tables(), write(tmp_path / "s" / "cv.csv", written.SKLEARN_CV).parent).values())
    assert [run.read.record.params for run in searched] == [{"C": 1}, {"C": 10}]
    assert last(searched[0])["mean_test_score"] == 0.85


def test_one_column_of_numbers(tmp_path: Path) -> None:
    """A file that a person names, with a metric's name and a value a row, is a curve; in a walk it is data."""
    path = write(tmp_path / "train.csv", '"train loss"\n"0.5"\nnan\n0.25')
    (name, found), *_ = points(only(named(path))).items()
    assert (name, found[0], found[2]) == ("train loss", (0, 0.5), (2, 0.25))
    assert read_all(Tables(), tmp_path) == {}
    write(tmp_path / "words.csv", "model\na\nb\n")
    assert not named(tmp_path / "words.csv")


def test_logs_of_libraries(tmp_path: Path) -> None:
    """A training of Ray Tune, MMEngine, MMDetection or Ultralytics is one run, with its parameters."""
    ray = only(read_all(Tables(), written.write_ray_trial(tmp_path / "ray" / "trial_1")))
    assert (ray.read.record.params["lr"], ray.read.record.params["layers"]) == (0.1, [1, 2])
    assert points(ray)["loss"] == [(1, 1.0), (2, 0.5), (4, 0.25)]
    assert ray.read.folder == tmp_path / "ray" / "trial_1"
    engine = only(read_all(Tables(), written.write_mmengine(tmp_path / "rtm")))
    assert (engine.read.record.name, engine.read.record.project) == ("20261120_100000", "rtm")
    assert points(engine)["coco/bbox_mAP"] == [(1, 0.3), (2, 0.35)]
    assert points(engine)["loss"] == [(50, 1.5), (100, 1.4), (150, 1.3)]
    detection = only(read_all(Tables(), written.write_mmdetection(tmp_path / "faster")))
    assert detection.read.record.params["seed"] == 3
    assert points(detection)["val/bbox_mAP"] == [(2, 0.4)]
    yolo = only(read_all(Tables(), written.write_ultralytics(tmp_path / "detect" / "train3")))
    assert (yolo.read.record.name, yolo.read.record.randomness.seeds) == ("train3", {"seed": 0})
    assert points(yolo)["metrics/mAP50(B)"] == [(1, 0.3), (2, 0.4)]


def test_history_of_a_training(tmp_path: Path) -> None:
    """Nothing but results with a loss among them is a row an epoch: what Keras gives back, saved by pandas."""
    path = write(tmp_path / "h.csv", ",loss,val_loss\n0,3,4\n1,2,3\n")
    assert points(only(named(path))) == {"loss": [(0, 3), (1, 2)], "val_loss": [(0, 4), (1, 3)]}
    path = write(tmp_path / "cv.csv", "train-rmse-mean,test-rmse-mean\n3,4\n2,3\n")
    assert points(only(named(path)))["test-rmse-mean"] == [(0, 4), (1, 3)]


@pytest.mark.parametrize(
    ("kind", "runs"), [("hive", {"a": [0, 1, 2, 3], "b": [0, 1, 2, 3]}), ("spark", None)]
)
def test_folder_of_parquet_files_is_one_table(tmp_path: Path, kind: str, runs: Any) -> None:
    """Parts of a table are read together, and what the names of folders say is a column."""
    root: Path = getattr(written, f"write_{kind}")(tmp_path / "table.parquet")
    found = read_all(Tables(), root)
    steps = {run.read.key: list(run.curves["loss"].steps) for run in found.values()}
    assert steps == (runs or {"a": [0, 1], "b": [0, 1]})
    (place,) = Tables().detect(
        Listing(
            root,
            tuple(p.name for p in root.iterdir() if p.is_file()),
            tuple(p.name for p in root.iterdir() if p.is_dir()),
        )
    )
    assert place.closed
    if kind == "hive":
        assert only({"": next(iter(found.values()))}).read.record.params == {"seed": 3}


def test_packed_table_that_is_cut_off(tmp_path: Path) -> None:
    """Of a packed file that ends too soon, what is sound is read, and the rest is told."""
    rows = "".join(f"{step},{step * 7919 % 1000},0.5\n" for step in range(200_000))
    packed = gzip.compress(("epoch,train_loss,acc\n" + rows).encode())
    (tmp_path / "t.csv.gz").write_bytes(packed[: len(packed) * 3 // 4])
    run = only(named(tmp_path / "t.csv.gz"))
    assert len(run.curves["acc"]) > 50_000
    assert any("cut off" in each for each in run.read.record.source.problems)


@pytest.mark.parametrize(
    "text",
    [
        "round,home,away,score,win\n1,a,b,3,1\n2,c,d,1,0\n",
        "episode,title,rating,score\n1,a,8.5,100\n2,b,8.6,200\n",
        "step,type,amount,isFraud\n1,PAYMENT,9839.64,0\n2,CASH,1,1\n",
        "model,year,price,mpg\nA1,2017,12500,55.4\nA6,2016,16500,64.2\n",
        "PassengerId,Survived,Name,Age\n1,0,Braund,22\n2,1,Cumings,38\n",
        "name,state,city\na,finished,x\n",
        "loss,val_loss\n1,2\n3,4\n",
    ],
)
def test_more_data_that_is_no_runs(tmp_path: Path, text: str) -> None:
    """Tables of matches, films, payments, cars and people in a tree are left alone."""
    write(tmp_path / "data.csv", text)
    write(tmp_path / "metrics.json", '{"step": 3, "train": {"loss": 0.5}}')
    assert read_all(Tables(), tmp_path) == {}


def test_rows_of_a_table_are_read_in_one_pass(tmp_path: Path) -> None:
    """However many runs a table has, it is read once, and not once for every few hundred of them."""
    path = write(tmp_path / "t.csv", "model,acc\n" + "".join(f"m{at},{at}\n" for at in range(1_000)))
    refs = tuple(Tables().runs(path))
    assert [len(task.refs) for task in Task("tables", str(path), refs, {}).chunks()] == [1_000]
    some = [read.record.name for read in Tables().read(path, refs[10:12])]
    assert some == ["m10", "m11"]


def test_the_table_of_a_timm_training_is_called_by_its_folder(tmp_path: Path) -> None:
    """`summary.csv` says nothing; `args.yaml` beside it has its parameters."""
    write(tmp_path / "resnet" / "summary.csv", "epoch,train_loss,eval_top1\n0,2.5,10\n1,1.5,30\n")
    write(tmp_path / "resnet" / "args.yaml", "lr: 0.1\nmodel: resnet50\n")
    record = only(read_all(Tables(), tmp_path)).read.record
    assert (record.name, record.params) == ("resnet", {"lr": 0.1, "model": "resnet50"})


def test_steps_of_llama_factory_are_current_steps(tmp_path: Path) -> None:
    """Not the epoch, which is a fraction there."""
    rows = [f'{{"current_steps": {step}, "loss": {9 - step}, "epoch": {step / 10}}}\n' for step in range(5)]
    write(tmp_path / "trainer_log.jsonl", "".join(rows))
    assert list(only(read_all(Tables(), tmp_path)).curves["loss"].steps) == [0, 1, 2, 3, 4]


def test_the_log_of_mmdetection_begins_with_its_environment(tmp_path: Path) -> None:
    """The texts of its first line do not hide that the others are points."""
    lines = ['{"env_info": "sys.platform: linux", "config": "model = dict()", "seed": 0}\n']
    row = '{{"mode": "train", "epoch": 1, "iter": {}, "lr": 0.1, "memory": 100, "loss": {}, "time": 0.5}}\n'
    lines += [row.format(50 * step, 1 / step) for step in range(1, 5)]
    lines.append('{"mode": "val", "epoch": 1, "iter": 200, "lr": 0.1, "bbox_mAP": 0.25}\n')
    write(tmp_path / "work" / "20240501_100000.log.json", "".join(lines))
    run = only(read_all(Tables(), tmp_path))
    assert list(run.curves["train/loss"].values) == [1, 1 / 2, 1 / 3, 1 / 4]
    assert list(run.curves["val/bbox_mAP"].values) == [0.25]
