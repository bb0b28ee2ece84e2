"""TensorBoard event files, as PyTorch, TensorFlow and tensorboardX write them and as people leave them."""

from __future__ import annotations

import math
import random
import struct
from array import array
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.sources import load_source
from labtop.sources.source import NO_TIME, Curve, Listing, Place, RunRead, RunRef
from tests.formats.event_files import (
    event,
    events_file,
    experiment,
    field,
    header,
    hparams,
    plugin,
    record,
    session_end,
    session_start,
    simple,
    tensor,
    text,
)
from tests.sources.reading import Whole, corpus, listing, places, read_all, truth

SOURCE = load_source("tensorboard")
T = 1_700_000_000.0


def write(folder: Path, *events: bytes, at: float = T, name: str = "") -> Path:
    """An event file called by a time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"events.out.tfevents.{int(at)}.host.1.0")
    path.write_bytes(
        record(b"\x09" + event(0, at)[1:9] + field(3, b"brain.Event:2")) + b"".join(map(record, events))
    )
    return path


def losses(*steps: int, tag: str = "loss", value: float = 0.5, at: float = T) -> list[bytes]:
    """An event with one scalar for each step."""
    return [event(step, at + step, simple(tag, value)) for step in steps]


def read(root: Path) -> dict[str, Whole]:
    """The runs below a folder by the path of their folder."""
    return {key.removesuffix(":."): whole for key, whole in read_all(SOURCE, root).items()}


def steps(curve: Curve) -> list[float]:
    """The steps of a curve."""
    return list(curve.steps)


def one(place: Path, state: bytes | None = None) -> list[RunRead]:
    """What reading the run of a place gives."""
    (ref,) = SOURCE.runs(place)
    return list(SOURCE.read(place, [RunRef(ref.key, ref.version, ref.size, state)]))


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("tensorboard-kwt-Apache2", "tensorboard-kwt-Apache2"),
        ("hftrainer-loraagnews-MIT", "hftrainer-loraagnews-MIT.tb"),
    ],
)
def test_figures_are_those_of_the_corpus(folder: str, name: str) -> None:
    """Points and last values of every tag of every file, as TensorBoard's own loader read them."""
    runs = read(corpus(folder))
    said = truth(name)
    assert len(runs) == said["n_dirs"]
    assert sum(each.points for each in runs.values()) == said["n_scalar_points"]
    for expected in said["runs"]:
        whole = runs[str(Path(expected["file"]).parent)]
        assert {tag: len(curve) for tag, curve in whole.curves.items()} == expected["tags"]
        for tag, (step, value) in expected["last"].items():
            assert (whole.curves[tag].steps[-1], whole.curves[tag].values[-1]) == (step, value)
        started = whole.read.record.started_at
        assert started is not None
        assert started.timestamp() == pytest.approx(expected["first_wall_time"], abs=1e-5)
        assert not whole.read.record.source.problems


def test_params_of_a_trainer_are_found_in_its_texts() -> None:
    """Hugging Face writes its arguments and the model's configuration as JSON texts."""
    runs = read(corpus("hftrainer-loraagnews-MIT"))
    params = runs["runs/run4"].read.record.params
    assert params["num_train_epochs"] is not None
    assert params["architectures"] == ["RobertaForMaskedLM"]


def test_both_ways_of_writing_scalars_with_steps_and_times(tmp_path: Path) -> None:
    """NaN and infinities too; a time of zero is none."""
    write(
        tmp_path / "exp",
        event(3, T + 0.25, simple("loss", math.inf), tensor("val/acc", 0.5)),
        event(4, 0.0, simple("loss", math.nan)),
    )
    (whole,) = read(tmp_path).values()
    loss, accuracy = whole.curves["loss"], whole.curves["val/acc"]
    assert (list(loss.steps), loss.values[0], loss.times_us[0]) == ([3, 4], math.inf, 1_700_000_000_250_000)
    assert math.isnan(loss.values[1])
    assert loss.times_us[1] == NO_TIME
    assert list(accuracy.values) == [0.5]
    record_ = whole.read.record
    assert (record_.name, record_.project, record_.status) == ("exp", tmp_path.name, Status.UNKNOWN)
    assert (record_.started_at is not None and record_.started_at.timestamp(), record_.ended_at) == (T, None)


