"""Files on disk: the format, the write-ahead log, readers and writers of one run. Knows no query and no screen."""
