"""Folders of Hydra, those of the corpus and ones written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtop.model.run import Status
from labtop.sources.hydra import HydraSource
from labtop.sources.source import RunRead
from tests.sources.reading import corpus, listing, places, read_all, truth
from tests.sources.same_files import fingerprint

LINE = "[2026-01-02 03:04:05,000][__main__][INFO] - begin\n"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/a/train.py", line 3, in main\n    f()\nValueError: bad lr\n'
)
HYDRA = """
hydra:
  mode: MULTIRUN
  sweep: {dir: "multirun/2026-01-02/03-04-05", subdir: "${hydra.job.num}"}
  job: {name: train, override_dirname: "lr=0.1,seed=3", id: job_4, num: 4, env_set: {OMP_NUM_THREADS: '1'}}
  runtime: {version: 1.3.2, cwd: /home/me/digits, choices: {hydra/launcher: joblib}}
"""


def write_run(folder: Path, hydra: str = HYDRA, config: str = "lr: 0.1\n", log: str = LINE) -> Path:
    inner = folder / ".hydra"
    inner.mkdir(parents=True)
    (inner / "config.yaml").write_text(config, "utf-8")
    (inner / "hydra.yaml").write_text(hydra, "utf-8")
    (inner / "overrides.yaml").write_text("- lr=0.1\n- seed=3\n", "utf-8")
    (folder / "train.log").write_text(log, "utf-8")
    return folder


def read(folder: Path) -> RunRead:
    source = HydraSource()
    (place,) = source.detect(listing(folder))
    (found,) = source.read(place.path, list(source.runs(place.path)))
    return found


@pytest.mark.parametrize("name", ["gen-hydra", "hydra-vime-MIT"])
def test_the_corpus_is_read_as_an_independent_reader_found_it(name: str) -> None:
    """Each run's configuration, interpolations as text, and its overrides."""
    root = corpus(name)
    before = fingerprint(root)
    runs = read_all(HydraSource(), root)
    told = truth(name)
    assert len(runs) == told["n_runs"]
    for each in told["runs"]:
        found = runs[f"{each['dir']}/.hydra:."].read
        assert found.is_context
        assert found.folder == root / each["dir"]
        assert list(found.record.command.argv[1:]) == each["overrides"]
        if "config" in each:
            assert found.record.params == each["config"]
        assert found.record.source.problems == ()
    assert str([run.read.record.params for run in runs.values()]).count("${") == told["n_interpolations"]
    assert fingerprint(root) == before


def test_a_job_of_a_sweep_is_told_by_name_group_and_command(tmp_path: Path) -> None:
    """The group is the sweep; the name is what sets the job apart."""
    found = read(write_run(tmp_path / "2026-01-02" / "03-04-05" / "4"))
    record = found.record
    assert (record.name, record.project, record.life.group) == (
        "lr=0.1,seed=3",
        "train",
        "2026-01-02/03-04-05",
    )
    assert record.command.argv == ("train", "lr=0.1", "seed=3")
    assert (record.command.cwd, record.command.launcher) == ("/home/me/digits", "joblib")
    assert record.environment.packages == {"hydra-core": "1.3.2"}
    assert record.environment.variables == {"OMP_NUM_THREADS": "1"}
    assert record.source.run_id == "job_4"
    assert record.started_at is not None
    assert record.started_at.astimezone().strftime("%F %T") == "2026-01-02 03:04:05"
    assert found.output == tmp_path / "2026-01-02" / "03-04-05" / "4" / "train.log"


@pytest.mark.parametrize(
    ("log", "status"),
    [
        (LINE, Status.UNKNOWN),
        (LINE + TRACEBACK, Status.FAILED),
        (TRACEBACK + LINE, Status.UNKNOWN),
        ("", Status.UNKNOWN),
        ("x" * 100_000 + "\n" + TRACEBACK, Status.FAILED),
    ],
)
def test_only_a_log_that_ends_with_an_exception_tells_of_a_failure(
    tmp_path: Path, log: str, status: Status
) -> None:
    """A traceback that was logged and survived says nothing of how the run ended."""
    record = read(write_run(tmp_path / "run", log=log)).record
    assert record.status is status
    if status is Status.FAILED:
        assert record.life.error is not None
        assert (record.life.error.type, record.life.error.where) == ("ValueError", "train.py:3 in main")


