"""What is seeded, what could not be, what was seeded by the program itself, and what was forgotten."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import labtop
from labtop.model.run import Randomness
from labtop.recording.capture.seeds import randomness_now, seed_libraries
from tests.recording.conftest import RunScript, only_record


class Library:
    """A stand-in for a library: remembers the seeds it was given."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.random = SimpleNamespace(seed=self.seeds.append, set_seed=self.seeds.append)
        self.utils = SimpleNamespace(set_random_seed=self.seeds.append)
        self.config = SimpleNamespace(experimental=SimpleNamespace(enable_op_determinism=lambda: None))


@pytest.fixture
def is_prepared() -> bool:
    """What a script has imported is looked at here."""
    return False


@pytest.mark.parametrize("name", ["cupy", "keras", "tensorflow"])
def test_other_libraries_are_seeded(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each in its own way, once imported; stand-ins, since each takes hundreds of megabytes."""
    library: Any = Library()
    monkeypatch.setitem(sys.modules, name, library)
    assert seed_libraries(5, False).seeds[name] == 5
    assert library.seeds == [5]


def test_jax_needs_no_seed_and_has_one_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps no state: its programs make every key themselves, so it is never told to be unseeded."""
    jax: Any = SimpleNamespace(__name__="jax")
    monkeypatch.setitem(sys.modules, "jax", jax)
    assert seed_libraries(5, False).seeds["jax"] == 5
    assert "jax" not in randomness_now(Randomness(), frozenset()).imported


def torch_in_use(is_initialized: bool) -> Any:
    cudnn = SimpleNamespace(deterministic=False, benchmark=True)
    return SimpleNamespace(
        manual_seed=lambda seed: None,
        use_deterministic_algorithms=lambda on: None,
        backends=SimpleNamespace(cudnn=cudnn),
        cuda=SimpleNamespace(is_initialized=lambda: is_initialized),
        initial_seed=lambda: 2**40 + 3,
    )


@pytest.mark.parametrize("is_initialized", [True, False])
def test_determinism_that_comes_too_late_is_told(
    monkeypatch: pytest.MonkeyPatch, is_initialized: bool
) -> None:
    """cuBLAS reads its setting once; only who starts Python can fix how texts hash."""
    monkeypatch.setitem(sys.modules, "torch", torch_in_use(is_initialized))
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    advice = " ".join(seed_libraries(5, True).advice)
    assert ("CUDA was in use" in advice) is is_initialized
    assert "PYTHONHASHSEED=0" in advice
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    assert seed_libraries(5, True).advice == ()
    assert seed_libraries(5, False).advice == ()


def test_workers_are_seeded_from_the_seed_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a run, as in the workers of a DataLoader; each worker has another seed there."""
    monkeypatch.setitem(sys.modules, "torch", torch_in_use(False))
    labtop.seed_worker(0)
    first = (random.random(), np.random.rand())
    random.seed((2**40 + 3) % 2**32)
    np.random.seed((2**40 + 3) % 2**32)
    assert (random.random(), np.random.rand()) == first


@pytest.mark.parametrize(
    ("code", "seeds", "imported", "said"),
    [
        ("import labtop, random\nrun = labtop.init(); run.seed(1)", {"python": 1}, ("python",), ""),
        ("import labtop\nrun = labtop.init(); run.seed(1)\nimport numpy as np\nnp.random.rand()",
         {"python": 1, "numpy": 1}, ("numpy",), ""),
        ("import sys, types, labtop\nrun = labtop.init(); run.seed(1)\nsys.modules['cupy'] = types.ModuleType('cupy')",
         {"python": 1, "numpy": 1}, ("cupy",), "cupy was used and never seeded: call seed() after the import"),
        ("import numpy as np, labtop\nlabtop.init()\nnp.random.seed(3)", {}, (), ""),
        ("import numpy as np, labtop\nlabtop.init()\nnp.random.rand()", {}, ("numpy",), ""),
    ],
)  # fmt: skip
def test_what_was_forgotten_is_told_at_the_end(
    folder: Path,
    run_script: RunScript,
    code: str,
    seeds: dict[str, int],
    imported: tuple[str, ...],
    said: str,
) -> None:
    """On stderr where the program seeds something; a program that seeds numpy itself has forgotten nothing."""
    done = run_script(code, PYTHONHASHSEED="0")
    assert done.returncode == 0, done.stderr
    randomness = only_record(folder / "runs").randomness
    assert {name: seed for name, seed in randomness.seeds.items() if name in seeds} == seeds
    assert randomness.imported == imported
    assert said in done.stderr
    assert ("never seeded" in done.stderr) == bool(said)  # a slow disk may have a word too
    assert ("numpy.seeded" in randomness.flags) == ("np.random.seed" in code)
