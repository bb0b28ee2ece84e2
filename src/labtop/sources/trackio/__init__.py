"""Runs of Trackio: its databases, its inbox of fragments, and its exports as Parquet.

`layout` knows file names, `database` and `inbox` what a project was logged to, `export` the tables made of it, `log`
the values of one log call, `artifacts` what was linked to a run, `record` the words of a run.
"""

from labtop.sources.trackio.source import Trackio as Trackio
