"""Configuration files that the command line names, and those that Hydra wrote, are kept with the run."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from labtop.model.run import Command, ConfigFile, RunRecord
from labtop.model.score import score_record
from labtop.reproduce.config_files import plan_config_files
from tests.recording.conftest import RunScript, only_record

SCRIPT = "import labtop; labtop.init()"
HYDRA = """
import pathlib, sys, types
import labtop
out = pathlib.Path("outputs/1")
(out / ".hydra").mkdir(parents=True)
(out / ".hydra/config.yaml").write_text("lr: 0.1\\n")
(out / ".hydra/overrides.yaml").write_text("- lr=0.1\\n")
runtime = types.SimpleNamespace(output_dir=str(out))
facts = types.SimpleNamespace(runtime=runtime, output_subdir=".hydra")
module = types.ModuleType("hydra.core.hydra_config")
module.HydraConfig = types.SimpleNamespace(initialized=lambda: True, get=lambda: facts)
sys.modules["hydra.core.hydra_config"] = module
labtop.init()
"""


def test_files_that_arguments_name(folder: Path, run_script: RunScript) -> None:
    """In every way of naming one; a name taken twice gets a number; what is no configuration is left alone."""
    (folder / "sub").mkdir()
    (folder / "a.yaml").write_text("lr: 0.1\n")
    (folder / "sub/a.yaml").write_text("lr: 0.2\n")
    (folder / "b.toml").write_text("x = 1\n")
    (folder / "c.args").write_text("--x\n")
    (folder / "data.csv").write_text("1\n")
    (folder / "large.json").write_text('{"a": ' + "1" * 1_000_000 + "}")
    arguments = (
        "--config",
        "a.yaml",
        "--config=sub/a.yaml",
        "cfg=b.toml",
        "@c.args",
        "data.csv",
        "large.json",
        "no.yaml",
    )
    run_script(SCRIPT, *arguments)
    record = only_record(folder / "runs")
    files = {each.kept: each for each in record.command.config_files}
    assert list(files) == ["config/a.yaml", "config/a-2.yaml", "config/b.toml", "config/c.args"]
    kept = next((folder / "runs").glob("*/*/config/a-2.yaml"))
    assert kept.read_text() == "lr: 0.2\n"
    assert files["config/a-2.yaml"] == ConfigFile(
        path=str(folder / "sub/a.yaml"),
        sha256=hashlib.sha256(b"lr: 0.2\n").hexdigest(),
        bytes=8,
        kept="config/a-2.yaml",
    )


def test_secrets_in_configuration_files(folder: Path, run_script: RunScript) -> None:
    """Are taken out; a file of keys is not kept, which the score says."""
    (folder / "a.yaml").write_text("lr: 0.1\napi_key: q7h3x9k2m5v8\nmax_tokens: 5\n")
    (folder / "secrets.yaml").write_text("q7h3x9k2m5v9\n")
    run_script(SCRIPT, "--config", "a.yaml", "--keys", "secrets.yaml")
    record = only_record(folder / "runs")
    first, second = record.command.config_files
    assert (first.kept, first.reason) == ("config/a.yaml", "secrets were taken out")
    assert (second.kept, second.sha256) == (None, None)
    kept = next((folder / "runs").glob("*/*/config/a.yaml")).read_text()
    assert kept == "lr: 0.1\napi_key: ${API_KEY}\nmax_tokens: 5\n"
    score = score_record(record)["configuration"]
    assert (score.state, score.reasons) == (
        "partial",
        (f"configuration files not kept: {folder}/secrets.yaml",),
    )


def test_what_hydra_composed(folder: Path, run_script: RunScript) -> None:
    """A stand-in for Hydra's own object: the files are where it says."""
    run_script(HYDRA)
    files = only_record(folder / "runs").command.config_files
    assert [each.kept for each in files] == ["config/hydra-config.yaml", "config/hydra-overrides.yaml"]
    assert next((folder / "runs").glob("*/*/config/hydra-config.yaml")).read_text() == "lr: 0.1\n"


def test_a_run_without_any(folder: Path, run_script: RunScript) -> None:
    """Has no folder for them."""
    run_script(SCRIPT, "--lr", "0.1")
    assert only_record(folder / "runs").command.config_files == ()
    assert [*(folder / "runs").glob("*/*/config")] == []


def test_a_wrapped_command_keeps_them_too(folder: Path) -> None:
    """`labtop run`, whatever the language of the command."""
    (folder / "a.yaml").write_text("lr: 0.1\n")
    line = [sys.executable, "-m", "labtop", "run", "--", "cat", "a.yaml"]
    done = subprocess.run(line, capture_output=True, check=True, timeout=60)
    assert done.stdout == b"lr: 0.1\n"
    (file,) = only_record(folder / "runs").command.config_files
    assert file.kept == "config/a.yaml"


def test_a_plan_puts_them_back(tmp_path: Path) -> None:
    """Where the tree has none; a file of the tree's own stays, and one elsewhere is compared."""
    (tmp_path / "run/config").mkdir(parents=True)
    (tmp_path / "run/config/a.yaml").write_text("lr: 0.1\n")
    (tmp_path / "same.yaml").write_text("x\n")
    digest = hashlib.sha256(b"x\n").hexdigest()
    files = (
        ConfigFile(path="conf/it's a.yaml", kept="config/a.yaml", sha256="x"),
        ConfigFile(path="there.yaml", kept="config/a.yaml", sha256="x", reason="secrets were taken out"),
        ConfigFile(path=str(tmp_path / "same.yaml"), sha256=digest, kept="config/a.yaml"),
        ConfigFile(path="/nowhere/b.yaml", kept="config/a.yaml"),
        ConfigFile(path="../../evil.yaml", kept="../../../etc/passwd"),
        ConfigFile(path="out/.hydra/config.yaml", kept="config/hydra-config.yaml"),
    )
    record = RunRecord(id="x", name="x", project="p", command=Command(config_files=files))
    part = plan_config_files(record, tmp_path / "run")
    assert [each.state for each in part.findings] == ["ok", "warn", "ok", "missing", "missing"]
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "there.yaml").write_text("own\n")
    script = f"set -e\ntree={tree}\nrun={tmp_path / 'run'}\n" + "\n".join(part.steps[0].lines)
    subprocess.run(["sh", "-c", script], check=True)
    assert (tree / "conf/it's a.yaml").read_text() == "lr: 0.1\n"
    assert (tree / "there.yaml").read_text() == "own\n"
    assert not (tmp_path.parent / "evil.yaml").exists()
