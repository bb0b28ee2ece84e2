"""Tables of runs that no tracker in particular wrote: a row a run, a row a step, or a row a point.

`words` tells what names of columns mean, `guess` what columns are for, `rules` what a person says they are for,
`places` which files are looked at, `rows` and `series` read them.
"""

from labtop.sources.tables.source import Tables as Tables
