"""MLflow's file store, with everything that years of clients and people have left in it."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from labtop.model.run import DataInput, ModelVersion, Status
from labtop.sources.mlflow import points
from labtop.sources.mlflow.files import MlflowFiles
from labtop.sources.source import Listing, RunRead, RunRef
from tests.sources.reading import Whole, listing, places, read_all
from tests.sources.same_files import fingerprint
from tests.sources.writers.mlflow_files import START, run_id, write_experiment, write_files, write_run

SOURCE = MlflowFiles()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with the experiment `0`."""
    write_experiment(tmp_path / "mlruns", "0", "digits")
    return tmp_path / "mlruns"


def _one(root: Path) -> Whole:
    (whole,) = read_all(SOURCE, root).values()
    return whole


def test_points_are_read_from_lines_of_every_kind(store: Path) -> None:
    """Three fields, a data set behind them, words for numbers, and lines of the time before steps."""
    lines = {
        "loss": f"{START} 0.5 0\n{START + 5} nan 1\n{START + 6} -inf 2\n",
        "val/f1 of data": f"{START} 0.25 7 my data 4f2a\n{START} 0.5 8 my 4f2a\n",
        "before steps": f"{START} 3\n{START} 2\n{START} 1\n",
        "v0.5.": f"{START} 1 3\n",
        "system/cpu_utilization_percentage": f"{START} 17.5 0\n",
    }
    write_run(store / "0", metrics=lines)
    curves = _one(store).curves
    assert set(curves) == set(lines)
    loss = curves["loss"]
    assert [*loss.steps] == [0, 1, 2]
    assert [*loss.times_us] == [START * 1000, (START + 5) * 1000, (START + 6) * 1000]
    assert loss.values[0] == 0.5
    assert math.isnan(loss.values[1])
    assert loss.values[2] == -math.inf
    assert [*curves["val/f1 of data"].steps] == [7, 8]
    assert [*curves["before steps"].steps] == [0, 1, 2]
    assert [*curves["before steps"].values] == [3, 2, 1]


def test_the_last_point_is_the_one_that_mlflow_calls_the_latest(store: Path) -> None:
    """The highest step counts, then the time, then the value, in whatever order the lines stand."""
    lines = f"{START} 9 10\n{START + 2} 1 5\n{START + 1} 2 5\n{START} 7 -1\n{START} 8 10\n"
    write_run(store / "0", metrics={"m": lines})
    curve = _one(store).curves["m"]
    assert [*zip(curve.steps, curve.values, strict=True)] == [(-1, 7), (5, 2), (5, 1), (10, 8), (10, 9)]


def test_steps_that_no_double_can_hold_are_told(store: Path) -> None:
    """2^53 + 1 is read as its neighbour, and the run says so."""
    write_run(store / "0", metrics={"m": f"{START} 1 9007199254740993\n"})
    assert _one(store).read.record.source.problems == ("metrics/m: steps beyond 2^53 are rounded",)


def test_params_get_their_types_and_keep_their_text(store: Path) -> None:
    """Numbers, words and lists; long texts with newlines; the newline that old clients wrote is no part of a value."""
    text = "line\nline\n" * 800
    params = {
        "lr": "1e-3",
        "batch": "32\n",
        "on": "True",
        "none": "None",
        "sizes": "(1, 2)",
        "long": text,
        "id": "007",
    }
    write_run(store / "0", params={**params, "opt/name": "adam", "seed": "7", "empty": ""})
    record = _one(store).read.record
    assert record.params == {
        **{"lr": 1e-3, "batch": 32, "on": True, "none": None, "sizes": [1, 2], "long": text, "id": "007"},
        **{"opt/name": "adam", "seed": 7, "empty": ""},
    }
    told = {key: record.source.texts.get(key, str(value)) for key, value in record.params.items()}
    assert {key: told[key] for key in params} == params
    assert record.randomness.seeds == {"seed": 7}


