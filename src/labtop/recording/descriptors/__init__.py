"""Keeps what reaches descriptors 1 and 2 from child processes, C libraries and the system (`capture_output="fd"`)."""
