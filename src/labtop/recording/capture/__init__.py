"""What is captured when a run starts: code, data, environment, hardware, randomness; and what is redacted."""
