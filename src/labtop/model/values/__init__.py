"""Values that are more than a number: what a run can log beside its metrics."""