def test_files_of_one_folder_are_one_run_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Not of their names. Steps that are logged twice are kept as they were logged."""
    write(tmp_path / "exp", *losses(2, 3, at=T + 100), at=T + 100, name="a.tfevents.1")
    write(tmp_path / "exp", *losses(0, 1, 2), name="b.tfevents.2")
    (whole,) = read(tmp_path).values()
    assert steps(whole.curves["loss"]) == [0, 1, 2, 2, 3]


def test_a_restart_voids_the_steps_behind_it(tmp_path: Path) -> None:
    """As TensorBoard does where the training says that it starts again at a step."""
    write(tmp_path / "exp", *losses(*range(10)), event(8, T, simple("accuracy", 1)))
    write(tmp_path / "exp", session_start(6, T + 100), *losses(6, 7, at=T + 100), at=T + 100)
    (whole,) = read(tmp_path).values()
    assert steps(whole.curves["loss"]) == [*range(6), 6, 7]
    assert "accuracy" not in whole.curves


def test_a_restart_that_is_seen_late_is_read_from_the_beginning(tmp_path: Path) -> None:
    """Because points were given away that it makes void."""
    folder = tmp_path / "exp"
    write(folder, *losses(*range(10)))
    (first,) = one(folder)
    write(folder, session_start(6, T + 100), *losses(6, at=T + 100), at=T + 100)
    (second,) = one(folder, first.state)
    assert not second.appended
    assert steps(second.curves["loss"]) == [*range(6), 6]


def test_a_growing_run_is_read_on_from_where_it_ended(tmp_path: Path) -> None:
    """At every byte: nothing twice, nothing lost; params that were told before are still there."""
    whole = events_file(event(0, T, hparams({"lr": 0.1})), *losses(*range(4)))
    path = write(tmp_path / "exp")
    state, points = None, array("d")
    for size in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:size])
        for each in one(path.parent, state):
            if not each.appended:
                points = array("d")
            points += each.curves["loss"].steps if "loss" in each.curves else array("d")
            state = each.state
    path.write_bytes(whole)
    for each in one(path.parent, state):
        points += each.curves["loss"].steps if "loss" in each.curves else array("d")
        assert each.appended
        assert each.record.params == {"lr": 0.1}
        assert not each.record.source.problems
    assert list(points) == [0, 1, 2, 3]
    assert state is not None
    assert len(state) < 2000


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """By a shorter one, by one of the same size, and whatever the state says."""
    path = write(tmp_path / "exp", *losses(*range(5)))
    (first,) = one(path.parent)
    for steps_now in ([0, 1], [9, 1, 2, 3, 4]):
        write(tmp_path / "exp", *losses(*steps_now, at=T + 7))
        (again,) = one(path.parent, first.state)
        assert (again.appended, steps(again.curves["loss"])) == (False, steps_now)
    for state in (b"", b"{}", b"[1]", b"\xff", b'{"version":1,"files":[{"path":"/etc/passwd"}]}'):
        (again,) = one(path.parent, state)
        assert len(again.curves["loss"]) == 5


def test_long_runs_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put together they are the run; only the last says how to read on. A restart that voids points begins anew."""
    monkeypatch.setattr("labtop.sources.tensorboard.reading.MOST_HELD", 10)
    write(tmp_path / "exp", *losses(*range(20)))
    write(tmp_path / "exp", *losses(*range(20, 40), at=T + 100), at=T + 100)
    write(tmp_path / "exp", session_start(35, T + 200), at=T + 200)
    reads = one(tmp_path / "exp")
    assert [each.appended for each in reads] == [False, True, False, True, True]
    assert [each.state is not None for each in reads] == [False, False, False, False, True]
    assert [step for each in reads[2:] for curve in each.curves.values() for step in curve.steps] == [
        *range(35)
    ]


