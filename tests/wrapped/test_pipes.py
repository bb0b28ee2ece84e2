"""With pipes and files a command behaves under `labtop run` as it does without, and the record says what happened."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from labtop.model.run import Status
from labtop.store.layout import run_folders
from labtop.store.reader import read_record
from tests.wrapped.conftest import PATIENCE_S, RunLine, output_of, record_of


def test_a_bash_script_is_recorded(line: RunLine, folder: Path) -> None:
    """Arguments, name, output, end, environment and hardware."""
    (folder / "job.sh").write_text("echo working on $1\necho done >&2\n")
    done = line("--project", "p", "--param", "lr=0.1", "--tag", "a", "--", "bash", "job.sh", "x y")
    record = record_of(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"working on x y\n", b"done\n")
    assert record.command.argv == ("bash", "job.sh", "x y")
    assert (record.command.entry_point or "").endswith("job.sh")
    assert (record.project, record.name[:4], record.status) == ("p", "job-", Status.FINISHED)
    assert (record.params, record.life.tags, record.life.exit_code) == ({"lr": 0.1}, ("a",), 0)
    assert record.environment.os
    assert record.hardware.memory_bytes
    assert sorted(output_of(folder).splitlines()) == ["done", "working on x y"]
    assert record.started_at is not None
    assert record.ended_at is not None
    assert (record.ended_at - record.started_at).total_seconds() < 5  # not what recording took


@pytest.mark.parametrize(
    ("command", "code", "status", "signal_name"),
    [
        ("exit 0", 0, Status.FINISHED, None),
        ("exit 3", 3, Status.FAILED, None),
        ("kill -TERM $$", -signal.SIGTERM, Status.KILLED, "SIGTERM"),
        ("kill -KILL $$", -signal.SIGKILL, Status.KILLED, "SIGKILL"),
        ("ulimit -c 0; kill -SEGV $$", -signal.SIGSEGV, Status.FAILED, "SIGSEGV"),
    ],
)
def test_the_end_is_the_command_s(
    line: RunLine, folder: Path, command: str, code: int, status: Status, signal_name: str | None
) -> None:
    """Exit codes as they are; a signal ends labtop too."""
    done = line("--", "sh", "-c", command)
    life = record_of(folder).life
    assert done.returncode == code
    assert (record_of(folder).status, life.signal) == (status, signal_name)
    assert life.exit_code == (code if code >= 0 else 128 - code)


def test_a_command_that_cannot_be_started(line: RunLine, folder: Path) -> None:
    """127 and 126 as in a shell, a sentence, and a failed run."""
    (folder / "plain.txt").write_text("no program")
    missing, forbidden = line("--", "no-such-program", "x"), line("--", "./plain.txt")
    assert (missing.returncode, forbidden.returncode) == (127, 126)
    assert b"cannot start 'no-such-program': no such command" in missing.stderr
    assert b"cannot start './plain.txt': Permission denied" in forbidden.stderr
    runs = [read_record(home) for home in run_folders(folder / "runs")]
    assert {(run.status, run.life.exit_code) for run in runs} == {(Status.FAILED, 127), (Status.FAILED, 126)}
    assert all(run.life.error is not None for run in runs)


def test_a_script_without_a_first_line_is_the_shell_s(line: RunLine, folder: Path) -> None:
    """As execvp has it."""
    (folder / "bare").write_text("echo from $0 $1\n")
    (folder / "bare").chmod(0o700)
    assert line("--", "./bare", "x").stdout == b"from ./bare x\n"


@pytest.mark.parametrize(
    "words", [(), ("--nope",), ("--param", "x", "--", "true"), ("--metrics", "x", "true")]
)
def test_a_wrong_line_starts_nothing(line: RunLine, folder: Path, words: tuple[str, ...]) -> None:
    """Exit code 2 and a sentence."""
    done = line(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(b"labtop: ")
    assert not (folder / "runs").exists()


def test_binary_input_and_output_pass_byte_for_byte(line: RunLine, folder: Path) -> None:
    """`cat` with all bytes there are; what is no text is an escape in the log."""
    content = bytes(range(256)) * 400
    done = line("--", "cat", stdin=content)
    assert done.stdout == content
    assert done.stderr == b""
    assert "\\xff" in output_of(folder)


def test_ten_megabytes_pass_whole(line: RunLine, folder: Path) -> None:
    """And the log keeps what it has room for."""
    code = "import sys\nfor at in range(100_000): sys.stdout.write(f'{at:099}\\n')"
    done = line("--", sys.executable, "-c", code, LABTOP_OUTPUT_MAX_BYTES="1000000")
    expected = b"".join(b"%099d\n" % at for at in range(100_000))
    assert hashlib.sha256(done.stdout).hexdigest() == hashlib.sha256(expected).hexdigest()
    assert 900_000 < len(output_of(folder)) < 1_000_200
    assert "output.log ends here" in output_of(folder)


def test_streams_that_are_one_keep_their_order(folder: Path) -> None:
    """`> log 2>&1`: what is written to both comes in the order it was written."""
    code = "import os\nfor at in range(200): os.write(1 + at % 2, b'%d\\n' % at)"
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "labtop", "run", "--", sys.executable, "-c", code]
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True, timeout=PATIENCE_S)
    assert (folder / "log").read_text().split() == [str(at) for at in range(200)]


def test_a_reader_that_has_enough_ends_it(folder: Path) -> None:
    """`labtop run -- yes | head -1`: the command gets SIGPIPE, as without labtop."""
    shell = f"{sys.executable} -m labtop run -- yes | head -1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.stdout == b"y\n"
    deadline = time.monotonic() + PATIENCE_S  # head ends before labtop does
    while (record := record_of(folder)).status is Status.RUNNING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (record.status, record.life.signal) == (Status.KILLED, "SIGPIPE")


def test_closed_streams_stay_closed(folder: Path) -> None:
    """The command finds them as it would without labtop."""
    code = "import os\ntry: os.fstat(2)\nexcept OSError as error: print(error.errno)"
    shell = f"{sys.executable} -m labtop run -- {sys.executable} -c '{code}' 2>&-"
    done = subprocess.run(["sh", "-c", shell], stdout=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.stdout == b"9\n"
    assert record_of(folder).status is Status.FINISHED


def test_a_process_left_behind_may_go_on_writing(folder: Path) -> None:
    """It holds the pipe; labtop ends with the command, and the rest still arrives."""
    late = folder / "go"
    code = f"(while [ ! -e {late} ]; do sleep 0.05; done; echo late) & echo now"
    command = [sys.executable, "-m", "labtop", "run", "--", "sh", "-c", code]
    started = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert started.stdout is not None
    with started.stdout as stdout:
        assert stdout.readline() == b"now\n"
        assert started.wait(PATIENCE_S) == 0
        late.touch()
        assert stdout.read() == b"late\n"
    assert output_of(folder) == "now\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_is_passed_on(folder: Path, name: str) -> None:
    """To labtop alone: the command gets it, and both die of it."""
    code = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint('ready', flush=True)\n"
    started, _ = _start(code + "time.sleep(60)")
    started.send_signal(getattr(signal, name))
    assert started.wait(PATIENCE_S) == -getattr(signal, name)
    record = record_of(folder)
    assert (record.status, record.life.signal) == (Status.KILLED, name)


def _start(code: str) -> tuple[subprocess.Popen[bytes], bytes]:
    command = [sys.executable, "-m", "labtop", "run", "--", sys.executable, "-c", code]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdout is not None
    return started, started.stdout.readline()


def test_a_command_that_saves_and_ends_well_after_sigterm_was_killed(folder: Path) -> None:
    """As schedulers make programs do; the exit code stays the command's."""
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    started, _ = _start(code + "print('ready', flush=True)\ntime.sleep(60)")
    started.terminate()
    assert started.wait(PATIENCE_S) == 0
    record = record_of(folder)
    assert (record.status, record.life.signal, record.life.exit_code) == (Status.KILLED, "SIGTERM", 0)


