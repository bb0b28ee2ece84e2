"""Files on disk: the layout of a store, its schemas, the write-ahead log, who writes and who reads. No query engine."""
