"""What `labtop run` was asked to do, and where the run goes. Light: the command starts right after this."""

from __future__ import annotations

import os
import sys
from os import path

from labtop.errors import UsageError
from labtop.store.identity import new_identity


class Order:
    """The command and what was said about its run on the line."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.project: str | None = None
        self.name: str | None = None
        self.group: str | None = None
        self.job_type: str | None = None
        self.notes: str | None = None
        self.store: str | None = None
        self.step: str | None = None  # which key of a line, or column of a file, is the step
        self.tags: list[str] = []
        self.params: list[str] = []  # "key=value"
        self.metrics: list[str] = []  # rules; see rules.py

    def check(self) -> None:
        """Raises UsageError where a param is no pair."""
        for pair in self.params:
            name, sign, _ = pair.partition("=")
            if not sign or not name.strip():
                raise UsageError(f"--param {pair!r} is no pair", "write --param lr=0.1")


class Place:
    """Where a run goes: identities, an absolute store and a project, all told before anything heavy is imported."""

    def __init__(self, order: Order) -> None:
        self.run_id = new_identity()
        self.parent_id = os.environ.get("LABTOP_RUN_ID") or None
        self.is_disabled = os.environ.get("LABTOP_MODE") == "disabled"
        self.rules = list(order.metrics)
        store = order.store or os.environ.get("LABTOP_STORE")
        project = order.project or os.environ.get("LABTOP_PROJECT")
        if os.environ.get("LABTOP_RUN_METRICS") or _may_have_settings():
            from labtop.settings import Settings

            settings = Settings.load(store=order.store, project=order.project)
            store, project = settings.store, settings.project
            self.is_disabled = settings.mode == "disabled"
            self.rules = order.metrics or [*settings.run_metrics]
        self.store = path.abspath(path.expanduser(store or "runs"))  # noqa: PTH100, PTH111
        self.project = project or _default_project()
        named = {"project": order.project, "name": order.name, "group": order.group, "notes": order.notes}
        self.said = ",".join(name for name, value in named.items() if value)

    def environment(self) -> dict[str, str]:
        """The environment of the command: with what a `labtop.init()` in it needs to join (recording/joining.py)."""
        return {
            **os.environ,
            "LABTOP_STORE": self.store,
            "LABTOP_PROJECT": self.project,
            "LABTOP_RUN_ID": self.run_id,
            "LABTOP_PARENT": "command:",
            "LABTOP_RUN_SAID": self.said,
        }


def _may_have_settings() -> bool:
    """Whether there may be a settings file: on Linux without the library that knows the places of all platforms."""
    if os.environ.get("LABTOP_SETTINGS") or not sys.platform.startswith("linux"):
        return True
    home = os.environ.get("XDG_CONFIG_HOME", "").strip() or path.expanduser("~/.config")  # noqa: PTH111
    return path.exists(f"{home}/labtop/settings.toml")  # noqa: PTH110


def _default_project() -> str:
    """The name of the repository's folder, here or above, else of this folder."""
    here = up = os.getcwd()  # noqa: PTH109
    while not path.exists(f"{up}/.git"):  # noqa: PTH110
        above = path.dirname(up)  # noqa: PTH120
        if above == up:
            up = here
            break
        up = above
    return path.basename(up) or "project"  # noqa: PTH119