def test_tags_say_name_notes_parent_code_and_the_rest(store: Path) -> None:
    """What MLflow keeps in tags of its own goes where labtop has it; other tags stay tags."""
    tags = {
        "mlflow.runName": "from tag",
        "mlflow.note.content": "two\nlines",
        "mlflow.parentRunId": run_id(9),
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.repoURL": "git@host:me/it.git",
        "mlflow.source.name": "train.py",
        "mlflow.user": "me",
        "team": "vision",
        "flag": "",
    }
    write_run(store / "0", tags=tags, run_name=None, status="RUNNING", end_time=None)
    record = _one(store).read.record
    assert (record.name, record.project, record.status) == ("from tag", "digits", Status.RUNNING)
    assert record.ended_at is None
    assert record.life.notes == "two\nlines"
    assert record.life.parent_id == f"mlflow:{run_id(9)}"
    assert record.life.tags == ("flag", "mlflow.user=me", "team=vision")
    assert (record.code.commit, record.code.branch, record.code.remote) == (
        "c0ffee",
        "main",
        "git@host:me/it.git",
    )
    assert record.command.entry_point == "train.py"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (1, Status.RUNNING),
        (2, Status.UNKNOWN),
        (3, Status.FINISHED),
        ("4", Status.FAILED),
        ("KILLED", Status.KILLED),
        ("nonsense", Status.UNKNOWN),
        (None, Status.UNKNOWN),
    ],
)
def test_statuses_are_numbers_or_words(store: Path, word: object, status: Status) -> None:
    """SCHEDULED has not begun; what is no status is unknown."""
    write_run(store / "0", status=word)
    assert _one(store).read.record.status is status


def test_what_was_deleted_is_archived(store: Path) -> None:
    """A deleted run, and all runs of an experiment in the trash."""
    write_run(store / "0", 1, lifecycle_stage="deleted")
    write_run(write_experiment(store / ".trash", "5", "old", lifecycle_stage="deleted"), 2)
    write_run(store / "0", 3)
    runs = {each.read.key: each.read.record.life.archived for each in read_all(SOURCE, store).values()}
    assert runs == {f"0/{run_id(1)}": True, f".trash/5/{run_id(2)}": True, f"0/{run_id(3)}": False}


def test_experiments_and_runs_that_lost_their_files_are_still_read(store: Path) -> None:
    """No `meta.yaml` of an experiment; an empty one and none at all of a run; artifacts alone are no run."""
    write_run(store / "7", 1, metrics={"a": f"{START} 1 0\n"})
    (write_run(store / "0", 2, params={"p": "1"}) / "meta.yaml").write_bytes(b"")
    (write_run(store / "0", 3, params={"p": "2"}) / "meta.yaml").unlink()
    (store / "1" / run_id(4) / "artifacts").mkdir(parents=True)
    runs = {each.read.record.source.run_id: each.read.record for each in read_all(SOURCE, store).values()}
    assert set(runs) == {run_id(1), run_id(2), run_id(3)}
    assert (runs[run_id(1)].project, runs[run_id(1)].status) == ("7", Status.FINISHED)
    assert [runs[run_id(number)].status for number in (2, 3)] == [Status.UNKNOWN] * 2
    assert runs[run_id(2)].source.problems == ("meta.yaml: is empty",)
    assert runs[run_id(3)].params == {"p": 2}
    assert runs[run_id(3)].source.problems[0].startswith("meta.yaml: No such file")


def test_files_that_people_and_their_tools_leave_in_a_store_are_no_runs(store: Path) -> None:
    """Notes, hidden files, and folders of a user beside the experiments."""
    folder = write_run(store / "0", 1, params={"p": "1"}, metrics={"a": f"{START} 1 0\n"})
    write_files(
        store,
        {"README.md": "mine", "0/notes.txt": "mine", "plots/loss/a.csv": "a,b\n1,2\n", "0/plots/b.csv": ""},
    )
    write_files(folder, {"metrics/.DS_Store": "\0", "params/.gitkeep": "", "tags/._x": "", "mine.txt": ""})
    whole = _one(store)
    assert (set(whole.curves), set(whole.read.record.params)) == ({"a"}, {"p"})
    assert whole.read.record.source.problems == ()


@pytest.mark.parametrize("inside", ["", "mlruns", "mlruns/0", f"mlruns/0/{run_id(1)}"])
def test_a_store_is_found_from_wherever_it_is_opened(store: Path, inside: str) -> None:
    """A folder above, the store, an experiment, or one run."""
    write_run(store / "0", 1)
    assert _one(store.parent / inside).read.record.project == "digits"


def test_a_store_is_found_by_any_name_beside_the_folders_of_others(tmp_path: Path) -> None:
    """A store in a folder with other things: its experiments are places, and the rest is left to others."""
    write_run(write_experiment(tmp_path / "project", "123456789012345678", "mine"), 1)
    (tmp_path / "project" / "wandb").mkdir()
    found = places(SOURCE, tmp_path)
    assert [(each.path.name, each.closed) for each in found] == [("123456789012345678", True)]
    assert _one(tmp_path).read.record.project == "mine"


