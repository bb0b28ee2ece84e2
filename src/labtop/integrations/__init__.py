"""Hooks into training frameworks, one file each. A framework is imported by its own file only, and only there.

`from labtop.integrations.lightning import LabtopLogger` and its like need the framework; `import labtop` never does.
"""
