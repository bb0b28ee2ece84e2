"""What a training script imports: the live run, its flusher and what is captured around it. Light to import."""
