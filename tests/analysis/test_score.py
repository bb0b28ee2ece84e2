"""What the five marks say of a record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labtop.model.run import (
    Code,
    Command,
    DataInput,
    Environment,
    Randomness,
    RunRecord,
    Submodule,
    UntrackedFile,
)
from labtop.model.score import score_record

FULL = RunRecord(
    id="k7f2aaaaaa",
    name="digits",
    project="digits",
    code=Code(commit="a" * 40, remote="https://host/x.git", dirty=True, patch_sha256="b" * 64),
    data=(DataInput(name="train", uri="data/train.csv", kind="file", digest="c" * 64, algorithm="sha256"),),
    environment=Environment(python="3.11.4", packages={"numpy": "2.1.0"}),
    command=Command(argv=("python", "train.py"), cwd="."),
    randomness=Randomness(seeds={"python": 1, "numpy": 1}, imported=("python", "numpy")),
)


def test_a_full_record_is_complete() -> None:
    """Five plus signs, and nothing to complain about."""
    score = score_record(FULL)
    assert score.marks == "+++++"
    assert not any(each.reasons for each in score.pillars)


def test_an_empty_record_is_missing_everything() -> None:
    """Five minus signs, each with a reason."""
    score = score_record(RunRecord(id="x", name="x", project="x"))
    assert score.marks == "-----"
    assert all(each.reasons for each in score.pillars)


@pytest.mark.parametrize(
    ("change", "marks", "pillar", "reason"),
    [
        (
            {"code": replace(FULL.code, patch_sha256=None)},
            "~++++",
            "code",
            "uncommitted changes were not kept",
        ),
        ({"code": replace(FULL.code, dirty=None)}, "~++++", "code", "is not known"),
        ({"code": replace(FULL.code, remote=None)}, "~++++", "code", "no remote and no bundle"),
        ({"code": replace(FULL.code, remote=None, bundle="commits.bundle")}, "+++++", "code", ""),
        ({"code": replace(FULL.code, submodules=(Submodule(path="lib"),))}, "~++++", "code", "submodule lib"),
        (
            {
                "code": replace(
                    FULL.code, untracked=tuple(UntrackedFile(path=p, reason="too large") for p in "abc")
                )
            },
            "~++++",
            "code",
            "3 untracked files not kept: too large",
        ),
        ({"data": (*FULL.data, replace(FULL.data[0], name="test", digest=None))}, "+~+++", "data", "of test"),
        (
            {"environment": replace(FULL.environment, packages={"numpy": "2.1.0", "mine": ""})},
            "++~++",
            "environment",
            "origin of mine",
        ),
        (
            {"environment": replace(FULL.environment, origins={"mine": "-e file:///home/me/mine"})},
            "++~++",
            "environment",
            "from a folder that is not kept: mine",
        ),
        (
            {"environment": replace(FULL.environment, origins={"m": "git+https://h/m@" + "a" * 40})},
            "+++++",
            "code",
            "",
        ),
        ({"environment": replace(FULL.environment, python=None)}, "++~++", "environment", "Python version"),
        ({"command": replace(FULL.command, cwd=None)}, "+++~+", "configuration", "working directory"),
        ({"command": Command(), "params": {"lr": 1}}, "+++~+", "configuration", "how it was started"),
        (
            {"randomness": replace(FULL.randomness, imported=("numpy", "torch"))},
            "++++~",
            "randomness",
            "torch was imported and never seeded",
        ),
        (
            {"randomness": Randomness(), "params": {"train": {"seed": 3}}},
            "++++~",
            "randomness",
            "the parameter train.seed = 3 names a seed",
        ),
        ({"randomness": Randomness(imported=("torch",))}, "++++-", "randomness", "never seeded"),
    ],
)
def test_each_gap_has_its_words(change: dict[str, object], marks: str, pillar: str, reason: str) -> None:
    """A gap costs its pillar alone, and the reason names it."""
    score = score_record(replace(FULL, **change))  # type: ignore[arg-type]  # one field each, typed at its place
    assert score.marks == marks
    assert reason in "; ".join(score[pillar].reasons)


def test_a_gap_is_said_once() -> None:
    """The recorder's own words for files that were not kept are not repeated."""
    files = (UntrackedFile(path="a", reason="too large"),)
    code = replace(FULL.code, untracked=files, problem="1 untracked files not kept: too large")
    assert score_record(replace(FULL, code=code))["code"].reasons == (
        "1 untracked files not kept: too large",
    )


def test_a_script_without_a_repository_is_kept_in_part() -> None:
    """It was kept, and nothing tells about the modules it imports."""
    code = Code(problem="not in a git repository", untracked=(UntrackedFile(path="train.py", kept=True),))
    score = score_record(replace(FULL, code=code))["code"]
    assert score.state == "partial"
    assert score.reasons == ("not in a git repository", "1 file kept, and nothing else")
