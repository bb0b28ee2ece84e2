"""`labtop run`: records any command in any language, without a change to it or to what its terminal shows.

What is needed to start the command imports next to nothing and runs first; all that records it is imported while the
command already runs.
"""
