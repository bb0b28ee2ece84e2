"""Folders of Stable-Baselines3."""

from __future__ import annotations

from pathlib import Path

from labtop.sources import load_source
from labtop.sources.source import RunRead, RunRef
from tests.sources.reading import places, read_all

SOURCE = load_source("stable-baselines")
T = 1_700_000_000.5


def monitor(folder: Path, *rows: str, name: str = "monitor.csv", began: float = T) -> Path:
    """A table of episodes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(
        f'#{{"t_start": {began}, "env_id": "CartPole-v1"}}\nr,l,t\n' + "".join(f"{row}\n" for row in rows)
    )
    return path


def one(place: Path, state: bytes | None = None) -> RunRead:
    """What reading a folder gives."""
    (ref,) = SOURCE.runs(place)
    (found,) = SOURCE.read(place, [RunRef(ref.key, ref.version, ref.size, state)])
    return found


def test_episodes_of_an_environment(tmp_path: Path) -> None:
    """Counted from 0, with the times at which they ended."""
    monitor(tmp_path / "ppo", "21.0,21,1.5", "-1,9,2.25")
    (whole,) = read_all(SOURCE, tmp_path).values()
    record = whole.read.record
    assert list(whole.curves) == ["r", "l", "t"]
    assert (list(whole.curves["r"].steps), list(whole.curves["r"].values)) == ([0, 1], [21, -1])
    assert list(whole.curves["r"].times_us) == [1_700_000_002_000_000, 1_700_000_002_750_000]
    assert record.params == {"env_id": "CartPole-v1"}
    assert record.started_at is not None
    assert record.started_at.timestamp() == T
    assert (record.name, record.project) == ("ppo", tmp_path.name)


def test_several_environments_are_one_run(tmp_path: Path) -> None:
    """Their episodes in the order in which they ended; those that come later are counted on."""
    folder = tmp_path / "ppo"
    monitor(folder, "1,1,1", "3,1,3", name="0.monitor.csv")
    monitor(folder, "2,1,2", "4,1,4", name="1.monitor.csv")
    first = one(folder)
    assert (list(first.curves["r"].steps), list(first.curves["r"].values)) == ([0, 1, 2, 3], [1, 2, 3, 4])
    monitor(folder, "1,1,1", "3,1,3", "5,1,5", name="0.monitor.csv")
    second = one(folder, first.state)
    assert (second.appended, list(second.curves["r"].steps), list(second.curves["r"].values)) == (
        True,
        [4],
        [5],
    )


def test_the_progress_of_the_training_is_the_same_run(tmp_path: Path) -> None:
    """By its timesteps. Models are listed."""
    folder = tmp_path / "ppo"
    monitor(folder, "1,1,1")
    (folder / "progress.csv").write_text(
        "rollout/ep_rew_mean,time/total_timesteps,train/loss\n1,2048,\n2,4096,0.5\n"
    )
    (folder / "best_model.zip").write_bytes(b"PK")
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert list(whole.curves["rollout/ep_rew_mean"].steps) == [2048, 4096]
    assert list(whole.curves["train/loss"].steps) == [4096]
    assert list(whole.curves["r"].steps) == [0]
    assert [(each.name, each.kind) for each in whole.read.record.artifacts] == [("best_model.zip", "model")]


def test_truth_values_of_episodes_are_numbers(tmp_path: Path) -> None:
    """`info_keywords` of a monitor: whether an episode was a success."""
    path = monitor(tmp_path / "ppo", "21.0,21,1.5,True,x", "-1,9,2.25,False,y")
    path.write_text(path.read_text().replace("r,l,t\n", "r,l,t,is_success,who\n"))
    (whole,) = read_all(SOURCE, tmp_path).values()
    assert list(whole.curves["is_success"].values) == [1, 0]
    assert list(whole.curves) == ["r", "l", "t", "is_success"]


def test_what_callbacks_saved_is_listed_with_its_step(tmp_path: Path) -> None:
    """In folders of their own; one with tables is another run. A model that is saved later is seen."""
    folder = tmp_path / "ppo"
    monitor(folder, "1,1,1")
    monitor(folder / "other", "1,1,1")
    for name in ("checkpoints/rl_model_400_steps.zip", "eval/evaluations.npz", "other/best_model.zip"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"PK")
    assert [(each.name, each.kind, each.step) for each in one(folder).record.artifacts] == [
        ("checkpoints/rl_model_400_steps.zip", "model", 400),
        ("eval/evaluations.npz", "file", None),
    ]
    (before,) = SOURCE.runs(folder)
    (folder / "best").mkdir()
    (after,) = SOURCE.runs(folder)
    assert before.version != after.version


def test_a_table_that_was_written_anew_is_read_again(tmp_path: Path) -> None:
    """With all others, because episodes are counted together."""
    folder = tmp_path / "ppo"
    monitor(folder, "1,1,1", name="0.monitor.csv")
    monitor(folder, "2,1,2", name="1.monitor.csv")
    first = one(folder)
    monitor(folder, "9,1,9", name="0.monitor.csv")
    second = one(folder, first.state)
    assert (second.appended, list(second.curves["r"].values)) == (False, [2, 9])


def test_damage_is_said(tmp_path: Path) -> None:
    """A first line that is no JSON, rows of another width."""
    folder = tmp_path / "ppo"
    folder.mkdir()
    (folder / "monitor.csv").write_text('#{"t_start": \nr,l,t\n1,2,3\n1,2\n')
    found = one(folder)
    assert list(found.curves["r"].values) == [1]
    assert found.record.started_at is None
    assert "1 row of another width" in found.record.source.problems[0]


def test_other_tables_are_not_claimed(tmp_path: Path) -> None:
    """Of the same names."""
    (tmp_path / "monitor.csv").write_text("r,l,t\n1,2,3\n")
    (tmp_path / "progress.csv").write_text("done,total\n1,2\n")
    assert places(SOURCE, tmp_path) == []
