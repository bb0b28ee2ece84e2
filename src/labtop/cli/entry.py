"""Where the `labtop` command begins: what must start at once does so here, all else goes to the table of verbs.

`labtop run` starts its command, and `labtop PATH` its screen, before click is imported: that takes a tenth of a start.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False  # as typing has it, whose import costs more than all of this file
if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
_MANY_OBJECTS = 300_000


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)  # until the verb, or the UI, knows what to do about Ctrl-C
    if sys.argv[1:2] == ["run"]:
        from labtop.cli.run_line import main as run_line

        code = run_line(sys.argv[2:])
        sys.stdout.flush()
        sys.stderr.flush()
        # all is written; taking the interpreter apart would take longer than the rest of the end
        os._exit(code)
    if _is_for_the_screen(sys.argv[1:]):
        from labtop.cli.diagnostics import guard
        from labtop.cli.screen import open_screen

        sys.exit(guard(lambda: open_screen(sys.argv[1] if sys.argv[1:] else None, None)))
    # thousands of runs are made of a million objects, of which none is garbage: to look for some all the time took
    # a sixth of a first opening
    gc.set_threshold(_MANY_OBJECTS)
    from labtop.cli.main import main as run_verb

    try:
        run_verb()
    except SystemExit as end:
        if isinstance(end.code, int):
            _end(end.code)
        raise


def _end(code: int) -> None:
    """End the process as Python does, but for taking apart what it holds: of thousands of runs a tenth of all the time.

    Where a thread is still at something, that is left to Python, which waits for it.
    """
    import atexit
    import threading

    if threading.active_count() > 1:
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C while modules are imported, or while Python takes itself apart: no traceback."""
    os._exit(INTERRUPTED)


def _is_for_the_screen(arguments: list[str]) -> bool:
    """Whether the line is `labtop` or `labtop PATH`; a mistyped verb, say, is for click."""
    if not arguments:
        return True
    word = arguments[0]
    verb = os.path.join(os.path.dirname(__file__), "verbs", f"{word}.py")  # noqa: PTH118, PTH120  # pathlib costs 10 ms
    is_verb = word.isidentifier() and os.path.exists(verb)  # noqa: PTH110
    return len(arguments) == 1 and not word.startswith("-") and not is_verb and os.path.exists(word)  # noqa: PTH110
