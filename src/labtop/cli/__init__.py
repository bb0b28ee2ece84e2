"""The command line: thin verbs over the same functions as the UI."""
