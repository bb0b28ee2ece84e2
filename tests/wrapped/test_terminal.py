"""On a terminal a command behaves under `labtop run` as it does without: real ptys, real keys."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from labtop.model.run import Status
from tests.terminal import Terminal
from tests.wrapped.conftest import OpenLine, output_of, record_of

ISATTY = f"{sys.executable} -c 'import os; print([os.isatty(at) for at in range(3)])'"


@pytest.mark.parametrize(
    ("shell", "said"),
    [
        (ISATTY, "[True, True, True]"),
        (f"{ISATTY} 2>err", "[True, True, False]"),
        (f"{ISATTY} | cat", "[True, False, True]"),
        (f"echo x | {ISATTY}", "[False, True, True]"),
        (f"{ISATTY} < /dev/null", "[False, True, True]"),
    ],
)
def test_each_stream_is_a_terminal_where_it_was_one(
    on_terminal: OpenLine, folder: Path, shell: str, said: str
) -> None:
    """Asked stream by stream, with labtop inside of the redirections."""
    labtop = f"{sys.executable} -m labtop run -- {ISATTY}"
    terminal = Terminal("-c", _shell(folder, shell.replace(ISATTY, labtop)))
    try:
        code, written = terminal.ended()
    finally:
        terminal.close()
    assert (code, written.decode().strip()) == (0, said)


def _shell(folder: Path, line: str) -> str:
    return f"import os; os.chdir({str(folder)!r}); os.execvp('sh', ['sh', '-c', {line!r}])"


def test_the_size_is_the_terminal_s_and_follows_it(on_terminal: OpenLine) -> None:
    """SIGWINCH reaches the command when the window changes."""
    code = "trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done"
    terminal = on_terminal("--", "bash", "-c", code, columns=101, rows=31)
    terminal.wait_for(b"31 101")
    terminal.resize(77, 22)
    terminal.wait_for(b"22 77")


def test_ctrl_c_reaches_the_command_once(on_terminal: OpenLine, folder: Path) -> None:
    """The command dies of it, and so does labtop; the run is killed."""
    code = "import signal, time, sys\n"
    code += "def hit(*_):\n    print('hit', flush=True)\n    signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    code += "signal.signal(signal.SIGINT, hit)\nprint('ready', flush=True)\nwhile True: time.sleep(0.1)"
    terminal = on_terminal("--", sys.executable, "-c", code)
    terminal.wait_for(b"ready")
    os.write(terminal.fd, b"\x03")
    written = terminal.wait_for(b"hit") + terminal.settle().data
    assert written.count(b"hit") == 1
    code_then, _ = terminal.end(b"\x03")
    assert code_then == -signal.SIGINT
    assert record_of(folder).status is Status.KILLED
    assert record_of(folder).life.signal == "SIGINT"


def test_raw_mode_echo_and_end_of_input_are_the_command_s(on_terminal: OpenLine, folder: Path) -> None:
    """A password is not echoed, single keys arrive, Ctrl-D ends the input."""
    code = (
        "import getpass, sys, tty, termios\n"
        "print('got', len(getpass.getpass('Password: ')), flush=True)\n"
        "before = termios.tcgetattr(0); tty.setraw(0)\n"
        "print('key?', end='', flush=True); key = sys.stdin.buffer.raw.read(1)\n"
        "termios.tcsetattr(0, termios.TCSADRAIN, before)\n"
        "print('key', key, flush=True); print('rest', repr(sys.stdin.read()))\n"
    )
    terminal = on_terminal("--", sys.executable, "-c", code)
    terminal.wait_for(b"Password: ")
    os.write(terminal.fd, b"s3cret-word\r")
    written = terminal.wait_for(b"key?")
    assert b"got 11" in written
    assert b"s3cret" not in written
    os.write(terminal.fd, b"\x03")
    terminal.wait_for(b"key b'\\x03'")
    os.write(terminal.fd, b"abc\r\x04")
    code_then, rest = terminal.ended()
    assert code_then == 0
    assert b"rest 'abc\\n'" in rest
    assert "s3cret" not in output_of(folder)
    assert "rest 'abc\\n'\n" in output_of(folder)  # and no carriage returns


def test_bytes_reach_the_terminal_as_without_labtop(on_terminal: OpenLine, folder: Path) -> None:
    """Colours, line ends and a progress bar, byte for byte."""
    code = "import sys\nsys.stdout.write('\\x1b[31mred\\x1b[0m\\n')\n"
    code += "for at in range(50): sys.stdout.write(f'\\r{at}%'); sys.stdout.flush()\nprint()"
    bare = Terminal("-c", code)
    _, expected = bare.ended()
    bare.close()
    terminal = on_terminal("--", sys.executable, "-c", code)
    code_then, written = terminal.ended()
    assert (code_then, written) == (0, expected)
    assert output_of(folder).splitlines()[-1] == "49%"
    assert len(output_of(folder)) < 60  # most of the bar is not kept


def test_ctrl_z_stops_it_and_fg_goes_on(folder: Path) -> None:
    """In an interactive shell, as any job."""
    shell = f"import os; os.chdir({str(folder)!r}); os.environ['PS1'] = 'prompt> '; "
    shell += "os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])"
    terminal = Terminal("-c", shell)
    try:
        terminal.wait_for(b"prompt> ")
        code = "import sys; print('rea' + 'dy', flush=True); print('said', sys.stdin.readline())"
        os.write(terminal.fd, f'{sys.executable} -m labtop run -- {sys.executable} -c "{code}"\r'.encode())
        terminal.wait_for(b"ready")
        os.write(terminal.fd, b"\x1a")
        terminal.wait_for(b"Stopped")
        os.write(terminal.fd, b"jobs\r")
        terminal.wait_for(b"Stopped")
        os.write(terminal.fd, b"fg\r")
        terminal.wait_for(b"labtop run")
        os.write(terminal.fd, b"hello\r")
        if b"prompt> " not in terminal.wait_for(b"said hello"):
            terminal.wait_for(b"prompt> ")
        os.write(terminal.fd, b"echo code=$?\r")
        terminal.wait_for(b"code=0")
    finally:
        terminal.close()
    assert record_of(folder).status is Status.FINISHED


def test_a_process_left_behind_does_not_hold_it_up(on_terminal: OpenLine, folder: Path) -> None:
    """It keeps the terminal open; labtop ends with the command, and what is written later still shows."""
    late = folder / "go"
    code = f"(while [ ! -e {late} ]; do sleep 0.05; done; echo late) & echo now"
    shell = f"{sys.executable} -m labtop run -- sh -c '{code}'; echo over; touch {late}; sleep 1; cat"
    terminal = Terminal("-c", _shell(folder, shell))
    try:
        terminal.wait_for(b"over")
        terminal.wait_for(b"late")
    finally:
        terminal.close()
    assert record_of(folder).status is Status.FINISHED


def test_a_killed_labtop_leaves_a_usable_terminal(on_terminal: OpenLine, folder: Path) -> None:
    """The command's terminal is hung up, the real one has its modes again."""
    command = 'trap "echo hung up" HUP; echo ready; sleep 60'
    usable = "until stty -a | grep -q ' icanon'; do sleep 0.1; done; echo usable; cat"
    terminal = Terminal(
        "-c", _shell(folder, f"{sys.executable} -m labtop run -- sh -c '{command}'; {usable}")
    )
    try:
        terminal.wait_for(b"ready")
        (child,) = psutil.Process(terminal.pid).children()
        child.kill()
        written = terminal.wait_for(b"usable")
        if b"hung up" not in written:
            terminal.wait_for(b"hung up")
    finally:
        terminal.close()
