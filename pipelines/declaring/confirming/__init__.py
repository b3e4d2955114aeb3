"""The guesses about a file as a form shows them, for a person to confirm before the first run."""
