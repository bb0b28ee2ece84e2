"""Records every model that a program fits with scikit-learn, with no change to its code.

    import labtop.integrations.sklearn
    labtop.integrations.sklearn.autolog()

What scikit-learn fits inside a fit (steps of a pipeline, candidates of a search, trees of a forest) counts as part
of it, and so does what another thread fits at the same moment. Transformers alone are no models.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial, wraps
from types import FunctionType
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection import _validation

from labtop.integrations.fitted import FitLog

_METHODS = ("fit", "score")
_busy = threading.Lock()  # held while a fit or score is recorded: what is called meanwhile is part of it
_undo: list[Callable[[], None]] = []


def autolog(*, training_score_rows: int = 10_000, max_candidates: int = 1000, **init: Any) -> None:
    """Record each `fit`, what `score` and `cross_validate` say, and the candidates of a search as runs of a group.

    Arguments:
        training_score_rows: training data of up to so many rows are scored after a fit; 0 for none.
        max_candidates: how many candidates of one search become runs.
        init: arguments of `labtop.init`, for fits while no run is open.
    """
    stop()
    log = FitLog(training_score_rows, max_candidates, init)
    for each in {base for kind in _below(BaseEstimator) for base in kind.__mro__}:
        _patch(each, log)
    _patch_later_ones(log)
    _replace(_validation, "cross_validate", log)


def stop() -> None:
    """Leave scikit-learn as it was before `autolog`."""
    while _undo:
        _undo.pop()()


def _below(kind: type) -> Iterator[type]:
    below: type
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)


def _patch_later_ones(log: FitLog) -> None:
    """A class that is made from now on, by an import or by the program, is patched as it is made."""
    own = BaseEstimator.__dict__.get("__init_subclass__")
    known = BaseEstimator.__init_subclass__.__func__

    def patch_subclass(cls: type, /, **keywords: Any) -> None:
        known(cls, **keywords)
        _patch(cls, log)

    BaseEstimator.__init_subclass__ = classmethod(patch_subclass)
    _undo.append(
        partial(setattr, BaseEstimator, "__init_subclass__", own)
        if own is not None
        else partial(delattr, BaseEstimator, "__init_subclass__")
    )


def _patch(kind: type, log: FitLog) -> None:
    for method in _METHODS:
        function = kind.__dict__.get(method)
        if isinstance(function, FunctionType):
            _replace(kind, method, log)
        elif isinstance(getattr(function, "fn", None), FunctionType):  # available_if(…)
            _replace(function, "fn", log, method)


def _replace(owner: Any, name: str, log: FitLog, event: str = "") -> None:
    original = getattr(owner, name)
    record = getattr(log, f"on_{event or name}")

    @wraps(original)
    def recorded(*arguments: Any, **keywords: Any) -> Any:
        if not _busy.acquire(blocking=False):
            return original(*arguments, **keywords)
        try:
            return record(original, arguments, keywords)
        finally:
            _busy.release()

    setattr(owner, name, recorded)
    _undo.append(partial(setattr, owner, name, original))