def test_folders_of_others_are_not_claimed(tmp_path: Path) -> None:
    """Numbered folders, ids, a `meta.yaml` of something else, a folder called `metrics`."""
    write_files(
        tmp_path,
        {
            "multirun/0/.hydra/config.yaml": "a: 1\n",
            "multirun/1/meta.yaml": "name: mine\nversion: 3\n",
            "runs/1/run.json": "{}",
            "site/meta.yaml": "title: x\n",
            f"cache/{run_id(1)}/data.bin": "x",
            f"cache/0/{run_id(2)}/data.bin": "x",
            "x/metrics/loss": "1 2 3\n",
        },
    )
    assert places(SOURCE, tmp_path) == []
    named = Listing(tmp_path / "site", ("meta.yaml",), (), is_named=True)
    assert list(SOURCE.detect(named)) == []


def test_artifacts_and_models_are_told_by_reference(store: Path) -> None:
    """Files in the store by their path, models by the address that MLflow gives, of whatever machine."""
    history = '[{"artifact_path": "model", "utc_time_created": "2021-03-09", "flavors": {"sklearn": {}}}]'
    near = write_run(store / "0", 1, tags={"mlflow.loggedArtifacts": '[{"path": "t.json", "type": "table"}]'})
    write_files(near / "artifacts", {"t.json": "{}", "plots/loss.PNG": "png"})
    write_run(
        store / "0",
        2,
        tags={"mlflow.log-model.history": history},
        artifact_uri="file:///C:/Users/me/mlruns/0/x",
    )
    write_run(store / "0", 3, artifact_uri="s3://bucket/0/x/artifacts")
    runs = {
        each.read.record.source.run_id: each.read.record.artifacts
        for each in read_all(SOURCE, store).values()
    }
    assert [(each.name, each.kind, each.bytes) for each in runs[run_id(1)]] == [
        ("plots/loss.PNG", "image", 3),
        ("t.json", "table", 2),
    ]
    (model,) = runs[run_id(2)]
    assert (model.kind, model.uri, model.about["flavors"]) == (
        "model",
        "file:///C:/Users/me/mlruns/0/x/model",
        "sklearn",
    )
    (folder,) = runs[run_id(3)]
    assert (folder.kind, folder.uri) == ("folder", "s3://bucket/0/x/artifacts")


def test_data_sets_models_and_registered_versions_belong_to_their_run(store: Path) -> None:
    """Inputs with their context and columns, models of MLflow 3, versions with stage and aliases."""
    run = write_run(store / "0", 1)
    write_files(
        store,
        {
            "0/datasets/d1/meta.yaml": "digest: '4f2a'\nname: train\nsource_type: local\n"
            'source: \'{"uri": "/data/train.csv"}\'\nprofile: \'{"num_rows": 10}\'\n'
            'schema: \'{"mlflow_colspec": [{"type": "long", "name": "x"}]}\'\n',
            f"0/{run.name}/inputs/i1/meta.yaml": "source_type: DATASET\nsource_id: d1\ndestination_type: RUN\n"
            "tags:\n  mlflow.data.context: training\n",
            "0/models/m-1/meta.yaml": f"model_id: m-1\nname: net\nsource_run_id: {run.name}\nstatus: 2\n"
            "artifact_location: /a/m-1\nexperiment_id: '0'\nlifecycle_stage: active\nmodel_type: ''\n",
            "models/digits/meta.yaml": "name: digits\n",
            "models/digits/version-1/meta.yaml": f"name: digits\nversion: 1\nrun_id: {run.name}\ncurrent_stage: None\n",
            "models/digits/version-2/meta.yaml": f"name: digits\nversion: '2'\nrun_id: {run.name}\n"
            "current_stage: Production\n",
            "models/digits/aliases/champion": "2",
        },
    )
    record = _one(store).read.record
    assert record.data == (
        DataInput(
            name="train",
            uri="/data/train.csv",
            kind="local",
            digest="4f2a",
            rows=10,
            columns={"x": "long"},
            split="training",
        ),
    )
    assert [(each.name, each.kind, each.uri, each.about["status"]) for each in record.artifacts] == [
        ("net", "model", "/a/m-1", "READY")
    ]
    assert record.source.models == (
        ModelVersion(name="digits", version="1"),
        ModelVersion(name="digits", version="2", stage="Production", aliases=("champion",)),
    )


def _again(store: Path, before: RunRead) -> RunRead:
    (ref,) = SOURCE.runs(store)
    (read,) = SOURCE.read(store, [RunRef(ref.key, ref.version, ref.size, before.state)])
    return read