def test_params_status_and_end_of_the_hparams_plugin(tmp_path: Path) -> None:
    """Whole numbers are integers again; the end counts unless points come after it."""
    told = hparams({"lr": 0.1, "batch": 32, "name": "adam", "nesterov": True, "none": None}, group="sweep")
    write(tmp_path / "a", event(0, T, told), *losses(1, 2), event(0, T + 9, session_end(2, T + 8)))
    write(tmp_path / "b", event(0, T, told, session_end(1)), *losses(100, 200))
    runs = read(tmp_path)
    record_ = runs["a"].read.record
    assert record_.params == {"lr": 0.1, "batch": 32, "name": "adam", "nesterov": True, "none": None}
    assert isinstance(record_.params["batch"], int)
    assert (record_.status, record_.life.group) == (Status.FAILED, "sweep")
    assert record_.ended_at is not None
    assert record_.ended_at.timestamp() == T + 8
    assert (runs["b"].read.record.status, runs["b"].read.record.ended_at) == (Status.UNKNOWN, None)


def test_a_training_of_hugging_face_is_over_when_its_last_row_was_logged(tmp_path: Path) -> None:
    """What was logged behind it is an evaluation; where a loss of a step follows, it went on."""
    end = [event(9, T + 9, simple(f"train/train_{name}", 1.0)) for name in ("loss", "samples_per_second")]
    trained = [*losses(1, 2, tag="train/loss"), *end, *losses(20, tag="eval/loss")]
    path = write(tmp_path / "a", *trained)
    (first,) = one(path.parent)
    assert first.record.status is Status.FINISHED
    assert first.record.ended_at is not None
    assert first.record.ended_at.timestamp() == T + 20
    path.write_bytes(path.read_bytes() + b"".join(map(record, losses(30, tag="train/loss"))))
    (second,) = one(path.parent, first.state)
    assert (second.appended, second.record.status) == (True, Status.UNKNOWN)


def test_a_run_began_when_the_hparams_plugin_says_so_if_that_was_earlier(tmp_path: Path) -> None:
    """Event files may be written afterwards."""
    content = b"\x29" + struct.pack("<d", T - 50)
    told = plugin("_hparams_/session_start_info", "hparams", field(3, content))
    write(tmp_path / "a", event(0, T, told), *losses(1))
    started = read(tmp_path)["a"].read.record.started_at
    assert started is not None
    assert started.timestamp() == T - 50


def test_params_in_tables_and_other_texts(tmp_path: Path) -> None:
    """A Markdown table that is called so is params, with the texts of those that were guessed; others are listed."""
    table = "|param|value|\n|-|-|\n|lr|2.5e-4|\n|seed|1|\n|id|007|\n|cuda|True|"
    write(
        tmp_path / "a",
        event(0, T, text("hyperparameters/text_summary", table), text("note/text_summary", "hello")),
    )
    record_ = next(iter(read(tmp_path).values())).read.record
    assert record_.params == {"lr": 2.5e-4, "seed": 1, "id": "007", "cuda": True}
    assert record_.source.texts == {"lr": "2.5e-4"}
    assert [(each.kind, each.name, each.about["caption"]) for each in record_.artifacts] == [
        ("text", "note/text_summary", "hello")
    ]


def test_params_of_add_hparams_belong_to_the_run_above(tmp_path: Path) -> None:
    """PyTorch puts them into a folder called by the time; its metrics come along, whatever they are called."""
    write(tmp_path / "exp", *losses(1, 2), event(2, T, simple("accuracy", 0.5)))
    told = event(0, T, hparams({"lr": 0.1}), simple("hp_metric", 1), simple("accuracy", 0.5))
    write(tmp_path / "exp" / f"{T + 0.25}", told)
    (whole,) = read(tmp_path).values()
    assert whole.read.record.params == {"lr": 0.1}
    assert {name: len(curve) for name, curve in whole.curves.items()} == {
        "loss": 2,
        "accuracy": 1,
        "hp_metric": 1,
        "hparams/accuracy": 1,
    }


def test_several_folders_of_add_hparams_are_trials(tmp_path: Path) -> None:
    """Each a run, as is the one above."""
    write(tmp_path / "sweep", *losses(1))
    for at in range(3):
        write(tmp_path / "sweep" / f"{T + at}", event(0, T, hparams({"lr": at}), simple("hp_metric", at)))
    runs = read(tmp_path)
    assert len(runs) == 4
    assert [each.read.record.params for key, each in sorted(runs.items())][1:] == [
        {"lr": at} for at in range(3)
    ]


