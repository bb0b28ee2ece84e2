"""What differs between runs, and in how many things."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from labtop.analysis.compare import Comparison, compare
from labtop.analysis.rows import Row
from labtop.analysis.values import ABSENT, UNKNOWN, Difference
from labtop.errors import UsageError
from labtop.model.run import (
    Code,
    Command,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    MetricSummary,
    Randomness,
    RunRecord,
    UntrackedFile,
)

BASE = RunRecord(
    id="aaaaaaaaaa",
    name="base",
    project="digits",
    params={"lr": 0.1, "seed": 1, "aug": {"mixup": 0.2, "flip": True}, "epochs": 5},
    metrics={"loss": MetricSummary(count=5, first=2.0, last=0.5, last_step=4, min=0.4, max=2.0)},
    command=Command(
        argv=("python", "train.py", "--lr", "0.1", "--seed=1"), cwd=".", executable="/venv/bin/python"
    ),
    code=Code(commit="a" * 40, remote="https://host/x.git", branch="main", dirty=False),
    data=(
        DataInput(name="train", uri="data/t.csv", kind="file", digest="d" * 64, algorithm="sha256", bytes=10),
    ),
    randomness=Randomness(seeds={"python": 1, "numpy": 1}, imported=("python", "numpy")),
    environment=Environment(python="3.11.4", packages={"numpy": "2.1.0", "torch": "2.3.0", "tqdm": "4.1"}),
    hardware=Hardware(cpu="EPYC", cores=8, memory_bytes=1 << 35),
)


def other(**changes: Any) -> RunRecord:
    """A second run, like the first but for the changes."""
    return replace(BASE, id="bbbbbbbbbb", name="other", **changes)


def row(comparison: Comparison, section: str, key: str) -> Row:
    """The row of one key."""
    return next(each for each in comparison.rows if (each.section, each.key) == (section, key))


def names(*records: RunRecord) -> list[str]:
    """The names of the causes."""
    return [cause.name for cause in compare(records).causes]


def test_the_headline_of_the_design() -> None:
    """Four things: nested keys by their path, the package, and the seed once."""
    comparison = compare(
        [
            BASE,
            other(
                params={"lr": 0.01, "seed": 2, "aug": {"mixup": 0.3, "flip": True}, "epochs": 5},
                randomness=Randomness(seeds={"python": 2, "numpy": 2}, imported=("python", "numpy")),
                command=replace(BASE.command, argv=("python", "train.py", "--lr", "0.01", "--seed=2")),
                environment=replace(
                    BASE.environment, packages={**BASE.environment.packages, "torch": "2.4.0"}
                ),
                metrics={"loss": replace(BASE.metrics["loss"], last=0.3)},
            ),
        ]
    )
    assert comparison.headline == "differs in 4 things: lr, seed, aug.mixup, torch"


def test_only_what_differs_is_listed_and_the_rest_is_counted() -> None:
    """Equal rows are counted by section, and all are there on request."""
    second = other(params={**BASE.params, "lr": 0.01})
    section = compare([BASE, second]).sections[0]
    assert [each.key for each in section.rows] == ["lr"]
    assert (section.differing, section.equal) == (1, 4)
    whole = compare([BASE, second], all=True).sections[0]
    assert [each.key for each in whole.rows] == ["lr", "seed", "aug.mixup", "aug.flip", "epochs"]


def test_identical_runs_have_no_difference() -> None:
    """Nothing to say, and said."""
    comparison = compare([BASE, other()])
    assert not comparison.differs
    assert comparison.headline == "no difference"


def test_metrics_are_outcomes_not_causes() -> None:
    """A difference in metrics alone means that the run is not reproducible."""
    comparison = compare([BASE, other(metrics={"loss": replace(BASE.metrics["loss"], last=0.7)})])
    assert comparison.causes == ()
    assert comparison.headline.startswith("differs in nothing but metrics: not reproducible")
    assert row(comparison, "metrics", "loss.last").deltas == pytest.approx((0.0, 0.2))


def test_a_missing_key_is_not_null() -> None:
    """null in one run and nothing in the other differ."""
    comparison = compare([BASE, other(params={**BASE.params, "clip": None})])
    assert row(comparison, "params", "clip").values == (ABSENT, None)
    assert names(BASE, other(params={**BASE.params, "clip": None})) == ["clip"]


@pytest.mark.parametrize("value", [1.0, "1", "1.0", True, "0.1e1"])
def test_types_are_told_apart(value: object) -> None:
    """1, 1.0 and "1" are shown with their types, and are no cause; True is another value."""
    comparison = compare([other(params={"k": 1}), other(params={"k": value})])
    if value is True:
        assert row(comparison, "params", "k").difference is Difference.VALUE
        return
    assert row(comparison, "params", "k").difference is Difference.TYPE
    assert row(comparison, "params", "k").note.startswith("integer, ")
    assert comparison.headline == "differs in nothing that counts; 1 more in type only"


def test_nan_equals_nan() -> None:
    """Also in a list and in a metric."""
    metrics = {"loss": MetricSummary(count=1, last=math.nan, nan_count=1)}
    records = [other(params={"k": [math.nan, 1]}, metrics=metrics) for _ in range(2)]
    assert not compare(records).differs


def test_a_mapping_against_a_scalar_is_one_tree() -> None:
    """`opt: adam` against `opt: {name: adam, lr: 1}` shows the keys under one branch."""
    comparison = compare(
        [other(params={"opt": "adam", "z": 1}), other(params={"opt": {"name": "adam"}, "z": 1})]
    )
    assert [each.path for each in comparison.sections[0].rows] == [("opt",), ("opt", "name")]


def test_keys_with_dots_do_not_collide() -> None:
    """`a.b` as a key and `b` below `a` are two rows."""
    params = {"a.b": 1, "a": {"b": 2}}
    changed = compare([other(params=params), other(params={"a.b": 3, "a": {"b": 4}})])
    assert [each.path for each in changed.sections[0].rows] == [("a.b",), ("a", "b")]


def test_commit_patch_and_untracked_files_are_one_cause() -> None:
    """The code differs, once."""
    code = replace(
        BASE.code,
        commit="b" * 40,
        dirty=True,
        patch_sha256="e" * 64,
        untracked=(UntrackedFile(path="extra.py", sha256="f" * 64, kept=True),),
    )
    assert names(BASE, other(code=code)) == ["code"]


def test_another_branch_with_the_same_commit_is_no_cause() -> None:
    """What a branch is called changes nothing."""
    comparison = compare([BASE, other(code=replace(BASE.code, branch="dev"))])
    assert comparison.causes == ()
    assert row(comparison, "code", "branch").differs


def test_heavy_packages_are_named_first_and_light_ones_counted() -> None:
    """Torch before numpy before what cannot change a number."""
    packages = {"tqdm": "5", "rich": "1", "pip": "9", "numpy": "2.2.0", "torch": "2.4.0"}
    second = other(environment=replace(BASE.environment, packages=packages))
    assert names(BASE, second) == ["torch", "numpy", "2 other packages"]
    keys = [each.path[1] for each in compare([BASE, second]).sections[3].rows]
    assert keys == ["torch", "numpy", "pip", "rich", "tqdm"]


def test_what_was_not_recorded_is_no_cause() -> None:
    """A run of another tracker without packages or code does not differ in a hundred things."""
    foreign = RunRecord(id="c", name="foreign", project="x", params=BASE.params, metrics=BASE.metrics)
    comparison = compare([BASE, foreign])
    assert comparison.causes == ()
    assert row(comparison, "environment", "packages.torch").values == ("2.3.0", UNKNOWN)
    assert (
        "not recorded: data (1 of 2 runs), code (1 of 2 runs), packages (1 of 2 runs)" in comparison.headline
    )


def test_data_that_moved_is_the_same_data() -> None:
    """The digest decides; where there is none, the place and size do."""
    moved = replace(BASE.data[0], uri="/elsewhere/t.csv")
    assert names(BASE, other(data=(moved,))) == []
    assert names(BASE, other(data=(replace(moved, digest="0" * 64),))) == ["data train"]
    assert names(BASE, other(data=(*BASE.data, replace(moved, name="test", digest=None)))) == ["data test"]


@pytest.mark.parametrize(
    ("argv", "params", "causes"),
    [
        (("python", "train.py", "--lr", "0.2", "--seed=1"), {"lr": 0.2}, ["lr"]),
        (("/other/bin/python3", "train.py", "--lr", "0.1", "--seed=1"), {}, []),
        (
            ("python", "train.py", "--lr", "0.1", "--seed=1", "--no-flip"),
            {"aug": {"mixup": 0.2}},
            ["aug.flip"],
        ),
        (("python", "train.py", "--lr", "0.1", "--seed=1", "--fast"), {}, ["command"]),
        (("python", "train.py", "--lr", "0.1", "--seed=1", "--name=other"), {}, []),
        (("python", "train.py", "--lr", "0.1", "--seed=1", "--name", "other", "--epochs", "5"), {}, []),
        (("python", "train.py", "--lr", "0.1", "--seed=1", "--rate", "-1e-3"), {"lr": -0.001}, ["lr"]),
        (("python", "train.py", "--lr", "0.1", "--seed=1", "--workers", "1"), {}, ["command"]),
        (
            ("python", "train.py", "lr=0.1", "aug.mixup=0.9", "--seed=1"),
            {"aug": {"mixup": 0.9, "flip": True}},
            ["aug.mixup"],
        ),
        (("python", "other.py", "--lr", "0.1", "--seed=1"), {}, ["command"]),
    ],
)
def test_arguments_that_repeat_a_parameter_are_no_second_cause(
    argv: tuple[str, ...], params: dict[str, object], causes: list[str]
) -> None:
    """`--lr 0.2` beside the parameter lr is one thing; an argument nobody recorded is a cause."""
    second = other(command=replace(BASE.command, argv=argv), params={**BASE.params, **params})
    assert names(BASE, second) == causes


def test_seeds_without_a_parameter_are_one_thing() -> None:
    """Three libraries with one seed are `seed`; libraries with seeds of their own are told apart."""
    first = other(params={}, randomness=Randomness(seeds={"python": 1, "numpy": 1}, imported=("numpy",)))
    assert names(first, other(params={}, randomness=Randomness(seeds={"python": 2, "numpy": 2}))) == ["seed"]
    apart = other(params={}, randomness=Randomness(seeds={"python": 2, "numpy": 3}))
    assert names(first, apart) == ["seed of python", "seed of numpy"]


def test_the_machine_is_a_cause_and_the_job_is_not() -> None:
    """Another GPU counts, another job number or device index does not."""
    a = other(environment=replace(BASE.environment, variables={"SLURM_JOB_ID": "1", "OMP_NUM_THREADS": "4"}))
    b = other(
        environment=replace(BASE.environment, variables={"SLURM_JOB_ID": "2", "OMP_NUM_THREADS": "8"}),
        hardware=replace(BASE.hardware, gpus=(Gpu(name="A100"), Gpu(name="A100"))),
    )
    assert names(a, b) == ["OMP_NUM_THREADS", "gpu"]
    assert row(compare([a, b]), "hardware", "gpu").values == (ABSENT, "2 × A100")


def test_inside_of_a_container_and_outside_is_a_difference() -> None:
    """Also where the container's image is not known; of two images of one name their identities tell."""

    outside = replace(BASE.environment, container=None)
    unknown = replace(outside, container="podman")
    named = replace(unknown, container_image="me/a:1")
    built, again = (replace(named, container_image_id=f"sha256:{each}") for each in "12")
    for one, two in ((outside, unknown), (unknown, named), (built, again)):
        assert names(other(environment=one), other(environment=two)) == ["container"]
    assert names(other(environment=built), other(environment=built)) == []


def test_fifty_runs_are_no_limit() -> None:
    """Any number of columns; every run has a value in every row."""
    records = [other(params={**BASE.params, "lr": 10.0**-each}) for each in range(50)]
    comparison = compare(records)
    assert [cause.name for cause in comparison.causes] == ["lr"]
    assert all(len(each.values) == 50 for each in comparison.rows)


def test_sections_can_be_chosen_and_are_checked() -> None:
    """The headline counts everything all the same."""
    comparison = compare([BASE, other(params={"lr": 1})], sections=["metrics"])
    assert [each.name for each in comparison.sections] == ["metrics"]
    assert comparison.causes
    with pytest.raises(UsageError, match="params, data"):
        compare([BASE], sections=["colour"])
    with pytest.raises(UsageError):
        compare([])


def test_a_value_nested_beyond_reason_is_one_value() -> None:
    """No recursion limit is reached."""
    deep: dict[str, Any] = {"k": 1}
    for _ in range(3000):
        deep = {"k": deep}
    comparison = compare([other(params=deep), other(params=deep)])
    assert len(comparison.run_ids) == 2
