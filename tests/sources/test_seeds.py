"""Parameters that are seeds by their name, in the logs of any tracker."""

from __future__ import annotations

from pathlib import Path

import labtop
from labtop.sources.seeds import seeds_in


def test_names_of_seeds() -> None:
    """Whole numbers under a name that ends in `seed`, nested or not; neither truth values nor others."""
    params = {
        "seed": 1,
        "trainer": {"random_seed": 2, "seeds": 3},
        "seed_everything": 4,
        "reseed": 5,
        "a.seed": True,
    }
    assert seeds_in(params) == {"seed": 1, "trainer.random_seed": 2, "seed_everything": 4}


def test_seeds_of_configurations_are_seeds(tmp_path: Path) -> None:
    """What Hydra and Lightning only know as a parameter is what the run was seeded with."""
    files = {
        "hydra/.hydra/config.yaml": "seed: 7\nmodel:\n  depth: 3\n",
        "hydra/.hydra/hydra.yaml": "hydra:\n  job: {name: train}\n",
        "hydra/.hydra/overrides.yaml": "[]\n",
        "lightning_logs/version_0/hparams.yaml": "seed_everything: 8\n",
        "lightning_logs/version_0/metrics.csv": "epoch,step,loss\n0,0,1.5\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with labtop.open(tmp_path) as store:
        found = {
            record.source.tracker: dict(record.randomness.seeds)
            for record in map(store.record, store.runs()["id"])
        }
    assert found == {"hydra": {"seed": 7}, "lightning": {"seed_everything": 8}}