def test_lines_of_add_scalars_are_metrics_of_one_run(tmp_path: Path) -> None:
    """As PyTorch names the folders, and as tensorboardX does; a run below that only looks like it stays one."""
    write(tmp_path / "exp", *losses(1))
    write(tmp_path / "exp" / "all_loss_train", *losses(1, 2, tag="all/loss"))
    write(tmp_path / "exp" / "all" / "acc" / "val", *losses(1, 2, 3, tag="all/acc"))
    write(tmp_path / "exp" / "all_other", *losses(1), *losses(2, tag="x"))
    runs = read(tmp_path)
    assert sorted(runs) == ["exp", "exp/all_other"]
    assert {name: len(curve) for name, curve in runs["exp"].curves.items()} == {
        "loss": 1,
        "all/loss/train": 2,
        "all/acc/val": 3,
    }


def test_folders_of_phases_are_runs_of_one_group(tmp_path: Path) -> None:
    """As TensorBoard shows them: a metric of both is one chart with two lines; the group holds them together."""
    for phase in ("train", "validation"):
        write(tmp_path / "exp1" / phase, *losses(1, tag="epoch_loss"))
    runs = read(tmp_path)
    assert {
        (each.read.record.name, each.read.record.life.group, each.read.record.life.job_type)
        for each in runs.values()
    } == {
        ("exp1/train", "exp1", "train"),
        ("exp1/validation", "exp1", "validation"),
    }
    assert {each.read.record.project for each in runs.values()} == {tmp_path.name}


def test_params_told_above_the_folders_of_phases_are_theirs(tmp_path: Path) -> None:
    """As Keras' two callbacks write them; a run above that logged points of its own keeps its params for itself."""
    for name, points in (("fit", []), ("own", losses(1))):
        told = event(0, T, hparams({"lr": 0.1})), *points, event(0, T + 9, session_end(1, T + 9))
        write(tmp_path / name, *told)
        for phase in ("train", "validation"):
            write(tmp_path / name / phase, *losses(1, 2))
    runs = {name: each.read.record for name, each in read(tmp_path).items()}
    assert runs["fit/train"].params == runs["fit/validation"].params == {"lr": 0.1}
    assert (runs["fit/train"].status, runs["fit/validation"].status) == (Status.FINISHED, Status.FINISHED)
    assert runs["own/train"].params == {}


def test_params_that_come_later_above_a_phase_make_it_another_version(tmp_path: Path) -> None:
    """So that it is read again."""
    write(tmp_path / "fit" / "train", *losses(1))
    place = tmp_path / "fit" / "train"
    before = [each.version for each in SOURCE.runs(place)]
    write(tmp_path / "fit", event(0, T, hparams({"lr": 0.1})))
    assert [each.version for each in SOURCE.runs(place)] != before


def test_the_definition_of_an_experiment_is_no_run(tmp_path: Path) -> None:
    """A folder with nothing else only says what its trials are about; one that logged something is a run."""
    write(tmp_path / "tuning", event(0, T, experiment("all about it")))
    write(tmp_path / "both", event(0, T, experiment("all about it")), *losses(1))
    runs = read(tmp_path)
    assert (runs["tuning"].read.is_context, runs["both"].read.is_context) == (True, False)
    assert runs["tuning"].read.record.life.notes == "all about it"


def test_params_above_the_folders_of_phases_are_no_run_of_their_own(tmp_path: Path) -> None:
    """Keras logs into `train/` and `validation/` and puts the params above: there is no third run."""
    write(tmp_path / "fit", event(0, T, hparams({"lr": 0.1})))
    write(tmp_path / "alone", event(0, T, hparams({"lr": 0.1})))
    for phase in ("train", "validation"):
        write(tmp_path / "fit" / phase, *losses(1))
    runs = read(tmp_path)
    assert {name: each.read.is_context for name, each in runs.items()} == {
        "fit": True,
        "fit/train": False,
        "fit/validation": False,
        "alone": False,
    }


def test_a_file_with_nothing_but_its_header_is_a_run_that_says_so(tmp_path: Path) -> None:
    """Its training began and wrote nothing, or lost what it wrote; beside a file with points it is no problem."""
    write(tmp_path / "empty")
    write(tmp_path / "full")
    write(tmp_path / "full", *losses(1), at=T + 5)
    runs = {name: each.read.record for name, each in read(tmp_path).items()}
    assert len(runs["empty"].source.problems) == 1
    assert runs["empty"].started_at is not None
    assert runs["full"].source.problems == ()


