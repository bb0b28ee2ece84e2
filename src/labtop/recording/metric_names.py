"""Names of metrics: made safe once, and given the goals and x axes that `define_metric` said for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from labtop.errors import UsageError

_GOALS = {"min": "min", "minimize": "min", "max": "max", "maximize": "max"}
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class MetricRule:
    """What `define_metric` said: `pattern` is a name or a glob."""

    pattern: str
    goal: str | None = None
    step_metric: str | None = None

    def fits(self, name: str) -> bool:
        """Whether the rule speaks of this metric."""
        return name == self.pattern or fnmatchcase(name, self.pattern)


def parse_goal(goal: str | None, summary: str | None) -> str | None:
    """`min` or `max` from the words that trackers use. A summary of min or max says as much.

    Raises:
        UsageError: the goal is another word.
    """
    if goal is None:
        wished = [_GOALS.get(word.strip()) for word in (summary or "").split(",")]
        return next((each for each in wished if each), None)
    try:
        return _GOALS[goal.lower()]
    except (KeyError, AttributeError):
        raise UsageError(f"no goal {goal!r} for a metric", "use 'min' or 'max'") from None


class MetricNames(dict[object, str]):
    """Logged name → recorded name. A name that is seen for the first time is cleaned and announced to `on_new`.

    `plain` are the names that were seen and stay as they are.
    """

    def __init__(self, clean: Callable[[str], str], on_new: Callable[[str], None]) -> None:
        super().__init__()
        self.plain: set[object] = set()
        self._clean = clean
        self._on_new = on_new

    def __missing__(self, given: object) -> str:
        """Called by the dictionary for a name it doesn't hold: once a name, so `log` stays fast."""
        name = self._clean(str(given))
        name = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        self[given] = name
        if type(given) is str and given == name:
            self.plain.add(given)
        self._on_new(name)
        return name


class MetricRules:
    """All rules of a run. The last rule that says something wins, and an exact name beats a glob."""

    def __init__(self) -> None:
        self._rules: list[MetricRule] = []

    def add(self, rule: MetricRule) -> None:
        """Add a rule."""
        self._rules.append(rule)

    def goal(self, name: str) -> str | None:
        """Where this metric should go."""
        return next((rule.goal for rule in self._fitting(name) if rule.goal), None)

    def step_metric(self, name: str) -> str | None:
        """The metric that is this one's x axis."""
        found = next((rule.step_metric for rule in self._fitting(name) if rule.step_metric), None)
        return found if found != name else None

    def _fitting(self, name: str) -> list[MetricRule]:
        fitting = [rule for rule in reversed(self._rules) if rule.fits(name)]
        return sorted(fitting, key=lambda rule: rule.pattern != name)