def test_a_run_that_grows_is_read_on_from_where_it_ended(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only new points come, also of a new metric; a file that was changed before is read whole."""
    monkeypatch.setattr(points, "_WORTH_BYTES", 0)
    run = write_run(store / "0", metrics={"loss": f"{START} 1 0\n{START} 2 1\n"}, status=1)
    (first,) = SOURCE.read(store, list(SOURCE.runs(store)))
    assert not first.appended
    with (run / "metrics" / "loss").open("a") as file:
        file.write(f"{START} 3 2\n")
    (run / "metrics" / "acc").write_text(f"{START} 0.5 0\n")
    second = _again(store, first)
    assert second.appended
    assert {key: [*curve.values] for key, curve in second.curves.items()} == {"loss": [3], "acc": [0.5]}
    nothing = _again(store, second)
    assert nothing.appended
    assert nothing.curves == {}
    (run / "metrics" / "loss").write_text(f"{START} 9 0\n")
    last = _again(store, nothing)
    assert not last.appended
    assert [*last.curves["loss"].values] == [9]


@pytest.mark.parametrize("added", [f"{START} 3", f"{START} 3 -5\n", "what?\n"])
def test_what_cannot_be_added_is_read_with_all_before(
    store: Path, monkeypatch: pytest.MonkeyPatch, added: str
) -> None:
    """A line that is half written, a step before those that were there, a line that is no point."""
    monkeypatch.setattr(points, "_WORTH_BYTES", 0)
    run = write_run(store / "0", metrics={"loss": f"{START} 1 0\n{START} 2 1\n"})
    (first,) = SOURCE.read(store, list(SOURCE.runs(store)))
    with (run / "metrics" / "loss").open("a") as file:
        file.write(added)
    second = _again(store, first)
    assert not second.appended
    assert len(second.curves["loss"]) >= 2


def test_a_state_that_makes_no_sense_is_not_trusted(store: Path) -> None:
    """Then all is read."""
    write_run(store / "0", metrics={"loss": f"{START} 1 0\n"})
    (ref,) = SOURCE.runs(store)
    for state in (b"", b"{", b"[1]", b'{"loss": 3}', b'{"loss": [99, 0, 0]}', b"\xff"):
        (read,) = SOURCE.read(store, [RunRef(ref.key, ref.version, 0, state)])
        assert (read.appended, len(read.curves["loss"])) == (False, 1)


def test_large_files_come_in_pieces(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every point once, in the order of the lines."""
    monkeypatch.setattr(points, "_WHOLE", 1000)
    monkeypatch.setattr(points, "_BLOCK", 700)
    lines = "".join(f"{START + n} {n} {n}\n" for n in range(500))
    write_run(store / "0", metrics={"loss": lines, "acc": f"{START} 1 0\n"})
    read = list(SOURCE.read(store, list(SOURCE.runs(store))))
    assert len(read) > 3
    whole = _one(store)
    assert [*whole.curves["loss"].values] == [*range(500)]
    assert len(whole.curves["acc"]) == 1


def test_a_version_changes_with_whatever_is_read(store: Path) -> None:
    """Metrics, params, tags written over, the record, the name of the experiment, the registry."""
    run = write_run(store / "0", metrics={"a": f"{START} 1 0\n"}, tags={"t": "1"})
    seen = set()
    for name, text in (
        (f"0/{run.name}/metrics/a", f"{START} 1 0\n{START} 2 1\n"),
        (f"0/{run.name}/metrics/b/c", f"{START} 1 0\n"),
        (f"0/{run.name}/params/p", "1"),
        (f"0/{run.name}/tags/t", "22"),
        (f"0/{run.name}/meta.yaml", f"run_id: {run.name}\nstatus: 4\n"),
        (f"0/{run.name}/artifacts/x.txt", "x"),
        ("0/meta.yaml", "name: renamed\nexperiment_id: '0'\nlifecycle_stage: active\n"),
        (
            "models/m/version-1/meta.yaml",
            f"name: m\nversion: 1\nrun_id: {run.name}\ncurrent_stage: Staging\n",
        ),
    ):
        (ref,) = SOURCE.runs(store)
        seen.add(ref.version)
        write_files(store, {name: text})
        (after,) = SOURCE.runs(store)
        assert after.version not in seen, name


def test_damage_costs_what_it_damages(store: Path) -> None:
    """Whatever byte of a file is the last, or is flipped, the other files are read and nothing is raised."""
    run = write_run(
        store / "0",
        metrics={"a": f"{START} 1.5 0\n{START} 2.5 1\n", "b": f"{START} 1 0\n"},
        params={"p": "1"},
    )
    for path in (run / "meta.yaml", run / "metrics" / "a", store / "0" / "meta.yaml"):
        whole = path.read_bytes()
        damaged = [whole[:size] for size in range(len(whole))]
        damaged += [whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :] for at in range(len(whole))]
        damaged += [
            b"\xef\xbb\xbf" + whole,
            whole.replace(b"\n", b"\r\n"),
            whole + b"\0" * 512,
            b"!!python/object:os.system x",
        ]
        for content in damaged:
            path.write_bytes(content)
            (ref,) = SOURCE.runs(store)
            (read,) = SOURCE.read(store, [ref])
            assert [*read.curves["b"].values] == [1]
            assert read.record.params == {"p": 1}
        path.write_bytes(whole)
    assert _one(store).read.record.source.problems == ()