def test_what_is_no_number_is_listed(tmp_path: Path) -> None:
    """Kind, tag, count and last step; the file stays where it is."""
    image, histogram = field(1, b"sample") + field(4, b"png"), field(1, b"weights") + field(5, bytes(50))
    path = write(
        tmp_path / "exp",
        *(event(at, T, image, histogram) for at in range(3)),
        event(0, T) + field(4, b"graph"),
    )
    artifacts = next(iter(read(tmp_path).values())).read.record.artifacts
    assert [(each.kind, each.name, each.step, each.about["count"], each.uri) for each in artifacts] == [
        ("image", "sample", 2, 3, str(path)),
        ("histogram", "weights", 2, 3, str(path)),
        ("graph", "graph", 0, 1, str(path)),
    ]


def test_damage_is_said_and_costs_what_it_damages(tmp_path: Path) -> None:
    """A cut file, an empty one, NUL bytes at the end, garbage, a changed value."""
    content = events_file(*losses(*range(5)))
    changed = bytearray(content)
    changed[len(header()) + 40] ^= 1
    said = {
        "cut": (content[:-5], 4, "ends within an event"),
        "empty": (b"", 0, "is empty"),
        "nul": (content + bytes(100), 5, "NUL bytes follow"),
        "garbage": (random.Random(1).randbytes(500), 0, "does not have its checksum"),
        "changed": (bytes(changed), 4, "does not have its checksum"),
        "middle": (content[:80] + b"garbage" + content[87:], 3, "does not have its checksum"),
    }
    for name, (bytes_, _, _) in said.items():
        path = write(tmp_path / name)
        path.write_bytes(bytes_)
    for name, whole in read(tmp_path).items():
        _, points, problem = said[name]
        assert whole.points >= points, name
        assert any(problem in each for each in whole.read.record.source.problems), name
        assert len(whole.read.record.source.problems) == (2 if name == "middle" else 1)


def test_any_byte_changed_or_missing_raises_nothing(tmp_path: Path) -> None:
    """And no value is made up."""
    content = events_file(event(0, T, hparams({"lr": 0.1})), *losses(*range(3)))
    path = write(tmp_path / "exp")
    for at in range(0, len(content), 3):
        for bytes_ in (content[:at], content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]):
            path.write_bytes(bytes_)
            (found,) = one(path.parent)
            assert all(value == 0.5 for curve in found.curves.values() for value in curve.values)
            assert found.record.source.problems or bytes_ == content[:at]


def test_a_huge_sparse_file_takes_neither_time_nor_memory(tmp_path: Path) -> None:
    """Ten GB of nothing behind some events."""
    path = write(tmp_path / "exp", *losses(1))
    with path.open("r+b") as file:
        file.truncate(10 * 2**30)
    (found,) = one(path.parent)
    assert steps(found.curves["loss"]) == [1]
    assert "NUL bytes follow" in found.record.source.problems[0]


def test_only_event_files_are_found(tmp_path: Path) -> None:
    """Not the marker of a profile, not copies; a file that is named is opened whatever lies around it."""
    for name in ("events.out.tfevents.1.host.profile-empty", "events.out.tfevents.1.host.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert places(SOURCE, tmp_path) == []
    path = write(tmp_path / "runs" / "exp", *losses(1))
    named = Listing(path.parent, (path.name,), (), is_named=True)
    assert list(SOURCE.detect(named)) == [Place(path)]
    assert one(path)[0].record.name == "exp"
    assert list(SOURCE.detect(listing(tmp_path / "runs"))) == []


def test_nothing_is_written(tmp_path: Path) -> None:
    """Names, bytes and times of files stay."""
    write(tmp_path / "exp", *losses(1))
    write(tmp_path / "exp" / "loss_a", *losses(1))

    def state() -> list[tuple[str, int, bytes]]:
        return [
            (str(each), each.stat().st_mtime_ns, each.read_bytes() if each.is_file() else b"")
            for each in sorted(tmp_path.rglob("*"))
        ]

    before = state()
    read(tmp_path)
    assert state() == before
