"""However a process ends, the record says how. Real scripts, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import labtop
from labtop.model.run import Status
from labtop.store.layout import run_folders
from labtop.store.reader import read_points
from tests.recording.conftest import RunScript, only_record


def test_leaving_the_block_finishes(folder: Path) -> None:
    """With exit code 0 and a time."""
    with labtop.init() as run:
        run.log({"x": 1.0})
    record = only_record(folder / "runs")
    assert (record.status, record.life.exit_code) == (Status.FINISHED, 0)
    assert record.ended_at is not None
    assert labtop.run is None


def test_an_exception_is_recorded_as_failed(folder: Path) -> None:
    """Type, message and the line of the program; the exception goes on."""
    with pytest.raises(ZeroDivisionError), labtop.init():
        1 / 0  # noqa: B018
    record = only_record(folder / "runs")
    assert record.status is Status.FAILED
    assert record.life.error is not None
    assert (record.life.error.type, record.life.error.message) == ("ZeroDivisionError", "division by zero")
    assert "test_endings.py:" in record.life.error.where


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        (SystemExit(0), Status.FINISHED, 0),
        (SystemExit(3), Status.FAILED, 3),
        (KeyboardInterrupt(), Status.KILLED, 130),
    ],
)
def test_exits_and_interrupts_in_a_block(
    folder: Path, ending: BaseException, status: Status, code: int
) -> None:
    """sys.exit(0) is a good end; Ctrl-C is a signal."""
    with pytest.raises(type(ending)), labtop.init():
        raise ending
    record = only_record(folder / "runs")
    assert (record.status, record.life.exit_code) == (status, code)
    assert record.life.signal == ("SIGINT" if status is Status.KILLED else None)


def test_finish_with_an_exit_code_is_failed(folder: Path) -> None:
    """As in wandb."""
    labtop.init()
    labtop.finish(exit_code=2)
    record = only_record(folder / "runs")
    assert (record.status, record.life.exit_code) == (Status.FAILED, 2)


def test_a_script_that_just_ends_is_finished(folder: Path, run_script: RunScript) -> None:
    """Nobody needs to call finish."""
    run_script("import labtop; labtop.init(); labtop.log({'x': 1.0})")
    assert only_record(folder / "runs").status is Status.FINISHED


def test_an_uncaught_exception_is_failed_and_still_printed(folder: Path, run_script: RunScript) -> None:
    """The program's own excepthook is called as before."""
    code = """
import sys, labtop
def hook(kind, error, trace): print("my hook:", error, file=sys.stderr)
sys.excepthook = hook
labtop.init()
def step(): raise ValueError("diverged")
step()
"""
    done = run_script(code)
    record = only_record(folder / "runs")
    assert done.returncode == 1
    assert "my hook: diverged" in done.stderr
    assert record.status is Status.FAILED
    assert record.life.error is not None
    assert record.life.error.where == "script.py:6 in step"
    (run,) = run_folders(folder / "runs")
    assert "my hook: diverged" in (run / "output.log").read_text()


@pytest.mark.parametrize(
    ("end", "status", "code"),
    [
        ("sys.exit(4)", Status.FAILED, 4),
        ("sys.exit()", Status.FINISHED, 0),
        ("sys.exit('no data')", Status.FAILED, 1),
        ("\ntry: sys.exit(4)\nexcept SystemExit: labtop.log({'x': 1.0})", Status.FINISHED, 0),
    ],
)
def test_sys_exit_tells_the_exit_code(
    folder: Path, run_script: RunScript, end: str, status: Status, code: int
) -> None:
    """An exit that was caught is none."""
    run_script(f"import sys, labtop; labtop.init(); labtop.log({{'x': 0.0}}); {end}")
    record = only_record(folder / "runs")
    assert (record.status, record.life.exit_code) == (status, code)


