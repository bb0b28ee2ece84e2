"""Hydra starts a sweep, a single run and one that dies; OmegaConf tells the configuration of each.

python -m tests.clients.log_hydra FOLDER TOLD
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from tests.clients.telling import Told, places, tell

CONFIG: dict[str, Any] = {
    "lr": 0.1, "seed": 3, "must": "???", "ref": "${lr}", "model": {"width": 8, "deep": {"er": [1, {"x": 2}]}},
    "on": True, "none": None, "text": "é\nb", "small": 1e-05, "list": [1, 2.5, "x"], "version": "007",
    "long": "y" * 5_000,
}  # fmt: skip


def train(config: Any) -> None:
    """A metric for each step in a table of its own, and a mistake where the rate is too high."""
    place = Path(hydra.core.hydra_config.HydraConfig.get().runtime.output_dir)
    rows = "".join(f"{step},{config.lr / (step + 1)!r}\n" for step in range(40))
    (place / "metrics.csv").write_text("step,loss\n" + rows)
    try:
        assert config.lr < 1, "too big"
    except AssertionError:
        logging.getLogger(__name__).exception("died")
        raise


def read_back(folder: Path) -> list[Told]:
    """The configuration of each run, references as they were written."""
    told = []
    for place in sorted(each.parent for each in folder.rglob(".hydra")):
        config = OmegaConf.to_container(OmegaConf.load(place / ".hydra" / "config.yaml"), resolve=False)
        assert isinstance(config, dict)
        rows: list[tuple[float, float, int | None]] = [
            (step, config["lr"] / (step + 1), None) for step in range(40)
        ]
        told.append(Told(
            key=place.relative_to(folder).as_posix(), points={"loss": rows},
            params={str(name): value for name, value in config.items()},
            status="failed" if config["lr"] > 1 else None,
        ))  # fmt: skip
    return told


def main() -> None:
    """Log and tell."""
    if sys.argv[1] == "train":
        del sys.argv[1]
        ConfigStore.instance().store("c", CONFIG)
        hydra.main(version_base="1.2", config_path=None, config_name="c")(train)()
        return
    folder, path = places()
    program = [sys.executable, "-m", "tests.clients.log_hydra", "train"]
    # the second of two is started in another second, or Hydra would give it the folder of the first
    single, dying = "hydra.run.dir=outputs/2026-01-02/03-04-05", "hydra.run.dir=outputs/2026-01-02/03-04-06"
    for arguments in (["-m", "lr=0.2,0.3", "must=1,a"], [single, "+new.key='é'"], [dying, "lr=9"]):
        subprocess.run([*program, *arguments], cwd=folder, check="lr=9" not in arguments, capture_output=True)
    tell(path, read_back(folder))


if __name__ == "__main__":
    main()
