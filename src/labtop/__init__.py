"""Browse, compare and reproduce machine-learning experiments without leaving the terminal.

    import labtop

    with labtop.init(project="digits", config={"lr": 0.1}) as run:
        run.log({"loss": 0.3})

Everything here is loaded when it is first used: importing labtop costs a training script a millisecond.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False  # what typing would say, without importing it
if TYPE_CHECKING:
    from labtop.api import connect, diff, fsck, import_runs, open, reproduce, sync, views
    from labtop.errors import (
        AmbiguousRunError,
        FilterError,
        InputError,
        LabtopError,
        NewerFormatError,
        NoRunError,
        NoStoreError,
        QueryError,
        RecordingError,
        UsageError,
    )
    from labtop.model.values.confusion import ConfusionMatrix
    from labtop.model.values.curve import Curve
    from labtop.model.values.histogram import Histogram
    from labtop.model.values.image import Image
    from labtop.model.values.table import Table
    from labtop.model.values.text import Text
    from labtop.recording.current import (
        config,
        define_metric,
        finish,
        init,
        log,
        log_artifact,
        log_data,
        seed,
        seed_worker,
        summary,
        use_data,
    )
    from labtop.recording.run import Run
    from labtop.settings import Settings

    run: Run | None
    __version__: str

__all__ = [
    "AmbiguousRunError",
    "ConfusionMatrix",
    "Curve",
    "FilterError",
    "Histogram",
    "Image",
    "InputError",
    "LabtopError",
    "NewerFormatError",
    "NoRunError",
    "NoStoreError",
    "QueryError",
    "RecordingError",
    "Run",
    "Settings",
    "Table",
    "Text",
    "UsageError",
    "__version__",
    "config",
    "connect",
    "define_metric",
    "diff",
    "finish",
    "fsck",
    "import_runs",
    "init",
    "log",
    "log_artifact",
    "log_data",
    "open",
    "reproduce",
    "run",
    "seed",
    "seed_worker",
    "summary",
    "sync",
    "use_data",
    "views",
]

_HOMES = {
    "labtop.api": ("connect", "diff", "fsck", "import_runs", "open", "reproduce", "sync", "views"),
    "labtop.errors": (
        "AmbiguousRunError", "FilterError", "InputError", "LabtopError", "NewerFormatError", "NoRunError",
        "NoStoreError", "QueryError", "RecordingError", "UsageError",
    ),
    "labtop.model.values.confusion": ("ConfusionMatrix",),
    "labtop.model.values.curve": ("Curve",),
    "labtop.model.values.histogram": ("Histogram",),
    "labtop.model.values.image": ("Image",),
    "labtop.model.values.table": ("Table",),
    "labtop.model.values.text": ("Text",),
    "labtop.recording.current": (
        "config", "define_metric", "finish", "init", "log", "log_artifact", "log_data", "seed",
        "seed_worker", "summary", "use_data",
    ),
    "labtop.recording.run": ("Run",),
    "labtop.settings": ("Settings",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_ALSO_PACKAGES = ("reproduce", "views")  # functions of the API that share their name with a package


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    from importlib import import_module

    if name == "run":  # never remembered: it changes
        return import_module("labtop.recording.current").current_run()
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("labtop")
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'labtop' has no attribute {name!r}")
    if name not in _ALSO_PACKAGES:
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _CallablePackage(ModuleType):
    """`labtop.views` and `labtop.reproduce` once those packages are loaded: modules that can be called as the API."""

    def __call__(self, *arguments: object, **keywords: object) -> object:
        from importlib import import_module

        return getattr(import_module("labtop.api"), self.__name__.rpartition(".")[2])(*arguments, **keywords)


class _Labtop(ModuleType):
    """The module itself: notices when the import system puts such a package in the place of a function."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _ALSO_PACKAGES and type(value) is ModuleType:
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Labtop
