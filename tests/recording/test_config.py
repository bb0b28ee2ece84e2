"""Parameters and summaries: what people put in, what the record holds."""

from __future__ import annotations

import argparse
import enum
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import labtop
from labtop.recording.config import Config, as_tree
from tests.recording.conftest import only_record


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Options:
    lr: float = 0.1
    layers: list[int] = field(default_factory=lambda: [8, 4])


class Hydra(Mapping[str, object]):
    """What a DictConfig is: a mapping that is no dict."""

    def __getitem__(self, key: str) -> object:
        return {"model": {"width": 8}}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["model"])

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("given", "tree"),
    [
        ({"lr": 0.1}, {"lr": 0.1}),
        (argparse.Namespace(lr=0.1, name=None), {"lr": 0.1, "name": None}),
        (SimpleNamespace(a=SimpleNamespace(b=1)), {"a": {"b": 1}}),
        (Options(), {"lr": 0.1, "layers": [8, 4]}),
        (Hydra(), {"model": {"width": 8}}),
        ([("a", 1)], {"a": 1}),
        (None, {}),
    ],
)
def test_everything_people_keep_parameters_in(folder: Path, given: object, tree: object) -> None:
    """A mapping, a namespace, a dataclass, Hydra's own."""
    with labtop.init(config=given):
        pass
    assert only_record(folder / "runs").params == tree


def test_values_become_what_a_record_can_hold() -> None:
    """Numbers stay numbers; the rest is text that says what it was."""
    odd = {
        "np": np.float32(0.5),
        "array": np.array([1, 2]),
        "path": Path("a/b"),
        "enum": Colour.RED,
        "class": Options,
        "set": {2, 1},
        "tuple": (1, "a"),
        "date": date(2026, 1, 2),
        "big": 2**70,
        "none": None,
        "flag": True,
        "bytes": b"x",
        1: "int key",
    }
    assert as_tree({str(key): value for key, value in odd.items()}) == {
        "np": 0.5,
        "array": [1, 2],
        "path": "a/b",
        "enum": "red",
        "class": f"{__name__}.Options",
        "set": [1, 2],
        "tuple": [1, "a"],
        "date": "2026-01-02",
        "big": 2**70,
        "none": None,
        "flag": True,
        "bytes": "b'x'",
        "1": "int key",
    }


def test_a_value_that_contains_itself_ends(folder: Path) -> None:
    """It is cut, not followed for ever."""
    loop: dict[str, object] = {}
    loop["self"] = loop
    with labtop.init(config=loop) as run:
        run.config["again"] = loop
    assert set(only_record(folder / "runs").params) == {"self", "again"}


@pytest.mark.parametrize("config", [5, "text", [1, 2], object])
def test_a_configuration_of_another_kind_is_an_error(folder: Path, config: object) -> None:
    """It says what would do."""
    with pytest.raises(labtop.UsageError, match="give a mapping"):
        labtop.init(config=config)


def test_items_and_attributes_are_the_same(folder: Path) -> None:
    """Nested too, and each change is recorded."""
    with labtop.init(config={"model": {"width": 8}}) as run:
        run.config.lr = 0.1
        run.config["seed"] = 3
        run.config.model.width = 16
        run.config.update({"extra": {"a": 1}}, allow_val_change=True)
        run.config.extra["b"] = 2
        del run.config["seed"]
        run.config.setdefaults({"lr": 5, "new": 1})
        assert (run.config["lr"], run.config.model["width"], run.config.get("none", 7)) == (0.1, 16, 7)
        with pytest.raises(AttributeError, match="no parameter 'depth'; there are: model, lr"):
            _ = run.config.depth
    params = only_record(folder / "runs").params
    assert params == {"model": {"width": 16}, "lr": 0.1, "extra": {"a": 1, "b": 2}, "new": 1}


def test_a_dataclass_inside_is_a_configuration_too(folder: Path) -> None:
    """Its fields can be set, and reach the record."""
    with labtop.init(config={"options": Options(), "more": SimpleNamespace(a=1)}) as run:
        run.config["options"]["lr"] = 0.5
        run.config.more.a = 2
    params = only_record(folder / "runs").params
    assert params == {"options": {"lr": 0.5, "layers": [8, 4]}, "more": {"a": 2}}


def test_a_config_is_a_dictionary() -> None:
    """json, ** and pickle work."""
    config = Config({"a": {"b": 1}})
    assert json.loads(json.dumps(config)) == {"a": {"b": 1}}
    assert dict(**config) == {"a": {"b": 1}}
    assert pickle.loads(pickle.dumps(config)) == {"a": {"b": 1}}


