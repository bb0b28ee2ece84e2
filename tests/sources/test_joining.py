"""Which runs of different trackers are one run, where curves are equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from labtop.model.run import MetricSummary, RunRecord, Source, Status
from labtop.sources.composing import merged
from labtop.sources.joining import grouped
from labtop.sources.landed import Landed
from labtop.sources.source import Curve
from labtop.sources.traits import Traits, traits_of

NOON = 1_700_000_000.0
SAME = {"d1": "loss", "d2": "acc"}


def run(
    name: str,
    began: float | None = None,
    params: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    where: str = "",
) -> Landed:
    """A run called `tracker-what`, ten seconds long, with the same curves as any other."""
    curve = Curve()
    if began is not None:
        curve.add(0, 0.5, int(began * 1e6))
        curve.add(1, 0.4, int((began + 10) * 1e6))
    tracker, digests = name.partition("-")[0], digests or SAME
    return Landed(
        key=name, version="", run_id=name, project="p", folder=name, source=tracker, tracker=tracker, where=where,
        digests=digests, telling=tuple(digests), traits=traits_of(params or {}, {"loss": curve}, None),
    )  # fmt: skip


def with_params(params: Mapping[str, Any]) -> RunRecord:
    """A record that knows nothing else."""
    return RunRecord(id="", name="", project="", status=Status.UNKNOWN, params=params)


def joined(*runs: Landed) -> set[frozenset[str]]:
    """Which of the runs became one."""
    return {frozenset(each.key for each in group.members) for group in grouped(runs)}


def test_runs_of_two_trackers_with_the_same_curves_are_one() -> None:
    """They were logged at once."""
    assert joined(run("wandb-a", NOON), run("mlflow-a", NOON + 3)) == {frozenset(("wandb-a", "mlflow-a"))}


def test_a_run_repeated_the_next_day_under_another_tracker_is_another_run() -> None:
    """Seeds make its curves the same."""
    assert len(joined(run("wandb-a", NOON), run("mlflow-a", NOON + 86_400))) == 2


def test_other_parameters_make_two_runs_where_times_do_not_say_that_they_are_one() -> None:
    """CSV logs have no times; runs that overlap are one in spite of a parameter that was set anew."""
    one, other = {"lr": 0.1, "workers": 1}, {"lr": 0.1, "workers": 2}
    assert len(joined(run("mlflow-a", NOON, one), run("lightning-a", None, other))) == 2
    assert len(joined(run("mlflow-a", NOON, one), run("lightning-a", None, one))) == 1
    assert len(joined(run("mlflow-a", NOON, one), run("wandb-a", NOON, other))) == 1


def test_of_equal_curves_those_with_the_same_parameters_belong_together() -> None:
    """A sweep over what changes nothing, logged by three trackers; `a/b` and `a.b` are one name, `2` is `2.0`."""
    names = {
        "wandb": "data.workers",
        "mlflow": "data/workers",
        "lightning": "data.workers",
    }
    runs = [
        run(f"{tracker}-{workers}", began, {"lr": 0.1, name: kind(workers)})
        for tracker, name in names.items()
        for workers in ((0, 1, 2) if tracker == "wandb" else (2, 0, 1))
        for kind, began in (((float, None) if tracker == "lightning" else (int, NOON)),)
    ]
    assert joined(*runs) == {frozenset(f"{tracker}-{n}" for tracker in names) for n in range(3)}


def test_an_object_among_the_parameters_is_written_by_each_tracker_in_its_own_way() -> None:
    """Lightning's hparams.yaml and its event file are of one run."""
    one, other = {"lr": 0.1, "act": "!python/name:torch.relu"}, {"lr": 0.1, "act": "<function relu at 0x7f>"}
    assert len(joined(run("lightning-a", None, one), run("tensorboard-a", NOON, other))) == 1


def test_params_that_another_tracker_spells_otherwise_come_once() -> None:
    """Nested here, with slashes there; what only one of them knows is kept."""
    host = with_params({"cfg": {"a": {"b": 1}}, "lr": 0.1})
    guest = with_params({"cfg/a/b": "1", "cfg/c": 2, "opt": {"x/y": 1, "z": {}}, "lr": 0.1})
    assert merged([host, guest]).params == {
        "cfg": {"a": {"b": 1}}, "lr": 0.1, "cfg/c": 2, "opt": {"x/y": 1, "z": {}}
    }  # fmt: skip
    assert merged([guest, host]).params == guest.params
    assert merged([with_params({"cfg.a.b": "1"}), host]).params == {"cfg.a.b": "1", "lr": 0.1}


def test_of_equal_curves_and_parameters_those_that_began_together_belong_together() -> None:
    """Three repetitions, a minute after each other."""
    first = [run(f"wandb-{n}", NOON + 60 * n) for n in range(3)]
    second = [run(f"mlflow-{n}", NOON + 60 * n + 2) for n in (2, 0, 1)]
    assert joined(*first, *second) == {frozenset((f"wandb-{n}", f"mlflow-{n}")) for n in range(3)}


