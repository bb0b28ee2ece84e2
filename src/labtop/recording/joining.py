"""Joining a run by environment: how a process that is started by another one records into the same run.

THE mechanism, for `labtop run`, for spawned workers and for people who hand a run id down themselves:

    LABTOP_STORE    the store, as an absolute path (the ordinary setting)
    LABTOP_PROJECT  the project (the ordinary setting)
    LABTOP_RUN_ID   the run that `labtop.init()` joins, instead of beginning one of its own
    LABTOP_PARENT   who invites: `command:<writer>` is `labtop run`, `worker:<writer>` a script that shares its run

`invite()` makes these variables for a child, `invitation()` reads them. What a child may do depends on who invited it:

- `command`: the program is what the run is about. It takes the record over while it lives (configuration, tags, seeds,
  code, summaries; the parameters that are there stay and are updated), but its end is not the end of the run: that is
  written by `labtop run`, which gets the record back, the program's facts in it, as soon as the program lets go.
  Several programs one after another take it over in turn; of several at once the first has it, or rank 0.
- `worker`: the script that invited keeps the record; the worker only writes points, with a writer of its own.
- none (LABTOP_RUN_ID alone, set by hand): as `init(id=…, resume="allow")`; while another process records that run, a
  worker of it.

An explicit `id=` or `resume=` of `init` that names another run wins over an invitation; `store=` and `project=` lose.

For `labtop run`: begin the run with a `RunWriter` whose `who` is `Writer(role="command", wants_record=True,
ends_run=True)`, put `invite(…, kind="command")` into the child's environment, and go on: the writer stops writing the
record while a program has it, takes in what the program wrote when it has ended, and `close()` writes the end. Facts
given meanwhile with `set_record` are merged in then, group by group (model/merge.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labtop.store.layout import is_run_id

RUN_ID = "LABTOP_RUN_ID"
PARENT = "LABTOP_PARENT"
STORE = "LABTOP_STORE"
PROJECT = "LABTOP_PROJECT"

Kind = Literal["command", "worker"]

_invited_by_us: dict[
    str, int
] = {}  # writer → the process that invited: its own environment is no invitation to itself


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the environment says of the run to join. `kind` is None for an id that was set by hand."""

    run_id: str
    kind: Kind | None = None
    parent: str | None = None


def invite(run_id: str, store: Path, project: str, kind: Kind, writer: str = "") -> dict[str, str]:
    """The environment variables with which a child process joins a run.

    Arguments:
        run_id: the run.
        store: the folder of its store.
        project: its project.
        kind: "command" for what `labtop run` starts, "worker" for a process that helps a script.
        writer: the identity of the writer that invites.
    """
    _invited_by_us[writer] = os.getpid()
    return {
        STORE: str(store.absolute()),
        PROJECT: project,
        RUN_ID: run_id,
        PARENT: f"{kind}:{writer}",
    }


def invitation(environment: Mapping[str, str] | None = None) -> Invitation | None:
    """The invitation in an environment (by default this process's); None where there is none."""
    variables = os.environ if environment is None else environment
    run_id = variables.get(RUN_ID, "").strip()
    if not run_id:
        return None
    word, _, writer = variables.get(PARENT, "").partition(":")
    if writer and _invited_by_us.get(writer) == os.getpid():
        return None
    kind: Kind | None = "command" if word == "command" else "worker" if word == "worker" else None
    parent = writer if is_run_id(writer) else None
    return Invitation(run_id, kind, parent)
