"""What a person asks of runs: how they differ, how they group."""
