"""Runs that wrote TensorBoard event files.

`folders` knows which folders are a run and which only a part of one, `facts` what texts and plugins say of it, `state`
how far files were read, `points` puts scalars into curves, `reading` reads a run, and `source` is what the rest sees.
"""

from labtop.sources.tensorboard.source import TensorBoard as TensorBoard