def test_two_runs_of_a_tracker_never_become_one_by_a_third() -> None:
    """Pairs that contradict each other are not all made."""
    runs = [run("wandb-0", NOON, {"a": 1}), run("wandb-1", NOON, {"a": 2}), run("mlflow-0", NOON, {"a": 1}),
            run("tensorboard-0", NOON, {"a": 2})]  # fmt: skip
    for found in joined(*runs), joined(*reversed(runs)):
        assert not any({"wandb-0", "wandb-1"} <= each for each in found)


@pytest.mark.parametrize("swap", [False, True])
def test_folders_of_an_event_log_are_parts_of_the_run_that_has_them_all(swap: bool) -> None:
    """W&B calls `loss` of the folder `train` `train/loss`; of two equal runs each keeps its own folders."""
    whole = {"d1": "train/loss", "d2": "validation/loss", "d3": "global_step"}
    runs = [
        each
        for n in (0, 1)
        for each in (
            run(f"wandb-{n}", NOON + n * 60, digests=whole),
            run(f"tensorboard-{n}t", NOON + n * 60, digests={"d1": "loss"}, where=f"/x/{n}/train"),
            run(f"tensorboard-{n}v", NOON + n * 60, digests={"d2": "loss"}, where=f"/x/{n}/validation"),
        )
    ]
    parts = ("wandb-{}", "tensorboard-{}t", "tensorboard-{}v")
    assert joined(*(reversed(runs) if swap else runs)) == {
        frozenset(each.format(n) for each in parts) for n in (0, 1)
    }


def test_phases_of_keras_are_parts_of_the_run_that_has_them_all() -> None:
    """What its callback for TensorBoard wrote has curves of batches besides; another training's stays apart."""
    whole = run("keras-a", digests={"t1": "loss", "t2": "mae", "v1": "val_loss", "v2": "val_mae"})
    train = {"t1": "epoch_loss", "t2": "epoch_mae", "b1": "batch_loss", "lr": "epoch_learning_rate"}
    validation = {"v1": "evaluation_loss_vs_iterations", "v2": "epoch_mae"}
    phases = [
        run("tensorboard-train", NOON, digests=train, where="/fit/train"),
        run("tensorboard-validation", NOON, digests=validation, where="/fit/validation"),
    ]
    other = run("tensorboard-other", NOON, digests={**validation, "v3": "epoch_loss"}, where="/b/validation")
    assert joined(whole, *phases, other) == {
        frozenset((whole.key, *(each.key for each in phases))), frozenset((other.key,))
    }  # fmt: skip


def test_runs_lie_in_contexts_of_several_sources() -> None:
    """One of each source; that of the tracker itself gives no run its name."""
    runs = [
        run("tensorboard-trial", where="/x/job/tb/trial"),
        replace(run("tensorboard-above", where="/x/job"), is_context=True),
        replace(run("hydra-job", where="/x/job"), is_context=True),
    ]
    (group,) = grouped(runs)
    assert {each.key for each in group.members} == {each.key for each in runs}
    assert group.host.key == "hydra-job"
    (group,) = grouped(runs[:2])
    assert group.host.key == "tensorboard-trial"


@pytest.mark.parametrize(("good", "other"), [("b c", "bc"), ("digits é", "4711"), ("é", "4711")])
def test_copies_with_as_many_points_go_by_one_project(good: str, other: str) -> None:
    """An export and its database spell it differently; the copy of a single run has only its experiment's number."""
    copies = [
        replace(run("trackio-a"), run_id="same", project=project, folder=folder)
        for project, folder in ((good, "y"), (other, "x"))
    ]
    assert {grouped(each)[0].host.project for each in (copies, copies[::-1])} == {good}


def test_a_part_does_not_say_again_what_the_whole_has() -> None:
    """`loss` of `train` is `train/loss` already; what the whole lacks stays."""

    def record(uri: str, *names: str) -> RunRecord:
        metrics = {name: MetricSummary(count=3, last=0.5) for name in names}
        return RunRecord(
            id="", name="", project="", status=Status.UNKNOWN, metrics=metrics, source=Source(uri=uri)
        )

    whole = record("/w/run", "train/loss", "val/loss")
    part = record("/tb/run/train", "loss", "lr")
    assert set(merged([whole, part]).metrics) == {"train/loss", "val/loss", "lr"}


def test_traits_grow_with_what_is_appended() -> None:
    """The beginning stays, the end moves."""
    curve = Curve()
    curve.add(0, 1.0, 5_000_000)
    before = traits_of({}, {"loss": curve}, None)
    later = Curve()
    later.add(1, 1.0, 9_000_000)
    assert traits_of({}, {"loss": later}, before) == Traits(5.0, 9.0)
