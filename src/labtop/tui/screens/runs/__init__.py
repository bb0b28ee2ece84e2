"""The Runs screen: `loading` asks, `table` shows, and a file for each thing that one does with it."""
