"""Rich values as files and back: Parquet, PNG and text. Nothing is ever pickled."""