def test_ignored_signals_stay_ignored(folder: Path) -> None:
    """nohup means it, for labtop and for the command."""
    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    shell = f'trap "" HUP; exec {sys.executable} -m labtop run -- {sys.executable} -c "{code}"'
    done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.stdout == b"True\n"


def test_the_command_starts_with_the_signals_that_labtop_got(line: RunLine) -> None:
    """None blocked, and SIGPIPE not ignored as Python has it."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")

    def masks(status: bytes) -> list[int]:
        lines = [each.split() for each in status.splitlines() if each.startswith((b"SigBlk:", b"SigIgn:"))]
        return [int(mask, 16) & 0x7FFFFFFF for _, mask in lines]  # above are the C library's own

    bare = subprocess.run(["cat", "/proc/self/status"], capture_output=True, check=False)
    assert masks(line("--", "cat", "/proc/self/status").stdout) == masks(bare.stdout)


def test_a_killed_labtop_leaves_a_crashed_run(folder: Path) -> None:
    """The command finds its pipes closed."""
    code = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.05); print('more', flush=True)"
    started, _ = _start(code)
    (child,) = psutil.Process(started.pid).children()
    deadline = time.monotonic() + PATIENCE_S
    while not list(folder.glob("runs/*/*/run.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.kill()
    started.communicate(timeout=PATIENCE_S)
    child.wait(PATIENCE_S)
    from labtop.store.status import BeatHistory, infer_status

    assert infer_status(record_of(folder), BeatHistory()) is Status.CRASHED


def test_secrets_are_kept_out(line: RunLine, folder: Path) -> None:
    """Of arguments, parameters and output; the command itself sees them."""
    token = "ghp_" + "a1B2" * 9
    done = line("--param", f"api_key={token}", "--", "echo", "--token", token)
    assert token.encode() in done.stdout
    assert record_of(folder).command.argv == ("echo", "--token", "${TOKEN}")
    assert token not in output_of(folder)
    for path in (folder / "runs").rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()


def test_a_nested_line_is_a_child_run(line: RunLine, folder: Path) -> None:
    """With the outer run as its parent, in the same store."""
    nested = [sys.executable, "-m", "labtop", "run", "--name", "inner", "--", "echo", "x"]
    done = line("--name", "outer", "--", "sh", "-c", f"cd / && {' '.join(nested)}")
    runs = {run.name: run for run in map(read_record, run_folders(folder / "runs"))}
    assert done.stdout == b"x\n"
    assert runs["inner"].life.parent_id == runs["outer"].id


def test_disabled_is_the_command_alone(line: RunLine, folder: Path) -> None:
    """Nothing is recorded, and labtop becomes the command."""
    done = line("--", "sh", "-c", "echo $$ $LABTOP_RUN_ID; exit 4", LABTOP_MODE="disabled")
    assert (done.returncode, len(done.stdout.split())) == (4, 1)
    assert not (folder / "runs").exists()


def test_a_store_that_cannot_be_made_costs_nothing(line: RunLine, folder: Path) -> None:
    """The command runs, and labtop says where the run went."""
    (folder / "runs").write_text("a file")
    done = line("--", "echo", "x")
    assert (done.returncode, done.stdout) == (0, b"x\n")
    assert b"cannot write to the store" in done.stderr


def test_code_is_recorded_while_the_command_runs(
    line: RunLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit, and the script by its path in the repository; reproducing gives the command back."""
    from tests.recording.conftest import git

    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "true")
    (folder / "train.sh").write_text("echo $1\n")
    (folder / ".gitignore").write_text("runs\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "begin")
    line("--", "bash", "train.sh", "a b")
    record = record_of(folder)
    assert record.code.commit == git(folder, "rev-parse", "HEAD")
    assert (record.command.entry_point, record.command.cwd) == ("train.sh", ".")
    shown = subprocess.run(
        [sys.executable, "-m", "labtop", "reproduce", record.id], capture_output=True, text=True, check=True
    )
    assert "bash train.sh 'a b'" in shown.stdout.splitlines()


def test_the_packages_are_those_of_the_command_s_own_python(line: RunLine, folder: Path) -> None:
    """Named on the line or in the first line of a script; here a Python in which next to nothing is installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "other")], check=True)
    site = next((folder / "other").glob("lib/python*/site-packages"))
    (site / "only_here-1.5.dist-info").mkdir()
    (site / "only_here-1.5.dist-info" / "METADATA").write_text("Name: only-here\nVersion: 1.5\n\n")
    (folder / "tool").write_text(f"#!{folder}/other/bin/python\nprint('x')\n")
    (folder / "tool").chmod(0o700)
    line("--store", "a", "--", "other/bin/python", "-c", "print(1)")
    line("--store", "b", "--", "./tool")
    line("--store", "c", "--", "sh", "-c", "true", PATH=f"{folder}/other/bin:{os.environ['PATH']}")
    for store in "abc":
        (home,) = run_folders(folder / store)
        environment = read_record(home).environment
        assert environment.packages == {"only-here": "1.5"}
        assert environment.python == ".".join(map(str, sys.version_info[:3]))
        assert (home / "environment" / "requirements.txt").read_text() == "only-here==1.5\n"


def test_ctrl_c_while_git_does_not_answer_writes_what_there_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command has ended well; only its code stays unknown."""
    (folder / ".git").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "git").write_text(
        f"#!/bin/sh\ntouch {folder}/asked\nwhile [ ! -e {folder}/go ]; do sleep 0.1; done\n"
    )
    (folder / "bin" / "git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("LABTOP_CAPTURE_CODE", "true")
    started = subprocess.Popen([sys.executable, "-m", "labtop", "run", "--", "true"], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (folder / "asked").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)  # the command itself is over long since
        started.send_signal(signal.SIGINT)
        assert started.wait(PATIENCE_S) == 0
    finally:
        (folder / "go").touch()
        started.communicate()
    record = record_of(folder)
    assert (record.status, record.life.exit_code) == (Status.FINISHED, 0)
    assert "interrupted before" in (record.life.degraded or "")