def test_marks_carriage_returns_and_nuls_around_points_cost_no_point(store: Path) -> None:
    """A byte order mark, CRLF, and the NULs that a crash leaves, which are told."""
    lines = f"{START} 1 0\r\n{START} 2 1\r\n".encode()
    run = write_run(store / "0", metrics={"a": ""})
    (run / "metrics" / "a").write_bytes(b"\xef\xbb\xbf" + lines + b"\0" * 100)
    whole = _one(store)
    assert [*whole.curves["a"].values] == [1, 2]


def test_params_that_are_cut_or_hold_zeros_are_told(store: Path) -> None:
    """An empty one is a value that MLflow takes; one that ends in half a character, or has a hole, is damaged."""
    run = write_run(store / "0", params={"empty": "", "cut": "", "hole": ""})
    (run / "params" / "cut").write_bytes("größe ß".encode()[:-1])
    (run / "params" / "hole").write_bytes(b"ada\0\0m")
    record = _one(store).read.record
    assert record.params["empty"] == ""
    assert record.params["cut"] == "größe "
    assert record.source.problems == (
        "params/cut ends within a character: it is cut off",
        "params/hole holds NUL bytes",
    )


def test_pipes_and_links_are_left_alone(store: Path, tmp_path: Path) -> None:
    """Neither waits for a pipe, nor goes around in a circle, nor reads what lies outside."""
    run = write_run(store / "0", params={"p": "1"})
    write_files(tmp_path, {"secret": "key"})
    os.mkfifo(run / "metrics" / "pipe")
    (run / "metrics" / "loop").symlink_to(run)
    (run / "params" / "secret").symlink_to(tmp_path / "secret")
    (store / "0" / run_id(8)).symlink_to(run)
    whole = _one(store)
    assert (whole.curves, whole.read.record.params) == ({}, {"p": 1})


def test_nothing_is_written(store: Path) -> None:
    """Names, bytes and times are what they were."""
    write_run(store / "0", metrics={"a": f"{START} 1 0\n"})

    before = fingerprint(store)
    assert read_all(SOURCE, store)
    assert fingerprint(store) == before


def test_a_running_run_tells_when_it_was_last_written(store: Path) -> None:
    """The newest of its files; a run that ended needs none."""
    run = write_run(store / "0", 1, status=1, metrics={"a": f"{START} 1 0\n"})
    write_run(store / "0", 2)
    os.utime(run / "metrics" / "a", (2e9, 2e9))
    reads = {each.read.key[-32:]: each.read for each in read_all(SOURCE, store).values()}
    assert reads[run_id(1)].last_write == 2e9
    assert reads[run_id(2)].last_write is None


def test_listing_is_what_a_walk_shows(store: Path) -> None:
    """The helper of these tests shows hidden folders as the walk does; the trash alone is a store too."""
    write_run(write_experiment(store / ".trash", "5", "old"), 2)
    (place,) = SOURCE.detect(listing(store / ".trash"))
    assert [ref.key for ref in SOURCE.runs(place.path)] == [f"5/{run_id(2)}"]


def test_an_experiment_that_has_tags_is_no_run(store: Path) -> None:
    """It has a `meta.yaml` and a folder `tags` as runs do."""
    write_run(store / "0", metrics={"loss": f"{START} 1 0\n"})
    (store / "0" / "tags").mkdir()
    (store / "0" / "tags" / "mlflow.note.content").write_text("digits, all of them")
    assert list(read_all(SOURCE, store.parent)) == [f"mlruns:0/{run_id(0)}"]
