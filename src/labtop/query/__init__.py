"""Which runs exist and what they say: catalog, filter language, engine, series."""
