"""The workspace of a DVC project as a run: what the files of metrics that `dvc.yaml` names say now.

It is one only where such a file is there that is none of DVCLive (whose folders are runs by themselves).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from labtop.formats.dvc_files import Stage, locked_stages, pipeline_of
from labtop.model.run import RunRecord, Source, Status
from labtop.sources.dvc.project import add_metrics, read_project
from labtop.sources.dvc.tree import Cache, WithCache, Workspace
from labtop.sources.dvc_stages import is_as_locked
from labtop.sources.references import inside
from labtop.sources.side_files import Problems, SideFiles, files_below, last_write
from labtop.sources.source import RunRead

KEY = "workspace"
FILES = ("dvc.yaml", "dvc.lock", "params.yaml")


def metric_files(root: Path) -> list[str]:
    """The files of metrics that `dvc.yaml` names and that are there, but those of DVCLive folders."""
    files = SideFiles(root)
    if not (root / "dvc.yaml").is_file():
        return []
    pipeline = pipeline_of(
        files.yaml("dvc.yaml", is_core=True), locked_stages(files.yaml("dvc.lock", is_core=True))
    )
    return [path for path in pipeline.metrics if _is_there(root, path) and not _is_live(root, path)]


def _is_there(root: Path, path: str) -> bool:
    where = inside(root, path)
    return where is not None and where.is_file() and not where.is_symlink()


def _is_live(root: Path, path: str) -> bool:
    folder = PurePosixPath(path).parent
    return path.endswith("metrics.json") and (
        folder.name.startswith("dvclive") or (root / folder / "plots/metrics").is_dir()
    )


def read_workspace(root: Path, paths: list[str]) -> RunRead:
    """Read it; `paths` are the files of metrics."""
    problems = Problems()
    lives = [root / folder for folder in _live_folders(root)]
    names = [*FILES, *paths]
    for live in lives:
        names += (each.relative_to(root).as_posix() for each in files_below(live / "plots" / "metrics", 1))
        names.append(f"{live.relative_to(root).as_posix()}/params.yaml")
    workspace = WithCache(Workspace(root, names), Cache(root), problems)
    told = read_project(workspace, problems, with_metrics=False)
    told.files = paths
    told.stages = [(prefix, stage) for prefix, stage in told.stages if _is_current(root, stage, paths)]
    add_metrics(workspace, problems, told)
    record = RunRecord(
        id="",
        name=root.name,
        project=root.name,
        status=Status.UNKNOWN,
        params=told.params,
        metrics=told.metrics,
        summary=told.summary,
    )
    record = told.add_to(record, root, None)
    source = Source(tracker="dvc", uri=str(root), run_id=KEY, problems=problems.all())
    return RunRead(
        key=KEY,
        record=replace(record, source=source),
        folder=lives[0] if len(lives) == 1 else root,
        last_write=last_write(root / path for path in paths),
    )


def _is_current(root: Path, stage: Stage, paths: list[str]) -> bool:
    """Whether the metrics that a stage wrote are still those that are there."""
    return all(is_as_locked(root, out) for out in stage.outs if out.path in paths)


def _live_folders(root: Path) -> list[str]:
    files = SideFiles(root)
    pipeline = pipeline_of(
        files.yaml("dvc.yaml", is_core=True), locked_stages(files.yaml("dvc.lock", is_core=True))
    )
    found = (PurePosixPath(path).parent.as_posix() for path in pipeline.metrics if _is_live(root, path))
    return [
        each for each in dict.fromkeys(found) if inside(root, each) is not None and (root / each).is_dir()
    ]
