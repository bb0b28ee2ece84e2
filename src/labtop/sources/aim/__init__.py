"""Aim repositories: what their SQLite database tells, and the rest through Aim's own package in another process."""
