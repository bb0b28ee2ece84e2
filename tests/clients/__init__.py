"""The real clients of other trackers: each logs, each says what it logged, and labtop is compared with it."""
