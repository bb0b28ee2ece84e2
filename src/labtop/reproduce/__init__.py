"""From a record to the commands that bring the run back."""
