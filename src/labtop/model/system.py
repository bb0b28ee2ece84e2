"""Names of the metrics that say how the machine did. They are measured, not chosen: no run is better for them."""

from __future__ import annotations

SYSTEM = "system/"
"""What their names begin with."""


def is_system(metric: str) -> bool:
    """Whether a metric says how the machine did, and is kept out of rankings, comparisons and default columns."""
    return metric.startswith(SYSTEM)
