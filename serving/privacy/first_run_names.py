"""What the files of first runs are called."""

FOLDER = "first-run"  # of the data directory; a source's name has no dash
ATTEMPT, DECLARATION = "attempt.json", "declaration.yaml"