SIGNALLED = """
import os, signal, sys, time, labtop
{before}
labtop.init()
labtop.log({{"x": 1.0}})
print("ready", flush=True)
os.kill(os.getpid(), signal.{name})
time.sleep(20)
{after}
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_is_recorded_and_still_ends_the_process(
    folder: Path, run_script: RunScript, name: str
) -> None:
    """The exit status stays the signal's; the points are sealed."""
    done = run_script(SIGNALLED.format(name=name, before="", after=""))
    record = only_record(folder / "runs")
    assert done.returncode == -getattr(signal, name)
    assert (record.status, record.life.signal) == (Status.KILLED, name)
    (run,) = run_folders(folder / "runs")
    assert [point.value for point in read_points(run)[0]] == [1.0]
    assert not list(run.glob("metrics/*.wal"))


def test_the_program_s_own_handler_is_called(folder: Path, run_script: RunScript) -> None:
    """And when it goes on, so does the run."""
    before = "signal.signal(signal.SIGTERM, lambda *_: print('saving', flush=True))"
    code = SIGNALLED.replace("time.sleep(20)", "").format(
        name="SIGTERM", before=before, after="labtop.log({'x': 2.0})"
    )
    done = run_script(code)
    record = only_record(folder / "runs")
    assert "saving" in done.stdout
    assert (done.returncode, record.status, record.life.signal) == (0, Status.FINISHED, "SIGTERM")


def test_a_handler_that_exits_leaves_a_killed_run(folder: Path, run_script: RunScript) -> None:
    """As schedulers make programs do: save, then sys.exit(0)."""
    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
    done = run_script(SIGNALLED.format(name="SIGTERM", before=before, after=""))
    record = only_record(folder / "runs")
    assert (done.returncode, record.status, record.life.signal) == (0, Status.KILLED, "SIGTERM")


def test_a_caught_interrupt_is_no_end(folder: Path, run_script: RunScript) -> None:
    """Ctrl-C to stop training early, then evaluate."""
    code = """
import os, signal, labtop
run = labtop.init()
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10**8): pass
except KeyboardInterrupt:
    run.log({"final": 1.0})
"""
    run_script(code)
    assert only_record(folder / "runs").status is Status.FINISHED


def test_a_kill_loses_no_point(folder: Path, run_script: RunScript) -> None:
    """kill -9 right after log returned."""
    code = (
        "import os, labtop; labtop.init(); [labtop.log({'x': i}) for i in range(50)]; os.kill(os.getpid(), 9)"
    )
    done = run_script(code)
    (run,) = run_folders(folder / "runs")
    assert done.returncode == -9
    assert [point.value for point in read_points(run)[0]] == list(range(50))
    assert only_record(folder / "runs").status is Status.RUNNING  # what it became is for readers to infer


def test_hooks_are_gone_after_the_last_run(folder: Path) -> None:
    """Nothing of ours stays behind."""
    before = (sys.excepthook, sys.exit, signal.getsignal(signal.SIGTERM), sys.stdout.write)
    with labtop.init():
        assert sys.excepthook != before[0]
    assert (sys.excepthook, sys.exit, signal.getsignal(signal.SIGTERM), sys.stdout.write) == before


def test_ignored_signals_stay_ignored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nohup sets SIGHUP to be ignored, and means it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with labtop.init():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_init_in_a_thread_leaves_signals_alone(folder: Path) -> None:
    """Only the main thread may set handlers."""
    from threading import Thread

    before = signal.getsignal(signal.SIGTERM)
    thread = Thread(target=lambda: labtop.init().finish())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert only_record(folder / "runs").status is Status.FINISHED


FORKING = """
import os, sys, labtop
run = labtop.init()
run.log({"x": 0.0})
child = os.fork()
if child == 0:
    print("from the child")
    %s
    sys.exit(0)
os.waitpid(child, 0)
run.log({"x": 1.0})
"""


