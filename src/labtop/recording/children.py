"""The end of a forked child that logged: Python's own end does not come there.

`multiprocessing` ends its children by `os._exit`, past `atexit`; what it does call are its own finalizers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def at_end_of_child(end: Callable[[BaseException | None], None]) -> None:
    """Have `end` called with the exception that leaves this child of `multiprocessing`, or None.

    Nothing happens in a child that another library forked, or the program itself. What is asked for before such a
    child runs its own code is forgotten: ask when there is something to end.
    """
    if (util := sys.modules.get("multiprocessing.util")) is None:
        return
    finalize: Any = util.Finalize
    finalize(None, lambda: end(sys.exception()), exitpriority=100)
