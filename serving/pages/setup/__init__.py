"""The page of the first run: what is missing, a file, its columns to confirm, the run, and where it leads."""
