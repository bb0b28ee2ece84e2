"""Run folders of Guild, written here as Guild 0.9 writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.sources.guild import GuildSource
from labtop.sources.source import NO_TIME, RunRead
from tests.formats.event_files import event, header, record, simple
from tests.sources.reading import listing, places
from tests.sources.same_files import fingerprint

ID = "013e5666ed01466090d843902c3da441"
ATTRIBUTES = {
    "cmd": "- python\n- -um\n- guild.op_main\n- train\n- --\n- --lr\n- '0.2'\n",
    "flags": "lr: 0.2\nname: a b\nlayers: [1, 2]\n",
    "started": "1795435765268708\n",
    "stopped": "1795435766268708\n",
    "exit_status": "0\n",
    "label": "first é\n",
    "tags": "- t1\n- t2\n",
    "comments": "- {body: looks good, host: box, time: 1795435765268708}\n",
    "host": "box\n",
    "random_seed": "7\n",
    "vcs_commit": f"git:{'a' * 40}*\n",
    "pip_freeze": "- numpy==2.0.1\n- torch @ file:///x\n",
    "platform": "architecture: 64bit ELF\ncpus: 2\nprocessor: ''\npython_version: 3.11.7 (main)\nuname: Linux box\n",
    "sourcecode_digest": "857dca0faa26f36f88bbf0e576528e93\n",
    "env": "TOKEN: very-secret\n",
    "deps": "file:data.csv:\n  file:data.csv: {paths: [../../../data.csv], uri: 'file:data.csv'}\n",
}


def write_run(folder: Path, **attributes: str | None) -> Path:
    inner = folder / ".guild"
    (inner / "attrs").mkdir(parents=True)
    for name, text in {**ATTRIBUTES, **attributes}.items():
        if text is not None:
            (inner / "attrs" / name).write_text(text, "utf-8")
    (inner / "opref").write_text("guildfile:/home/me/digits/guild.yml 069d '' train", "utf-8")
    (inner / "output").write_text("step: 0\nloss: 1.0\n", "utf-8")
    events = [record(event(at, 1e9 + at, simple("loss", value))) for at, value in enumerate((1.0, math.nan))]
    (inner / "events.out.tfevents.1795435765.vm.1.1").write_bytes(b"".join([header(), *events]))
    (folder / "train").mkdir()
    (folder / "train" / "events.out.tfevents.1795435765.vm.1").write_bytes(
        header() + record(event(5, 1e9, simple("acc", 0.5), simple("sys/cpu_util", 0.25)))
    )
    (folder / "model.pt").write_bytes(b"123")
    return folder


def read(folder: Path) -> RunRead:
    source = GuildSource()
    (place,) = source.detect(listing(folder))
    (found,) = source.read(place.path, list(source.runs(place.path)))
    return found


def test_all_that_the_attributes_say_arrives(tmp_path: Path) -> None:
    """Flags with types, times, tags, notes, code, packages, seed, data, files, scalars of all event files."""
    folder = write_run(tmp_path / ID)
    before = fingerprint(folder)
    found = read(folder)
    told = found.record
    assert found.identity == f"guild:{ID}"
    assert (told.name, told.project, told.life.job_type) == ("first é", "digits", "train")
    assert told.status is Status.FINISHED
    assert told.started_at == datetime.fromtimestamp(1795435765, UTC).replace(microsecond=268708)
    assert told.ended_at == datetime.fromtimestamp(1795435766, UTC).replace(microsecond=268708)
    assert told.params == {"lr": 0.2, "name": "a b", "layers": [1, 2]}
    assert (told.life.tags, told.life.notes, told.life.exit_code) == (("t1", "t2"), "looks good", 0)
    assert told.command.argv[-2:] == ("--lr", "0.2")
    assert (told.code.commit, told.code.dirty) == ("a" * 40, True)
    assert told.environment.packages == {"numpy": "2.0.1"}
    assert (told.environment.python, told.hardware.cores) == ("3.11.7", 2)
    assert told.randomness.seeds == {"guild": 7}
    assert [each.uri for each in told.data] == ["file:data.csv"]
    assert [(each.name, each.kind, each.bytes) for each in told.artifacts] == [
        ("sourcecode", "code", None),
        ("model.pt", "model", 3),
    ]
    assert "very-secret" not in repr(told)
    assert list(found.curves["loss"].steps) == [0, 1]
    assert math.isnan(found.curves["loss"].values[1])
    assert list(found.curves["train/acc"].values) == [0.5]
    assert list(found.curves["system/cpu_util"].values) == [0.25]
    assert found.output == folder / ".guild" / "output"
    assert told.source.problems == ()
    assert fingerprint(folder) == before


@pytest.mark.parametrize(
    ("exit_status", "mark", "status", "signal"),
    [
        ("1\n", None, Status.FAILED, None),
        ("-15\n", None, Status.KILLED, "SIGTERM"),
        (None, "LOCK", Status.RUNNING, None),
        (None, "LOCK.remote", Status.RUNNING, None),
        (None, "STAGED", Status.UNKNOWN, None),
        (None, None, Status.UNKNOWN, None),
        ("[", None, Status.UNKNOWN, None),
    ],
)
def test_the_status_is_what_guild_says(
    tmp_path: Path, exit_status: str | None, mark: str | None, status: Status, signal: str | None
) -> None:
    """By the exit status, else by marks beside the attributes."""
    folder = write_run(tmp_path / ID, exit_status=exit_status)
    if mark:
        (folder / ".guild" / mark).write_text("1", "utf-8")
    told = read(folder).record
    assert (told.status, told.life.signal) == (status, signal)


def test_homes_are_found_wherever_a_person_opens(tmp_path: Path) -> None:
    """A project with a hidden home, the home, its runs; those in the trash are archived."""
    home = tmp_path / "project" / ".guild"
    write_run(home / "runs" / ID)
    write_run(home / "trash" / "runs" / ID[::-1])
    both = [home / "runs", home / "trash" / "runs"]
    assert [each.path for each in places(GuildSource(), tmp_path)] == both
    assert [each.path for each in places(GuildSource(), home)] == both
    assert [each.path for each in places(GuildSource(), home / "runs")] == both[:1]
    source = GuildSource()
    kept, thrown = (next(iter(source.read(each, list(source.runs(each))))) for each in both)
    assert (kept.record.life.archived, thrown.record.life.archived) == (False, True)


def test_a_link_in_a_run_is_not_followed(tmp_path: Path) -> None:
    """Batches link their trials, and a link may lead round in a circle."""
    folder = write_run(tmp_path / ID)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "secret").symlink_to("/etc/passwd")
    assert [each.name for each in read(folder).record.artifacts] == ["sourcecode", "model.pt"]


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_a_damaged_attribute_costs_itself(tmp_path: Path, name: str) -> None:
    """Whatever stands in an attribute, the scalars and the others are read."""
    for at, content in enumerate(
        ("", "[", "{a: [b", "\0\0", "x: !!python/object/apply:os.system [false]", "- 1", "3")
    ):
        found = read(write_run(tmp_path / str(at) / ID, **{name: content}))
        assert len(found.curves["loss"]) == 2
        assert name == "random_seed" or found.record.randomness.seeds == {"guild": 7}


def test_points_without_a_time(tmp_path: Path) -> None:
    """Guild gives the numbers that it picks up from the output no time; none is made up."""
    folder = write_run(tmp_path / ID)
    log = folder / ".guild" / "events.out.tfevents.1795435765.vm.1.1"
    log.write_bytes(header() + record(event(0, 0.0, simple("loss", 1.0))))
    assert list(read(folder).curves["loss"].times_us) == [NO_TIME]
