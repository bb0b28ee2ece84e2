"""What a run is called that has no name but its folder: people call folders by what is in them, again and again."""

from __future__ import annotations

from pathlib import Path

PHASES = frozenset(
    ("train", "training", "validation", "valid", "val", "eval", "evaluation", "test", "testing", "dev")
)
"""What folders of one phase of a training are called: each is shown by TensorBoard as a run of its own."""

_GENERAL = PHASES | frozenset(
    (
        "log", "logs", "logdir", "log_dir", "tb", "tb_log", "tb_logs", "tensorboard", "tensorboard_logs", "runs", "run",
        "events", "summary", "summaries", "output", "outputs", "out", "results", "result", "lightning_logs", "csv_logs",
        "experiments", "checkpoints", "ckpt",
    )
)  # fmt: skip
_MOST_PARTS = 4


def name_of(folder: Path) -> str:
    """The name of the run in a folder: the folder's, with those above while it says nothing ("kwt1/logs/train")."""
    folder = folder.absolute()
    parts = [folder.name]
    for above in folder.parents:
        if parts[0].lower() not in _GENERAL or not above.name or len(parts) == _MOST_PARTS:
            break
        parts.insert(0, above.name)
    return "/".join(parts)


def project_of(folder: Path) -> str:
    """The project of the run in a folder: the nearest folder above its name that says something, or nothing.

    Lightning puts `version_N` into a folder that is called after the model, or else `lightning_logs`.
    """
    above = folder.absolute()
    for _ in range(name_of(folder).count("/") + 1):
        above = above.parent
    while above.name.lower() in _GENERAL and above.name:
        above = above.parent
    return above.name


def phase_of(folder: Path) -> str | None:
    """The phase whose figures lie in a folder, where its name is that of one ("train", "eval_heldout")."""
    name = folder.name.lower()
    return folder.name if name in PHASES or name.startswith("eval_") else None
