"""Ready to draw, still without a terminal library: tables, comparisons, charts, clean text."""