@pytest.mark.parametrize(
    "config", ["", "lr: [", "- 1\n", "x: !!python/object/apply:os.system [false]\n", "a: ???\n"]
)
def test_an_odd_configuration_costs_no_more_than_itself(tmp_path: Path, config: str) -> None:
    """No tag is run, a broken file is named, a missing value stays text."""
    record = read(write_run(tmp_path / "run", config=config)).record
    assert record.name == "lr=0.1,seed=3"
    assert bool(record.source.problems) is (config in ("", "lr: [", "- 1\n"))
    if config.startswith("a"):
        assert record.params == {"a": "???"}


def test_a_folder_that_the_program_named_is_found(tmp_path: Path) -> None:
    """`hydra.output_subdir` may be no hidden folder; the hidden one opened by itself counts too."""
    folder = write_run(tmp_path / "run")
    (folder / ".hydra").rename(folder / "conf")
    (place,) = places(HydraSource(), folder)
    assert place.path == folder / "conf"
    assert [each.path for each in HydraSource().detect(listing(folder / "conf"))] == [folder / "conf"]


@pytest.mark.parametrize("has_log", [True, False])
def test_a_damaged_hydra_yaml_costs_no_project(tmp_path: Path, has_log: bool) -> None:
    """The log is called after the job; else it is the folder that holds Hydra's own."""
    folder = write_run(tmp_path / "digits" / "outputs" / "2026-01-02" / "03-04-05", hydra="hydra: [")
    if not has_log:
        (folder / "train.log").unlink()
    record = read(folder).record
    assert record.project == ("train" if has_log else "digits")
    assert any(each.startswith("hydra.yaml") for each in record.source.problems)


def test_a_job_begins_where_its_log_does(tmp_path: Path) -> None:
    """In a sweep, which names the time of its own start, and where the folder tells no time."""
    late = LINE.replace("03:04:05,000", "07:30:00,250")
    job = write_run(tmp_path / "multirun" / "2026-01-02" / "03-04-05" / "4", log=late)
    single = write_run(
        tmp_path / "outputs" / "2026-01-02" / "03-04-05", HYDRA.replace("MULTIRUN", "RUN"), log=late
    )
    other = write_run(tmp_path / "mine", HYDRA.replace("MULTIRUN", "RUN"), log=late)
    silent = write_run(tmp_path / "silent", log="begin\n")
    named = write_run(tmp_path / "2026-01-02_03-04-05", HYDRA.replace("MULTIRUN", "RUN"), log=late)
    began = [read(each).record.started_at for each in (job, single, other, silent, named)]
    assert [each and f"{each.astimezone():%T.%f}" for each in began] == [
        "07:30:00.250000", "03:04:05.000000", "07:30:00.250000", None, "03:04:05.000000"
    ]  # fmt: skip


def test_models_in_the_folder_are_listed(tmp_path: Path) -> None:
    """In a folder of checkpoints too, but not those of another job. One that is saved later is seen."""
    job = write_run(tmp_path / "mine")
    write_run(job / "1")
    source = HydraSource()
    (before,) = source.runs(job / ".hydra")
    for name in ("last.ckpt", "checkpoints/best.pt", "checkpoints/note.txt", "1/other.pt"):
        (job / name).parent.mkdir(exist_ok=True)
        (job / name).write_bytes(b"w")
    (after,) = source.runs(job / ".hydra")
    assert before.version != after.version
    (found,) = source.read(job / ".hydra", [after])
    assert [(each.name, each.kind, each.bytes) for each in found.record.artifacts] == [
        ("last.ckpt", "model", 1),
        ("checkpoints/best.pt", "model", 1),
    ]
