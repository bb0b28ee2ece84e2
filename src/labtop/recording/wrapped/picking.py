"""Picks up metrics from what a command prints and from the files it writes, while it runs and once more at its end."""

from __future__ import annotations

import re
import time

from labtop.recording.wrapped.rules import Before, Rule, look_before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labtop.recording.wrapped.following import Follower
    from labtop.recording.wrapped.point_sink import PointSink

_LINE_END = re.compile(r"\r\n|\n|\r")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]{0,40}[a-zA-Z]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))")
_LONGEST_LINE = 65_536
_LOOK_COST = 20.0  # looking for files may take a twentieth of the time
_SHORTEST_S = 1.0


class Picker:
    """All rules of one run. Made before the command starts, to see the files as they are."""

    def __init__(self, rules: list[str], step_name: str | None = None) -> None:
        self._rules = [Rule(text) for text in rules]
        self._printed = [rule for rule in self._rules if rule.streams]
        self._in_files = [rule for rule in self._rules if rule.glob]
        self._step_name = step_name
        self._before: dict[str, Before] = look_before(self._in_files)
        self._rest: dict[str, str] = {}  # stream → its unfinished line
        self._followers: dict[str, Follower] = {}
        self._leads: dict[Rule, list[str]] = {}
        self._look_at = 0.0

    # -- what is printed -----------------------------------------------------------------------------------------

    @property
    def wants_output(self) -> bool:
        """Whether any rule is about what is printed."""
        return bool(self._printed)

    def take(self, stream: str, text: str, sink: PointSink) -> None:
        """Take printed text in pieces."""
        *lines, rest = _LINE_END.split(self._rest.pop(stream, "") + text)
        self._rest[stream] = rest[:_LONGEST_LINE]
        for line in lines:
            if line:
                self._read_line(stream, line[:_LONGEST_LINE], sink)

    def _read_line(self, stream: str, line: str, sink: PointSink) -> None:
        from labtop.formats.rows import json_rows, number_of, pairs_in, parse_json

        line = _ESCAPE.sub("", line).strip() if "\x1b" in line else line.strip()
        for rule in self._printed:
            if stream not in rule.streams:
                continue
            rows: list[dict[str, float]] = []
            if rule.pattern is not None:
                groups = rule.pattern.search(line)
                rows = [_named(groups.groupdict(), number_of)] if groups else []
            elif line.startswith("{") and line.endswith("}"):
                try:
                    rows = [*json_rows(parse_json(line))]
                except ValueError:  # a printed dictionary
                    rows = [pairs_in(line)]
            elif "=" in line or ":" in line:
                rows = [pairs_in(line)]
            for row in rows:
                sink.add(row, rule.text, self._step_name)

    # -- files ---------------------------------------------------------------------------------------------------

    def look(self, sink: PointSink) -> None:
        """Read what is new in the files; new files are looked for less often."""
        began = time.monotonic()
        if self._in_files and began >= self._look_at:
            for rule in self._in_files:
                for name in rule.files():
                    self._follow(rule, name)
            took = time.monotonic() - began
            self._look_at = began + max(_SHORTEST_S, took * _LOOK_COST)
        for follower in self._followers.values():
            follower.look(sink)

    def _follow(self, rule: Rule, name: str) -> None:
        from labtop.recording.wrapped.following import follower_of, prefix_of

        if name in self._followers:
            return
        before = self._before.get(name)
        try:
            if before is not None and before.is_untouched(name):
                return
            start = before.added_from(name) if before is not None else 0
        except OSError:
            return
        prefix = prefix_of(rule, name, self._leads.setdefault(rule, []))
        self._followers[name] = follower_of(rule.kind, name, start, prefix, self._step_name)

    def finish(self, sink: PointSink) -> None:
        """The command has ended: read what is left, and say what could not be read."""
        for stream in [*self._rest]:
            self.take(stream, "\n", sink)
        self._look_at = 0.0
        self.look(sink)
        for follower in self._followers.values():
            follower.finish(sink)
            if follower.bad:
                sink.facts.trouble(f"metrics {follower.name}", follower.complaint())
        for rule in self._in_files:
            if not self._leads.get(rule):
                sink.facts.refuse(
                    f"rule {rule.text}", f"--metrics {rule.text}: the command wrote no such file"
                )


def _named(groups: Mapping[str, str | None], number_of: Callable[[str], float | None]) -> dict[str, float]:
    """The numbers of a pattern's named groups; groups called `name` and `value` are one pair."""
    if groups.get("name") and groups.get("value"):
        groups = {**groups, str(groups["name"]): groups["value"]}
    numbers = {name: number_of(text.rstrip(",;)%")) for name, text in groups.items() if text}
    return {
        name: number
        for name, number in numbers.items()
        if number is not None and not ("name" in groups and name == "value")
    }