@pytest.mark.parametrize("child_logs", [False, True])
def test_a_forked_child_never_touches_the_parent_s_files(
    folder: Path, run_script: RunScript, child_logs: bool
) -> None:
    """What it logs goes to a writer of its own; its end is not the run's."""
    done = run_script(FORKING % ("run.log({'x': 7.0}); run.finish()" if child_logs else "pass"))
    assert done.returncode == 0, done.stderr
    record = only_record(folder / "runs")
    (run,) = run_folders(folder / "runs")
    found, problems = read_points(run)
    writers = {point.writer for point in found}
    assert record.status is Status.FINISHED
    assert sorted(point.value for point in found) == ([0, 1, 7] if child_logs else [0, 1])
    assert len(writers) == (2 if child_logs else 1)
    assert not problems


def test_workers_that_are_terminated_do_not_end_the_run(folder: Path, run_script: RunScript) -> None:
    """A data loader stops its forked workers with SIGTERM."""
    code = """
import multiprocessing, time, labtop
if __name__ == "__main__":
    run = labtop.init()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=time.sleep, args=(10,)) for _ in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.terminate()
    for worker in workers: worker.join()
    run.log({"codes": sum(worker.exitcode for worker in workers)})
"""
    done = run_script(code)
    record = only_record(folder / "runs")
    assert done.returncode == 0, done.stderr
    assert record.status is Status.FINISHED
    assert record.life.signal is None
    assert record.metrics["codes"].last == -30


def test_a_new_init_finishes_the_run_before(folder: Path) -> None:
    """Loops over configurations need no finish; a run in a `with` stays open."""
    first = labtop.init()
    second = labtop.init()
    assert (first.has_ended, second.has_ended) == (True, False)
    with second:
        third = labtop.init()
        assert not second.has_ended
        assert labtop.run is third
        third.finish()
        assert labtop.run is second
        labtop.log({"outer": 1.0})
    assert second.has_ended


def test_an_exception_at_a_prompt_is_no_end(folder: Path) -> None:
    """In an interactive Python the run goes on."""
    lines = "import labtop\nrun = labtop.init()\n1 / 0\nrun.log({'x': 1.0})\nprint(run.has_ended)\n"
    done = subprocess.run([sys.executable, "-i"], input=lines, capture_output=True, text=True, env=os.environ)
    assert "False" in done.stdout
    record = only_record(folder / "runs")
    assert (record.status, record.metrics["x"].count) == (Status.FINISHED, 1)


def test_a_signal_during_the_end_waits_for_it(folder: Path, run_script: RunScript) -> None:
    """The end is written whole, and the process still dies of the signal."""
    code = """
import os, signal, labtop
run = labtop.init()
run.log({"x": 1.0})
close = run._facts.writer.close
def slow(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(10**5))
    return close(*arguments)
run._facts.writer.close = slow
run.finish()
print("not reached")
"""
    done = run_script(code)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")
    assert only_record(folder / "runs").status is Status.FINISHED


def test_several_processes_at_once_make_several_runs(folder: Path) -> None:
    """One store, no coordinator."""
    code = "import labtop; labtop.init(project='p'); labtop.log({'x': 1.0})"
    started = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(4)]
    assert [each.wait(60) for each in started] == [0] * 4
    assert len(list(run_folders(folder / "runs"))) == 4


def test_declared_facts_survive_kill_9_at_once(tmp_path: Path) -> None:
    """Seeds, inputs and artifacts are in the record as soon as their call returns."""
    script = (
        "import labtop, os, signal, sys\n"
        "run = labtop.init(project='p', store=sys.argv[1])\n"
        "run.seed(7)\n"
        "run.use_data(__file__, name='self')\n"
        "run.log_artifact('hello', name='note.txt')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "train.py").write_text(script)
    store = tmp_path / "runs"
    subprocess.run([sys.executable, "train.py", str(store)], cwd=tmp_path, check=False)
    record = only_record(store)
    assert record.randomness.seeds["python"] == 7
    assert record.randomness.flags["PYTHONHASHSEED"]
    assert [each.name for each in record.data] == ["self"]
    assert [each.name for each in record.artifacts] == ["note.txt"]
