"""Runs of Neptune as `neptune-exporter` wrote them: one long Parquet table a run, in parts.

`layout` knows the names of files, `attributes` what becomes of an attribute, `points` the series of numbers.
"""

from labtop.sources.neptune.source import Neptune as Neptune
