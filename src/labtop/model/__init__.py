"""Facts about runs as frozen values. Standard library only; knows no file, no engine and no screen."""