def test_module_level_config_and_summary_follow_the_current_run(folder: Path) -> None:
    """As wandb's do."""
    with labtop.init(config={"lr": 0.1}):
        labtop.config.epochs = 3
        labtop.config["width"] = 8
        labtop.config.update({"a": 1})
        labtop.summary["best"] = 0.9
        assert dict(labtop.config) == {"lr": 0.1, "epochs": 3, "width": 8, "a": 1}
        assert labtop.config.lr == 0.1
    assert repr(labtop.config) == "<labtop.config: no run>"
    assert only_record(folder / "runs").summary == {"best": 0.9}


def test_a_summary_shows_last_values_under_what_was_set(folder: Path) -> None:
    """run.summary["loss"] is the last loss; a number that was set is a metric that was never logged."""
    with labtop.init() as run:
        run.log({"loss": 2.0})
        run.log({"loss": 1.0})
        run.summary["best"] = 0.5
        run.summary.update({"note": "good"}, epochs=3)
        assert (run.summary["loss"], run.summary.best, run.summary.get("none")) == (1.0, 0.5, None)
        assert set(run.summary) == {"best", "note", "epochs", "loss"}
        run.summary["loss"] = -1
        assert run.summary["loss"] == -1
    record = only_record(folder / "runs")
    assert record.summary == {"best": 0.5, "note": "good", "epochs": 3, "loss": -1}
    assert (record.metrics["best"].count, record.metrics["best"].last) == (0, 0.5)
    assert (record.metrics["loss"].count, record.metrics["loss"].last) == (2, 1.0)


def test_a_config_that_cannot_be_read_does_not_stop_the_run(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once and the run is marked."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

        __repr__ = __str__

    with labtop.init() as run:
        run.config["x"] = Broken()
        run.log({"y": 1.0})
    record = only_record(folder / "runs")
    assert "config failed" in caplog.text
    assert record.life.degraded is not None
    assert record.metrics["y"].count == 1


def test_properties_of_a_run(folder: Path) -> None:
    """As wandb has them."""
    with labtop.init("p", "n", group="g", job_type="j", tags="one", notes="hello") as run:
        assert (run.project, run.name, run.group, run.job_type) == ("p", "n", "g", "j")
        assert (run.tags, run.notes, run.resumed, run.step) == (("one",), "hello", False, 0)
        assert Path(run.dir) == run.folder == folder / "runs" / "p" / run.id
        assert labtop.run is run
        run.tags = [*run.tags, "two", "one"]
        run.name, run.notes = "m", "other"
    record = only_record(folder / "runs")
    assert (record.name, record.life.tags, record.life.notes) == ("m", ("one", "two"), "other")


def test_hostile_names_arrive_whole(folder: Path) -> None:
    """Escapes, markup, bidi, newlines and 300 wide characters are kept; folders are safe."""
    name = "a\x1b]0;x\x07[/b]\u202eb\n../../etc" + "漢" * 300
    with labtop.init(project=name, name=name, tags=[name]) as run:
        run.log({name: 1.0})
    record = only_record(folder / "runs")
    assert (record.name, record.project, record.life.tags) == (name, name, (name,))
    assert name in record.metrics
    assert run.folder.parent.parent == folder / "runs"


def test_disabled_records_nothing(folder: Path) -> None:
    """And everything still answers."""
    with labtop.init(mode="disabled", config={"lr": 0.1}) as run:
        run.log({"x": 1.0})
        run.config.a = 1
        run.summary["b"] = 2
        run.seed(1)
        run.log_artifact([1], name="x")
        run.use_data("nothing")
        assert (run.config.lr, run.summary["b"]) == (0.1, 2)
    assert list(folder.iterdir()) == []


def test_disabled_by_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LABTOP_MODE=disabled, for tests of training code."""
    monkeypatch.setenv("LABTOP_MODE", "disabled")
    labtop.init().finish()
    assert list(folder.iterdir()) == []


def test_a_store_that_cannot_be_written_never_stops_training(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes to the cache instead, and says where."""
    (folder / "runs").write_text("in the way")
    with labtop.init() as run:
        run.log({"x": 1.0})
    assert "spool" in run.dir
    assert "cannot write to the store" in caplog.text
    degraded = only_record(run.folder.parent.parent).life.degraded
    assert degraded is not None
    assert "cannot write" in degraded


def test_a_store_that_cannot_be_written_is_an_error_when_strict(folder: Path) -> None:
    """For people who want to be told."""
    (folder / "runs").write_text("in the way")
    with pytest.raises(labtop.RecordingError, match="cannot write to the store"):
        labtop.init(strict=True)


def test_an_unknown_mode_is_an_error(folder: Path) -> None:
    """It can only be a slip."""
    with pytest.raises(labtop.UsageError, match="disabled"):
        labtop.init(mode="offlin")
