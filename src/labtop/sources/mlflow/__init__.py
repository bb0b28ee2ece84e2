"""MLflow: its file store (`files`) and its SQLite databases (`sql`), with one understanding of its words.

`facts` and what it uses know what MLflow means, `files` and `sql` where it keeps it.
"""
